"""What a host makes of the imports beside wasi-nn's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from operator import attrgetter
from weakref import WeakKeyDictionary

from rewriter.analysis.inspect import ImportedItem, ModuleInfo
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import ANY, Host
from rewriter.wasm.module import Module

__all__ = ["other_imports"]

_FOUND: WeakKeyDictionary[Module, list[tuple[Host, tuple[Diagnostic, ...]]]] = WeakKeyDictionary()
"""What is said of a module's other imports, which there can be a million of."""

_LINKING = attrgetter("others", "optional", "links_all", "second_form", "mixes_forms", "makes")
"""What of a host that depends on."""


def other_imports(info: ModuleInfo, host: Host) -> tuple[Diagnostic, ...]:
    """What is said of the imports beside wasi-nn's, read once for all hosts that link alike."""
    known = _FOUND.setdefault(info.module, [])
    for other, said in known:
        if _LINKING(other) == _LINKING(host):
            return said
    known.append((host, tuple(_not_linked(info, host))))
    return known[-1][1]


def _not_linked(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """The imports beside wasi-nn's that the host does not define, or not surely, or in another
    form, each once."""
    missing: dict[tuple[str, str], dict[str, None]] = {}
    said: set[tuple[str, str]] = set()
    for item in info.imports:
        if item.is_wasi_nn:
            continue
        functions = (host.others or {}).get(item.module, {})
        defined = functions.get(item.name)
        if item.kind != "func" or defined is None:
            if finding := _not_defined(item, host):
                missing.setdefault(finding, {})[f"{item.module}.{item.name}"] = None
        elif item.type in (defined, functions.get(item.name + host.second_form)):
            continue
        elif (item.module, item.name) not in said:
            said.add((item.module, item.name))
            given = str(item.type)
            if given == str(defined):
                given = "of the same form, and not final or in a group of types"
            name = f"{item.module}.{item.name}"
            message = f"the host's {name} is {defined}, and the import is {given}"
            code, end = ("NN226", ": a call of it traps") if host.links_all else ("NN215", "")
            if host.mixes_forms and item.name + host.second_form in functions:
                code, end = "NN226", ", and is linked: a call of it has the wrong arguments"
            yield Diagnostic(code, f"{message}{end}", item.offset, item.name)
    for (code, message), names in missing.items():
        yield Diagnostic(code, message.format(_named(names)))


def _not_defined(item: ImportedItem, host: Host) -> tuple[str, str] | None:
    """The code and the message for an import that the host does not define, None where it makes
    it."""
    is_global = item.kind == "global"
    option = host.option_for(item.module) if item.kind == "func" else None
    if option is not None:
        return "NN222", f"the host defines {{}} with {option}"
    if host.others is None or host.may_define(item.module, item.name, item.kind):
        return "NN222", "whether the host defines {} is not known"
    if item.kind == "func" and host.links_all:
        return "NN226", "the host does not define {}, and a call of it traps"
    if host.makes.get(item.kind, frozenset()) & {item.module, ANY}:
        return ("NN226", "the host does not define {}, and takes zero") if is_global else None
    return "NN212", "the host does not define {}"


def _named(names: dict[str, None]) -> str:
    first = ", ".join(itertools.islice(names, _MOST_NAMED))
    return f"{first} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else first


_MOST_NAMED = 10
