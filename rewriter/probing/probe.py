"""The order in which a host is measured."""

from __future__ import annotations

from collections.abc import Iterable

from rewriter.probing.encodings import Way, encodings, ways
from rewriter.probing.engine import entries, features
from rewriter.probing.faults import bare_faults, faults, names
from rewriter.probing.host import Host
from rewriter.probing.linking import (
    MODULES,
    Function,
    defined,
    nn_functions,
    signatures,
    unknown_imports,
    wasi_functions,
)
from rewriter.probing.measured import Answer, Backend, Interface, Layout, Measured, Unknown
from rewriter.probing.outputs import outputs
from rewriter.probing.tensors import types, width

__all__ = ["measure"]


def measure(host: Host, graph: str | None = None) -> Measured:
    """All that can be found out by running modules. `graph` is a name of a graph that the host was
    told of.

    Raises ToolError where the command runs no modules at all, with what it printed, and UsageError
    where it cannot be started.
    """
    host.start()
    unknown = unknown_imports(host)
    found = [_interface(host, module, unknown, graph) for module in MODULES]
    return Measured(
        prints=host.prints,
        codes=host.codes,
        unknown_imports=unknown,
        features=features(host),
        entries=entries(host),
        wasi=_wasi(host, unknown),
        interfaces=tuple(each for each in found if each is not None),
        processes=host.processes,
    )


def _wasi(host: Host, unknown: Unknown | None) -> dict[str, dict[str, bool]] | None:
    """Which of WASI's functions are defined, by module and name."""
    if unknown not in (Unknown.REFUSED, Unknown.TRAPS):
        return None
    functions = wasi_functions()
    there = defined(host, functions, unknown)
    found: dict[str, dict[str, bool]] = {}
    for each in functions:
        found.setdefault(each.module, {})[each.name] = each in there
    return found


def _interface(
    host: Host, module: str, unknown: Unknown | None, graph: str | None
) -> Interface | None:
    """What is registered under a name, None where nothing is."""
    functions = defined(host, nn_functions(module), unknown)
    if not functions:
        return None
    found = [_backends(host, module, layout) for layout in _loads(functions)]
    layout = next((layout for layout, _, chosen in found if chosen), None)
    loaded: dict[str, dict[int, Answer]] = {}
    chosen: list[Way] = []
    for tried, answers, ways_found in found:
        if layout in (None, tried):
            loaded, chosen = answers, ways_found
    named = {each.name for each in functions}
    layouts = chosen[0].layouts if chosen else _by_types(functions)
    return Interface(
        module=module,
        functions=tuple(sorted(named)),
        signatures=signatures(host, functions),
        layouts=layouts,
        encodings=loaded,
        names=names(host, module, chosen, graph) if "load_by_name" in named else None,
        faults=bare_faults(host, module, layouts[0], "unload" in named) if layouts[0] else {},
        backends=tuple(host.each(lambda way: _backend(host, way), chosen)),
    )


_LOADS = {5: Layout.WITX, 4: Layout.WAMR}
"""By how many parameters load and get_output have."""


def _loads(functions: Iterable[Function]) -> list[Layout]:
    return [_LOADS[len(each.parameters)] for each in functions if each.name == "load"]


def _by_types(
    functions: set[Function],
) -> tuple[Layout | None, Layout | None, Layout | None]:
    """What the types of functions say of their layouts, where no model runs: nothing of
    set_input's."""
    found = []
    for name in ("load", "get_output"):
        layouts = [_LOADS[len(each.parameters)] for each in functions if each.name == name]
        found.append(layouts[0] if len(layouts) == 1 else None)
    return found[0], None, found[1]


def _backends(
    host: Host, module: str, layout: Layout
) -> tuple[Layout, dict[str, dict[int, Answer]], list[Way]]:
    loaded = encodings(host, module, layout)
    return layout, loaded, ways(host, module, layout, loaded)


def _backend(host: Host, way: Way) -> Backend:
    """What is found out about models of one format. A thread of the host's does it, one model
    after another."""
    found, sizes = types(host, way), outputs(host, way)
    return Backend(
        format=way.format,
        encoding=way.encoding,
        types=found.numbers,
        refused=found.refused,
        answers=found.answers,
        ignores_types=found.ignored,
        width=width(host, way, found.ignored),
        room=sizes.room,
        written=sizes.written,
        bounds=sizes.bounds,
        size_needed=sizes.size_needed,
        rooms=sizes.rooms,
        faults=faults(host, way),
    )
