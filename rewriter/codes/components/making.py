"""Core modules of which no component can be made, and what a component does in another way."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["MAKING"]

MAKING = (
    Code(
        "NN353",
        Severity.ERROR,
        "the module imports something that a component does not get",
        "The adapters around the module provide the functions of WASI 0.1 and of wasi-nn. They do "
        "not provide other import modules, or functions of WASI that only some hosts have, such "
        "as WasmEdge's sockets.",
        "Remove the code that uses the import, or link its implementation into the module.",
    ),
    Code(
        "NN354",
        Severity.ERROR,
        "the names of inputs are not known",
        "Core modules know inputs by index, but `wasi:nn` by name. So do components that import "
        "`wasi:nn` without a version, as up to Wasmtime 22. Wasmtime's ONNX backend takes the "
        "index as a name, but its OpenVINO backend does not. So nothing is written if a core "
        "module loads models for OpenVINO, or if its constants do not show that it loads none; "
        "and for a component that knows indices, nothing is written without names.",
        "`--model FILE` reads the names from the model, `--input-name 0=NAME` gives them. If the "
        "module only loads ONNX models: `--input-name 0=0`.",
    ),
    Code(
        "NN355",
        Severity.NOTE,
        "compute reports what is wrong with an input",
        "`wasi:nn` takes inputs in `compute`, and not before. `set_input` copies the tensor, and "
        "only reports an unknown context or type. A wrong index, shape or length is an error of "
        "`compute`. Because of the copy, inputs stay set for further calls of `compute`, as in "
        "core modules.",
        "Nothing, unless the guest depends on which of the two functions fails.",
    ),
    Code(
        "NN356",
        Severity.CONDITION,
        "streaming is not supported in components",
        "`compute_single`, `get_output_single` and `fini_single` are WasmEdge's own. `wasi:nn` has "
        "nothing like them, so they return `unsupported_operation`.",
        "Nothing, if the guest then uses `compute`, or never calls them.",
    ),
    Code(
        "NN357",
        Severity.WARNING,
        "the component exports nothing",
        "The module does not export `_start`, and has no section that describes its exports for "
        "components. The component is valid, but no host can call a function of it.",
        "Build a command (with `main`), or describe the exports: `wasm-tools component embed`.",
    ),
    Code(
        "NN358",
        Severity.ERROR,
        "wasm-tools cannot make a component of the module",
        "`wasm-tools component new` refuses the module or an adapter. The message has its reason.",
        "Check that `--wasi-adapter`, if it is used, is an adapter of the right kind: "
        "`command` for a module with `_start`, otherwise `reactor`.",
    ),
    Code(
        "NN359",
        Severity.CONDITION,
        "the guest's allocator has to leave the adapters' pages alone",
        "Adapters, including the one for WASI, get memory with `memory.grow`, after the part that "
        "is set aside (NN360). The allocators of C, Rust and Zig leave such pages alone, or reach "
        "them only when they have used all of that part, up to 2 GiB. Those of AssemblyScript and "
        "TinyGo take all memory that exists when they start, so the guest may overwrite the "
        "adapters' data. The code is given because the module's section `producers` names no "
        "compiler whose allocator is known, or because the module limits its memory, and with it "
        "the part that is set aside.",
        "Try the component. For other languages, use a compiler for components.",
    ),
    Code(
        "NN360",
        Severity.NOTE,
        "the component sets half of its address space aside",
        "Some guests also use the memory that follows their own: those in Go, and those in C and "
        "Rust with wasi-libc from before 2023, as Debian 12 has it. So the adapters' pages are "
        "placed after a gap of half of what the memory may grow by, nearly 2 GiB if it has no "
        "maximum. The pages of the gap take no memory until the guest uses them.",
        "Nothing, unless the host limits the size of memories (`-W max-memory-size`): allow more "
        "than 2 GiB, or the component stops at the start with a trap.",
    ),
)
