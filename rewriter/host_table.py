"""The README's tables of guests and hosts, made from the profiles: python -m rewriter.host_table"""

from __future__ import annotations

from collections.abc import Sequence

from rewriter.dialects import WAMR, WASI_EPHEMERAL_NN, WASI_NN, WASMEDGE, WITX, Dialect
from rewriter.hosts import HOSTS, Verdict, assess
from rewriter.inspect import Abi, ImportedItem, ModuleInfo, signature
from rewriter.valtypes import MemoryType

__all__ = ["tables"]

_FORMS = (
    (WASI_EPHEMERAL_NN, WITX),
    (WASI_EPHEMERAL_NN, WASMEDGE),
    (WASI_NN, WITX),
    (WASI_NN, WAMR),
)


def tables() -> str:
    """Two Markdown tables: guests by hosts, and the hosts."""
    forms = [
        [f"`{module}`", dialect.name, *_verdicts(_guest(module, dialect))]
        for module, dialect in _FORMS
    ]
    hosts = [
        [
            f"`{host.name}`",
            host.title,
            " and ".join(f"`{module}`" for module in host.modules),
            ", ".join(dialect.name for dialect in host.dialects),
            "; ".join(host.limits),
        ]
        for host in HOSTS.values()
    ]
    return "\n\n".join(
        (
            _table(["guest imports", "ABI", *(f"`{name}`" for name in HOSTS)], forms),
            _table(["host", "what it is", "registers", "ABI", "known limits"], hosts),
        )
    )


def _guest(module: str, dialect: Dialect) -> ModuleInfo:
    """A guest that imports all functions of a dialect that every host of it has."""
    names = [
        name
        for name in dialect.functions
        if all(name in host.functions for host in HOSTS.values() if dialect in host.dialects)
    ]
    return ModuleInfo(
        size=0,
        imports=tuple(
            ImportedItem(module, name, "func", signature(dialect, name)) for name in names
        ),
        exports=("memory",),
        exported_memories={"memory": MemoryType(1, None, False, False, 65536)},
        custom_sections=(),
        abis={module: Abi(dialect.name, True, ())},
    )


def _verdicts(info: ModuleInfo) -> list[str]:
    cells = []
    for host in HOSTS.values():
        verdict = assess(info, host).verdict
        renamed = verdict is Verdict.AFTER_RENAME
        cells.append(f"`rewrite --for {host.name}`" if renamed else verdict.value)
    return cells


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables())
