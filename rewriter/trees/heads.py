"""Tells by its first bytes whether a file is WebAssembly, and by its name what it should be."""

from __future__ import annotations

import os

from rewriter.errors import InputError, MalformedModule, ModuleError
from rewriter.file_kinds import HEAD, mistaken
from rewriter.trees.item import Format

__all__ = [
    "FLAGS",
    "GZIP",
    "MAGIC",
    "format_of",
    "holds_files",
    "not_wasm",
    "read_head",
    "says_wasm",
]

MAGIC = b"\0asm"
"""https://webassembly.github.io/spec/core/binary/modules.html#binary-module"""

GZIP = b"\x1f\x8b\x08"
"""https://www.rfc-editor.org/rfc/rfc1952#page-5"""

_SUFFIXES = {
    ".tar": Format.TAR,
    ".tar.gz": Format.TAR_GZIP,
    ".tgz": Format.TAR_GZIP,
    ".zip": Format.ZIP,
}

_OTHERS = (
    *(".7z", ".apk", ".deb", ".jar", ".rar", ".rpm", ".war", ".whl"),
    *(".tar.bz2", ".tar.lz4", ".tar.xz", ".tar.zst", ".tbz2", ".txz", ".tzst"),
    *(".wasm.br", ".wasm.bz2", ".wasm.xz", ".wasm.zst"),
)
"""Archives and compressed modules that are not looked into."""

_ARCHIVES = (
    b"PK\3\4",  # https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
    b"7z\xbc\xaf\x27\x1c",  # https://py7zr.readthedocs.io/en/latest/archive_format.html
    b"Rar!\x1a\7",  # https://www.rarlab.com/technote.htm
    b"\xfd7zXZ\0",  # https://tukaani.org/xz/xz-file-format.txt
    b"\x28\xb5\x2f\xfd",  # https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
    b"BZh",
    b"\x1f\x9d",  # of compress
)
"""What archives, and files that are compressed in another way than with gzip, begin with."""

_MODELS = (".keras", ".npz", ".pt", ".pt2", ".pth", ".ptl")
"""Models that are ZIP archives, and have no modules in them."""

_TAR, _TAR_AT = b"ustar", 257
"""https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06"""

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
    HEAD bytes, or all of it, unless its name says that it is a model."""
    lower = name.lower()
    begins = head.startswith(_ARCHIVES) or head.startswith(_TAR, _TAR_AT)
    return lower.endswith(_OTHERS) or (begins and not lower.endswith(_MODELS))


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
