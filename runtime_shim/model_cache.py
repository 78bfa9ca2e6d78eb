"""The model cache: models that NN runtimes have compiled, kept in a folder for the next process.

Any number of processes may use a folder. NN runtimes never work in the folder itself. Each load has
its own folder inside it, with links to the files that are kept for that model. When the load is
done, its new files are renamed into the cache. So nobody reads half a file, and a file that is
removed stays usable for processes that have it open. Files with other names are never touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rewriter.errors import InputError, OutputError, UsageError
from rewriter.files.locks import lock

__all__ = ["Kept", "check_folder", "clear", "kept_models", "key_of", "workplace"]

log = logging.getLogger("runtime_shim")

_WORKPLACE = re.compile(r"nnshim-work-[0-9a-f]{16}")
"""Names of the folders that loads work in. Each load holds a lock on its own."""

_MARK = ".nnshim"
"""A folder inside each such folder. Without it, the folder is assumed to belong to someone else."""

_KEPT = re.compile(r"nnshim-(?P<runtime>[a-z]+)-(?P<key>[0-9a-f]{64})\.(?P<name>.+)", re.DOTALL)


class Kept(NamedTuple):
    """A cached file: its NN runtime, its size in bytes, and its last use in seconds since 1970."""

    path: str
    runtime: str
    size: int
    used: float


def key_of(*what: object) -> str:
    """The cache key of a compiled model, made from bytes, files (by their path, size and time), and
    printable values."""
    digest = hashlib.sha256()
    for item in what:
        if isinstance(item, Path):
            status = os.stat(item)
            item = (os.path.realpath(item), status.st_size, status.st_mtime_ns)
        content = item if isinstance(item, bytes) else repr(item).encode()
        digest.update(b"%d:" % len(content))
        digest.update(content)
    return digest.hexdigest()


@contextlib.contextmanager
def workplace(folder: str, most: int | None, runtime: str, key: str) -> Iterator[Path | None]:
    """A folder with the files that are cached under a key. An NN runtime reads them and may write
    others, which are added to the cache on exit. Then the least recently used files are removed
    until the cache has at most `most` bytes. Yields None if no such folder can be made."""
    try:
        work, lock = _new_workplace(folder)
    except OSError as error:
        log.info("the model is not cached: %s", error)
        yield None
        return
    try:
        _lay_out(folder, runtime, key, work)
        yield work
        try:
            _take_in(folder, most, runtime, key, work)
        except OSError as error:
            log.info("the model is not cached: %s", error)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(lock)


def check_folder(folder: str) -> None:
    """Raise UsageError for a path that cannot be used as a cache folder. A missing folder is
    accepted, because it is made at its first use."""
    there = os.path.abspath(folder)
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        raise UsageError(f"cannot use {folder} as the model cache: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(
            f"cannot use {folder} as the model cache: no permission to write in {there}"
        )


def kept_models(folder: str) -> list[Kept]:
    """All cached files, the least recently used first. Raises InputError for a folder that cannot
    be read."""
    try:
        return _kept(folder)
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}") from error


def clear(folder: str) -> list[Kept]:
    """Remove all cached files and the folders left behind by killed loads, and nothing else.

    Raises InputError for a folder that cannot be read, OutputError for a file that cannot be
    removed.
    """
    found = kept_models(folder)
    for item in found:
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(item.path)
        except OSError as error:
            raise OutputError(f"cannot remove {item.path}: {error.strerror}") from error
    _remove_left_behind(folder)
    return found


def _kept(folder: str) -> list[Kept]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            matched = _KEPT.fullmatch(entry.name)
            if matched is None:
                continue
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    used = status.st_mtime
                    found.append(Kept(entry.path, matched["runtime"], status.st_size, used))
    return sorted(found, key=lambda item: item.used)


def _lay_out(folder: str, runtime: str, key: str, work: Path) -> None:
    for name in os.listdir(folder):
        matched = _KEPT.fullmatch(name)
        if matched is None or (matched["runtime"], matched["key"]) != (runtime, key):
            continue
        kept, here = os.path.join(folder, name), work / matched["name"]
        with contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
            try:
                os.link(kept, here, follow_symlinks=False)
            except FileNotFoundError:
                raise
            except OSError:  # the file system does not support links
                shutil.copyfile(kept, here, follow_symlinks=False)


def _take_in(folder: str, most: int | None, runtime: str, key: str, work: Path) -> None:
    for file in work.iterdir():
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode) or (most is not None and status.st_size > most):
            continue
        target = os.path.join(folder, f"nnshim-{runtime}-{key}.{file.name}")
        if _is(status, target):
            os.utime(target)
        else:
            _sync(file)
            os.replace(file, target)
    if most is not None:
        _shrink(folder, most)


def _is(status: os.stat_result, path: str) -> bool:
    try:
        return os.path.samestat(status, os.lstat(path))
    except FileNotFoundError:
        return False


def _sync(file: Path) -> None:
    fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _shrink(folder: str, most: int) -> None:
    found = _kept(folder)
    size = sum(item.size for item in found)
    for item in found:
        if size <= most:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(item.path)
        log.info(
            "%s is removed from the model cache: the cache would exceed %d bytes", item.path, most
        )
        size -= item.size


def _new_workplace(folder: str) -> tuple[Path, int]:
    """A new folder to work in, and a lock on it that shows that it is in use."""
    os.makedirs(folder, exist_ok=True)
    _remove_left_behind(folder)
    while True:
        work = Path(folder, f"nnshim-work-{os.urandom(8).hex()}")
        os.mkdir(work, 0o700)
        try:
            os.mkdir(work / _MARK, 0o700)
            fd = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        if lock(fd) and work.exists():
            return work, fd
        os.close(fd)  # another process took it for a leftover before it was locked


def _remove_left_behind(folder: str) -> None:
    """Remove folders of loads that were killed, as far as permissions allow."""
    for name in os.listdir(folder):
        if _WORKPLACE.fullmatch(name) is None:
            continue
        work = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            fd = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.listdir(fd) or os.path.isdir(os.path.join(work, _MARK)):
                    shutil.rmtree(work)
            finally:
                os.close(fd)
