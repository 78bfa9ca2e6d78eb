"""Writes files, whole or not at all. No other module writes any."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache

from rewriter.errors import InputError, OutputError, UsageError
from rewriter.files.input import Source
from rewriter.files.locks import HAS_LOCKS, is_for_reading, lock

__all__ = [
    "IS_BLOB",
    "IS_BLOB_IN_ARCHIVE",
    "TEMPORARY",
    "check_path",
    "check_writable",
    "has_name_of_digest",
    "is_blob",
    "is_same_file",
    "write_atomic",
    "write_to_stdout",
    "written_whole",
]

_BLOB = "its name is the digest of what is in it, as in an OCI layout"

IS_BLOB = f"{_BLOB}; `nnshim rewrite LAYOUT OUT` rewrites a whole layout"
"""Why such a file is not written."""

IS_BLOB_IN_ARCHIVE = (
    f"{_BLOB}: unpack the archive into a folder, and rewrite that; for an OCI archive,"
    " `skopeo copy oci-archive:FILE:TAG oci:FOLDER:TAG` does it, and the other way round"
)
"""Why such a member of an archive is not written."""

_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{128}")
"""SHA-256 and SHA-512."""

TEMPORARY = ".nnshim-"
"""How the names of temporary files begin. Such a file that no process uses is removed."""

_CHUNK = 1 << 20
"""Bytes copied at a time."""

_UNUSED = 24 * 60 * 60
"""Seconds after which a temporary file counts as left behind, on systems without locks: writing one
never takes that long."""

_BINARY: int = getattr(os, "O_BINARY", 0)
"""Without it, Windows would replace each byte of 10 by another line end."""

Pieces = Iterable[range | bytes]
"""The output in order: bytes, and ranges of the source's bytes."""


_DESCRIPTORS = ("/dev/std", "/dev/fd/", "/proc/self/fd/")


def is_same_file(source: Source, path: str) -> bool:
    """Whether `path` names the file that the source is read from."""
    try:
        return source.status is not None and os.path.samestat(source.status, os.stat(path))
    except OSError:
        return False


def write_atomic(
    path: str, source: Source, pieces: Pieces, check: Callable[[str], None] = lambda _: None
) -> None:
    """Write `pieces` to `path`: a temporary file in the same folder, fsync, rename.

    Whatever happens, `path` holds its old content or all of the new one. The mode and, where
    permitted, the owner of a file that is replaced are kept; a new file gets the source's mode.
    A symbolic link stays, its target is replaced; of a file with several names, this one only gets
    the new content. `check` gets the temporary file's path before the rename, and what it raises
    stops the rename. Anything but a regular file (a pipe, a device) is written straight to,
    unchecked, and so is what this process has open already (/dev/stdout). Temporary files that a
    process has left behind which was killed, the next one removes (on Windows, which has no locks
    that show whether they are in use, a day later).

    Raises OutputError where it cannot be written.
    """
    target = os.path.realpath(path)
    with _as_output_error(path):
        old = _status(target)
        is_open = path.startswith(_DESCRIPTORS)
        if is_open:
            _check_open_for_writing(path)
        if is_open or (old is not None and not stat.S_ISREG(old.st_mode)):
            _write_through(path, source, pieces)
        else:
            _replace(target, old, source, pieces, check)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _check_open_for_writing(path: str) -> None:
    """Raise OSError for a descriptor of this process that is open for reading only, such as a
    closed standard output (rewriter.descriptors). The system would open its path for writing."""
    number = _number(path)
    if number is not None and is_for_reading(number):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _number(path: str) -> int | None:
    """The descriptor of this process that one of _DESCRIPTORS names."""
    number = {"/dev/stdout": "1", "/dev/stderr": "2"}.get(path, os.path.basename(path))
    return int(number) if number.isdecimal() else None


def _write_through(path: str, source: Source, pieces: Pieces) -> None:
    fd = os.open(path, os.O_WRONLY | _BINARY)
    try:
        _write_pieces(fd, source, pieces)
    finally:
        os.close(fd)


def _replace(
    target: str,
    old: os.stat_result | None,
    source: Source,
    pieces: Pieces,
    check: Callable[[str], None],
) -> None:
    mode = 0o666 if source.status is None else stat.S_IMODE(source.status.st_mode)
    with _replacing(target, old, mode, check) as fd:
        _write_pieces(fd, source, pieces)


@contextmanager
def _replacing(
    target: str,
    old: os.stat_result | None,
    mode: int,
    check: Callable[[str], None] = lambda _: None,
) -> Iterator[int]:
    """The descriptor of a temporary file, which takes the target's place at the end of the context,
    and goes where an exception ends it."""
    folder = os.path.dirname(target)
    _remove_left_behind(folder)
    temporary = ""
    try:  # a signal may end this at any place
        while True:
            temporary = os.path.join(folder, f"{TEMPORARY}{os.urandom(8).hex()}")
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
            if lock(fd) and os.path.exists(temporary):  # which shows that it is in use
                break
            os.close(fd)  # another process took it for left behind before it was locked
        with os.fdopen(fd, "wb", 0):
            yield fd
            if old is not None:
                _keep_owner_and_mode(fd, old)
            os.fsync(fd)
            check(temporary)
            if HAS_LOCKS:  # the lock stays until then, so that nobody removes the file
                os.replace(temporary, target)
        if not HAS_LOCKS:  # Windows renames no open file
            os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    with suppress(OSError):  # the new file stands, and some systems cannot sync a folder
        _sync_folder(folder)


@contextmanager
def written_whole(path: str) -> Iterator[Callable[[bytes], None]]:
    """What writes to `path`, piece by piece, as `write_atomic` does: `path` holds its old content
    until the context ends, and goes on to hold it if an exception ends it. Anything but a regular
    file is written straight to.

    Raises OutputError where it cannot be written; what is raised inside the context passes.
    """
    target = os.path.realpath(path)
    with ExitStack() as stack:
        with _as_output_error(path):
            old = _status(target)
            if path.startswith(_DESCRIPTORS):
                _check_open_for_writing(path)
                number = _number(path)  # whose position moves on, as a file opened anew would not
                fd = os.open(path, os.O_WRONLY | _BINARY) if number is None else os.dup(number)
                stack.callback(os.close, fd)
            elif old is not None and not stat.S_ISREG(old.st_mode):
                fd = os.open(path, os.O_WRONLY | _BINARY)
                stack.callback(os.close, fd)
            else:
                fd = stack.enter_context(_replacing(target, old, 0o666))

        def write(data: bytes) -> None:
            with _as_output_error(path):
                _write_all(fd, data)

        yield write
        with _as_output_error(path):
            stack.close()


@contextmanager
def _as_output_error(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


@cache  # or ten thousand outputs in a folder would list it ten thousand times
def _remove_left_behind(folder: str) -> None:
    """Remove temporary files that nobody uses, where permitted: once in each folder."""
    try:
        names = os.listdir(folder)
    except OSError:  # a folder that can be written to but not listed
        return
    for path in (os.path.join(folder, name) for name in names if name.startswith(TEMPORARY)):
        with suppress(OSError):
            if HAS_LOCKS:
                _remove_unlocked(path)
            elif time.time() - os.lstat(path).st_mtime > _UNUSED:
                os.unlink(path)


def _remove_unlocked(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if lock(fd, unknown=False):
            os.unlink(path)
    finally:
        os.close(fd)


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _keep_owner_and_mode(fd: int, old: os.stat_result) -> None:
    new = os.fstat(fd)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with suppress(PermissionError):  # the right to replace a file does not imply chown
            os.fchown(fd, old.st_uid, old.st_gid)
    if hasattr(os, "fchmod"):  # before Python 3.13, Windows has only a read-only flag
        os.fchmod(fd, stat.S_IMODE(old.st_mode))


def _write_pieces(fd: int, source: Source, pieces: Pieces) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            _write_all(fd, piece)
        elif source.fd is None:
            with memoryview(source.data) as view, view[piece.start : piece.stop] as part:
                _write_all(fd, part)
        else:
            _copy(source.fd, fd, piece)


def _write_all(fd: int, data: bytes | memoryview) -> None:
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])


def _copy(source_fd: int, fd: int, piece: range) -> None:
    """Through one buffer, which is faster than copy_file_range and sendfile: those move whole
    pages, and a rename shifts everything after it by a few bytes (benchmarks/rewrite.py)."""
    buffer = memoryview(bytearray(min(_CHUNK, len(piece))))
    pos = piece.start
    while pos < piece.stop:
        count = os.preadv(source_fd, [buffer[: piece.stop - pos]], pos)
        if count == 0:
            raise InputError("the input became shorter while it was copied; nothing was written")
        _write_all(fd, buffer[:count])
        pos += count


def check_writable(path: str) -> None:
    """Raise OutputError if a file cannot be written, as far as can be known beforehand."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if os.path.isdir(target):
        reason = "it is a folder"
    elif not os.path.isdir(folder):
        reason = f"there is no folder {folder}"
    elif not os.access(target if _is_special(target) else folder, os.W_OK):
        reason = "no permission"
    else:
        return
    raise OutputError(f"cannot write {path}: {reason}")


def _is_special(path: str) -> bool:
    """Whether it exists and is not a regular file: a pipe, a device."""
    return os.path.exists(path) and not os.path.isfile(path)


def write_to_stdout(module: bytes) -> None:
    """Raises OutputError."""
    try:
        sys.stdout.buffer.write(module)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error


def check_path(source: Source, path: str) -> None:
    """Raise UsageError where a binary cannot go there."""
    is_called_alike = source.name.lower().endswith(".wat") and not source.is_text
    if path.lower().endswith(".wat") and not is_called_alike:
        seen = "to see it as text, run `wasm-tools print` on it"
        raise UsageError(f"{path}: the output is binary; {seen}")
    if path == "-" and sys.stdout.isatty():
        raise UsageError("the output is binary and standard output is a terminal; redirect it")
    if source.is_text and is_same_file(source, path):
        raise UsageError(f"{path} is text, and a binary would replace it")
    if path != "-" and os.path.isfile(path) and is_blob(path):
        raise UsageError(f"cannot change {path}: {IS_BLOB}")


def is_blob(path: str) -> bool:
    """Whether a file is in an OCI layout, or has a name that is the digest of its content wherever
    such names are given.

    https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
    """
    path = os.path.realpath(path)
    blobs = os.path.dirname(os.path.dirname(path))
    layout = os.path.join(os.path.dirname(blobs), "oci-layout")
    in_layout = os.path.basename(blobs) == "blobs" and os.path.exists(layout)
    return in_layout or has_name_of_digest(path)


def has_name_of_digest(path: str) -> bool:
    """Whether a file's name can be the digest of its content."""
    return _DIGEST.fullmatch(os.path.basename(path)) is not None
