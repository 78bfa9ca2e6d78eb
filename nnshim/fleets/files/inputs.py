"""The inputs of `nnshim map`: files of a folder, lines of a file, or objects of JSON on lines."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, Protocol

from nnshim.fleets.files.results import STATES
from nnshim.fleets.values import GuestInput
from rewriter.errors import InputError
from rewriter.trees.item import Identity, identity

__all__ = ["Inputs", "NamedInput", "find_inputs"]

_PLACE = "{}"
"""What stands in an argument for the path of an input, or its line."""

_LONGEST = 256 << 20
"""Bytes of a line."""

_DIGITS = 8
"""Of the name of a line. Names of more lines are longer."""

_KEYS = {"args": list, "stdin": str, "stdin_file": str}


class NamedInput(NamedTuple):
    """An input, or why it cannot be read. `name` is a relative path, that of its result."""

    name: str
    input: GuestInput | InputError


class Inputs(Protocol):
    """Where inputs come from. They can be gone through more than once."""

    path: str

    def __iter__(self) -> Iterator[NamedInput]:
        """In order. Raises InputError if they cannot be found."""

    def names(self) -> Iterator[object]:
        """Something for each, without what is in it. Raises InputError."""


def find_inputs(path: str, args: Sequence[str]) -> Inputs:
    """The inputs that the user means, of which each has the arguments `args`. In these, `{}` stands
    for the path of a file or for the text of a line. Raises InputError if there are none."""
    found: Inputs
    if os.path.isdir(path):
        found = _Folder(path, args)
    elif path.endswith(".jsonl"):
        found = _Objects(path, args)
    else:
        found = _Lines(path, args)
    if next(found.names(), None) is None:
        kind = "files" if os.path.isdir(path) else "lines"
        raise InputError(f"there are no inputs: {path} has no {kind}")
    return found


class _Folder:
    """The files in a folder, and in folders in it, by their paths. If it has the results of another
    job, what that job knows of them is not an input."""

    def __init__(self, path: str, args: Sequence[str]) -> None:
        self.path = path
        self._args = args

    def names(self) -> Iterator[str]:
        for where, folders, files in os.walk(self.path, onerror=_refuse):
            folders.sort()
            for folder in folders:
                if os.path.islink(os.path.join(where, folder)):
                    link = os.path.join(where, folder)
                    raise InputError(
                        f"{link} is a link to a folder, which is not followed: remove it, or name"
                        " that folder"
                    )
            for file in sorted(files):
                name = os.path.relpath(os.path.join(where, file), self.path)
                if name not in STATES:
                    yield name

    def __iter__(self) -> Iterator[NamedInput]:
        for name in self.names():
            path = os.path.join(self.path, name)
            try:
                given: GuestInput | InputError = GuestInput(
                    _read(path), [arg.replace(_PLACE, path) for arg in self._args]
                )
            except InputError as error:
                given = error
            yield NamedInput(name, given)


class _Lines:
    """The lines of a file, each with its end, by their numbers."""

    def __init__(self, path: str, args: Sequence[str]) -> None:
        self.path = path
        self._args = args
        self._state: Identity | None = None

    def names(self) -> Iterator[bytes]:
        """Raises InputError, also for a file that has changed since it was first read: results have
        the numbers of lines."""
        with _opened(self.path) as file:
            self._check_unchanged(file)
            while line := file.readline(_LONGEST + 1):
                self._check_unchanged(file)
                if len(line) > _LONGEST:
                    raise InputError(f"{self.path} has a line of more than {_LONGEST} bytes")
                if not self._is_left_out(line, file):
                    yield line
            self._check_unchanged(file)

    def _is_left_out(self, line: bytes, file: BinaryIO) -> bool:
        """Whether a line, after which the file was read so far, is not an input."""
        return False

    def _check_unchanged(self, file: BinaryIO) -> None:
        state = identity(os.fstat(file.fileno()))
        if self._state is None:
            self._state = state
        elif state != self._state:
            raise InputError(f"{self.path} has changed since the job began")

    def __iter__(self) -> Iterator[NamedInput]:
        for number, line in enumerate(self.names(), 1):
            try:
                given: GuestInput | InputError = self._input(line)
            except InputError as error:
                given = InputError(f"line {number}: {error}")
            yield NamedInput(f"{number:0{_DIGITS}}", given)

    def _input(self, line: bytes) -> GuestInput:
        """Raises InputError."""
        if not any(_PLACE in arg for arg in self._args):
            return GuestInput(line, self._args)
        try:
            text = line.rstrip(b"\r\n").decode()
        except UnicodeDecodeError as error:
            raise InputError(f"an argument has to be UTF-8: {error}") from error
        if "\0" in text:
            raise InputError("an argument cannot have a NUL in it")
        return GuestInput(line, [arg.replace(_PLACE, text) for arg in self._args])


class _Objects(_Lines):
    """The same of lines that are objects: `args` follow the arguments of all, and `stdin`, a text,
    or `stdin_file`, a path from the folder of the file, is the standard input."""

    def _is_left_out(self, line: bytes, file: BinaryIO) -> bool:
        """A blank line at the end."""
        if line.strip():
            return False
        here = file.tell()
        is_last = not file.read(1)
        file.seek(here)
        return is_last

    def _input(self, line: bytes) -> GuestInput:
        try:
            value = json.loads(
                line.rstrip(b"\r\n"), object_pairs_hook=_object, parse_int=_whole_number
            )
        except json.JSONDecodeError as error:
            if not line.strip():
                raise InputError("the line is blank") from None
            raise InputError(f"it is not JSON: {error.msg} at column {error.colno}") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"it is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise InputError("it is not a JSON object")
        _check(value)
        args = value.get("args", [])
        if "stdin_file" in value:
            stdin = _read(os.path.join(os.path.dirname(self.path), value["stdin_file"]))
        else:
            stdin = _encoded("stdin", value.get("stdin", ""))
        return GuestInput(stdin, [*self._args, *args])


def _whole_number(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python's limit of digits
        raise InputError("a number has too many digits") from None


def _object(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise InputError("an object has a key more than once")
    return value


def _check(value: Mapping[str, Any]) -> None:
    """Raises InputError for an object that is not an input."""
    for key, given in value.items():
        if key not in _KEYS:
            raise InputError(f"unknown key {key!r}; expected one of {', '.join(_KEYS)}")
        if not isinstance(given, _KEYS[key]):
            kind = "a list of strings" if key == "args" else "a string"
            raise InputError(f"{key} is not {kind}")
    if "stdin" in value and "stdin_file" in value:
        raise InputError("stdin and stdin_file contradict each other")
    for arg in value.get("args", ()):
        if not isinstance(arg, str):
            raise InputError("args is not a list of strings")
        if b"\0" in _encoded("args", arg):
            raise InputError("an argument cannot have a NUL in it")


def _encoded(key: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{key} has half of a character: {error}") from error


def _read(path: str) -> bytes:
    """Raises InputError."""
    with _opened(path) as file:
        return file.read()


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """Raises InputError, also for what is not a regular file: a pipe has nothing left when it is
    read a second time, and reading it might never end."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(f"{path} is not a regular file")
            yield file
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    except MemoryError as error:
        raise InputError(f"cannot read {path}: it does not fit into memory") from error


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _refuse(error: OSError) -> None:
    raise InputError(f"cannot read the folder {error.filename}: {error.strerror}")
