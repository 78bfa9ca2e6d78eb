"""Whether a picture shows something."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

__all__ = ["check_png", "check_svg", "texts"]

_ELSEWHERE = re.compile(r"""@font-face|url\(["']?(https?:)?//|href=["'](https?:)?//""")

_LEAST = 1000
"""Deflate makes at most 1032 bytes of one, and comes close to it where all pixels are the same.

https://zlib.net/zlib_tech.html
"""


def texts(picture: Path) -> str:
    """The words of an SVG, with one space between them."""
    root = ElementTree.parse(picture).getroot()
    found = (
        "".join(element.itertext())
        for element in root.iter()
        if element.tag.rpartition("}")[2] == "text"
    )
    return " ".join(" ".join(found).split())


def check_svg(picture: Path, words: Collection[str]) -> None:
    """Raises ValueError where an SVG lacks some of these words, or takes a file from elsewhere."""
    found = texts(picture)
    missing = [word for word in words if word not in found]
    if missing:
        raise ValueError(f"{picture} does not show {', '.join(missing)}: {found[:200]!r}")
    if _ELSEWHERE.search(picture.read_text()):
        raise ValueError(f"{picture} takes a font or a picture from elsewhere")


def check_png(picture: Path, width: int, height: int) -> None:
    """Raises ValueError where a PNG does not have this size in pixels, or has one colour only."""
    data = picture.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(f"{picture} is not a PNG")
    size = struct.unpack(">II", data[16:24])
    if size != (width, height):
        raise ValueError(f"{picture} is {size[0]}x{size[1]}, and not {width}x{height}")
    pixels = zlib.decompress(b"".join(_parts(data)))
    if len(zlib.compress(pixels)) < len(pixels) / _LEAST + _LEAST:
        raise ValueError(f"{picture} shows nothing")


def _parts(data: bytes) -> list[bytes]:
    """Those with pixels.

    https://www.w3.org/TR/png-3/#5Chunk-layout
    """
    parts = []
    offset = 8
    while offset < len(data):
        size, kind = struct.unpack(">I4s", data[offset : offset + 8])
        if kind == b"IDAT":
            parts.append(data[offset + 8 : offset + 8 + size])
        offset += 12 + size
    return parts
