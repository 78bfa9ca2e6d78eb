"""Components into which no core modules can be put in the place of wasi:nn."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["INLINING"]

INLINING = (
    Code(
        "NN361",
        Severity.ERROR,
        "the component imports several versions of wasi:nn",
        "A handle of one version has no meaning in another, so one implementation is not enough.",
        "Build all parts of the component with one version of `wasi-nn.wit`.",
    ),
    Code(
        "NN362",
        Severity.ERROR,
        "the component imports wasi:nn in an unknown form",
        "nnshim knows the functions of `wasi:nn` in the versions `0.2.0-rc-2024-06-25`, "
        "`0.2.0-rc-2024-08-19` and `0.2.0-rc-2024-10-28`, and the forms that it had without a "
        "version: those of Wasmtime 13 to 23, and of wasi-nn since October 2023. The types of the "
        "functions that a component imports tell which form it has.",
        "Build the program with one of these versions.",
    ),
    Code(
        "NN363",
        Severity.ERROR,
        "the component does more with wasi:nn than call its functions",
        "nnshim replaces the functions of `wasi:nn` where a component lowers them for its core "
        "modules. A component inside may get them from the component around it, by their own "
        "names. This component also exports an interface of `wasi:nn`, has its resources in the "
        "types of other functions, or has a component inside that also gets another `wasi:nn`.",
        "If the component is composed from others, let one of them make all calls of `wasi:nn`, "
        "and pass lists of numbers between them, not tensors.",
    ),
    Code(
        "NN364",
        Severity.ERROR,
        "a function of wasi:nn is lowered in a form that cannot be replaced",
        "The functions that replace those of `wasi:nn` read strings as UTF-8, and are not "
        "asynchronous. The memory that they read, and the function that allocates memory for "
        "results, must be exports of core modules that are instantiated before the first function "
        "of `wasi:nn` is lowered with that memory.",
        "Build the program with the bindings of wit-bindgen, componentize-py or componentize-js.",
    ),
    Code(
        "NN365",
        Severity.ERROR,
        "a function of wasi:nn cannot be replaced by those of another version",
        "The shim between two versions of `wasi:nn` needs the interfaces that its functions belong "
        "to, and contexts that the program makes itself.",
        "Build the program with the other version of `wasi-nn.wit`.",
    ),
    Code(
        "NN366",
        Severity.ERROR,
        "the names of a model's outputs are not known",
        "Before `0.2.0-rc-2024-10-28`, no function lists a model's outputs. `compute` of that "
        "version returns all of them, so their names have to be in the component. So do they for a "
        "program that knows outputs by index (Wasmtime up to 22).",
        "Pass the names of the outputs, in the order in which the program expects them "
        "(`--output-name`, `--model`).",
    ),
    Code(
        "NN367",
        Severity.CONDITION,
        "outputs have the host's names",
        "Hosts of `0.2.0-rc-2024-10-28` return outputs with names of their own: `0`, `1` and so "
        "on with Wasmtime's OpenVINO backend, the model's names with its ONNX backend. The "
        "program asks for outputs by name. If a model has one output, the program gets that one "
        "for any name. If it has several, `get-output` with a name that the host does not have is "
        "a runtime-error.",
        "Nothing, for models with one output. Otherwise have the program use the host's names.",
    ),
    Code(
        "NN368",
        Severity.NOTE,
        "compute reports what is wrong with an input",
        "Hosts of `0.2.0-rc-2024-10-28` take inputs in `compute`. `set-input` keeps a copy of the "
        "tensor, and each `compute` passes all inputs that are set. A wrong name, type or shape is "
        "an error of `compute`.",
        "Nothing, unless the program depends on which of the two functions fails.",
    ),
    Code(
        "NN369",
        Severity.CONDITION,
        "compute returns the outputs whose names were given",
        "Hosts of versions before `0.2.0-rc-2024-10-28` do not list a model's outputs. `compute` "
        "asks for those that were named when the component was changed, and fails if a model does "
        "not have one of them. An input that a later `compute` leaves out keeps its value.",
        "Use the component only with models that have these outputs, and pass all inputs every "
        "time.",
    ),
)
