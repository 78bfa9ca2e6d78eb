"""The ABI of each wasi-nn function as the guest calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import DIALECTS, WITX, Dialect, Layout
from rewriter.analysis.imported import usual
from rewriter.analysis.inspect import ImportedItem, ModuleInfo, once

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = [
    "GuestFunction",
    "called",
    "guest_dialects",
    "guest_functions",
    "hidden_numbers",
    "hides_types",
    "is_function",
    "is_told",
    "mixed",
    "says_told",
]


class GuestFunction(NamedTuple):
    """A wasi-nn function as the guest calls it.

    `number` is the index of the function that the guest calls: an import or its adapter. `module`
    is the import's module name. `certain`: the `dialect` is not a guess, apart from numbers that
    nothing shows."""

    number: int
    name: str
    module: str
    dialect: Dialect
    certain: bool


def guest_functions(info: ModuleInfo) -> Sequence[GuestFunction]:
    """The functions with a known ABI, in the order of the imports. An adapted guest calls the same
    functions as before."""
    return once(_guest_functions, info)


def _guest_functions(info: ModuleInfo) -> Sequence[GuestFunction]:
    return tuple(_each_function(info))


def _each_function(info: ModuleInfo) -> Iterator[GuestFunction]:
    adapted = {info.wasi_nn[slot].module for slot in info.adapters}
    for slot, dialect in guest_dialects(info).items():
        item, standing = info.wasi_nn[slot], info.adapters.get(slot)
        certain = item.module in adapted or info.abis[item.module].certain
        yield GuestFunction(
            standing.function_index if standing else slot,
            standing.adapter.function if standing else item.name,
            item.module,
            dialect,
            certain or info.guest is not None,
        )


def guest_dialects(info: ModuleInfo) -> Mapping[int, Dialect]:
    """The dialect of each function, by the index of its import. If the types fit no ABI, the module
    name decides which dialect they are compared with.

    An adapter shows the guest's dialect, and functions without an adapter have the same one. An
    exception is a rewrite that merged functions of two ABIs, imported under two names. Then all
    functions in the ABI that the host does not speak have adapters, and those without one have the
    ABI that the imports show."""
    return once(_guest_dialects, info)


def _guest_dialects(info: ModuleInfo) -> Mapping[int, Dialect]:
    sources, of_two = _adapted_from(info), mixed(info)
    found: dict[int, Dialect] = {}
    for slot, item in info.wasi_nn.items():
        name = info.abis[item.module].name
        if slot in info.adapters:
            found[slot] = info.adapters[slot].adapter.source
        else:
            shown = DIALECTS[name] if name is not None else usual(item.module)
            adapted = sources.get(item.module, {})
            one = len(adapted) == 1 and item.module not in of_two
            (layout,) = adapted if one else (shown.layout,)
            found[slot] = _imported_as(item, info, adapted.get(layout), shown)
    return found


def _imported_as(
    item: ImportedItem, info: ModuleInfo, adapted: Dialect | None, shown: Dialect
) -> Dialect:
    """The dialect of an import without an adapter: the same as the guest's `adapted` functions,
    unless the import does not fit it."""
    if adapted is None:
        return shown
    is_other = not is_function(adapted, item) and is_function(shown, item)
    return shown if is_other and info.guest is None else adapted


def _adapted_from(info: ModuleInfo) -> dict[str, dict[Layout, Dialect]]:
    """The dialects that the guest's adapters translate from, by module name and layout. If several
    dialects have the same adapter, the one with the most functions is taken."""
    found: dict[str, dict[Layout, Dialect]] = {}

    def add(module: str, source: Dialect) -> None:
        known = found.setdefault(module, {})
        other = known.get(source.layout)
        if other is None or len(other.functions) < len(source.functions):
            known[source.layout] = source

    for slot, standing in info.adapters.items():
        add(info.wasi_nn[slot].module, info.guest or standing.adapter.source)
    for adapter in (trace.adapter for trace in info.traces if trace.adapter):
        for module in info.abis:
            add(module, info.guest or adapter.source)
    return found


def mixed(info: ModuleInfo) -> Set[str]:
    """The module names whose functions would have two ABIs without adapters."""
    return once(_mixed, info)


def _mixed(info: ModuleInfo) -> Set[str]:
    sources: dict[str, set[Dialect]] = {}
    for slot, standing in info.adapters.items():
        sources.setdefault(info.wasi_nn[slot].module, set()).add(standing.adapter.source)
    found = {m for m, adapted in sources.items() if len({d.layout.module for d in adapted}) > 1}
    for slot, item in info.wasi_nn.items():
        others = set() if slot in info.adapters else sources.get(item.module, set())
        if others and not any(is_function(dialect, item) for dialect in others):
            found.add(item.module)
    return found


def is_function(dialect: Dialect, item: ImportedItem) -> bool:
    """Whether an import has the name and the type of one of a dialect's functions."""
    return item.name in dialect.functions and item.type == dialect.signature(item.name)


def hidden_numbers(info: ModuleInfo) -> Layout | None:
    """The layout that several releases share with different numbers, if it is unknown which release
    the guest was built for; None otherwise."""
    called: dict[Dialect, set[str]] = {}
    for function in guest_functions(info):
        called.setdefault(function.dialect, set()).add(function.name)
    for source, functions in called.items():
        has_them = (d for d in DIALECTS.values() if functions <= d.functions.keys())
        same_layout = (d for d in has_them if d.layout == source.layout)
        if source.assumed and any(d.errnos is not source.errnos for d in same_layout):
            return source.layout
    return None


def is_told(info: ModuleInfo) -> bool:
    """Whether the user said which ABI a module has, now or when it was adapted."""
    adapters = (standing.adapter for standing in info.adapters.values())
    return info.guest is not None or any(map(says_told, adapters))


def says_told(adapter: Adapter) -> bool:
    """Whether an adapter exists only because the user said the guest's ABI."""
    guessed = adapter.function == "load" and adapter.source is not WITX
    return adapter.tells_whether_told and adapter.told and not guessed


def called(info: ModuleInfo, slot: int) -> str:
    """The function that a guest calls through an import, given the import's index."""
    standing = info.adapters.get(slot)
    return standing.adapter.function if standing else info.wasi_nn[slot].name


def hides_types(info: ModuleInfo, slot: int) -> bool:
    """Whether an import is a set_input that does not show the guest's numbers for tensor types."""
    item = info.wasi_nn[slot]
    name = info.abis[item.module].name
    return (
        item.name == "set_input"
        and name is not None
        and DIALECTS[name].layout == WITX.layout
        and info.guest is None
        and slot not in info.adapters
        and not any(trace.adapter and trace.adapter.imported == item.name for trace in info.traces)
    )
