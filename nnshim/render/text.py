"""Values as lines for people. What comes from outside is escaped by who prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from nnshim.render import counted
from rewriter.errors import HostMismatch, NNShimError

if TYPE_CHECKING:
    from nnshim.render.values import Checked, Examined, Inspected
    from rewriter.analysis.compatibility import Verdict
    from rewriter.codes import Code
    from rewriter.diagnostics import Diagnostic
    from rewriter.rewriting.values import Plan
    from rewriter.verifying.compare import Comparison
    from runtime_shim.diagnostics.bench import Measurement
    from runtime_shim.diagnostics.doctor import BackendReport

__all__ = [
    "checked",
    "compared",
    "examined",
    "explained",
    "failed",
    "inspected",
    "line",
    "listed",
    "measured",
    "rewritten",
]


def line(diagnostic: Diagnostic) -> str:
    """How severe it is, its code, what is so and what helps; for errors also where it is."""
    severity = diagnostic.severity.value
    what = str(diagnostic) if severity == "error" else diagnostic.text
    return f"{severity}[{diagnostic.code}]: {what}"


def failed(error: NNShimError) -> Sequence[str]:
    """An error, and below it the lines that belong to it."""
    if isinstance(error, HostMismatch):
        return [f"error: {error.what}", *(f"  {line(found)}" for found in error.diagnostics)]
    code = "" if error.code is None else f"[{error.code}]"
    first, *others = error.lines
    return [f"error{code}: {first}", *others]


def inspected(value: Inspected) -> list[str]:
    info = value.info
    lines = [f"{value.path}: {info.size} bytes"]
    lines += [f"  {line(found)}" for found in value.findings]
    by_module: dict[str, list[str]] = {}
    for item in info.imports:
        mark = "  (wasi-nn)" if item.is_wasi_nn else ""
        group = by_module.setdefault(item.module, [f"  imports from {item.module}{mark}"])
        group.append(f"    {item.kind} {item.name}" + (f" {item.type}" if item.type else ""))
    lines += chain.from_iterable(by_module.values())
    for module, abi in info.abis.items():
        doubt = "" if abi.certain else " (a guess)"
        lines.append(f"  ABI of {module}: {abi.name or 'not known'}{doubt}")
        lines += [f"    {line(evidence)}" for evidence in abi.evidence]
    lines += [f"  adapter {standing.adapter.name}" for standing in info.adapters.values()]
    for name, memory in info.exported_memories:
        lines.append(f"  exports memory {name}: {memory} pages")
    if not info.exported_memories:
        lines.append("  exports no memory")
    for section in info.custom_sections:
        lines.append(
            f"  custom section {section.name}: {section.size} bytes at {section.offset:#x}"
        )
    lines.append(f"  debug info: {'DWARF' if info.debug_sections else 'none'}")
    if info.abis:
        lines.append("  runs on")
        told = "" if value.guest_abi is None else f" --guest-abi {value.guest_abi}"
        hosts = value.hosts.items()
        lines += [f"    {name}: {_in_short(name, told, found)}" for name, found in hosts]
    return lines


def _in_short(host: str, told: str, found: Verdict) -> str:
    """On one line."""
    how = found.runs.value
    if found.runs.name == "AFTER_REWRITE":
        how = f"after nnshim rewrite --for {host}{told}"
    reasons = "; ".join(f"{reason.message} [{reason.code}]" for reason in found.reasons)
    return f"{how}, because {reasons}" if reasons else how


_VERDICTS = {
    "AS_IT_IS": "runs on {} as it is",
    "AFTER_REWRITE": "runs on {} after a rewrite",
    "CANNOT": "cannot run on {}",
}


def checked(value: Checked) -> list[str]:
    """What helps with all reasons stands once, below them."""
    found = value.found
    lines = [f"{value.path}: {_VERDICTS[found.runs.name].format(value.host)}"]
    lines += [f"  {line(reason)}" for reason in found.reasons]
    if value.rewrite is not None:
        lines.append(f"  help: {value.rewrite}")
    return lines + [f"  {line(caveat)}" for caveat in found.caveats]


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
    return [*lines, f"{plan.input_size} bytes -> {plan.output_size} bytes"]


def compared(comparison: Comparison) -> list[str]:
    lines = [f"{r.old} -> {r.new}: {counted(r.imports, 'import')}" for r in comparison.renames]
    lines += [f"adapter {name}" for name in comparison.adapters]
    lines += [f"dropped: {name}" for name in comparison.dropped]
    lines += [
        f"only the indices of wasi-nn's functions are longer or shorter: {title}"
        for title in comparison.widened
    ]
    if not comparison.only_rewritten:
        return [*lines, *(f"error[{found.code}]: {found}" for found in comparison.differences)]
    verdict = "no other difference" if lines else "no difference"
    count = comparison.sections
    others = "1 other section is" if count == 1 else f"{count} other sections are"
    return [*lines, f"{verdict}; {others} the same byte for byte"]


def examined(value: Examined) -> list[str]:
    return [
        f"nnshim {value.nnshim} on Python {value.python}",
        f"wasmtime {value.wasmtime}",
        line(value.problem) if value.problem else str(value.wasm_tools),
        *chain.from_iterable(map(_backend, value.backends)),
    ]


def _backend(backend: BackendReport) -> list[str]:
    version = backend.version if backend.problem is None else line(backend.problem)
    lines = [f"{backend.encoding}: {version}"]
    for device in backend.devices:
        outcome = "works" if device.problem is None else line(device.problem)
        lines.append(f"  {device.target} ({device.device}): {outcome}")
    return lines


def measured(rows: Sequence[Measurement]) -> list[str]:
    """A table, of at least one row."""
    parallel = f"x{rows[0].parallel} /s"
    heads = ("backend", "device", "load ms", "p50 ms", "p90 ms", "p99 ms", "/s", parallel)
    cells = [
        (
            row.backend,
            row.device,
            *(f"{seconds * 1e3:.3f}" for seconds in (row.load, row.p50, row.p90, row.p99)),
            *(f"{rate:.1f}" for rate in (row.throughput, row.parallel_throughput)),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(texts, widths, strict=True))
        ).rstrip()
        for texts in (heads, *cells)
    ]


def explained(codes: Iterable[Code]) -> list[str]:
    lines: list[str] = []
    for code in codes:
        lines += [""] if lines else []
        lines += [f"{code.number} ({code.severity}): {code.title}", "", code.meaning, ""]
        lines.append(f"What to do: {code.remedy}")
    return lines


def listed(codes: Iterable[Code]) -> list[str]:
    return [f"{code.number} {code.severity}: {code.title}" for code in codes]
