"""The parts of models: bytes from guests, and files of the host."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from runtime_shim.backends.interface import Part

__all__ = ["as_bytes", "as_file", "head", "mapped"]


def as_bytes(part: Part) -> bytes:
    """The bytes of a part."""
    return part.read_bytes() if isinstance(part, Path) else part


def head(part: Part, size: int) -> bytes:
    """The first `size` bytes of a part."""
    if not isinstance(part, Path):
        return bytes(part[:size])
    with part.open("rb") as file:
        return file.read(size)


@contextlib.contextmanager
def mapped(part: Part) -> Iterator[bytes | mmap.mmap]:
    """The bytes of a part; a file is mapped."""
    if not isinstance(part, Path):
        yield part
        return
    with part.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content


@contextlib.contextmanager
def as_file(part: Part) -> Iterator[Path]:
    """A file with the contents of a part, for NN runtimes that read only files. Bytes go into a
    file in memory: it has no name that could be left behind, and stays readable for anyone who has
    mapped it."""
    if isinstance(part, Path):
        yield part
        return
    with open(os.memfd_create("model"), "wb") as file:
        file.write(part)
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}")
