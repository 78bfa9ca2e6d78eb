"""The input of a rewrite: a file that is mapped, standard input, or text that is assembled."""

from __future__ import annotations

import io
import mmap
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from rewriter.errors import InputError, InvalidModule, MalformedModule, ModuleError
from rewriter.file_kinds import special
from rewriter.files.locks import lease
from rewriter.wasm.limits import LARGEST_MODULE
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data

__all__ = ["Origin", "PassedOver", "Source", "open_source"]

_PIECE = 1 << 20
"""Bytes read at a time from an input that may have no end."""


class PassedOver(NamedTuple):
    """A manifest of an index that was not taken, or of whose layers some were not, and why.
    `platform` is that of the index, None if it has none."""

    digest: str
    platform: str | None
    reason: str


class Origin(NamedTuple):
    """Where a module from an artifact was found: the digest of its manifest, and of the index that
    the reference names, None if that is the manifest itself."""

    manifest: str
    in_index: str | None = None
    passed_over: tuple[PassedOver, ...] = ()


class Source(NamedTuple):
    """A module's bytes. `fd` is the descriptor of the mapped file, which nobody changes while it is
    mapped, or None if the bytes are in memory. `status` is that of the regular file that they were
    read from, or None if there was none."""

    name: str
    data: Data
    fd: int | None = None
    status: os.stat_result | None = None
    is_text: bool = False
    """Whether the data was assembled from a file in the text format."""
    origin: Origin | None = None
    """If the data are a layer of an artifact."""

    def module(self) -> Module:
        """Parse it. Raises ModuleError, which names the file."""
        try:
            return Module(self.data, self.name)
        except ModuleError as error:
            raise error.of(self.name) from error

    @property
    def for_validation(self) -> bytes | str:
        """A path to the mapped file, or the data."""
        if isinstance(self.data, bytes):
            return self.data
        return f"/proc/{os.getpid()}/fd/{self.fd}"  # another file may have its name by now

    def validate(self) -> None:
        """Raises InvalidModule if wasm-tools refuses the module, DependencyMissing if wasm-tools is
        not installed, and ToolError if it fails."""
        from rewriter.files import wasm_tools

        try:
            wasm_tools.validate(self.for_validation)
        except InvalidModule as error:
            raise InvalidModule(f"it is not valid: {error.reason}", error.offset) from error


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a module. `-` is standard input. Text, known by its suffix or its look, is assembled.

    A regular file is mapped, not read, if nobody can change it meanwhile, which only Linux can
    ensure: reading from the map of a file that was cut off ends the process. Raises InputError if
    the file cannot be read or is larger than any module (an endless input is read up to that size),
    MalformedModule for a file that has a name for text and is known to be something else, and
    InvalidModule or DependencyMissing for text that cannot be assembled.
    """
    if path == "-":
        if sys.stdin is None:  # Python's, where it is closed
            raise InputError("cannot read <stdin>: it is closed")
        yield _from_bytes("<stdin>", _read("<stdin>", sys.stdin.buffer))
        return
    with _opened(path) as file:
        fd = file.fileno()
        status = os.fstat(fd)
        regular = stat.S_ISREG(status.st_mode)
        if regular and status.st_size and not _is_text(path, file.peek(256)) and lease(fd):
            if os.fstat(fd).st_size > LARGEST_MODULE:
                raise _too_large(path)
            with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as data:
                yield Source(path, data, fd, status)
            return
        read = _from_bytes(path, _read(path, file), status if regular else None)
    yield read  # the file is closed: Windows replaces none that is open


def _opened(path: str) -> io.BufferedReader:
    try:
        return open(path, "rb")
    except OSError as error:
        what = special(path)
        reason = f"it is {what}" if what in ("a folder", "a socket") else error.strerror
        if os.path.exists(os.path.join(path, "oci-layout")):
            reason = f"it is an OCI layout: name what is in it, as oci-layout:{path}:TAG"
        raise InputError(f"cannot read {path}: {reason}") from error


def _read(name: str, file: IO[bytes]) -> bytes:
    """Read to the end. Raises InputError if that is too much, or fails."""
    pieces = []
    left = LARGEST_MODULE + 1
    try:
        while left and (piece := file.read(min(_PIECE, left))):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from error
    except MemoryError:
        raise InputError(f"cannot read {name}: there is not enough memory for it") from None
    if not left:
        raise _too_large(name)
    return b"".join(pieces)


def _too_large(name: str) -> InputError:
    return InputError(f"{name} has more than {LARGEST_MODULE} bytes, which no engine accepts")


def _is_text(path: str, head: bytes) -> bool:
    """Tell text by its look, or by its name if it does not look like a module."""
    if head.startswith(b"\0asm"):
        return False
    return path.lower().endswith(".wat") or head[:256].lstrip()[:1] in (b"(", b";")


def _from_bytes(name: str, data: bytes, status: os.stat_result | None = None) -> Source:
    if _is_text(name, data):
        from rewriter.files import wasm_tools

        _check_text(name, data)
        try:
            return Source(name, wasm_tools.assemble(data), status=status, is_text=True)
        except ModuleError as error:
            raise error.of(name) from error
    return Source(name, data, status=status)


def _check_text(name: str, data: bytes) -> None:
    """Raise MalformedModule where a file with a name for text is known to be something else, such
    as text in another encoding, which wasm-tools would refuse without saying what it is."""
    from rewriter.file_kinds import HEAD, mistaken

    if data[:256].lstrip()[:1] in (b"", b"(", b";"):  # nothing is a module without fields
        return
    found = mistaken(data[:HEAD], "WebAssembly's text format", text=True)
    if found is not None:
        reason, remedy = found
        raise MalformedModule(f"{name}: {reason}", 0, "NN101", remedy)
