"""What keeps `nnshim run` from starting a module, or stops it."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN601",
        Severity.ERROR,
        "the module cannot be instantiated",
        "The module imports something that neither wasi-nn nor WASI 0.1 has, or imports it with "
        "a different type. With `--as HOST`, it may import wasi-nn under a name that this host "
        "does not register. Or the module lacks the export to call, needs more memory than "
        "allowed, or has an ABI that cannot be determined.",
        "`nnshim check --for nnshim FILE` lists each reason except memory; `--max-memory` raises "
        "that limit. With `--as HOST`, check and rewrite the module `--for` that host.",
    ),
    Code(
        "NN602",
        Severity.ERROR,
        "the host that `--as` imitates would do harm here",
        "`--as` imitates a host's faults only if they are harmless. If the host would read or "
        "write beyond what the guest passed, misread a tensor's type, or end its whole process, "
        "nnshim stops the guest instead.",
        "Change the guest, or run it on a host or release that does not do this: without `--as`, "
        "it gets an error that it can handle. If a model was loaded under the wrong encoding, "
        "rewrite the guest with `--from HOST`, which says whose numbers it has.",
    ),
)
