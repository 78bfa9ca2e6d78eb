"""Adapters: functions between a guest and a host that use different ABIs.

The guest calls the adapter instead of the import, and the adapter calls the import in the form that
the host expects. It does not allocate memory, and does not use the guest's stack.

WAMR hosts impose two limits. In the older ABI a tensor has no data length, so an adapter returns
invalid_argument if the length of the data does not match the shape. Before 2.4.0, the host writes a
complete OpenVINO output even if the guest's buffer is too small; the adapter can only trap then.
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
    """The adapter of `function` from a guest of `source` to a host of `target`.

    `generation` says which form of its bytes it has: see rewriter.adapters.generations. Adapters of
    `load` and `set_input` can also be for a guest whose numbers are not known for certain (`told`
    is false): see rewriter.adapters.needs.
    """

    function: str
    source: Dialect
    target: Dialect
    generation: int = GENERATION
    told: bool = True

    @property
    def name(self) -> str:
        """Its name in the name section and in messages."""
        return f"nnshim.{self.function}.{self.source.name}-to-{self.target.name}"

    def export(self, slot: int) -> str:
        """Its export name, if it was made for the import with index `slot`."""
        return f"{self.name}.{self.generation}.{slot}"

    @property
    def renewed(self) -> Adapter:
        """The same adapter in the current generation."""
        return self._replace(generation=GENERATION)

    @property
    def need(self) -> Need | None:
        """The reason why it is needed, or None."""
        return need(self.function, self.source, self.target, told=self.told)

    @property
    def tells_whether_told(self) -> bool:
        """Whether its bytes depend on `told`."""
        matters = told_matters(self.function, self.source, self.target)
        return matters and self.generation != UNMARKED

    @property
    def imported(self) -> str:
        """The name of the host function that it imports."""
        has_it = self.function in self.target.functions
        return self.function if has_it else FALLBACKS[self.function]

    @property
    def type(self) -> FuncType:
        """The function type that the guest sees."""
        return self.source.signature(self.function)

    @property
    def imported_type(self) -> FuncType:
        return self.target.signature(self.imported)

    @property
    def needs_global(self) -> bool:
        """Whether it reads or writes the global that adapters share."""
        if self.generation == UNMARKED:
            return False
        memory = AdapterMemory(0, 1)
        text = adapter_text(self.function, self.source, self.target, memory, told=self.told)
        return "$kept" in text.split()

    def body(self, host: int, memory: AdapterMemory) -> bytes:
        """The function body, without its size field. `host` is the index of the import."""
        if self.generation == UNMARKED:
            from rewriter.adapters.unmarked.text import unmarked_text  # rarely needed

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
    """Whether two adapters have the same function and the same bytes. None stands for no
    adapter."""
    if one is None or other is None:
        return one is other
    memory = AdapterMemory(0, 65536)
    return one.function == other.function and one.body(0, memory) == other.body(0, memory)


def speaks(host: Dialect, dialect: Dialect) -> bool:
    """Whether a guest of `dialect` runs on a host of `host` without adapters: all numbers,
    structures and results mean the same in both."""
    functions = ("load", "set_input", "get_output")
    return not any(need(function, dialect, host) for function in functions)


def adapter_for(
    function: str, source: Dialect, target: Dialect, *, told: bool = True, apart: bool = False
) -> Adapter | None:
    """The adapter that a guest of `source` needs for a function on a host of `target`, or None.

    `target` must have the function in the sense of rewriter.adapters.needs.has; `told` is that of
    rewriter.adapters.needs.need. With `apart`, a function always gets an adapter if the layouts
    differ, so that the adapter's name records the guest's ABI.
    """
    keeps_apart = apart and source.layout != target.layout
    if need(function, source, target, told=told) is None and not keeps_apart:
        return None
    return Adapter(
        function, source, target, told=told or not told_matters(function, source, target)
    )
