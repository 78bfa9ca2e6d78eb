"""What a host's engine refuses, how it starts a module, and what it has for components: a part of
rewriter.codes.hosts."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["COMPONENTS", "ENGINES"]

ENGINES = (
    Code(
        "NN215",
        Severity.ERROR,
        "the host defines an import with another type",
        "The module imports a WASI function with other parameters or results than the host's. "
        "Instantiation would fail with an incompatible import type. For example, a guest with a "
        "64-bit memory passes 64-bit pointers, but those of WASI 0.1 have 32 bits.",
        "Correct the declaration in the guest, or build it for `wasm32`.",
    ),
    Code(
        "NN216",
        Severity.ERROR,
        "the host does not support a WebAssembly feature that the module uses",
        "The module's types, memories, segments or instructions use a feature that came after "
        "WebAssembly's first release: vectors, tail calls, exceptions, threads, multiple memories "
        "and others. The host does not support it, at least not by default, and refuses to load "
        "the module, even if that code would never run.",
        "Build the guest without it (for threads, target `wasm32-wasip1` instead of "
        "`wasm32-wasip1-threads`; for vectors, leave out `simd128`; LLVM 20 and later enable "
        "reference types by default, and `-mcpu=mvp` disables them), choose a release that "
        "supports it (`nnshim hosts --all HOST` says which), or build or embed the host with it "
        "enabled.",
    ),
    Code(
        "NN217",
        Severity.ERROR,
        "the host cannot call the module's entry function",
        "The host calls `_initialize`, and then the export with an empty name or `_start`, without "
        "arguments. The module's function takes arguments, returns results where none are "
        "expected, or is itself an import.",
        "Correct the function in the guest. `nnshim run --invoke` passes arguments to a function "
        "that takes numbers.",
    ),
    Code(
        "NN218",
        Severity.CONDITION,
        "the host's command needs the name of the function to call",
        "The module exports none of the functions that the host's command looks for, so the "
        "command fails unless you name one. Native Wasmtime and `nnshim run` exit without an error "
        "if there is nothing to call. A start section alone does not help.",
        "Name the function as the message says, embed the host in a program that calls it, or "
        "build the guest as a command, with `_start`.",
    ),
    Code(
        "NN219",
        Severity.ERROR,
        "the host refuses a module that exports no memory",
        "The module imports WASI or has an entry function, but exports no memory named `memory`. "
        "The host refuses to load such a module.",
        "Export the memory: `wasm-ld` does so by default, `--export-memory` makes sure; in text, "
        '`(memory (export "memory") 1)`.',
    ),
    Code(
        "NN220",
        Severity.ERROR,
        "the host refuses a module that is both a command and a reactor",
        "The module exports both `_start` and `_initialize`, and these releases of the host refuse "
        "such a module.",
        "Build the guest as one of the two, or use a newer release of the host.",
    ),
    Code(
        "NN221",
        Severity.CONDITION,
        "the module's entry function takes arguments",
        "The module alone does not show whether the host can call it. Numbers must be passed on "
        "the command line, after the file name. For a `main` with arguments, the host needs "
        "memory inside the guest: it calls the `malloc` that the module exports, or uses a heap "
        "of its own (`iwasm --heap-size`).",
        "Build the guest with a `_start` without arguments, as the C libraries for WASI do.",
    ),
)

COMPONENTS = (
    Code(
        "NN276",
        Severity.ERROR,
        "the host has another version of wasi:nn",
        "A component imports the interfaces of `wasi:nn` with a version, and a host defines them "
        "with one version only: Wasmtime up to 23 without one, in three forms, 24 with "
        "`0.2.0-rc-2024-06-25`, 25 to 34 with `0.2.0-rc-2024-08-19`, and since 35 with "
        "`0.2.0-rc-2024-10-28`. Release candidates of other dates do not match, so the component "
        "cannot be instantiated. New names alone do not help, because functions that it imports "
        "have changed between the versions. Or it imports a function with another type than the "
        "host's.",
        "Use a release of the host with that version, or build the component from the version of "
        "`wasi-nn.wit` that the host has.",
    ),
    Code(
        "NN277",
        Severity.ERROR,
        "the host does not run the component",
        "The file is a component (WASI 0.2 and later). The host provides wasi-nn to core modules "
        "only, or it runs commands only, and the component does not export `wasi:cli/run`. Or the "
        "component exports that interface without a function `run` of type `func() -> result`.",
        "Run it on Wasmtime, or build the guest as a core module or a command. Wasmtime 33 and "
        "later can call another function by name (`--invoke`).",
    ),
    Code(
        "NN278",
        Severity.ERROR,
        "the host does not define what the component imports",
        "The component imports an interface that the host does not have, or has in another version "
        "only, or the import is not an instance. The component cannot be instantiated. Functions "
        "of WASI are compared by name, those of `wasi:nn` by type too.",
        "Compose the component with one that exports the interface, run it in a program that "
        "defines it, or use a release of the host that has it.",
    ),
    Code(
        "NN279",
        Severity.CONDITION,
        "an interface must be enabled",
        "The component imports an interface or a function that the host has only with an option. "
        "Not every release has the option.",
        "Start the host with the option.",
    ),
    Code(
        "NN280",
        Severity.CONDITION,
        "it is unknown whether the host has what the component imports",
        "nnshim's table of hosts does not say whether this release runs components, or has the "
        "interface.",
        "Try the component on the host.",
    ),
    Code(
        "NN281",
        Severity.CONDITION,
        "the component is not a command",
        "`wasmtime run` calls the function `run` of an exported `wasi:cli/run`. The component does "
        "not export that interface, so it is for a program that calls other exports, as "
        "`wasmtime serve` does.",
        "Name the function to call with `--invoke` (Wasmtime 33 and later), start a component that "
        "exports `wasi:http/incoming-handler` with `wasmtime serve -S cli` (and `-S nn`, if it "
        "imports `wasi:nn`), or use the component from such a program.",
    ),
    Code(
        "NN282",
        Severity.UNSEEN,
        "a component does not show which models it loads",
        "nnshim follows the constants that reach `load`, but in a component only if it was made "
        "from one core module and can become one again. This component was made in another way, "
        "or loads graphs by name, or passes something to `load` that is not constant, or has an "
        "adapter that passes something else. So nnshim does not know which formats of models and "
        "which devices it uses.",
        "Compare the models with the host's backends: `nnshim hosts HOST`. With "
        "`--strict`, `nnshim check` treats this as a condition.",
    ),
    Code(
        "NN283",
        Severity.WARNING,
        "the host does not run this component, but the core module that it becomes",
        "The file is a component (WASI 0.2 and later) that was made from a core module. The host "
        "provides wasi-nn to core modules only, or what it has for components does not fit.",
        "`nnshim rewrite --for HOST IN OUT` makes a core module of it.",
    ),
    Code(
        "NN286",
        Severity.WARNING,
        "the host has another version of wasi:nn, with the same functions",
        "A component imports the interfaces of `wasi:nn` with a version, and a host defines them "
        "with one version only. The functions that this component imports have the same types in "
        "the host's version, so only the names of the imports have to change.",
        "`nnshim rewrite --for HOST IN OUT` changes them.",
    ),
    Code(
        "NN287",
        Severity.WARNING,
        "the host has another version of wasi:nn, with other functions",
        "A component imports the interfaces of `wasi:nn` with a version, and a host defines them "
        "with one version only. Some functions that this component imports are different in the "
        "host's version. A shim in the component does what they did.",
        "`nnshim rewrite --for HOST IN OUT` adds the shim.",
    ),
)
