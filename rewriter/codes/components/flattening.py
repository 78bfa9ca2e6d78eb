"""Components that cannot become core modules because of their heaps."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["FLATTENING"]

FLATTENING = (
    Code(
        "NN373",
        Severity.ERROR,
        "the program's heap takes all memory",
        "A core module made from a component keeps tensors in pages that it gets by `memory.grow`. "
        "The heaps of Go and TinyGo do not leave such pages alone, and would overwrite tensors.",
        "Have the program import `wasi_ephemeral_nn`, or use a host of components.",
    ),
)
