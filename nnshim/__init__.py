"""Any wasi-nn guest on any wasi-nn host: rewrites the imports of WebAssembly modules, and runs
either form.

    module = Path("guest.wasm").read_bytes()
    for verdict in nnshim.check(module, hosts=["wasmtime", "wamr-legacy"]):
        print(verdict.host, verdict.answer, [found.text for found in verdict.conditions])
    adapted = nnshim.rewrite(module, nnshim.RewriteOptions(host="wamr-legacy"))
    assert nnshim.verify(module, adapted).only_rewritten
    with nnshim.NNHost() as host:
        print(nnshim.run(module, host).exit_code)

Each name is imported at its first use: what only rewrites needs neither wasmtime nor NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnshim.fleets.library import map  # noqa: A004 - as Python's, but with processes
    from nnshim.fleets.values import GuestInput, MapResult
    from rewriter import (
        WASI_EPHEMERAL_NN,
        WASI_NN,
        Abi,
        Answer,
        AttestationError,
        Comparison,
        CustomSection,
        DependencyMissing,
        Diagnostic,
        Difference,
        HostMismatch,
        ImportedItem,
        InputError,
        InvalidModule,
        InvalidResult,
        MalformedModule,
        Module,
        ModuleError,
        ModuleInfo,
        NNShimError,
        NothingToRename,
        OutputError,
        Plan,
        Policy,
        Rename,
        Result,
        RewriteOptions,
        Runs,
        ToolError,
        UnsupportedModule,
        UsageError,
        Verdict,
        check,
        rewrite,
        rewrite_file,
    )
    from rewriter import compare as verify
    from rewriter import inspect_module as inspect
    from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
    from runtime_shim import (
        CAPTURED,
        Endpoint,
        GraphStats,
        GuestExit,
        GuestFailed,
        GuestTimeout,
        GuestTrap,
        HostError,
        Limits,
        LinkError,
        NamedGraph,
        NNHost,
        Outcome,
        Reason,
        RemoteModel,
        RunOptions,
        Session,
        Tls,
        guest_dialects,
        host_dialects,
        parse_endpoint,
        parse_nn_graph,
        parse_nn_preload,
        read_graphs,
        run,
    )

    __version__: str

_HOMES = {
    "rewriter": (
        *("WASI_EPHEMERAL_NN", "WASI_NN", "Abi", "Answer", "AttestationError", "Comparison"),
        *("CustomSection", "DependencyMissing", "Diagnostic", "Difference", "HostMismatch"),
        *("ImportedItem", "InputError", "InvalidModule", "InvalidResult", "MalformedModule"),
        *("Module", "ModuleError", "ModuleInfo", "NNShimError", "NothingToRename"),
        *("OutputError", "Plan", "Policy", "Rename", "Result", "RewriteOptions", "Runs"),
        *("ToolError", "UnsupportedModule", "UsageError", "Verdict"),
        *("check", "rewrite", "rewrite_file"),
    ),
    "nnshim.fleets.library": ("map",),
    "nnshim.fleets.values": ("GuestInput", "MapResult"),
    "rewriter.abi.dialects": ("Encoding", "Errno", "Target", "TensorType"),
    "runtime_shim": (
        *("CAPTURED", "Endpoint", "GraphStats", "GuestExit", "GuestFailed", "GuestTimeout"),
        *("GuestTrap", "HostError", "Limits", "LinkError", "NNHost", "NamedGraph", "Outcome"),
        *("Reason", "RemoteModel", "RunOptions", "Session", "Tls"),
        *("guest_dialects", "host_dialects", "parse_endpoint", "parse_nn_graph"),
        *("parse_nn_preload", "read_graphs", "run"),
    ),
}
_OTHER_NAMES = {
    "inspect": ("rewriter", "inspect_module"),
    "verify": ("rewriter", "compare"),
}
"""Of functions that are called something else in their module."""

__all__ = [
    "CAPTURED",
    "WASI_EPHEMERAL_NN",
    "WASI_NN",
    "Abi",
    "Answer",
    "AttestationError",
    "Comparison",
    "CustomSection",
    "DependencyMissing",
    "Diagnostic",
    "Difference",
    "Encoding",
    "Endpoint",
    "Errno",
    "GraphStats",
    "GuestExit",
    "GuestFailed",
    "GuestInput",
    "GuestTimeout",
    "GuestTrap",
    "HostError",
    "HostMismatch",
    "ImportedItem",
    "InputError",
    "InvalidModule",
    "InvalidResult",
    "Limits",
    "LinkError",
    "MalformedModule",
    "MapResult",
    "Module",
    "ModuleError",
    "ModuleInfo",
    "NNHost",
    "NNShimError",
    "NamedGraph",
    "NothingToRename",
    "Outcome",
    "OutputError",
    "Plan",
    "Policy",
    "Reason",
    "RemoteModel",
    "Rename",
    "Result",
    "RewriteOptions",
    "RunOptions",
    "Runs",
    "Session",
    "Target",
    "TensorType",
    "Tls",
    "ToolError",
    "UnsupportedModule",
    "UsageError",
    "Verdict",
    "__version__",
    "check",
    "guest_dialects",
    "host_dialects",
    "inspect",
    "map",
    "parse_endpoint",
    "parse_nn_graph",
    "parse_nn_preload",
    "read_graphs",
    "rewrite",
    "rewrite_file",
    "run",
    "verify",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("nnshim")
    if name in _OTHER_NAMES:
        module, own_name = _OTHER_NAMES[name]
        return getattr(importlib.import_module(module), own_name)
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'nnshim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
