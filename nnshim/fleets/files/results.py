"""The results of `nnshim map`: a file each, and what they were made from."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Self

from nnshim.fleets.values import GuestInput
from rewriter.errors import OutputError
from rewriter.files.input import Source
from rewriter.files.output import write_atomic

__all__ = ["STATE", "Results", "digest_of"]

STATE = ".nnshim_map.sqlite"
"""The file in the folder of the results that says what each was made from. Its name does not begin
as those of temporary files do (rewriter.files.output), which are removed."""

_BESIDE = ("", "-wal", "-shm", "-journal")
"""Ends of the names of files that SQLite has beside it, and of its own.

https://www.sqlite.org/tempfiles.html
"""


def digest_of(given: GuestInput) -> str:
    """Of one input, with its arguments."""
    digest = hashlib.sha256(json.dumps(list(given.args)).encode())
    digest.update(b"\n")
    digest.update(given.stdin)
    return digest.hexdigest()


class Results:
    """The folder of one job's results. `job` is what all of them come from, by what it is called.

    Raises OutputError if the folder cannot be written, is in use by another `nnshim map`, has files
    that are not results, or has results of another job.
    """

    def __init__(self, folder: str, job: Mapping[str, object]) -> None:
        self._folder = folder
        self._made: set[str] = set()
        """Folders that are there."""
        state = os.path.join(folder, STATE)
        try:
            os.makedirs(folder, exist_ok=True)
            if not os.path.exists(state) and os.listdir(folder):
                raise OutputError(
                    f"{folder} has files that are not results of nnshim map: name another folder"
                )
            self._state = sqlite3.connect(state, timeout=0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"cannot write results to {folder}: {reason}") from error
        try:
            self._open(job)
        except sqlite3.Error as error:
            self._state.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                reason = "another nnshim map uses it"
                raise OutputError(f"cannot write results to {folder}: {reason}") from error
            raise OutputError(f"{state}: {error}") from error
        except BaseException:
            self._state.close()
            raise

    def _open(self, job: Mapping[str, object]) -> None:
        """Lock the state, so that nobody else writes there."""
        self._state.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._state.execute("PRAGMA journal_mode = WAL")
        self._state.execute("PRAGMA synchronous = NORMAL")
        self._state.execute("BEGIN EXCLUSIVE")
        self._state.execute("CREATE TABLE IF NOT EXISTS job (name TEXT PRIMARY KEY, value TEXT)")
        self._state.execute(
            "CREATE TABLE IF NOT EXISTS result"
            " (name TEXT PRIMARY KEY, input TEXT NOT NULL, output TEXT NOT NULL) WITHOUT ROWID"
        )
        now = {name: json.dumps(value, sort_keys=True) for name, value in job.items()}
        before = dict(self._state.execute("SELECT name, value FROM job"))
        if not self.count():
            self._state.execute("DELETE FROM job")
            self._state.executemany("INSERT INTO job VALUES (?, ?)", now.items())
        elif before != now:
            names = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
            raise OutputError(
                f"{self._folder} has results of another job (what differs: {', '.join(names)}):"
                " name another folder, or remove this one"
            )
        self._state.execute("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._state.close()

    def has(self, name: str, digest: str) -> bool:
        """Whether the result of an input is there, and is what was written. What is not the result
        of this input, such as that of an older one, is removed. Raises OutputError."""
        path = self._path(name)
        with _told(path):
            row = self._state.execute(
                "SELECT input, output FROM result WHERE name = ?", (os.fsencode(name),)
            ).fetchone()
            if row is not None and row[0] == digest and _digest_in(path) == row[1]:
                return True
        self.remove(name)
        return False

    def remove(self, name: str) -> None:
        """Raises OutputError."""
        path = self._path(name)
        with _told(path):
            self._state.execute("DELETE FROM result WHERE name = ?", (os.fsencode(name),))
            with suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(path)

    def add(self, name: str, digest: str, data: bytes) -> None:
        """Write the result of an input, whole or not at all. Raises OutputError."""
        path = self._path(name)
        folder = os.path.dirname(path)
        if folder not in self._made:
            with _told(path):
                os.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        write_atomic(path, Source(path, b""), (data,))
        with _told(path):
            self._state.execute(
                "INSERT INTO result VALUES (?, ?, ?)",
                (os.fsencode(name), digest, hashlib.sha256(data).hexdigest()),
            )

    def count(self) -> int:
        """Of all results, also of inputs that are no longer there."""
        (number,) = self._state.execute("SELECT count(*) FROM result").fetchone()
        return int(number)

    def _path(self, name: str) -> str:
        if name in {f"{STATE}{end}" for end in _BESIDE}:
            raise OutputError(f"the result of {name} would replace a file of nnshim map's own")
        return os.path.join(self._folder, name)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What the system or SQLite refuses becomes OutputError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {path}: {reason}") from error


def _digest_in(path: str) -> str | None:
    """Of the content of a file; None if there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
