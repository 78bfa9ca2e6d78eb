"""nnshim inspect: what a module imports, exports and carries along."""

from __future__ import annotations

from itertools import chain
from typing import Annotated

import typer

from nnshim.commands.common import Finding, GuestAbi, report
from rewriter import ModuleInfo
from rewriter.abi.hosts import HOSTS
from rewriter.analysis.compatibility import Verdict, assess, hides_types

__all__ = ["command"]


def command(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Modules, or - (stdin).")],
    guest_abi: GuestAbi = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print an array with an object for each file.")
    ] = False,
) -> None:
    """Show what modules import and which of it is wasi-nn's, their memories and custom sections.

    Exit codes: 0 all were read; 1 one was not (the others are shown all the same); 2 usage.
    """
    report(
        files,
        guest_abi,
        as_json,
        lambda path, info: [Finding(True, _as_json(info), _lines(path, info, guest_abi))],
    )


def _lines(path: str, info: ModuleInfo, guest_abi: str | None) -> list[str]:
    told = f" --guest-abi {guest_abi}" if guest_abi is not None else ""
    lines = [f"{path}: {info.size} bytes"]
    if info.is_object_file:
        lines.append("  object file: link it before it is rewritten or run")
    by_module: dict[str, list[str]] = {}
    for item in info.imports:
        mark = "  (wasi-nn)" if item.is_wasi_nn else ""
        group = by_module.setdefault(item.module, [f"  imports from {item.module}{mark}"])
        group.append(f"    {item.kind} {item.name}" + (f" {item.type}" if item.type else ""))
    lines += chain.from_iterable(by_module.values())
    for module, abi in info.abis.items():
        doubt = "" if abi.certain else " (a guess)"
        lines.append(f"  ABI of {module}: {abi.name or 'none that is known'}{doubt}")
        lines += [f"    as {evidence}" for evidence in abi.evidence]
        if not _types_certain(info, module):
            lines.append("    imports do not show which numbers its tensor types have")
    lines += [f"  adapter {standing.adapter.name}" for standing in info.adapters.values()]
    lines += [f"  {trace}" for trace in info.traces]
    for name, memory in info.exported_memories:
        lines.append(f"  exports memory {name}: {memory} (in pages)")
    if not info.exported_memories:
        lines.append("  exports no memory")
    for section in info.custom_sections:
        lines.append(
            f"  custom section {section.name}: {section.size} bytes at {section.offset:#x}"
        )
    lines.append(f"  debug info: {'DWARF' if info.debug_sections else 'none'}")
    if info.abis:
        lines.append("  runs on")
    for host in HOSTS.values() if info.abis else ():
        found = assess(info, host)
        rewrite = f"after nnshim rewrite --for {host.name}{told}"
        how = rewrite if found.verdict is Verdict.AFTER_REWRITE else found.verdict.value
        why = f", as {'; '.join(found.reasons)}" if found.reasons else ""
        lines.append(f"    {host.name}: {how}{why}")
    return lines


def _types_certain(info: ModuleInfo, module: str) -> bool:
    return not any(
        item.module == module and hides_types(info, slot) for slot, item in info.wasi_nn.items()
    )


def _as_json(info: ModuleInfo) -> dict[str, object]:
    return {
        "size": info.size,
        "object_file": info.is_object_file,
        "import_modules": info.import_modules,
        "imports": [
            {
                "module": item.module,
                "name": item.name,
                "kind": item.kind,
                "type": str(item.type) if item.type else None,
                "wasi_nn": item.is_wasi_nn,
            }
            for item in info.imports
        ],
        "abis": {
            module: {
                "name": abi.name,
                "certain": abi.certain,
                "tensor_types_certain": _types_certain(info, module),
                "evidence": abi.evidence,
            }
            for module, abi in info.abis.items()
        },
        "adapters": [standing.adapter.name for standing in info.adapters.values()],
        "unknown_adapters": [str(trace) for trace in info.traces],
        "exports": tuple(info.exports),
        "exported_memories": {name: str(memory) for name, memory in info.exported_memories},
        "custom_sections": [
            {"name": s.name, "offset": s.offset, "size": s.size} for s in info.custom_sections
        ],
        "debug_info": bool(info.debug_sections),
        "runs_on": {
            name: {"runs": found.verdict.name.lower(), "reasons": found.reasons}
            for name, found in ((host.name, assess(info, host)) for host in HOSTS.values())
        },
    }
