"""Libraries that guests are built with: a row for each range of releases with the same numbers.

Sources: https://github.com/bytecodealliance/wasi-nn (rust/, assemblyscript/),
https://github.com/second-state/wasmedge-wasi-nn
"""

from __future__ import annotations

from rewriter.abi.dialects import (
    MODULE_NAMES,
    WASI_EPHEMERAL_NN,
    WASMEDGE,
    WITX,
    WITX_2020,
    WITX_2022,
    WITX_2023,
    Dialect,
)
from rewriter.hosts.host import Host

__all__ = ["AS", "UNKNOWN", "WASI_NN", "WASMEDGE_WASI_NN"]


def _row(name: str, title: str, first: str, last: str, source: str, dialect: Dialect) -> Host:
    return Host(
        name=name,
        title=title,
        first=first,
        last=last,
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(dialect,),
        source=source,
    )


def _crate(first: str, last: str, commit: str, dialect: Dialect) -> Host:
    source = f"https://github.com/bytecodealliance/wasi-nn/tree/{commit}/rust"
    return _row("wasi-nn", "the Rust crate wasi-nn", first, last, source, dialect)


WASI_NN = (
    _crate("0.1.0", "0.1.0", "2d8a8ff", WITX_2020),
    _crate("0.2.0", "0.4.0", "55f1516", WITX_2022),
    _crate("0.5.0", "0.5.0", "0910649", WITX_2023),
    _crate("0.6.0", "0.6.0", "d612411", WITX),
)

AS = (
    _row(
        "as-wasi-nn",
        "bytecodealliance/wasi-nn's bindings for AssemblyScript",
        "0.1.0",
        "0.3.0",
        "https://github.com/bytecodealliance/wasi-nn/tree/2e36f6b/assemblyscript",
        WITX_2022,
    ),
)

WASMEDGE_WASI_NN = (
    _row(
        "wasmedge-wasi-nn",
        "the Rust crate wasmedge-wasi-nn",
        "0.7.0",
        "0.8.0",
        "https://github.com/second-state/wasmedge-wasi-nn/tree/0828379/rust",
        WASMEDGE,
    ),
)

UNKNOWN = Host(
    name="unknown",
    title="what nobody knows",
    modules=MODULE_NAMES,
    dialects=(),
    source="",
)
"""The guest may have been built with any library: its adapters find out the numbers at run time."""
