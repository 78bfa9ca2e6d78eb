"""What a module is and where it runs, as lines for people: the answer first, all else on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from nnshim.render import counted
from nnshim.render.inspection.host_rows import Row, hosts_table, how, reasons
from nnshim.render.tables import wrapped
from nnshim.render.values import rewrite_options
from nnshim.render.verdicts import line
from rewriter.hosts.table import FAMILIES
from rewriter.terminal import shown
from rewriter.wasm.custom import RECORD

if TYPE_CHECKING:
    from nnshim.render.values import Inspected
    from rewriter.analysis.inspect import ModuleInfo

__all__ = ["inspected_module"]


def inspected_module(value: Inspected) -> list[str]:
    """The module in one line, its hosts as a table, its imports from wasi-nn, and its records."""
    info, whole = value.info, value.everything
    imports = _WITHOUT if not (info.abis or whole) else _what_it_imports(info)
    lines = [f"{value.path}: {info.size} bytes, {imports}"]
    rows = list(_rows(value)) if info.abis or whole else []
    below = {(one.code, one.text) for row in rows for one in row.found.conditions}
    lines += [f"  {line(one)}" for one in value.findings if (one.code, one.text) not in below]
    if info.abis or whole:
        lines += (
            hosts_table(rows, partial(how, value.path, rewrite_options(value.guest_abi, info)))
            if rows
            else ["  runs on no host"]
        )
        lines += reasons(rows) if whole else []
    lines += _records(value) + _wasi_nn(info, whole)
    if whole:
        return lines + list(_rest(info))
    return [*lines, _MORE] if info.abis else lines


_MORE = "  more with --all: every reason, other imports, exports, custom sections"


def _what_it_imports(info: ModuleInfo) -> str:
    abis = [
        f"{module} ({f'{abi.name} ABI' if abi.name else 'ABI not known'}"
        f"{'' if abi.certain else ', a guess'})"
        for module, abi in info.abis.items()
    ]
    return f"imports {' and '.join(abis)}" if abis else "does not import wasi-nn"


_WITHOUT = "does not import wasi-nn (--all shows what it imports, and the hosts)"


def _rows(value: Inspected) -> Iterable[Row]:
    for host, verdict in value.hosts.items():
        if parts := value.parted.get(host):
            yield from (Row(part, part, found) for part, found in parts.items())
        else:
            yield Row(f"{host} (all releases)" if FAMILIES[host].every else host, host, verdict)


def _records(value: Inspected) -> list[str]:
    """What earlier rewrites wrote down in the module."""
    section = value.info.module.custom(RECORD)
    if section is None:
        return []
    from rewriter.rewriting.provenance import read_record  # a module without one starts without it

    entries = read_record(section)
    if entries is None:
        return [f"  record: the section {RECORD} cannot be read"]
    lines = []
    for entry in entries:
        told = entry.get("operation")
        options = told if isinstance(told, Mapping) else {}
        words = ", ".join(f"{key} {_word(given)}" for key, given in options.items()) or "no options"
        lines += [
            f"  record: rewritten by {entry.get('tool', 'an unknown tool')} ({words})",
            f"    from the module with SHA-256 {entry.get('sha256', 'unknown')}",
        ]
    return lines


def _word(given: object) -> str:
    if isinstance(given, Mapping):
        return ", ".join(f"{key}={value}" for key, value in given.items())
    return str(given).lower() if isinstance(given, bool) else str(given)


def _wasi_nn(info: ModuleInfo, whole: bool) -> list[str]:
    """The imports from wasi-nn by module: names alone, or with their types."""
    lines = []
    for module in info.abis:
        items = [item for item in info.imports if item.is_wasi_nn and item.module == module]
        names = ", ".join(item.name for item in items)
        if not whole:
            lines += wrapped(shown(f"  imports from {module}: {names}"))
            continue
        lines.append(f"  imports from {module}  (wasi-nn)")
        lines += [_import(item.kind, item.name, item.type) for item in items]
    if adapters := [standing.adapter.name for standing in info.adapters.values()]:
        lines += wrapped(f"  adapters: {', '.join(adapters)}")
    return lines


def _import(kind: object, name: str, type_: object) -> str:
    return f"    {kind} {name}" + (f" {type_}" if type_ else "")


def _rest(info: ModuleInfo) -> Iterable[str]:
    """The evidence for each ABI, other imports, exports and custom sections."""
    for module, abi in info.abis.items():
        yield f"  ABI of {module}: {abi.name or 'not known'}{'' if abi.certain else ' (a guess)'}"
        yield from (f"    {line(evidence)}" for evidence in abi.evidence)
    by_module: dict[str, list[str]] = {}
    for item in info.imports:
        if not (item.is_wasi_nn and item.module in info.abis):
            group = by_module.setdefault(item.module, [f"  imports from {item.module}"])
            group.append(_import(item.kind, item.name, item.type))
    yield from chain.from_iterable(by_module.values())
    for name in info.exports:
        yield f"  exports {name}"
    for name, memory in info.exported_memories:
        yield f"  exports memory {name}: {memory} pages"
    if not info.exported_memories:
        yield "  exports no memory"
    for section in info.custom_sections:
        yield f"  custom section {section.name}: {section.size} bytes at {section.offset:#x}"
    debug = counted(len(info.debug_sections), "section") if info.debug_sections else ""
    yield f"  debug info: {f'DWARF ({debug})' if debug else 'none'}"
