"""Tells by its first bytes whether a file is WebAssembly, and by its name what it should be."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from rewriter.errors import InputError, MalformedModule, ModuleError
from rewriter.file_kinds import GZIP, HEAD, MAGIC, begins_as_archive, mistaken
from rewriter.trees.item import Format

__all__ = [
    "FLAGS",
    "format_of",
    "holds_files",
    "is_text_guest",
    "names_wasi_nn",
    "not_wasm",
    "read_head",
    "says_text",
    "says_wasm",
]

_SUFFIXES = {
    ".tar": Format.TAR,
    ".tar.gz": Format.TAR_GZIP,
    ".tgz": Format.TAR_GZIP,
    ".zip": Format.ZIP,
}

_OTHERS = re.compile(
    r"\.(7z|aab|aar|apk|cab|cpio|crx|deb|dmg|ear|egg|ipa|iso|jar|nupkg|pyzw?|rar|rpm|squashfs|vsix|war"
    r"|whl|xpi|taz|tb2|tbz2?|tbr|tlz4?|txz|tzst?)$"
    r"|\.(wasm|tar|cpio|zip)(\.(br|bz2|bz3|gz|lz|lz4|lzfse|lzma|lzo|sz|xz|z|zlib|zst|zstd|zz))+$"
)
"""Archives and compressed modules that are not looked into, by their names in lower case; of
`_SUFFIXES` and `says_wasm`, which come first, those that are compressed twice."""

_WITHOUT = (".a", ".keras", ".lib", ".npz", ".pt", ".pt2", ".pth", ".ptl", ".rlib")
"""Models that are ZIP archives, and libraries, whose objects are linked; neither has modules."""

_WASI_NN = re.compile(rb"wasi[-_:]?(ephemeral_)?nn", re.IGNORECASE)
"""In an import of wasi-nn in text form, by any name that means it."""

_PIECE, _LONGEST_NAME = 1 << 16, 32

FLAGS: int = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that took the file's place keeps nobody waiting
)
"""To open a file for reading."""


def format_of(name: str) -> Format | None:
    """The archive that a file is, by its name: a wheel or a model in a ZIP archive is not one."""
    lower = name.lower()
    return next((form for end, form in _SUFFIXES.items() if lower.endswith(end)), None)


def holds_files(name: str, head: bytes) -> bool:
    """Whether modules may be in a file that is not looked into: by its name, or by its first
    HEAD bytes, or all of it, after gzip, unless its name says that it has none."""
    lower = name.lower()
    if lower.endswith(_WITHOUT):
        return False
    return _OTHERS.search(lower) is not None or head.startswith(GZIP) or begins_as_archive(head)


def is_text_guest(path: str) -> bool:
    """Whether the file's name says that it is a module in text form, and it names wasi-nn, which a
    module does that imports it. Raises InputError."""
    if not says_text(path):
        return False
    try:
        with open(os.open(path, FLAGS), "rb") as file:
            return names_wasi_nn(b"", file.read)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def names_wasi_nn(head: bytes, read: Callable[[int], bytes]) -> bool:
    """Whether wasi-nn is named in a text that begins with `head`. `read` returns what follows, at
    most so many bytes at a time. Raises what `read` raises."""
    seen = head
    while not _WASI_NN.search(seen):
        piece = read(_PIECE)
        if not piece:
            return False
        seen = seen[-_LONGEST_NAME:] + piece
    return True


def says_text(name: str) -> bool:
    """Whether the name says that it is a module in text form."""
    return name.lower().endswith(".wat")


def says_wasm(name: str) -> bool:
    """Whether the name says that it is a module, maybe compressed."""
    return name.lower().endswith((".wasm", ".wasm.gz"))


def read_head(path: str) -> bytes:
    """The first HEAD bytes. Raises InputError."""
    try:
        fd = os.open(path, FLAGS)
        try:
            return os.read(fd, HEAD)
        finally:
            os.close(fd)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def not_wasm(name: str, head: bytes) -> ModuleError:
    """The error about a file with a module's name that begins with something else. `head` has HEAD
    bytes, or all of the file."""
    if len(head) < len(MAGIC) and MAGIC.startswith(head) and head:
        return MalformedModule(f"{name}: the header is truncated", len(head), "NN102")
    reason, remedy = mistaken(head[:HEAD], "WebAssembly") or (
        "not WebAssembly: it does not start with \\0asm",
        None,
    )
    return MalformedModule(f"{name}: {reason}", 0, "NN101", remedy)
