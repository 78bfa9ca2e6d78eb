"""What keeps `nnshim run` from starting a module, or stops it."""

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
        "`--max-memory` allows more. With `--as HOST`, check and rewrite it `--for` that host.",
    ),
    Code(
        "NN602",
        Severity.ERROR,
        "the host that the guest is run as would do harm here",
        "With `--as`, what a host gets wrong is imitated as far as it does no harm. Where the host "
        "would write or read beyond what the guest has passed, take a tensor for other numbers "
        "than it has, or end its whole process, the guest is stopped instead.",
        "Change the guest, or run it on a host, or a release, that does not do this: without "
        "`--as`, it gets an error that it can handle. If a model was loaded as one of another "
        "encoding, rewrite the guest with `--from HOST`, which says whose numbers it has.",
    ),
)
