"""What a model's file states."""

from __future__ import annotations

from typing import NamedTuple

from rewriter.abi.numbers import Encoding, TensorType

__all__ = ["Model", "Port", "names_of"]


class Port(NamedTuple):
    """An input or output of a model. `type` is the short name of its elements' type, as f32, i8,
    bool or string, and is empty where the file does not say; `dims` are its dimensions, None for
    one that is free, and None altogether where not even their number is stated.

    `held` is the shape that the file has for an input with free dimensions, for NN runtimes that
    do not look at more. One that is `quantised` stands for numbers by a scale.
    """

    name: str
    type: str
    dims: tuple[int | None, ...] | None = None
    held: tuple[int, ...] | None = None
    quantised: bool = False

    @property
    def tensor_type(self) -> TensorType | None:
        """wasi-nn's type, None where there is none for it."""
        return TensorType.__members__.get(self.type.upper())

    @property
    def is_free(self) -> bool:
        return self.dims is None or None in self.dims

    @property
    def shape(self) -> str:
        """For people: "1x?x4"; "..." where the number of dimensions is free."""
        if self.dims is None:
            return "..."
        return "x".join("?" if dim is None else str(dim) for dim in self.dims) or "one element"

    def __str__(self) -> str:
        kind = self.type or "of unstated type"
        quantised = ", quantised" if self.quantised else ""
        return f"{self.name!r}: {kind}, {self.shape}{quantised}"


class Model(NamedTuple):
    """A model in the file `path`, which has `size` bytes.

    `encoding` is what a guest calls its format, None for a format that wasi-nn has no name for, and
    `title` how messages call it. `inputs` and `outputs` are None where the file does not state
    them. One that is `quantised` computes with whole numbers, also where its inputs and outputs are
    floats. `elsewhere` are the files, beside those that a guest passes to `load`, that have its
    weights, and `parts` the files that a guest passes, in their order; `missing` is one of these
    that was not found.
    """

    path: str
    encoding: Encoding | None
    title: str
    size: int
    inputs: tuple[Port, ...] | None = None
    outputs: tuple[Port, ...] | None = None
    quantised: bool = False
    elsewhere: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    missing: str = ""

    @property
    def ports(self) -> tuple[Port, ...]:
        """All that are known."""
        return (*(self.inputs or ()), *(self.outputs or ()))


_MOST_NAMED = 3


def names_of(ports: list[Port]) -> str:
    """The first names, and how many more there are."""
    named = ", ".join(repr(port.name) for port in ports[:_MOST_NAMED])
    more = len(ports) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named
