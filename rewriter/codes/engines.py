"""What a host's engine refuses, and how it begins with a module: a part of rewriter.codes.hosts."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["ENGINES"]

ENGINES = (
    Code(
        "NN215",
        Severity.ERROR,
        "the host defines an import with another type",
        "The module imports a function of WASI with other parameters or results than the host's "
        "have. Instantiation would fail with an incompatible import type. A guest whose memory is "
        "64-bit, for instance, passes pointers of 64 bits, and those of WASI 0.1 have 32.",
        "Correct the declaration in the guest, or build it for `wasm32`.",
    ),
    Code(
        "NN216",
        Severity.ERROR,
        "the host refuses a part of WebAssembly that the module uses",
        "The module's types, memories, segments or instructions belong to a part of WebAssembly "
        "that came after its first release: vectors, tail calls, exceptions, threads, several "
        "memories and more. The host does not read it, or not by default, and refuses the module "
        "when it loads it, whether that code would run or not.",
        "Build the guest without it (for threads, `wasm32-wasip1` and not `wasm32-wasip1-threads`; "
        "for vectors, without `simd128`; LLVM's default since release 20 has reference types, "
        "which `-mcpu=mvp` switches off), choose a release that reads it (`nnshim hosts HOST` says "
        "which), or build or embed the host with it.",
    ),
    Code(
        "NN217",
        Severity.ERROR,
        "the host cannot call the function that the module begins with",
        "The host calls `_initialize`, and the export without a name or `_start`, without "
        "arguments. The module's takes some, or has results where none are expected, or is a "
        "function that the module itself imports.",
        "Correct the function in the guest. `nnshim run --invoke` passes arguments to a function "
        "that takes numbers.",
    ),
    Code(
        "NN218",
        Severity.CONDITION,
        "the host's command has to be told which function to begin with",
        "The module exports none of the functions that the host's command looks for, and the "
        "command ends with an error unless it is told another one. Native Wasmtime and `nnshim "
        "run` end without one where there is nothing to call. A start section alone does not help.",
        "Name the function as the message says, embed the host in a program that calls it, or "
        "build the guest as a command, with `_start`.",
    ),
    Code(
        "NN219",
        Severity.ERROR,
        "the host refuses a module that exports no memory",
        "The module imports WASI, or has a function to begin with, and exports no memory under the "
        "name `memory`. The host refuses such a module when it loads it.",
        "Export the memory: `wasm-ld` does so by default, `--export-memory` makes sure; in text, "
        '`(memory (export "memory") 1)`.',
    ),
    Code(
        "NN220",
        Severity.ERROR,
        "the host refuses a module that is a command and a reactor",
        "The module exports both `_start` and `_initialize`, and these releases of the host refuse "
        "a module with both.",
        "Build the guest as one of the two, or use a newer release of the host.",
    ),
    Code(
        "NN221",
        Severity.CONDITION,
        "the function that the module begins with takes arguments",
        "Whether the host can call it depends on more than the module: its user has to give "
        "numbers behind the file, or, for `main` with arguments, the guest has to have room for "
        "them, which the host takes from a `malloc` that the module exports or from a heap of its "
        "own (`iwasm --heap-size`).",
        "Build the guest with a `_start` without arguments, as the C libraries for WASI do.",
    ),
)
