"""A constant that reaches one of wasi-nn's functions, as a value."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

__all__ = ["Constant", "Constants", "Place", "Subject"]


class Place(NamedTuple):
    """A call, in the function with an index, at `offset` in the file, in bytes; `name` is what the
    name section calls the function, empty where it has none."""

    function: int
    offset: int
    name: str = ""

    def __str__(self) -> str:
        return f"function {self.function}" + (f" ({self.name})" if self.name else "")


class Subject(Enum):
    """What is followed; values are what messages call it."""

    TYPE = "tensor type"
    ENCODING = "encoding"
    TARGET = "target"
    PARTS = "number of builders"
    CONFIG_LENGTH = "length of the configuration"
    OUTPUT_SIZE = "size of the buffer"


class Constant(NamedTuple):
    """One call of a wasi-nn function, or of one that passes on what it was given.

    `numbers` are what the subject can be there, None where that could not be seen, and `place` is
    None for calls that could not be seen. `element` are the bytes of data for each element that the
    dimensions count, of a tensor type, None where they are not constant.
    """

    subject: Subject
    function: str
    place: Place | None
    numbers: tuple[int, ...] | None
    element: int | None = None


class Constants(NamedTuple):
    """Of a module: `found` has each call that was looked for, with numbers or without."""

    found: tuple[Constant, ...] = ()

    def of(self, subject: Subject) -> tuple[Constant, ...]:
        """Those that were seen."""
        return tuple(one for one in self.found if one.subject is subject and one.numbers)

    def loads(self) -> Iterator[tuple[Constant, Constant, Constant]]:
        """The encoding, the target and the number of builders of each call of `load`."""
        subjects = (Subject.ENCODING, Subject.TARGET, Subject.PARTS)
        yield from zip(
            *([one for one in self.found if one.subject is subject] for subject in subjects),
            strict=True,
        )

    def hidden(self, subject: Subject) -> tuple[Constant, ...]:
        """Those that could not be seen."""
        return tuple(one for one in self.found if one.subject is subject and not one.numbers)
