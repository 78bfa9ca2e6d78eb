"""Rename the wasi-nn imports of a WebAssembly module, and look at what a module imports.

Bytes in, bytes out; standard library only, and the wasm-tools binary as the judge.
"""

from rewriter.dialects import WASI_EPHEMERAL_NN, WASI_NN
from rewriter.errors import (
    HostMismatch,
    InputError,
    InvalidModule,
    MalformedModule,
    ModuleError,
    NNShimError,
    NothingToRename,
    OutputError,
    ToolError,
    ToolMissing,
    UnsupportedModule,
    UsageError,
)
from rewriter.inspect import Abi, CustomSection, ImportedItem, ModuleInfo, inspect_module
from rewriter.pipeline import Result, rewrite, rewrite_file
from rewriter.plan import Plan, Rename
from rewriter.verify import Comparison, Difference, compare

__all__ = [
    "WASI_EPHEMERAL_NN",
    "WASI_NN",
    "Abi",
    "Comparison",
    "CustomSection",
    "Difference",
    "HostMismatch",
    "ImportedItem",
    "InputError",
    "InvalidModule",
    "MalformedModule",
    "ModuleError",
    "ModuleInfo",
    "NNShimError",
    "NothingToRename",
    "OutputError",
    "Plan",
    "Rename",
    "Result",
    "ToolError",
    "ToolMissing",
    "UnsupportedModule",
    "UsageError",
    "compare",
    "inspect_module",
    "rewrite",
    "rewrite_file",
]
