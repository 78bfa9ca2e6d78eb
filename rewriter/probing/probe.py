"""Measures a host, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rewriter.probing.components import components
from rewriter.probing.engine import entries, features, placed
from rewriter.probing.host import Host
from rewriter.probing.inference.configured import configured
from rewriter.probing.inference.encodings import Way, encodings, ways
from rewriter.probing.inference.faults import bare_faults, faults
from rewriter.probing.inference.habits import given, habits
from rewriter.probing.inference.memories import in_first, in_shared
from rewriter.probing.inference.names import Graph, known_names, names
from rewriter.probing.inference.outputs import one_model, outputs
from rewriter.probing.inference.tensors import types, width
from rewriter.probing.linking import (
    MODULES,
    TRAPPING,
    Function,
    defined,
    nn_functions,
    signatures,
    unknown_imports,
    wasi_functions,
)
from rewriter.probing.measured import Answer, Backend, Interface, Layout, Measured, Unknown

__all__ = ["measure"]


def measure(host: Host, graphs: Sequence[Graph] = ()) -> Measured:
    """Everything that running modules can show. `graphs` are those that the host was told about.
    Backends are measured under the first module name under which models run, because other names
    lead to the same backends.

    Raises ProbeFailed, with the command's output, if it runs no modules or stops running them, and
    UsageError if it cannot be started.
    """
    host.start()
    unknown = unknown_imports(host)
    interfaces: list[Interface] = []
    ways: list[Way] = []
    for module in MODULES:
        whole = not any(each.backends for each in interfaces)
        found = _interface(host, module, unknown, graphs if whole else (), whole)
        if found is not None:
            interfaces.append(found[0])
            ways += found[1]
    reads = features(host)
    for_components = components(host)
    measured = Measured(
        prints=host.prints,
        codes=host.codes,
        unknown_imports=unknown,
        features=reads,
        entries=entries(host),
        wasi=_wasi(host, unknown),
        placed=placed(host),
        in_first=in_first(host, ways[0]) if ways and reads["memories"] and host.codes else None,
        in_shared=in_shared(host, ways[0]) if ways and reads["threads"] and host.codes else None,
        interfaces=tuple(interfaces),
        signals=host.signals,
        processes=host.processes,
        components=for_components,
    )
    host.finish()
    return measured


def _wasi(host: Host, unknown: Unknown | None) -> dict[str, dict[str, bool]] | None:
    """Which WASI functions are defined, by module and name."""
    if unknown not in (Unknown.REFUSED, Unknown.TRAPS):
        return None
    functions = [
        each for each in wasi_functions() if unknown is Unknown.REFUSED or each.name not in TRAPPING
    ]
    there = defined(host, functions, unknown)
    found: dict[str, dict[str, bool]] = {}
    for each in functions:
        found.setdefault(each.module, {})[each.name] = each in there
    return found


def _interface(
    host: Host, module: str, unknown: Unknown | None, graphs: Sequence[Graph], whole: bool
) -> tuple[Interface, list[Way]] | None:
    """What the host registers under a module name, and the ways to run models there; None if it
    registers nothing. Names and backends are measured only if `whole`."""
    functions = defined(host, nn_functions(module), unknown)
    if not functions:
        return None
    found = [_backends(host, module, layout) for layout in _loads(functions)]
    working = [(answers, ways_found) for answers, ways_found in found if ways_found]
    loaded, chosen = (*working, *found, ({}, []))[0]
    named = {each.name for each in functions}
    layouts = tuple(ways_found[0].layouts for _, ways_found in working) or _by_types(functions)
    has_names = "load_by_name" in named
    has_configurations = has_names and "load_by_name_with_config" in named
    interface = Interface(
        module=module,
        functions=tuple(sorted(named)),
        signatures=signatures(host, functions),
        layouts=layouts,
        encodings=loaded,
        names=names(host, module, chosen, graphs) if has_names and whole else None,
        faults=bare_faults(host, module, layouts[0][0], "unload" in named) if layouts else {},
        backends=tuple(
            host.each(lambda way: _backend(host, way, graphs, has_configurations), chosen)
        )
        if whole
        else (),
    )
    return interface, chosen


_LOADS = {5: Layout.WITX, 4: Layout.WAMR}
"""Layouts by the number of parameters of load and get_output."""


def _loads(functions: Iterable[Function]) -> list[Layout]:
    """The layouts of load, the specification's first."""
    found = {_LOADS[len(each.parameters)] for each in functions if each.name == "load"}
    return [layout for layout in Layout if layout in found]


def _by_types(functions: set[Function]) -> tuple[tuple[Layout, Layout, Layout], ...]:
    """The layouts that the types of load and get_output show, for hosts on which no model runs."""
    found = [
        {_LOADS[len(each.parameters)] for each in functions if each.name == name}
        for name in ("load", "get_output")
    ]
    return tuple((layout,) * 3 for layout in Layout if all(layout in each for each in found))


def _backends(
    host: Host, module: str, layout: Layout
) -> tuple[dict[str, dict[int, Answer]], list[Way]]:
    loaded = encodings(host, module, layout)
    return loaded, ways(host, module, layout, loaded)


def _backend(host: Host, way: Way, graphs: Sequence[Graph], has_configurations: bool) -> Backend:
    """The measurements with models of one format. They run on one of the host's threads, one after
    the other."""
    found, sizes = types(host, way), outputs(host, way)
    asked = configured(host, way, known_names(host, way, graphs)) if has_configurations else {}
    return Backend(
        format=way.format,
        encoding=way.encoding,
        types=found.numbers,
        refused=found.refused,
        answers=found.answers,
        ignores_types=found.ignored,
        tells_types=found.told,
        width=width(host, way, found.ignored),
        room=sizes.room,
        written=sizes.written,
        bounds=sizes.bounds,
        size_needed=sizes.size_needed,
        one_model=one_model(host, way),
        rooms=sizes.rooms,
        faults=faults(host, way),
        habits={**habits(host, way, found), **asked},
        gives=given(host, way, found),
    )
