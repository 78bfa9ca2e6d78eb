"""Traces of adapters that other tools changed, or that an unknown release added.

Treating such a module as one without adapters would adapt it twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import DIALECTS
from rewriter.abi.measured import dialect_named
from rewriter.adapters.generations import GENERATIONS, MARK, PREFIX, AdapterName, read_name
from rewriter.diagnostics import Diagnostic
from rewriter.errors import MalformedModule
from rewriter.wasm.custom import NAMES
from rewriter.wasm.imports import ExternKind
from rewriter.wasm.limits import check_number
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import Section, SectionId

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["AdapterExport", "Trace", "adapter_exports", "adapter_of", "traces"]


_MOST = 1000
"""The most adapters: a module has at most as many wasi-nn imports (rewriter.analysis.imported)."""


class Trace(NamedTuple):
    """An adapter that is not, or may not be, as a rewrite wrote it.

    `name` is empty if it has none. `adapter` is what it was, or None if that is unknown.
    `generation` is the one that it states, if any. `offset` is the byte offset of the name or
    marker.
    """

    name: str
    adapter: Adapter | None
    generation: int | None
    offset: int

    @property
    def diagnostic(self) -> Diagnostic:
        which = f"its adapter {self.name}" if self.name else "one of its adapters"
        function = self.adapter.function if self.adapter else None
        if self.generation not in (None, *GENERATIONS):
            return Diagnostic(
                "NN122",
                f"{which} has generation {self.generation}, which this release of nnshim does not "
                "know",
                self.offset,
                function,
                "use the release that added it",
            )
        return Diagnostic(
            "NN121",
            f"{which} was changed by another tool, and cannot be removed or replaced",
            self.offset,
            function,
            "adapt the module from before that tool ran",
        )


class AdapterExport(NamedTuple):
    """An export at start..end with the name of an adapter. `function` is the exported function."""

    start: int
    end: int
    text: str
    name: AdapterName
    function: int

    def is_of(self, adapter: Adapter, function: int) -> bool:
        """Whether this export belongs to an adapter. The import may differ: imports may have moved
        since."""
        of = adapter.function, adapter.source.name, adapter.target.name, adapter.generation
        return self.function == function and self.name == of


def adapter_exports(module: Module) -> list[AdapterExport]:
    """The exported functions that have the name of an adapter."""
    section = module.find(SectionId.EXPORT)
    if section is None or module.data.find(PREFIX, section.content, section.end) < 0:
        return []
    found: list[AdapterExport] = []
    cursor = section.cursor()
    for _ in range(cursor.items("exports")):
        start = cursor.pos
        text, kind, index = cursor.name().text, cursor.byte(), cursor.u32()
        name = read_name(text) if kind == ExternKind.FUNC else None
        if name:
            check_number(len(found) + 1, "adapters", start, _MOST)
            found.append(AdapterExport(start, cursor.pos, text, name, index))
    return found


def traces(
    module: Module,
    exported: Collection[AdapterExport],
    own: Collection[AdapterExport],
    standing: Collection[int],
    code_end: int,
) -> tuple[Trace, ...]:
    """The traces in a module: adapters that are not among the functions `standing`, whose bodies
    start at `code_end`, and exports with the name of an adapter that are not among `own`.

    A marker says least about what an adapter was. So a marker of a known generation counts only if
    there is no name.
    """
    found: dict[str, Trace] = {}
    for name, offset in (
        *((item.text, item.start) for item in exported if item not in own),
        *_function_names(module, standing),
    ):
        if trace := _named(name, offset):
            check_number(len(found) + 1, "adapters", offset, _MOST)
            found.setdefault(trace.name, trace)
    marker = _marker(module.find(SectionId.CODE), code_end)
    if marker and not (found and marker.generation in GENERATIONS):
        found[""] = marker
    return tuple(found.values())


def _named(text: str, offset: int) -> Trace | None:
    """The trace for a name; None if it is not the name of an adapter."""
    name = read_name(text)
    if name is None:
        return None
    adapter = adapter_of(name)
    if name.generation not in (None, *GENERATIONS):
        adapter = None
    what = f"nnshim.{name.function}.{name.source}-to-{name.target}"
    return Trace(what, adapter, name.generation, offset)


def adapter_of(name: AdapterName) -> Adapter | None:
    """The adapter with a name, in its current form; None if there is none."""
    from rewriter.adapters.adapter import Adapter  # only needed if there are adapters
    from rewriter.adapters.needs import has

    source, target = DIALECTS.get(name.source), dialect_named(name.target)
    if source and target and name.function in source.functions and has(target, name.function):
        return Adapter(name.function, source, target)
    return None


def _function_names(module: Module, standing: Collection[int]) -> Iterator[tuple[str, int]]:
    """The functions with the name of an adapter in the name section."""
    section = module.custom(NAMES)
    if section is None or section.data.find(PREFIX, section.content, section.end) < 0:
        return  # because reading all names of a large module takes long
    from rewriter.wasm.names import function_names

    for function, raw in function_names(section)[0]:
        if function not in standing and raw.startswith(PREFIX):
            yield raw.decode(errors="replace"), section.start


def _marker(code: Section | None, end: int) -> Trace | None:
    """The first marker of an unknown generation, or else the first marker."""
    if code is None:
        return None
    data, first = code.data, None
    position = data.find(MARK, code.content, end)
    while position >= 0:
        start = position + len(MARK)
        try:
            generation = Cursor(data, start, end).s33()
        except MalformedModule:
            generation = None
        found = Trace("", None, generation, position)
        if generation not in (None, *GENERATIONS):
            return found
        first = first or found
        position = data.find(MARK, start, end)
    return first
