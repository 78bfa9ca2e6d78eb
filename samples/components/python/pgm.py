"""Reads greyscale images in PGM (P2 or P5), as the model takes them."""

import re
import struct
from pathlib import Path

SIDE = 8


class Damaged(Exception):
    """A file is not what it should be."""


HEADER = re.compile(rb"P([25])" + 3 * rb"(?:\s|#[^\n]*\n)+(\d{1,5})" + rb"\s")


def read_pgm(path: Path) -> list[float]:
    """The 64 brightnesses of an image, from 0 to 1."""
    data = path.read_bytes()
    header = HEADER.match(data)
    if header is None:
        raise Damaged(f"{path}: is not a PGM image")
    kind, width, height, most = map(int, header.groups())
    if not (SIDE <= width <= 4096 and SIDE <= height <= 4096 and 1 <= most <= 65535):
        raise Damaged(f"{path}: has sides under 8 or over 4096, or a wrong maximum")
    try:
        samples = read_samples(data[header.end() :], kind, width * height, most)
    except (ValueError, struct.error):
        raise Damaged(f"{path}: is damaged") from None

    sums, counts = [0.0] * SIDE**2, [0] * SIDE**2
    for at, sample in enumerate(samples):
        y, x = divmod(at, width)
        cell = y * SIDE // height * SIDE + x * SIDE // width
        sums[cell] += sample / most
        counts[cell] += 1
    return [total / count for total, count in zip(sums, counts, strict=True)]


def read_samples(data: bytes, kind: int, count: int, most: int) -> tuple[int, ...]:
    """The brightnesses of all pixels, from 0 to `most`.

    Raises ValueError or struct.error for too few, and for those that are too large.
    """
    if kind == 2:
        words = re.sub(rb"#[^\n]*", b"", data).split()
        samples = tuple(int(word) for word in words[:count])
        if len(samples) < count:
            raise ValueError("too few")
    else:
        samples = struct.unpack_from(f">{count}{'B' if most < 256 else 'H'}", data)
    if not 0 <= min(samples) <= max(samples) <= most:
        raise ValueError("too large")
    return samples
