"""Wasmtime's releases. Source: https://github.com/bytecodealliance/wasmtime, crates/wasi-nn."""

from __future__ import annotations

from rewriter.abi.dialects import WASI_EPHEMERAL_NN, WITX, WITX_2021, WITX_2023, Dialect
from rewriter.abi.wasi import PREVIEW_0, PREVIEW_1, WASI, WASI_UNSTABLE
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import OFF_IN_WASMTIME, Host

__all__ = ["ROWS"]


def _row(first: str, last: str, commit: str, dialect: Dialect) -> Host:
    return Host(
        name="wasmtime",
        title="Wasmtime",
        first=first,
        last=last,
        modules=(WASI_EPHEMERAL_NN,),
        dialects=(dialect,),
        limits=(
            Diagnostic("NN231", "the released command has the OpenVINO backend only"),
            Diagnostic("NN232", "a pointer outside the guest's memory aborts the whole process"),
        ),
        source=f"https://github.com/bytecodealliance/wasmtime/tree/{commit}/crates/wasi-nn",
        others={WASI: PREVIEW_1, WASI_UNSTABLE: PREVIEW_0},
        lacks=OFF_IN_WASMTIME,
        initializes=True,
    )


ROWS = (
    _row("1", "12", "v12.0.0", WITX_2021),
    _row("13", "14", "v14.0.0", WITX_2023),
    _row("15", "49", "e6b33de", WITX),
)
