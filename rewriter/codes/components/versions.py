"""Why a component does not get another version of wasi:nn: a part of rewriter.codes.rewriting."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["SHIMS", "VERSIONS"]

VERSIONS = (
    Code(
        "NN371",
        Severity.ERROR,
        "a function of wasi:nn changed between the versions",
        "nnshim gives a component another version of `wasi:nn` by renaming its imports, if each "
        "function that it imports has the same type in the other version. Otherwise, a shim does "
        "what the function did, unless another error says why that is not possible. "
        "`[constructor]error` exists in `0.2.0-rc-2024-06-25` only. `set-input`, `compute` and "
        "`get-output` are one function, `compute`, since `0.2.0-rc-2024-10-28`. Components that "
        "import `wasi:nn` without a version get one, but none loses its version.",
        "Build the component from the other version of `wasi-nn.wit`, or run it on a host that has "
        "the component's version: `nnshim check` shows which hosts run it.",
    ),
    Code(
        "NN372",
        Severity.ERROR,
        "two imports would have the same name",
        "The imports of a component must have different names, but the rewrite would give two of "
        "them the same name.",
        "Leave one of the two names as it is, or give it another one with `--rename`.",
    ),
)

SHIMS = (
    Code(
        "NN374",
        Severity.NOTE,
        "a shim replaces functions of wasi:nn that changed",
        "The named functions are different in the version that the component imports now. Core "
        "modules added to the component (the shim) replace the old functions by calling those of "
        "the new version.",
        "Nothing. `nnshim verify` makes the shim again and compares it.",
    ),
    Code(
        "NN375",
        Severity.CONDITION,
        "inputs and outputs have names instead of indices",
        "Up to Wasmtime 22, programs know inputs and outputs by index. Each version of `wasi:nn` "
        "knows them by name. The shim passes the names that were given when the component was "
        "changed.",
        "Use the component only with models that have these inputs and outputs.",
    ),
)
