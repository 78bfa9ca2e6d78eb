"""Functions that stand between a guest of one dialect and a host of another.

An adapter takes the place of an import for the guest and calls the import in the form that the
host knows. It allocates nothing, and knows nothing of the guest's stack.

Two limits come with WAMR's hosts. The older ABI has no length beside a tensor's data, so that a
tensor whose data is not as long as its shape says is an invalid_argument. And before 2.4.0, an
output of OpenVINO is written whole, however small the guest's buffer is: the adapter can only trap.
"""

from __future__ import annotations

from typing import NamedTuple

from rewriter.abi.dialects import Dialect
from rewriter.adapters.bodies.text import adapter_text
from rewriter.adapters.generations import GENERATION, UNMARKED, marked
from rewriter.adapters.needs import FALLBACKS, Need, need, told_matters
from rewriter.functions.assembler import assemble, read_function
from rewriter.wasm.types import AdapterMemory, FuncType

__all__ = ["Adapter", "adapter_for", "same_adapter", "speaks"]


class Adapter(NamedTuple):
    """`function`, as a guest of `source` calls it, for a host of `target`, in the form that a
    generation in rewriter.adapters.generations has. One of `load` or `set_input` can be for a guest
    whose numbers are not `told`: see rewriter.adapters.needs."""

    function: str
    source: Dialect
    target: Dialect
    generation: int = GENERATION
    told: bool = True

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
    def need(self) -> Need | None:
        """What it is there for."""
        return need(self.function, self.source, self.target, told=self.told)

    @property
    def tells_whether_told(self) -> bool:
        """Whether it would be another one if the guest's numbers were told, or were not."""
        matters = told_matters(self.function, self.source, self.target)
        return matters and self.generation != UNMARKED

    @property
    def imported(self) -> str:
        """The name of the host's function."""
        has_it = self.function in self.target.functions
        return self.function if has_it else FALLBACKS[self.function]

    @property
    def type(self) -> FuncType:
        """The type that the guest calls it with."""
        return self.source.signature(self.function)

    @property
    def imported_type(self) -> FuncType:
        return self.target.signature(self.imported)

    @property
    def needs_global(self) -> bool:
        """Whether it keeps something, or reads what another one keeps."""
        if self.generation == UNMARKED:
            return False
        memory = AdapterMemory(0, 1)
        text = adapter_text(self.function, self.source, self.target, memory, told=self.told)
        return "$kept" in text.split()

    def body(self, host: int, memory: AdapterMemory) -> bytes:
        """The function body, without its size field; `host` is the index of the import."""
        if self.generation == UNMARKED:
            from rewriter.adapters.unmarked.text import unmarked_text  # which few need

            function = read_function(unmarked_text(self.function, self.source, self.target, memory))
        else:
            text = adapter_text(self.function, self.source, self.target, memory, told=self.told)
            function = marked(read_function(text))
        return assemble(
            function,
            functions={"$host": host},
            memory=memory.memory_index,
            kept=memory.global_index,
        )


def same_adapter(one: Adapter | None, other: Adapter | None) -> bool:
    """Whether two adapters are the same to the byte; None does nothing."""
    if one is None or other is None:
        return one is other
    memory = AdapterMemory(0, 65536)
    return one.function == other.function and one.body(0, memory) == other.body(0, memory)


def speaks(host: Dialect, dialect: Dialect) -> bool:
    """Whether a host of one dialect takes every number and structure of another for the same, and
    returns what that knows."""
    functions = ("load", "set_input", "get_output")
    return not any(need(function, dialect, host) for function in functions)


def adapter_for(
    function: str, source: Dialect, target: Dialect, *, told: bool = True, apart: bool = False
) -> Adapter | None:
    """What has to stand between a guest of `source` and a host of `target`, None for nothing.

    `target` has the function, and `told` is, in the sense of rewriter.adapters.needs. With `apart`,
    a function of another layout has an adapter in any case: what the guest calls it with is in its
    name.
    """
    keeps_apart = apart and source.layout != target.layout
    if need(function, source, target, told=told) is None and not keeps_apart:
        return None
    return Adapter(
        function, source, target, told=told or not told_matters(function, source, target)
    )
