"""The constants that a guest passes to wasi-nn's functions, as values."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from rewriter.wasm.names import in_rust

__all__ = ["Constant", "Constants", "Place", "Subject"]


class Place(NamedTuple):
    """The place of a call: in the function with index `function`, at `offset` bytes in the file.
    `name` is the function's name in the name section, or empty."""

    function: int
    offset: int
    name: str = ""

    def __str__(self) -> str:
        return f"function {self.function}" + (f" ({in_rust(self.name)})" if self.name else "")


class Subject(Enum):
    """The kinds of constants that are looked for. The values are their names in messages."""

    TYPE = "tensor type"
    ENCODING = "encoding"
    TARGET = "target"
    PARTS = "number of builders"
    CONFIG_LENGTH = "length of the configuration"
    OUTPUT_SIZE = "size of the buffer"


class Constant(NamedTuple):
    """One call of a wasi-nn function, or of a function that passes its arguments on to one.

    `numbers` are the possible values of the subject there, or None if they are unknown. `place` is
    None for calls that cannot be seen. For tensor types, `element` is the number of bytes of data
    per element by the dimensions, or None if these are not constant.
    """

    subject: Subject
    function: str
    place: Place | None
    numbers: tuple[int, ...] | None
    element: int | None = None


class Constants(NamedTuple):
    """The constants of a module. `found` has each call that was looked for, even if its numbers are
    unknown."""

    found: tuple[Constant, ...] = ()

    def of(self, subject: Subject) -> tuple[Constant, ...]:
        """The constants of a kind whose numbers are known."""
        return tuple(one for one in self.found if one.subject is subject and one.numbers)

    def loads(self) -> Iterator[tuple[Constant, Constant, Constant]]:
        """The encoding, the target and the number of builders of each call of `load`."""
        subjects = (Subject.ENCODING, Subject.TARGET, Subject.PARTS)
        yield from zip(
            *([one for one in self.found if one.subject is subject] for subject in subjects),
            strict=True,
        )

    def hidden(self, subject: Subject) -> tuple[Constant, ...]:
        """The calls for which the numbers of a kind are unknown."""
        return tuple(one for one in self.found if one.subject is subject and not one.numbers)
