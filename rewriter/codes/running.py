"""What keeps `nnshim run` from starting a module."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN601",
        Severity.ERROR,
        "the module cannot be instantiated",
        "The module imports something that neither wasi-nn nor WASI 0.1 has, or with other types, "
        "or lacks an export that is called, or needs more memory than it may have, or its ABI "
        "cannot be told.",
        "`nnshim check --for nnshim FILE` gives each reason by itself, but for memory: "
        "`--max-memory` allows more.",
    ),
)
