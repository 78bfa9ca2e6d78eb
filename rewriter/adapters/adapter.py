"""Functions that stand between a guest of one dialect and a host of another.

An adapter takes the place of an import for the guest and calls the import in the form that the
host knows. It allocates nothing, and knows nothing of the guest's stack.

Two limits come with WAMR's older ABI. It has no length beside a tensor's data, so that a tensor
whose data is not as long as its shape says is an invalid_argument. And where a model is quantised,
its get_output writes four times as many bytes as the guest's buffer was declared to have, if that
buffer was meant for the quantised values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rewriter.abi.dialects import Dialect
from rewriter.adapters.bodies.text import adapter_text
from rewriter.adapters.generations import GENERATION, in_the_form_of
from rewriter.functions.assembler import assemble, read_function
from rewriter.wasm.types import AdapterMemory, FuncType

__all__ = ["Adapter", "adapter_for", "has", "same_adapter", "speaks"]


_FALLBACKS = {
    "load_by_name_with_config": "load_by_name",
    "unload": "compute",
    "finalize_execution_context": "compute",
}
"""Functions that an adapter can stand in for where a host has none, and what is imported in their
place, so that all functions keep their indices. Nothing is ever unloaded or finalized then: a
handle lives as long as the guest."""


class Adapter(NamedTuple):
    """`function`, as a guest of `source` calls it, for a host of `target`, in the form that a
    generation in rewriter.adapters.generations has."""

    function: str
    source: Dialect
    target: Dialect
    generation: int = GENERATION

    @property
    def name(self) -> str:
        """What the name section and messages call it."""
        return f"nnshim.{self.function}.{self.source.name}-to-{self.target.name}"

    def export(self, slot: int) -> str:
        """By what name it is exported, if it was made for the import of index `slot`."""
        return f"{self.name}.{self.generation}.{slot}"

    @property
    def renewed(self) -> Adapter:
        """The same in the form that is written now."""
        return self._replace(generation=GENERATION)

    @property
    def imported(self) -> str:
        """The name of the host's function."""
        has_it = self.function in self.target.functions
        return self.function if has_it else _FALLBACKS[self.function]

    @property
    def type(self) -> FuncType:
        """The type that the guest calls it with."""
        return self.source.signature(self.function)

    @property
    def imported_type(self) -> FuncType:
        return self.target.signature(self.imported)

    def body(self, host: int, memory: AdapterMemory) -> bytes:
        """The function body, without its size field; `host` is the index of the import."""
        text = adapter_text(self.function, self.source, self.target, memory)
        written = in_the_form_of(self.generation, read_function(text))
        return assemble(written, host=host, memory=memory.memory_index)


def same_adapter(one: Adapter | None, other: Adapter | None) -> bool:
    """Whether two adapters are the same to the byte; None does nothing."""
    if one is None or other is None:
        return one is other
    memory = AdapterMemory(0, 65536)
    return one.function == other.function and one.body(0, memory) == other.body(0, memory)


def has(target: Dialect, function: str) -> bool:
    """Whether a host of `target` has the function, or an adapter can do without it."""
    return function in target.functions or _FALLBACKS.get(function) in target.functions


def speaks(host: Dialect, dialect: Dialect) -> bool:
    """Whether a host of one dialect takes every number and structure of another for the same."""
    return host.layout == dialect.layout and not (
        _renumbers(dialect.encodings, host.encodings)
        or _renumbers(dialect.tensor_types, host.tensor_types)
    )


def adapter_for(
    function: str, source: Dialect, target: Dialect, *, encodings_known: bool = True
) -> Adapter | None:
    """What has to stand between a guest of `source` and a host of `target`, None for nothing.

    `target` has the function, in the sense of `has`. Between two of witx's layout, the encodings of
    the guest are taken for the host's own, unless they are known.
    """
    if function not in target.functions:
        return Adapter(function, source, target)
    same_layout = source.layout == target.layout
    if function == "load":
        needed = not same_layout or (
            encodings_known and _renumbers(source.encodings, target.encodings)
        )
    elif function == "set_input":
        needed = not same_layout or _renumbers(source.tensor_types, target.tensor_types)
    else:
        needed = function == "get_output" and not same_layout
    return Adapter(function, source, target) if needed else None


def _renumbers(source: Mapping[int, object], target: Mapping[int, object]) -> bool:
    return any(target.get(number) != meaning for number, meaning in source.items())
