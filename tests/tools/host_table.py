"""The tables in docs/hosts.md, from the data: python -m tests.tools.host_table"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rewriter.abi.dialects import (
    DIALECTS,
    WAMR,
    WASI_EPHEMERAL_NN,
    WASI_NN,
    WASMEDGE,
    WITX,
    Dialect,
)
from rewriter.analysis.compatibility import Runs, assess
from rewriter.analysis.inspect import Abi, ImportedItem, ModuleInfo
from rewriter.hosts.host import Host
from rewriter.hosts.table import FAMILIES, Chosen, Family, find_hosts
from rewriter.wasm.module import Module
from rewriter.wasm.types import AdapterMemory, MemoryType

__all__ = ["tables"]

_STREAMING = frozenset({"compute_single", "get_output_single", "fini_single"})

_FORMS: tuple[tuple[str, Dialect, frozenset[str]], ...] = (
    (WASI_EPHEMERAL_NN, WITX, frozenset()),
    (WASI_EPHEMERAL_NN, WASMEDGE, _STREAMING),
    (WASI_EPHEMERAL_NN, WASMEDGE, frozenset()),
    (WASI_NN, WITX, frozenset()),
    (WASI_NN, WAMR, frozenset()),
)
"""Module name, ABI, and functions that are not imported."""


def tables() -> str:
    """Three Markdown tables: guests by hosts, the hosts, and the ABIs."""
    forms = [
        [
            f"`{module}`",
            dialect.name + (", no streaming" if without else ""),
            *_verdicts(_guest(module, dialect, without)),
        ]
        for module, dialect, without in _FORMS
    ]
    hosts = [
        [
            f"`{family.name}`",
            family.title,
            "all" if family.every else family.newest.last,
            " and ".join(f"`{module}`" for module in family.newest.modules),
            ", ".join(_abis(family)),
            "; ".join(limit.message for limit in family.newest.limits),
        ]
        for family in FAMILIES.values()
    ]
    return "\n\n".join(
        (
            _table(["guest imports", "ABI", *(f"`{name}`" for name in FAMILIES)], forms),
            _table(["host", "what it is", "release", "registers", "ABI", "known limits"], hosts),
            _table(
                ["ABI", "signatures", "encodings", "tensor types"],
                [_abi(d) for d in DIALECTS.values()],
            ),
        )
    )


def _abis(family: Family) -> Iterable[str]:
    """Of the releases that the name stands for."""
    rows = family.released if family.every else (family.newest,)
    return dict.fromkeys(dialect.name for row in rows for dialect in row.dialects)


def _abi(dialect: Dialect) -> list[str]:
    """A row of the table of ABIs: the numbers, with what they mean."""
    numbers = (
        ", ".join(f"{number} {name}" for number, name in sorted(known.items()))
        for known in (dialect.encoding_names, dialect.tensor_names)
    )
    return [f"`{dialect.name}`", dialect.layout.name, *numbers]


def _guest(module: str, dialect: Dialect, without: frozenset[str]) -> ModuleInfo:
    """A guest that imports the other functions of a dialect."""
    memory = MemoryType(1, None, False, False, 65536)
    functions = [
        ImportedItem(module, name, "func", dialect.signature(name))
        for name in dialect.functions
        if name not in without
    ]
    return ModuleInfo(
        module=Module(b"\0asm\1\0\0\0"),
        imports=functions,
        imported_functions=len(functions),
        wasi_nn=dict(enumerate(functions)),
        exports=("memory",),
        memories=(memory,),
        exported_memories=(("memory", memory),),
        shared_memory=memory,
        custom_sections=(),
        not_functions=(),
        compact_import=None,
        is_object_file=False,
        abis={module: Abi(dialect.name, True, ())},
        adapters={},
        traces=(),
        adapter_memory=AdapterMemory(0, memory.page_size),
    )


def _verdicts(info: ModuleInfo) -> list[str]:
    return [_cell(info, find_hosts(name)) for name in FAMILIES]


def _cell(info: ModuleInfo, chosen: Chosen) -> str:
    """What a name means for a guest; where its releases differ, each with what it means."""
    spans: list[tuple[_Meant, list[Host]]] = []
    for row in chosen.rows:
        verdict = assess(info, row)
        lacking = (c.function or "" for c in verdict.conditions if c.code == "NN248")
        meant = _Meant(verdict.runs, tuple(lacking))
        if spans and spans[-1][0] == meant:
            spans[-1][1].append(row)
        else:
            spans.append((meant, [row]))
    if len(spans) == 1:
        return _in_short(spans[0][0], chosen.name)
    return "; ".join(
        f"{rows[0].first} to {rows[-1].last}: {_in_short(meant, rows[-1].label)}"
        for meant, rows in spans
    )


class _Meant(NamedTuple):
    """How a guest runs, and which functions it must not call."""

    runs: Runs
    lacking: tuple[str, ...]


def _in_short(meant: _Meant, name: str) -> str:
    rewrite = meant.runs is Runs.AFTER_REWRITE
    how = f"`rewrite --for {name}`" if rewrite else meant.runs.value
    lacking = ", ".join(f"`{function}`" for function in meant.lacking)
    return f"{how}, without {lacking}" if lacking else how


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables())
