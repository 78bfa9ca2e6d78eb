"""Components into which no core modules can be put in the place of wasi:nn."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["INLINING"]

INLINING = (
    Code(
        "NN361",
        Severity.ERROR,
        "the component imports several versions of wasi:nn",
        "Handles of one version mean nothing in another, so that one implementation is not enough.",
        "Build all parts of the component with one version of `wasi-nn.wit`.",
    ),
    Code(
        "NN362",
        Severity.ERROR,
        "the component imports wasi:nn in an unknown form",
        "Known are the functions of `wasi:nn` in the versions `0.2.0-rc-2024-06-25`, "
        "`0.2.0-rc-2024-08-19` and `0.2.0-rc-2024-10-28`.",
        "Build the program with one of these versions.",
    ),
    Code(
        "NN363",
        Severity.ERROR,
        "the component does more with wasi:nn than call its functions",
        "The functions of `wasi:nn` are replaced where the outermost component lowers them for its "
        "core modules. This component also exports an interface of `wasi:nn`, passes it to a "
        "component inside, or has its resources in the types of other interfaces.",
        "If the component is composed from others, use the one that imports `wasi:nn` from before "
        "it was composed.",
    ),
    Code(
        "NN364",
        Severity.ERROR,
        "the functions of wasi:nn do not have one memory and one realloc",
        "The functions that replace those of `wasi:nn` read one memory of the component, take "
        "memory for results by one function, read strings as UTF-8, and are not asynchronous. The "
        "memory and the function have to be exports of core modules that exist before the first "
        "function of `wasi:nn` is lowered with a memory.",
        "Build the program with the bindings of wit-bindgen, componentize-py or componentize-js.",
    ),
)
