"""The table of hosts, as lines for people: in short, and with everything that is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING

from nnshim.render.profile import tried_types
from nnshim.render.tables import UNBROKEN, wrapped
from nnshim.render.verdicts import line
from rewriter.abi.wasi import PREVIEW_1
from rewriter.functions.feature import READABLE
from rewriter.hosts.host import Quirk
from rewriter.hosts.starting import Trial, run_words

if TYPE_CHECKING:
    from rewriter.abi.dialects import Dialect
    from rewriter.hosts.host import Backend, Host, Measured
    from rewriter.hosts.table import Chosen, Family
    from rewriter.wasm.types import FuncType

__all__ = ["families", "hosts"]


def families(known: Iterable[Family]) -> list[str]:
    """Each name, with its releases below it: neighbours with the same ABI share a line."""
    lines: list[str] = []
    for family in known:
        lines += [""] if lines else []
        lines.append(f"{family.name}: {family.title}{_alone(family)}")
        rows = [("releases", "imported from", "ABI"), *_releases(family.rows)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += ["  " + "  ".join(map(str.ljust, row, widths)).strip() for row in rows]
    return [
        *lines,
        "",
        "Releases with the same ABI may differ in other ways: `nnshim hosts HOST@RELEASE` shows",
        "one, and `nnshim hosts ONE OTHER` compares two.",
    ]


def _releases(rows: Sequence[Host]) -> Iterator[tuple[str, str, str]]:
    """For rows of a family, the oldest first: releases, module names, ABIs."""
    for (modules, abis), group in groupby(rows, lambda row: (row.modules, _abis(row))):
        alike = list(group)
        releases = alike[0]._replace(last=alike[-1].last).releases
        yield releases or "any", " ".join(modules), abis


def _alone(family: Family) -> str:
    """What the name means without a release."""
    if len(family.rows) == 1:
        return ""
    return f"; without a release: {'all of these' if family.every else family.newest.last}"


def _abis(row: Host) -> str:
    return ", ".join(dialect.name for dialect in row.dialects)


def hosts(chosen: Chosen) -> list[str]:
    """All of each release, and what was assumed."""
    lines = [line(note) for note in chosen.notes]
    for row in chosen.rows:
        lines += [""] if lines else []
        lines += chain.from_iterable(map(wrapped, _host(row)))
        lines += [f"  {line(limit)}" for limit in row.limits]
        found = row.measured
        lines += [f"  source: {row.source}"] if found is None else _measured(found)
    return lines


def _host(row: Host) -> list[str]:
    lines = [f"{row.label}: {row.title}"]
    if row.releases:
        lines.append(f"  releases: {row.releases}")
    for dialect in row.dialects:
        modules = dialect.layout.module if len(row.modules) > 1 else row.modules[0]
        lines.append(f"  {modules}, in the ABI {dialect.name}: {', '.join(dialect.functions)}")
        lines.append(f"    tensor types: {_numbers(dialect.tensor_names)}")
        lines.append(f"    encodings: {_numbers(_with_backends(dialect, row))}")
        lines.append(f"    errno: {_numbers(dialect.errno_names)}")
    lines += [f"  {_of_backend(backend, row.dialects[0])}" for backend in row.backends]
    if row.graphs:
        lines.append(f"  named graphs: {row.graphs}")
    if row.needs:
        lines.append(f"  needs: {', '.join(row.needs)}")
    words = run_words(row, Trial("MODULE", opens_files=True, loads_by_name=False))
    if words:
        lines.append(f"  started with: {UNBROKEN.join(words)}")
    return lines + _beside(row)


def _measured(measured: Measured) -> list[str]:
    """Which host it is, and what came of faults."""
    lines = [f"  {key}: {value}" for key, value in measured.about.items()]
    answers = [f"{fault} {answer}" for fault, answer in measured.answers.items()]
    return [*lines, f"  after faults: {', '.join(answers)}"] if answers else lines


def _with_backends(dialect: Dialect, row: Host) -> Mapping[int, str]:
    """Encodings, with which of them the host has nothing for, where its backends are known."""
    if not row.backends:
        return dialect.encoding_names
    extra = {backend.encoding.name.lower(): backend.extra for backend in row.backends}
    lacking = dict.fromkeys(dialect.encoding_names.values(), " (no backend)")
    if row.measured is not None:
        lacking |= {each.name.lower(): " (not measured)" for each in row.measured.backends}
    lacking |= {name: " (not as it is released)" if it else "" for name, it in extra.items()}
    lacking["autodetect"] = ""
    return {number: name + lacking[name] for number, name in dialect.encoding_names.items()}


def _numbers(known: Mapping[int, str]) -> str:
    pairs = (f"{number} {name}" for number, name in sorted(known.items()))
    return ", ".join(pair.replace(" ", UNBROKEN) for pair in pairs)


def _of_backend(backend: Backend, dialect: Dialect) -> str:
    own = ", ".join(filter(None, (backend.built, backend.library)))
    name = f"backend {backend.encoding.name.lower()}" + (f" ({own})" if own else "")
    if backend.takes is None and backend.too_small is None and not backend.ignores_types:
        return f"{name}: unknown which types it takes and what get_output does"
    taken = {*(backend.takes or ())}
    types = ", ".join(kind.name.lower() for kind in sorted(taken))
    refused = {kind.name.lower() for kind in dialect.tensor_types.values() if kind not in taken}
    if backend.ignores_types:
        takes = f"takes {types or 'any type'}, whatever its number"
    elif backend.takes is None:
        takes = tried_types(backend)
    else:
        named = (kind for kind in dialect.tensor_names.values() if kind in refused)
        takes = f"takes {types}" + (f" and refuses {', '.join(named)}" if refused else "")
    known = [f"it {quirk.value}" for quirk in Quirk if quirk in backend.quirks]
    if backend.gives is not None and backend.gives != backend.takes:
        gives = ", ".join(kind.name.lower() for kind in sorted(backend.gives))
        known.insert(0, f"returns only {gives} outputs correctly")
    takes = "; ".join((takes, *known))
    said = f"{name}: {takes}; "
    if backend.too_small is None:
        return f"{said}unknown what get_output does with a buffer that is too small"
    unit = f"get_output counts {backend.unit.value}"
    return f"{said}{unit}; a buffer that is too small is {backend.too_small.value}"


def _beside(row: Host) -> list[str]:
    """What it does with other imports, and with newer parts of WebAssembly."""
    if row.others is None:
        return []
    by_functions: dict[str, list[str]] = {}
    for module, known in row.others.items():
        if not known:
            continue
        by_functions.setdefault(_functions(known), []).append(module)
    lines = [f"  {', '.join(modules)}: {known}" for known, modules in by_functions.items()]
    lines += [f"  {module}: depends on {option}" for module, option in row.optional.items()]
    what = "linked; calling it traps" if row.links_all else "refused"
    lines.append(f"  any other function that a module imports: {what}")
    for reads, verb in ((True, "accepts"), (False, "refuses"), (None, "may or may not accept")):
        features = [f.value for f in READABLE if row.features.get(f) is reads]
        lines += [f"  WebAssembly features it {verb}: {', '.join(features)}"] if features else []
    return lines


def _functions(known: Mapping[str, FuncType]) -> str:
    """All that a host defines under one module name; those of WASI 0.1 in short."""
    same = {name for name, kind in PREVIEW_1.items() if known.get(name) == kind}
    if len(same) < len(PREVIEW_1) - 1:
        return ", ".join(sorted(known))
    other = sorted((PREVIEW_1.keys() - same) & known.keys())
    lacking = sorted(PREVIEW_1.keys() - known.keys())
    own = sorted(known.keys() - PREVIEW_1.keys())
    told = "all of WASI 0.1" + (f" but {', '.join(lacking)}" if lacking else "")
    told += f", with a different type for {', '.join(other)}" if other else ""
    return f"{told}, and {len(own)} more: {', '.join(own)}" if own else told
