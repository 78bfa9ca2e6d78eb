"""The results of `nnshim map`: a file each, and what they were made from."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import Self

from rewriter.errors import InputError, OutputError
from rewriter.files.input import Source
from rewriter.files.output import TEMPORARY, write_atomic

__all__ = ["STATE", "STATES", "Results"]

STATE = ".nnshim_map.sqlite"
"""The file in the folder of the results that says what each was made from. Its name does not begin
as those of temporary files do (rewriter.files.output), which are removed."""

STATES = frozenset(f"{STATE}{end}" for end in ("", "-wal", "-shm", "-journal"))
"""It, and the files that SQLite has beside it.

https://www.sqlite.org/tempfiles.html
"""

_APPLICATION = int.from_bytes(b"nnmp")
"""What says that a database of SQLite is this one.

https://www.sqlite.org/pragma.html#pragma_application_id
"""


class Results:
    """The folder of one job's results. `job` is what all of them come from, by what it is called.

    Raises OutputError if the folder cannot be written, is in use by another `nnshim map`, has files
    that are not results, or has results of another job. A result is recorded before it is written,
    and until it is removed: a file that is not recorded is the user's.
    """

    def __init__(self, folder: str, job: Mapping[str, object]) -> None:
        self._folder = folder
        self._made: set[str] = set()
        """Folders that are there."""
        self._real = os.path.realpath(folder)
        self._checked: set[str] = set()
        """Folders that are not behind links."""
        state = os.path.join(folder, STATE)
        try:
            os.makedirs(folder, exist_ok=True)
            if not os.path.exists(state) and os.listdir(folder):
                raise OutputError(
                    f"{folder} has files that are not results of nnshim map: name another folder"
                )
            self._state = sqlite3.connect(state, timeout=0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            reason = _reason(folder, error)
            raise OutputError(f"cannot write results to {folder}: {reason}") from error
        try:
            self._open(job)
            self._file = _file_at(state)
        except sqlite3.Error as error:
            self._state.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise OutputError(
                    f"another nnshim map, which still runs, writes its results to {folder}: wait"
                    " until it ends, or name another folder",
                    "NN014",
                ) from error
            raise OutputError(f"cannot write {state}: {_reason(folder, error)}") from error
        except BaseException:
            self._state.close()
            raise

    def _open(self, job: Mapping[str, object]) -> None:
        """Lock the state, so that nobody else writes there."""
        # Before anything is read, or SQLite makes a file of shared memory.
        self._state.execute("PRAGMA locking_mode = EXCLUSIVE")
        (owner,) = self._state.execute("PRAGMA application_id").fetchone()
        (tables,) = self._state.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and owner != _APPLICATION:
            raise OutputError(
                f"{self._folder} has a {STATE} that is not nnshim's: name another folder"
            )
        self._state.execute("PRAGMA journal_mode = WAL")
        self._state.execute("PRAGMA synchronous = NORMAL")
        self._state.execute("BEGIN EXCLUSIVE")
        self._state.execute(f"PRAGMA application_id = {_APPLICATION}")
        self._state.execute("CREATE TABLE IF NOT EXISTS job (name TEXT PRIMARY KEY, value TEXT)")
        self._state.execute(
            "CREATE TABLE IF NOT EXISTS result"
            " (name TEXT PRIMARY KEY, input TEXT NOT NULL, output TEXT NOT NULL) WITHOUT ROWID"
        )
        now = {name: _digest_of(value) for name, value in job.items()}
        before = dict(self._state.execute("SELECT name, value FROM job"))
        differing = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
        if differing and self._has_any():
            raise OutputError(
                f"{self._folder} has the results of another job (what differs:"
                f" {', '.join(differing)}): to start anew, name another folder or remove this one",
                "NN013",
            )
        if differing:
            self._state.execute("DELETE FROM result")
            self._state.execute("DELETE FROM job")
            self._state.executemany("INSERT INTO job VALUES (?, ?)", now.items())
        self._state.execute("COMMIT")

    def _has_any(self) -> bool:
        """Whether there is a result, and not only the record of one that was never written."""
        names = self._state.execute("SELECT name FROM result")
        return any(
            os.path.lexists(os.path.join(self._folder, os.fsdecode(name))) for (name,) in names
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._state.close()

    def has(self, name: str, digest: str) -> bool:
        """Whether the result of an input is there, and is what was written. What is not the result
        of this input, such as that of an older one, is removed, and so are results that are in the
        way of this one: an input may have become a folder, or the other way round. Raises
        OutputError."""
        path = self._path(name)
        with _told(path):
            if self._row(name) == (digest, _written(path)):
                return True
        self.remove(name)
        self._make_way(name)
        return False

    def _make_way(self, name: str) -> None:
        """Raises OutputError."""
        parts = name.split(os.sep)
        for count in range(1, len(parts)):
            above = os.sep.join(parts[:count])
            if self.refused(above) is None:  # a folder may have a name that no result has
                self.remove(above)
        key = os.fsencode(name)
        with _told(os.path.join(self._folder, name)):
            rows = self._state.execute(
                "SELECT name FROM result WHERE name > ? AND name < ?", (key + b"/", key + b"0")
            ).fetchall()
        for (each,) in rows:
            below = os.fsdecode(each)
            self.remove(below)
            while (below := os.path.dirname(below)) != os.path.dirname(name):
                folder = os.path.join(self._folder, below)
                self._made.discard(folder)
                with suppress(OSError):  # it may have more in it
                    os.rmdir(folder)

    def remove(self, name: str) -> None:
        """Remove the result of an input, if there is one. Raises OutputError."""
        path = self._path(name)
        with _told(path):
            if self._row(name) is None:
                return
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                os.unlink(path)
            self._state.execute("DELETE FROM result WHERE name = ?", (os.fsencode(name),))

    def _row(self, name: str) -> tuple[str, str] | None:
        """What the result of an input was made from, and what is in it."""
        row: tuple[str, str] | None = self._state.execute(
            "SELECT input, output FROM result WHERE name = ?", (os.fsencode(name),)
        ).fetchone()
        return row

    def add(self, name: str, digest: str, data: bytes) -> None:
        """Write the result of an input, whole or not at all. Raises OutputError, also for a file
        in its place that was never a result. One that holds the same is, from before a power
        failure."""
        path = self._path(name)
        made = hashlib.sha256(data).hexdigest()
        self._check_there()
        with _told(path):
            is_there = self._row(name) is None and os.path.lexists(path)
            if is_there and _written(path) != made:
                raise OutputError(f"{path} is not a result of this job: move it to another folder")
            self._state.execute(
                "INSERT OR REPLACE INTO result VALUES (?, ?, ?)",
                (os.fsencode(name), digest, made),
            )
        if is_there:
            return
        try:
            self._write(path, data)
        except OutputError:
            with suppress(sqlite3.Error):  # the disk may be full; a record alone is no result
                self._state.execute("DELETE FROM result WHERE name = ?", (os.fsencode(name),))
            raise

    def _write(self, path: str, data: bytes) -> None:
        """Raises OutputError."""
        folder = os.path.dirname(path)
        if folder not in self._made:
            with _told(path):
                os.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        write_atomic(path, Source(path, b""), (data,))

    def _check_there(self) -> None:
        """Raise OutputError unless the folder has the state that was opened: another job may have
        begun in a new one."""
        if _file_at(os.path.join(self._folder, STATE)) != self._file:
            raise OutputError(
                f"{self._folder} was removed, or replaced, while this job wrote to it"
            )

    def count(self) -> int:
        """Of all results, also of inputs that are no longer there. Raises OutputError, even if
        the folder was removed meanwhile, and results with it."""
        self._check_there()
        with _told(os.path.join(self._folder, STATE)):
            (number,) = self._state.execute("SELECT count(*) FROM result").fetchone()
        return int(number)

    def refused(self, name: str) -> InputError | None:
        """Why an input cannot have a result, if so."""
        if name.split(os.sep)[0] in STATES or os.path.basename(name).startswith(TEMPORARY):
            return InputError("its result would have the name of a file of nnshim's own")
        return None

    def _path(self, name: str) -> str:
        """Raises OutputError for what is not in the folder, and what `refused` says."""
        refused = self.refused(name)
        if refused is not None:
            raise refused
        place = os.path.dirname(name)
        if place not in self._checked:
            folder = os.path.join(self._folder, place)
            if os.path.realpath(folder) != os.path.normpath(os.path.join(self._real, place)):
                raise OutputError(
                    f"{folder} is a link or behind one, and so is not in {self._folder}"
                )
            self._checked.add(place)
        return os.path.join(self._folder, name)


def _digest_of(value: object) -> str:
    """What shows a change, and no secret of the environment."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _reason(folder: str, error: OSError | sqlite3.Error) -> object:
    """What is wrong with a folder. SQLite itself says of any that it "cannot open" a file."""
    if isinstance(error, OSError):
        return error.strerror
    try:
        with TemporaryFile(dir=folder):
            return error
    except OSError as refused:
        return refused.strerror


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What the system or SQLite refuses becomes OutputError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {path}: {reason}") from error


def _written(path: str) -> str | None:
    """The digest of a result; None if there is none. What a link leads to is not in the folder, and
    a pipe would be waited for."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _file_at(path: str) -> tuple[int, int] | None:
    """Which file has this name; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
