"""What a rewrite changes, loses, or cannot do."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN301",
        Severity.CONDITION,
        "load_by_name_with_config takes no configuration there",
        "The host has `load_by_name` only. The adapter calls that if the configuration is empty, "
        "and returns unsupported_operation if it is not.",
        "Configure the graph on the host, or have the guest call `load_by_name`.",
    ),
    Code(
        "NN302",
        Severity.NOTE,
        "unload has no effect there",
        "The host cannot unload a graph. The adapter returns success and does nothing; graphs live "
        "as long as the guest.",
        "Let the guest load each graph once.",
    ),
    Code(
        "NN303",
        Severity.NOTE,
        "finalize_execution_context has no effect there",
        "The host cannot end a context. The adapter returns success and does nothing; contexts "
        "live as long as the guest.",
        "Let the guest make its contexts once and use them again.",
    ),
    Code(
        "NN304",
        Severity.NEED,
        "TensorFlow Lite models take and give 32-bit floats only there",
        "WAMR's TensorFlow Lite backend takes no other tensors: `set_input` refuses them. Outputs "
        "it takes for floats, or makes floats of them if they are quantised: an output of another "
        "type is not what the guest expects, and neither the host nor the adapter can tell.",
        "Nothing, for models of other formats, and for those whose inputs and outputs are 32-bit "
        "floats. Convert others.",
    ),
    Code(
        "NN305",
        Severity.NEED,
        "quantised TensorFlow Lite models are not fed with floats there",
        "WAMR feeds and reads quantised TensorFlow Lite models as floats, and other hosts do not. "
        "Such a model's `set_input` refuses floats there, and its output is not floats.",
        "Nothing, for models that are not quantised. Have the guest quantise its inputs and "
        "outputs, or use a model that is not quantised.",
    ),
    Code(
        "NN306",
        Severity.UNSEEN,
        "models of one backend only can be loaded there",
        "The host counts outputs by the backend of the model, holds one backend at a time, and "
        "does not say whose output it gives. Once a model is loaded, the adapters of `load` and "
        "`load_by_name` return unsupported_operation for one of OpenVINO after one of another "
        "backend, and for one of another backend after one of OpenVINO. The first model goes on.",
        "Nothing, for guests with models of one format. Have others load theirs in two instances.",
    ),
    Code(
        "NN307",
        Severity.UNSEEN,
        "an OpenVINO output that is larger than the buffer ends the guest there",
        "The host, WAMR before 2.4.0, copies an output of OpenVINO whole, however small the buffer "
        "is, into the guest's memory behind it. The adapter cannot know beforehand, and traps "
        "afterwards, so that the guest does not go on with what is left of its memory. Other hosts "
        "write beyond a buffer, too (NN240), and there no adapter looks.",
        "Make the buffer as large as the output, which the model's metadata tell.",
    ),
    Code(
        "NN308",
        Severity.NEED,
        "OpenVINO takes tensors for images there",
        "OpenVINO in WAMR before 2.4.0 takes a tensor of four dimensions for an image of "
        "three channels, which come last whatever the shape says, and resizes it to what the model "
        "has. The values of any other tensor reach the model in another order, without an error.",
        "Nothing, for images whose channels come last. Use another release for other models.",
    ),
    Code(
        "NN309",
        Severity.CONDITION,
        "load_by_name_with_config needs llama.cpp there",
        "The host calls a function of its backend that only the one of llama.cpp has. With any "
        "other, the host's process ends.",
        "Nothing, for language models (GGUF). Have the guest call `load_by_name` for others.",
    ),
    Code(
        "NN311",
        Severity.WARNING,
        "debug information no longer matches",
        "Code has moved, and the sections that are named describe it by its position: DWARF, "
        "source maps, branch hints. Debuggers and profilers would show wrong lines.",
        "`--drop-debug` removes those sections. If the module is only renamed, `--keep-offsets` "
        "leaves the code where it was.",
    ),
    Code(
        "NN312",
        Severity.WARNING,
        "the host cannot run what comes of the rewrite",
        "The module's use of wasi-nn fits the host now. Something else in it does not, which no "
        "rewrite mends: an import that the host does not define, a proposal that it lacks. The "
        "result is written, for a host that was built otherwise, and the exit code is 4, which is "
        "that of `nnshim check` of the result.",
        "`nnshim check --for HOST` gives each reason, with its code.",
    ),
    Code(
        "NN313",
        Severity.WARNING,
        "a custom section names imports as they were before",
        "The section describes imports by their names, some of which are others now: a component "
        "type has the names that are in WIT, and tools that make a component look for these. In "
        "`dylink.0` nnshim gives them their new names, unless it cannot be read.",
        "Write the section anew: `wasm-tools component embed` with a world that has the new names; "
        "for a dynamic library, link it again.",
    ),
    Code(
        "NN314",
        Severity.WARNING,
        "native code in the module is that of before",
        "`wasmedge compile` keeps the module and appends to it what it has compiled it to. The "
        "rewrite has changed functions of the module, and not the native code. WasmEdge compares "
        "nothing but the numbers of functions and types: where they differ, it says so and "
        "interprets the module, and where they are the same, it runs the native code, which calls "
        "imports as they were before. Since 0.17 it does so with `--run-mode=aot` only.",
        "Compile the module anew with `wasmedge compile`: of several such sections WasmEdge takes "
        "the last.",
    ),
    Code(
        "NN315",
        Severity.NOTE,
        "a custom section is not understood",
        "nnshim does not know what the section says, and so not whether that is still right after "
        "the rewrite. It is passed on as it is.",
        "Ask whoever writes or reads that section whether it names imports, functions or positions "
        "in the code. If so, have it written anew, or remove it (`wasm-tools strip --delete`).",
    ),
    Code(
        "NN316",
        Severity.NOTE,
        "native code in the module stays right",
        "`wasmedge compile` has appended native code to the module. The rewrite has changed the "
        "names of imports, which native code calls by their index: WasmEdge runs it as before.",
        "Nothing.",
    ),
    Code(
        "NN321",
        Severity.ERROR,
        "the memory is shared between threads",
        "Adapters borrow bytes of the guest's memory for the length of a call. With a shared "
        "memory another thread may be using them.",
        "Build the guest without threads, or for an ABI that the host speaks.",
    ),
    Code(
        "NN322",
        Severity.ERROR,
        "the memory is 64-bit",
        "Adapters compute with 32-bit addresses.",
        "Build the guest for wasm32, or for an ABI that the host speaks.",
    ),
    Code(
        "NN323",
        Severity.ERROR,
        "offsets cannot be kept",
        "`--keep-offsets` fills the gap that a shorter import section leaves. Here the imports get "
        "longer, the gap is too small for a section, or something else changes before the end of "
        "the code.",
        "Leave `--keep-offsets` out, and use `--drop-debug` if the module has debug information.",
    ),
    Code(
        "NN324",
        Severity.ERROR,
        "functions of two ABIs would get one module name",
        "The module imports wasi-nn from several modules, in two ABIs: `load` and `get_output` "
        "have other parameters under one name than under the other. No host has both under one "
        "name, so that the module could not be instantiated anywhere after this rename.",
        "`nnshim rewrite --for HOST IN OUT`, or `--abi ABI`, also puts adapters before the "
        "functions of one of them.",
    ),
    Code(
        "NN325",
        Severity.ERROR,
        "adapters have no memory to work in",
        "Adapters read and write the guest's structures in the memory that it exports under the "
        "name `memory`, as the host does. This module exports none.",
        "Export it: `wasm-ld` does so by default, `--export-memory` makes sure; in text, "
        '`(memory (export "memory") 1)`.',
    ),
    Code(
        "NN331",
        Severity.ERROR,
        "nothing has to change",
        "With `--require`, a module that is already as it was to become is an error.",
        "Leave `--require` out if that is fine.",
    ),
    Code(
        "NN332",
        Severity.ERROR,
        "the rewritten module is not valid",
        "The input is valid and what nnshim has made of it is not. Nothing was written. This is a "
        "fault in nnshim.",
        "Please report it with the module.",
    ),
    Code(
        "NN333",
        Severity.NOTE,
        "a name that was to change is not imported",
        "`--rename` has the name of a module from which nothing is imported. It may be misspelt, "
        "or have been changed before.",
        "`nnshim inspect` lists the modules that are imported from.",
    ),
    Code(
        "NN334",
        Severity.WARNING,
        "no host runs what is only renamed",
        "Two ABIs stand behind wasi-nn's two module names. The module has functions of one, and "
        "the hosts that register its new name have those of the other: `load` and `get_output` "
        "have other parameters. Such a host refuses the module, or traps in the first call. Only "
        "`nnshim run`, which takes each name in either ABI, runs it.",
        "`nnshim rewrite --for HOST IN OUT` adapts the functions as well. `nnshim hosts` lists the "
        "hosts.",
    ),
)
