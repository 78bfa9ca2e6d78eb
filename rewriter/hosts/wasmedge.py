"""WasmEdge's releases. Source: https://github.com/WasmEdge/WasmEdge, plugins/wasi_nn."""

from __future__ import annotations

from rewriter.abi.dialects import (
    WASI_EPHEMERAL_NN,
    WASMEDGE,
    WASMEDGE_0_11,
    WASMEDGE_0_12,
    WASMEDGE_0_13,
    WASMEDGE_0_14,
    WITX_2021,
    WITX_2022,
    Dialect,
)
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Host

__all__ = ["ROWS"]

_WIDE_TYPE = Diagnostic("NN237", "a tensor's type is read as 32 bits")


def _row(first: str, last: str, dialect: Dialect, *limits: Diagnostic) -> Host:
    return Host(
        name="wasmedge",
        title="WasmEdge's wasi_nn plugin",
        first=first,
        last=last,
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(dialect,),
        limits=limits,
        source=f"https://github.com/WasmEdge/WasmEdge/tree/{last}/plugins/wasi_nn",
    )


ROWS = (
    _row("0.10.1", "0.11.0", WITX_2021, _WIDE_TYPE),
    _row("0.11.1", "0.11.1", WASMEDGE_0_11, _WIDE_TYPE),
    _row("0.11.2", "0.12.1", WASMEDGE_0_12, _WIDE_TYPE),
    _row("0.13.0", "0.13.3", WITX_2022),
    _row("0.13.4", "0.13.5", WASMEDGE_0_13),
    _row("0.14.0", "0.14.1", WASMEDGE_0_14),
    _row("0.15.0", "0.17.1", WASMEDGE),
)
