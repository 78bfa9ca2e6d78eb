"""Components that cannot become core modules, and what a core module loses."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["FLATTENING", "HEAPS"]

FLATTENING = (
    Code(
        "NN341",
        Severity.ERROR,
        "the component needs WASI 0.2",
        "A component becomes a core module only if its program is one core module that imports "
        "WASI 0.1: `wasm-tools component new --adapt` makes components from such modules. The "
        "program of this component itself imports interfaces of WASI 0.2, or others, which hosts "
        "of core modules do not define. So do programs by componentize-py and componentize-js, "
        "and those for `wasm32-wasip2`.",
        "Build the program for WASI 0.1 (`wasm32-wasip1`), or use a host that runs components.",
    ),
    Code(
        "NN342",
        Severity.ERROR,
        "the component does not have exactly one program",
        "The component must contain exactly one core module with a memory. Besides it, there may "
        "be adapters for WASI 0.1 and wasi-nn, and the modules by which `wasm-tools component new` "
        "connects them. A component that `wasm-tools component link` made of libraries has more.",
        "Build the program as one core module.",
    ),
    Code(
        "NN343",
        Severity.ERROR,
        "the component is composed from others",
        "A component inside it imports `wasi:nn`. Only a component of one program becomes a core "
        "module.",
        "Rewrite the component that imports `wasi:nn`, before it is composed.",
    ),
    Code(
        "NN344",
        Severity.ERROR,
        "the program imports wasi:nn in an unknown form",
        "nnshim knows the functions of `wasi:nn` in the versions `0.2.0-rc-2024-06-25`, "
        "`0.2.0-rc-2024-08-19` and `0.2.0-rc-2024-10-28`, and in the forms without a version that "
        "NN362 names. A program may import only one.",
        "Build the program with one of these versions.",
    ),
    Code(
        "NN346",
        Severity.ERROR,
        "the program does not export what a core module needs",
        "The program must export a 32-bit memory as `memory`, and `cabi_realloc` if it calls "
        "functions that return lists.",
        "Build the program with bindings for components, such as those of wit-bindgen.",
    ),
    Code(
        "NN347",
        Severity.ERROR,
        "the program imports too few functions of wasi:nn",
        "The imports of `wasi_ephemeral_nn` replace those of `wasi:nn`, one for one, so that no "
        "function gets another index. The core module needs more functions of "
        "`wasi_ephemeral_nn` than the program imports of `wasi:nn`.",
        "Import more functions of `wasi:nn`, such as those that drop tensors and errors.",
    ),
    Code(
        "NN348",
        Severity.CONDITION,
        "inputs and outputs are known by index only",
        "Hosts of core modules have no names for inputs and outputs. A name of decimal digits is "
        "the index. In each context, the first input name that is not digits means input 0, and "
        "the first such output name means output 0. Any second such name gets the error "
        "invalid-argument. A `compute` with several inputs gets it too, unless all their names "
        "are digits.",
        "Nothing, for models with one input and one output. Otherwise pass the names "
        "(`--input-name`, `--output-name`, `--model`), or have the program use the indices as "
        "names.",
    ),
    Code(
        "NN349",
        Severity.CONDITION,
        "compute returns the first output only",
        "Hosts of core modules do not tell how many outputs a model has.",
        "Nothing, for models with one output, unless the program needs its name, which is now `0`. "
        "Otherwise pass the names of all outputs (`--output-name`, `--model`).",
    ),
    Code(
        "NN350",
        Severity.WARNING,
        "types and shapes of outputs are not known",
        "The program asks tensors for their types or shapes. For its own tensors, it gets the "
        "right answers. An output is reported as [1, n] and 32-bit floats, or as bytes if its "
        "length in bytes is not a multiple of four.",
        "Check that the program does not depend on the types and shapes of outputs.",
    ),
    Code(
        "NN351",
        Severity.NOTE,
        "errors have no text",
        "Hosts of core modules return only a number for an error, so the program gets an empty "
        "text.",
        "`nnshim run -v` prints the reasons.",
    ),
    Code(
        "NN352",
        Severity.NOTE,
        "graphs and contexts live as long as the guest",
        "The specification of core modules has no functions that drop graphs and contexts. Their "
        "memory in the guest is freed, but not that in the host.",
        "Let the guest load each graph once, and reuse its contexts.",
    ),
)

HEAPS = (
    Code(
        "NN373",
        Severity.ERROR,
        "the program's heap takes all memory",
        "A core module made from a component keeps tensors in pages that it gets by `memory.grow`. "
        "The heaps of Go and TinyGo do not leave such pages alone, and would overwrite tensors.",
        "Have the program import `wasi_ephemeral_nn`, or use a host that runs components.",
    ),
)
