"""The README's tables of guests, hosts and ABIs, from the data: python -m tests.tools.host_table"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

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
from rewriter.hosts.table import HOSTS
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
            f"`{host.name}`",
            host.title,
            " and ".join(f"`{module}`" for module in host.modules),
            ", ".join(dialect.name for dialect in host.dialects),
            "; ".join(limit.message for limit in host.limits),
        ]
        for host in HOSTS.values()
    ]
    return "\n\n".join(
        (
            _table(["guest imports", "ABI", *(f"`{name}`" for name in HOSTS)], forms),
            _table(["host", "what it is", "registers", "ABI", "known limits"], hosts),
            _table(
                ["ABI", "signatures", "encodings", "tensor types"],
                [_abi(d) for d in DIALECTS.values()],
            ),
        )
    )


def _abi(dialect: Dialect) -> list[str]:
    """A row of the table of ABIs: the numbers, with what they mean."""
    types = {**_names(dialect.tensor_types), **dialect.raw_types}
    numbers = (
        ", ".join(f"{number} {name}" for number, name in sorted(known.items()))
        for known in (_names(dialect.encodings), types)
    )
    return [f"`{dialect.name}`", dialect.layout.name, *numbers]


def _names(known: Mapping[int, Enum]) -> dict[int, str]:
    return {number: meaning.name.lower() for number, meaning in known.items()}


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
        abis={module: Abi(dialect.name, True, ())},
        adapters={},
        traces=(),
        adapter_memory=AdapterMemory(0, memory.page_size),
    )


def _verdicts(info: ModuleInfo) -> list[str]:
    cells = []
    for host in HOSTS.values():
        verdict = assess(info, host).runs
        rewritten = verdict is Runs.AFTER_REWRITE
        cells.append(f"`rewrite --for {host.name}`" if rewritten else verdict.value)
    return cells


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables())
