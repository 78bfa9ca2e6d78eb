"""Inspects, renames and adapts the wasi-nn imports of a WebAssembly module.

It takes bytes and returns bytes. It needs only the standard library, and the wasm-tools binary to
validate modules.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from rewriter.errors import (
    AttestationError,
    DependencyMissing,
    HostMismatch,
    InputError,
    InvalidModule,
    InvalidResult,
    MalformedModule,
    ModuleError,
    NNShimError,
    NothingToRename,
    OutputError,
    ToolError,
    UnsupportedModule,
    UsageError,
)

if TYPE_CHECKING:
    from rewriter.abi.dialects import WASI_EPHEMERAL_NN, WASI_NN
    from rewriter.analysis.compatibility import Answer, Runs, Verdict
    from rewriter.analysis.inspect import (
        Abi,
        CustomSection,
        ImportedItem,
        ModuleInfo,
        inspect_module,
    )
    from rewriter.checking.check import check
    from rewriter.diagnostics import Diagnostic
    from rewriter.options import RewriteOptions
    from rewriter.policy.policy import Policy
    from rewriter.rewriting.pipeline import Result, rewrite, rewrite_file
    from rewriter.rewriting.values import Plan, Rename
    from rewriter.verifying.compare import Comparison, Difference
    from rewriter.verifying.components import compare
    from rewriter.wasm.module import Module

__all__ = [
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
    "HostMismatch",
    "ImportedItem",
    "InputError",
    "InvalidModule",
    "InvalidResult",
    "MalformedModule",
    "Module",
    "ModuleError",
    "ModuleInfo",
    "NNShimError",
    "NothingToRename",
    "OutputError",
    "Plan",
    "Policy",
    "Rename",
    "Result",
    "RewriteOptions",
    "Runs",
    "ToolError",
    "UnsupportedModule",
    "UsageError",
    "Verdict",
    "check",
    "compare",
    "inspect_module",
    "rewrite",
    "rewrite_file",
]

_HOMES = {
    "abi.dialects": ("WASI_EPHEMERAL_NN", "WASI_NN"),
    "analysis.compatibility": ("Answer", "Runs", "Verdict"),
    "checking.check": ("check",),
    "analysis.inspect": ("Abi", "CustomSection", "ImportedItem", "ModuleInfo", "inspect_module"),
    "diagnostics": ("Diagnostic",),
    "options": ("RewriteOptions",),
    "policy.policy": ("Policy",),
    "rewriting.pipeline": ("Result", "rewrite", "rewrite_file"),
    "rewriting.values": ("Plan", "Rename"),
    "verifying.compare": ("Comparison", "Difference"),
    "verifying.components": ("compare",),
    "wasm.module": ("Module",),
}
"""The other public names, by module. They are imported on first use, because start-up takes longer
than most rewrites."""


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"rewriter.{module}"), name)
    raise AttributeError(f"module 'rewriter' has no attribute {name!r}")
