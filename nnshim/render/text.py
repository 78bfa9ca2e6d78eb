"""Values as lines for people. What comes from outside is escaped by who prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING

from nnshim.render import counted
from nnshim.render.host_summary import apart, summaries
from nnshim.render.inspection.of_component import inspected_component
from nnshim.render.inspection.of_module import inspected_module
from nnshim.render.messages import lines_of
from nnshim.render.profile import tried_types
from nnshim.render.tables import UNBROKEN, wrapped
from nnshim.render.values import InspectedComponent
from nnshim.render.verdicts import checked, checked_in_common, line
from nnshim.units import size_text
from rewriter.abi.wasi import PREVIEW_1
from rewriter.errors import HostMismatch, NNShimError
from rewriter.functions.feature import READABLE
from rewriter.hosts.host import Quirk
from rewriter.hosts.starting import Trial, run_words
from rewriter.hosts.table import find_host
from rewriter.terminal import command_line, file_argument

if TYPE_CHECKING:
    from nnshim.render.values import Examined, Inspected
    from rewriter.abi.dialects import Dialect
    from rewriter.codes import Code
    from rewriter.hosts.host import Backend, Host, Measured
    from rewriter.hosts.table import Chosen, Family
    from rewriter.rewriting.pipeline import Result
    from rewriter.rewriting.values import Plan
    from rewriter.verifying.compare import Comparison
    from rewriter.wasm.types import FuncType
    from runtime_shim.diagnostics.doctor import BackendReport
    from runtime_shim.diagnostics.machine import Cache, Gpu

__all__ = [
    "apart",
    "caches",
    "checked",
    "checked_in_common",
    "compared",
    "examined",
    "explained",
    "failed",
    "families",
    "hosts",
    "inspected",
    "line",
    "listed",
    "rewritten",
    "runs_now",
    "summaries",
]


def failed(error: NNShimError) -> Sequence[str]:
    """An error, and below it the lines that belong to it."""
    if isinstance(error, HostMismatch):
        return [f"error: {error.what}", *(f"  {line(found)}" for found in error.diagnostics)]
    code = "" if error.code is None else f"[{error.code}]"
    first, *others = error.lines
    return [f"error{code}: {first}", *others]


def inspected(value: Inspected | InspectedComponent) -> list[str]:
    """What a module or a component is, and where it runs."""
    if isinstance(value, InspectedComponent):
        return inspected_component(value)
    return inspected_module(value)


def rewritten(plan: Plan) -> list[str]:
    if not plan.edits:
        return ["nothing to change"]
    lines = [f"{r.old} -> {r.new}: {counted(r.imports, 'import')}" for r in plan.renames]
    if plan.ungrouped:
        lines.append(f"no longer in groups: {counted(plan.ungrouped, 'import')}")
    if plan.adapting.adapted:
        lines += [f"adapted: {adapted}" for adapted in plan.adapting.adapted]
        lines.append(f"{counted(plan.adapting.references, 'reference')} redirected")
    lines += [f"dropped: {name}" for name in plan.dropped]
    if plan.marked is not None:
        lines.append(f"marked as a guest with the {plan.marked} ABI")
    return [*lines, f"{plan.input_size} bytes -> {plan.output_size} bytes"]


def runs_now(result: Result, host: str | None, output: str) -> str:
    """The last line of a rewrite for `host`: what the result runs on. Without a host, the command
    that says so of the file `output`."""
    if host is None:
        return f"which hosts run it: {command_line(('nnshim', 'inspect', file_argument(output)))}"
    label = find_host(host).label
    if result.cannot_run:
        return f"it cannot run on {label}, for the reasons above"
    kinds = {note.severity.value for note in result.notes}
    return f"it runs on {label}{', if the conditions above hold' * ('condition' in kinds)}"


def compared(comparison: Comparison) -> list[str]:
    lines = [f"{r.old} -> {r.new}: {counted(r.imports, 'import')}" for r in comparison.renames]
    lines += [f"adapter {name}" for name in comparison.adapters]
    lines += [f"dropped: {name}" for name in comparison.dropped]
    lines += [f"marked as a guest with the {comparison.marked} ABI"] if comparison.marked else []
    lines += [
        f"only the length of indices of wasi-nn's functions differs: {title}"
        for title in comparison.widened
    ]
    if not comparison.only_rewritten:
        return [*lines, *(f"error[{found.code}]: {found}" for found in comparison.differences)]
    verdict = "no other difference" if lines else "no difference"
    count = comparison.sections
    others = "1 other section is" if count == 1 else f"{count} other sections are"
    return [*lines, f"{verdict}; {others} the same byte for byte"]


def examined(value: Examined, verbose: bool = False) -> list[str]:
    return [
        f"nnshim {value.nnshim} on Python {value.python}",
        f"wasmtime {value.wasmtime}",
        line(value.problem) if value.problem else str(value.wasm_tools),
        *([] if value.samples is None else [f"samples and headers: {value.samples}"]),
        *chain.from_iterable(_backend(backend, verbose) for backend in value.backends),
        *_gpus(value.gpus),
        *(["tools on PATH:"] if value.tools else []),
        *(f"  {name}: {path or 'not found'}" for name, path in value.tools.items()),
        *([] if value.modules is None else ["caches:", *caches(value.modules)]),
    ]


def _gpus(looked: Sequence[Gpu]) -> list[str]:
    lines = ["GPUs and their drivers:"] if looked else []
    for gpu in looked:
        found = ", ".join(gpu.found) or f"none (looked for {', '.join(gpu.looked_for)})"
        lines.append(f"  {gpu.name}: {found}")
    return lines


def caches(modules: Cache) -> list[str]:
    """The folders that nnshim writes for the next run, and their sizes."""
    size = "not there yet" if modules.size is None else size_text(modules.size)
    return [
        f"  compiled modules: {modules.folder}, {size} (wasmtime's, which others share)",
        "  models: no folder of their own; `nnshim run --model-cache DIR` names one",
    ]


def _backend(backend: BackendReport, verbose: bool) -> list[str]:
    version = backend.version if backend.problem is None else line(backend.problem)
    lines = lines_of(f"{backend.encoding}: {version}", verbose)
    for device in backend.devices:
        outcome = "works" if device.problem is None else line(device.problem)
        lines += lines_of(f"  {device.target} ({device.device}): {outcome}", verbose, "      ")
    return lines


def families(known: Iterable[Family]) -> list[str]:
    """Each name, with its releases below it: neighbours with the same ABI share a line."""
    lines: list[str] = []
    for family in known:
        lines += [""] if lines else []
        lines.append(f"{family.name}: {family.title}{_alone(family)}")
        rows = [
            ("releases", "imported from", "ABI"),
            *_releases(family.rows),
        ]
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


def explained(codes: Iterable[Code]) -> list[str]:
    lines: list[str] = []
    for code in codes:
        lines += [""] if lines else []
        lines += [f"{code.number} ({code.severity}): {code.title}", "", code.meaning, ""]
        lines.append(f"What to do: {code.remedy}")
    return lines


def listed(codes: Iterable[Code]) -> list[str]:
    return [f"{code.number} {code.severity}: {code.title}" for code in codes]
