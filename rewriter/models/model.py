"""A model as its file describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rewriter.abi.numbers import Encoding, TensorType

__all__ = ["Model", "Port", "listed", "names_of"]


class Port(NamedTuple):
    """An input or output of a model.

    - `type`: the short name of the element type, such as f32, i8, bool or string; empty if the file
      does not state it.
    - `dims`: the dimensions, with None for a free one; None if not even their number is stated.
    - `held`: the fixed shape that the file also has for an input with free dimensions, for NN
      runtimes that use only that.
    - `quantised`: its integers represent numbers by a scale.
    """

    name: str
    type: str
    dims: tuple[int | None, ...] | None = None
    held: tuple[int, ...] | None = None
    quantised: bool = False

    @property
    def tensor_type(self) -> TensorType | None:
        """The wasi-nn type; None if wasi-nn has none for it."""
        return TensorType.__members__.get(self.type.upper())

    @property
    def is_free(self) -> bool:
        return self.dims is None or None in self.dims

    @property
    def shape(self) -> str:
        """For people: "1x?x4"; "..." if the number of dimensions is free."""
        if self.dims is None:
            return "..."
        return "x".join("?" if dim is None else str(dim) for dim in self.dims) or "one element"

    def __str__(self) -> str:
        kind = self.type or "of unstated type"
        quantised = ", quantised" if self.quantised else ""
        return f"{self.name!r}: {kind}, {self.shape}{quantised}"


class Model(NamedTuple):
    """A model in the file `path`, which has `size` bytes.

    - `encoding`: the format as wasi-nn numbers it; None if wasi-nn has no encoding for it.
    - `title`: what messages call the format.
    - `inputs`, `outputs`: None if the file does not state them.
    - `quantised`: it computes with integers, even if its inputs and outputs are floats.
    - `parts`: the files that a guest passes to `load`, in order. `missing` is one of these that was
      not found.
    - `elsewhere`: other files with its weights.
    - `custom`: its operators that no released NN runtime of this format has, as far as their names
      tell.
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
    custom: tuple[str, ...] = ()

    @property
    def ports(self) -> tuple[Port, ...]:
        """All known inputs and outputs."""
        return (*(self.inputs or ()), *(self.outputs or ()))


_MOST_NAMED = 3


def names_of(ports: Sequence[Port]) -> str:
    """The first names, and how many more there are."""
    return listed([port.name for port in ports])


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    named = ", ".join(map(repr, names[:_MOST_NAMED]))
    more = len(names) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named
