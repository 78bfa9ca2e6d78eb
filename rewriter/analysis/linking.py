"""How a host links imports other than wasi-nn's."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from operator import attrgetter
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rewriter.abi.wasi import WASI, WASI_UNSTABLE, WITHOUT_MEMORY
from rewriter.analysis.inspect import ImportedItem, ModuleInfo
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import ANY, Host
from rewriter.wasm.module import Module

__all__ = ["imports_of_wasi", "other_imports", "wasi_in_memory"]

_LINKING = attrgetter("others", "optional", "links_all", "second_form", "mixes_forms", "makes")
"""The fields of a host that linking depends on."""


class _Beside:
    """The imports other than wasi-nn's, read once for all hosts. A module can have a million of
    them, so only their names are kept."""

    def __init__(self, imports: Iterable[ImportedItem]) -> None:
        self.names: dict[tuple[str, str], dict[str, None]] = {}
        """Names by module name and kind, in the order of first appearance."""
        for item in imports:
            if not item.is_wasi_nn:
                self.names.setdefault((item.module, item.kind), {})[item.name] = None
        self.said: list[tuple[Host, tuple[Diagnostic, ...]]] = []
        self._functions: dict[tuple[str, str], list[ImportedItem]] = {}

    def functions(
        self, wanted: Mapping[tuple[str, str], None], imports: Iterable[ImportedItem]
    ) -> Iterator[ImportedItem]:
        """The functions with these names, once for each type that they are imported with."""
        new = wanted.keys() - self._functions.keys()
        for item in imports if new else ():
            if item.kind == "func" and (key := (item.module, item.name)) in new:
                items = self._functions.setdefault(key, [])
                if all(item.type != other.type for other in items):
                    items.append(item)
        return itertools.chain.from_iterable(self._functions[key] for key in wanted)


_BESIDE: WeakKeyDictionary[Module, _Beside] = WeakKeyDictionary()


def _beside(info: ModuleInfo) -> _Beside:
    if info.module not in _BESIDE:
        _BESIDE[info.module] = _Beside(info.imports)
    return _BESIDE[info.module]


def other_imports(info: ModuleInfo, host: Host) -> tuple[Diagnostic, ...]:
    """Diagnostics about imports other than wasi-nn's, computed once for hosts that link alike."""
    beside = _beside(info)
    for other, said in beside.said:
        if _LINKING(other) == _LINKING(host):
            return said
    beside.said.append((host, tuple(_not_linked(info, beside, host))))
    return beside.said[-1][1]


def imports_of_wasi(info: ModuleInfo) -> tuple[ImportedItem, ...]:
    """The imported WASI functions, once for each type that they are imported with."""
    beside = _beside(info)
    wanted = {
        (module, name): None
        for module in (WASI, WASI_UNSTABLE)
        for name in beside.names.get((module, "func"), ())
    }
    return tuple(beside.functions(wanted, info.imports))


def wasi_in_memory(info: ModuleInfo) -> ImportedItem | None:
    """The first imported WASI function that takes pointers."""
    return next((it for it in imports_of_wasi(info) if it.name not in WITHOUT_MEMORY), None)


def _not_linked(info: ModuleInfo, beside: _Beside, host: Host) -> Iterator[Diagnostic]:
    """Diagnostics about imports that the host does not define, may not define, or defines with
    another type, each once."""
    defined: dict[tuple[str, str], None] = {}
    missing: dict[tuple[str, str], list[_Missing]] = {}
    for (module, kind), names in beside.names.items():
        functions = (host.others or {}).get(module, {}) if kind == "func" else {}
        there = names.keys() & functions.keys()
        defined.update(((module, name), None) for name in names if name in there)
        for finding, absent in _not_defined(module, kind, names, there, host):
            missing.setdefault(finding, []).append(_Missing(module, *absent))
    yield from _of_another_type(beside.functions(defined, info.imports), host)
    for (code, message), lists in missing.items():
        yield Diagnostic(code, message.format(_named(lists)))


def _of_another_type(items: Iterable[ImportedItem], host: Host) -> Iterator[Diagnostic]:
    said: set[tuple[str, str]] = set()
    for item in items:
        functions = (host.others or {})[item.module]
        defined = functions[item.name]
        if item.type in (defined, functions.get(item.name + host.second_form)):
            continue
        if (item.module, item.name) in said:
            continue
        said.add((item.module, item.name))
        given = str(item.type)
        if given == str(defined):
            given = "of the same form, but not final, or in a recursive group of types"
        name = f"{item.module}.{item.name}"
        message = f"the host's {name} is {defined}, but the import is {given}"
        code, end = ("NN226", ": calling it traps") if host.links_all else ("NN215", "")
        if host.mixes_forms and item.name + host.second_form in functions:
            code, end = "NN226", ", and is linked: calling it passes the wrong arguments"
        yield Diagnostic(code, f"{message}{end}", item.offset, item.name)


class _Missing(NamedTuple):
    """Imports from one module that a host does not define: their number, and the first names."""

    module: str
    number: int
    first: tuple[str, ...]


def _not_defined(
    module: str, kind: str, names: Mapping[str, None], there: Set[str], host: Host
) -> Iterator[tuple[tuple[str, str], tuple[int, tuple[str, ...]]]]:
    """Findings about the names that are not `there`, each with the number of names and the first
    of them."""
    count = len(names) - len(there)
    if host.measured is None:
        if count and (finding := _finding(module, names, kind, host)):
            absent = (name for name in names if name not in there)
            yield finding, (count, tuple(itertools.islice(absent, _MOST_NAMED)))
        return
    by: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if name not in there and (finding := _finding(module, (name,), kind, host)):
            by.setdefault(finding, []).append(name)
    for finding, found in by.items():
        yield finding, (len(found), tuple(found[:_MOST_NAMED]))


def _finding(module: str, names: Iterable[str], kind: str, host: Host) -> tuple[str, str] | None:
    """The code and the message for imports that the host does not list; None if it creates them.

    For a row of the table, the result is the same for all names of a module and kind. For a
    profile, it depends on the name."""
    is_global = kind == "global"
    option = host.option_for(module) if kind == "func" else None
    if option is not None:
        return "NN222", f"the host defines {{}} with {option}"
    if host.others is None or host.may_define(module, next(iter(names)), kind):
        return "NN222", "it is unknown whether the host defines {}"
    if kind == "func" and host.links_all:
        return "NN226", "the host does not define {}, and calling it traps"
    if host.makes.get(kind, frozenset()) & {module, ANY}:
        return ("NN226", "the host does not define {}, and uses zero") if is_global else None
    return "NN212", "the host does not define {}"


def _named(lists: Sequence[_Missing]) -> str:
    """The first names, and how many more there are."""
    names = [f"{module}.{name}" for module, _, first in lists for name in first][:_MOST_NAMED]
    more = sum(missing.number for missing in lists) - len(names)
    return f"{', '.join(names)} and {more} more" if more else ", ".join(names)


_MOST_NAMED = 10
