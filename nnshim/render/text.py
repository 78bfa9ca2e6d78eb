"""Values as lines for people. What comes from outside is escaped by who prints them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from nnshim.render import counted
from nnshim.render.messages import lines_of
from nnshim.render.verdicts import checked, line
from nnshim.units import size_text
from rewriter.errors import HostMismatch, NNShimError
from rewriter.terminal import command_line, file_argument

if TYPE_CHECKING:
    from nnshim.render.host_summary import apart, summaries
    from nnshim.render.host_tables import families, hosts
    from nnshim.render.inspection.inspected import inspected
    from nnshim.render.values import Examined, Rewriting
    from rewriter.codes import Code
    from rewriter.diagnostics import Diagnostic
    from rewriter.rewriting.making.make import Made
    from rewriter.rewriting.pipeline import Result
    from rewriter.rewriting.values import Plan
    from rewriter.verifying.compare import Comparison
    from runtime_shim.diagnostics.doctor import BackendReport
    from runtime_shim.diagnostics.machine import Cache, Gpu

__all__ = [
    "FLATTENED",
    "apart",
    "caches",
    "checked",
    "compared",
    "examined",
    "explained",
    "failed",
    "families",
    "hosts",
    "inspected",
    "line",
    "listed",
    "rewriting",
    "rewritings",
    "rewritten",
    "runs_now",
    "summaries",
]

FLATTENED = "the component becomes a core module, to which the following applies"

_HOMES = {
    "apart": "nnshim.render.host_summary",
    "families": "nnshim.render.host_tables",
    "hosts": "nnshim.render.host_tables",
    "inspected": "nnshim.render.inspection.inspected",
    "summaries": "nnshim.render.host_summary",
}
"""The other functions, by module. They are imported on first use, because a rename starts without
them."""


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def failed(error: NNShimError) -> Sequence[str]:
    """An error, and below it the lines that belong to it."""
    if isinstance(error, HostMismatch):
        return [f"error: {error.what}", *(f"  {line(found)}" for found in error.diagnostics)]
    code = "" if error.code is None else f"[{error.code}]"
    first, *others = error.lines
    return [f"error{code}: {first}", *others]


def rewritten(plan: Plan, made: Made | None = None) -> list[str]:
    """The changes of a core module, and the component that it became."""
    if made is not None:
        adapted = _changed(plan) if plan.edits else []
        size = f"{plan.input_size} bytes -> {len(made.data)} bytes"
        return [*adapted, f"a component with the core module and its adapters: {size}"]
    if not plan.edits:
        return ["nothing to change"]
    return [*_changed(plan), f"{plan.input_size} bytes -> {plan.output_size} bytes"]


def _changed(plan: Plan) -> list[str]:
    lines = [f"{r.old} -> {r.new}: {counted(r.imports, 'import')}" for r in plan.renames]
    if plan.ungrouped:
        lines.append(f"no longer in groups: {counted(plan.ungrouped, 'import')}")
    if plan.adapting.adapted:
        lines += [f"adapted: {adapted}" for adapted in dict.fromkeys(plan.adapting.adapted)]
        lines.append(f"{counted(plan.adapting.references, 'reference')} redirected")
    lines += [f"dropped: {name}" for name in plan.dropped]
    if plan.marked is not None:
        lines.append(f"marked as a guest with the {plan.marked} ABI")
    return lines


def rewriting(value: Rewriting) -> list[str]:
    """What has changed, and what is to be said of that."""
    where = "" if value.output is None else f" -> {value.output}"
    runs = [] if value.runs is None else [value.runs]
    notes = map(line, value.notes)
    return [f"{value.path}{where}", *(f"  {text}" for text in (*value.lines, *notes, *runs))]


_RESULTS = {
    "changed": ("changed", "changed"),
    "unchanged": ("needs no change", "need no change"),
    "nothing_to_do": ("has nothing to do", "have nothing to do"),
    "failed": ("failed", "failed"),
}


def rewritings(results: Mapping[str, int], *, stopped: bool) -> str:
    """How many files have each result, in a line."""
    counts = [(results.get(name, 0), words) for name, words in _RESULTS.items()]
    parts = [f"{count} {words[count != 1]}" for count, words in counts if count]
    said = f": {', '.join(parts)}" if parts else ""
    left_out = "; --fail-fast skipped the rest" * stopped
    return f"{counted(sum(results.values()), 'file')}{said}{left_out}"


def runs_now(result: Result, host: str | None, output: str) -> str:
    """The last line of a rewrite for `host`: what the result runs on. Without a host, the command
    that says so of the file `output`."""
    if host is None:
        return f"which hosts run it: {command_line(('nnshim', 'inspect', file_argument(output)))}"
    from rewriter.hosts.table import find_host

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
    lines = [
        f"nnshim {value.nnshim} on Python {value.python}",
        f"wasmtime {value.wasmtime or 'is not installed'}",
        line(value.problem) if value.problem else str(value.wasm_tools),
        *([] if value.samples is None else [f"samples and headers: {value.samples}"]),
        *chain.from_iterable(_backend(backend, verbose) for backend in value.backends),
        _ray(*value.ray),
        *_gpus(value.gpus),
        *(["tools on PATH:"] if value.tools else []),
        *(f"  {name}: {path or 'not found'}" for name, path in value.tools.items()),
        *([] if value.modules is None else ["caches:", *caches(value.modules)]),
    ]
    if sum("; uv tool install " in each for each in lines) > 1:
        lines.append(
            "`uv tool install` replaces what it has installed: after one of these lines, run"
            " `nnshim doctor` again for the others"
        )
    return lines


def _ray(version: str | None, problem: Diagnostic | None) -> str:
    return f"ray: {f'ray {version}' if problem is None else line(problem)}"


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


def explained(codes: Iterable[Code]) -> list[str]:
    lines: list[str] = []
    for code in codes:
        lines += [""] if lines else []
        lines += [f"{code.number} ({code.severity}): {code.title}", "", code.meaning, ""]
        lines.append(f"What to do: {code.remedy}")
    return lines


def listed(codes: Iterable[Code]) -> list[str]:
    return [f"{code.number} {code.severity}: {code.title}" for code in codes]
