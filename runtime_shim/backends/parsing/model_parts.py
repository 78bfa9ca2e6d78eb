"""The parts of models: bytes from guests, and files of the host."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rewriter.abi.dialects import Errno
from rewriter.file_kinds import HEAD, LFS_POINTER, Family, kind_of, mistaken, special
from runtime_shim.backends.interface import Part
from runtime_shim.errors import HostError

__all__ = [
    "as_bytes",
    "as_file",
    "check_weights",
    "head",
    "mapped",
    "no_file",
    "other_kind",
    "unfit",
    "with_weights",
]


def as_bytes(part: Part) -> bytes:
    """The bytes of a part."""
    return part.read_bytes() if isinstance(part, Path) else part


def head(part: Part, size: int) -> bytes:
    """The first `size` bytes of a part."""
    if not isinstance(part, Path):
        return bytes(part[:size])
    with part.open("rb") as file:
        return file.read(size)


def with_weights(paths: Sequence[str]) -> tuple[str, ...]:
    """The files of a model: after an XML file that is named alone, the one beside it that OpenVINO
    writes the weights to, whether or not it is there."""
    stem, suffix = os.path.splitext(paths[0])
    if len(paths) == 1 and suffix.lower() == ".xml":
        return paths[0], f"{stem}.bin"
    return tuple(paths)


def no_file(path: str, paths: Sequence[str]) -> str:
    """That the model in `paths` lacks one of its files, or what stands there in its place."""
    what = special(path)
    if what is not None:
        return f"{path} is {what}, not a model's file"
    if path != paths[0] and paths == with_weights(paths[:1]):
        return f"{path} does not exist; it has the weights of {paths[0]}"
    return f"{path} does not exist"


def other_kind(part: Part) -> str | None:
    """What the bytes of a part are, and what to do about it, if they are of a known kind that is
    not a model. None for a model and for an unknown kind. Raises OSError if the part cannot be
    read."""
    start = head(part, HEAD)
    kind = kind_of(start)
    if kind is not None and kind.family is Family.MODEL:
        return None
    found = mistaken(start, "a model")
    return None if found is None else "; ".join(found)


def check_weights(part: Part) -> None:
    """Raise HostError with `invalid_argument` if the weights of a model are a Git LFS pointer. If
    the model needs fewer bytes than the pointer has, it would compute with them."""
    if kind_of(head(part, HEAD)) is LFS_POINTER:
        reason = f"the weights are {LFS_POINTER.title}; {LFS_POINTER.remedy}"
        raise HostError(Errno.INVALID_ARGUMENT, reason)


def unfit(path: str) -> str | None:
    """Why the first file of a model is not one, and what to do about it. None for a model and for
    an unknown kind. Raises OSError if the file cannot be read."""
    stem, suffix = os.path.splitext(path)
    found = other_kind(Path(path))
    if suffix == ".bin" and os.path.isfile(f"{stem}.xml"):
        return f"{path}: these are the weights of an OpenVINO model; name {stem}.xml instead"
    return None if found is None else f"{path}: {found}"


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
