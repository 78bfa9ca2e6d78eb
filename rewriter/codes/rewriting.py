"""What a rewrite changes, loses, or cannot do."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity
from rewriter.codes.components.flattening import FLATTENING, HEAPS
from rewriter.codes.components.inlining import INLINING
from rewriter.codes.components.making import MAKING
from rewriter.codes.components.versions import SHIMS, VERSIONS

__all__ = ["CODES"]

CODES = (
    Code(
        "NN301",
        Severity.CONDITION,
        "on this host, load_by_name_with_config takes no configuration",
        "The host has only `load_by_name`. The adapter calls it if the configuration is empty, and "
        "otherwise returns unsupported_operation.",
        "Configure the graph on the host, or have the guest call `load_by_name`.",
    ),
    Code(
        "NN302",
        Severity.NOTE,
        "unload has no effect on this host",
        "The host cannot unload a graph. The adapter does nothing and returns success; graphs live "
        "as long as the guest.",
        "Let the guest load each graph once.",
    ),
    Code(
        "NN303",
        Severity.NOTE,
        "finalize_execution_context has no effect on this host",
        "The host cannot end a context. The adapter does nothing and returns success; contexts "
        "live as long as the guest.",
        "Let the guest create its contexts once and reuse them.",
    ),
    Code(
        "NN304",
        Severity.NEED,
        "on this host, TensorFlow Lite models use only 32-bit floats",
        "WAMR's TensorFlow Lite backend takes no other tensors: `set_input` refuses them. It "
        "treats outputs as floats, or converts them to floats if they are quantised. If an output "
        "has another type, the guest gets wrong data, which neither the host nor the adapter can "
        "detect.",
        "Nothing, for other formats and for models whose inputs and outputs are 32-bit floats. "
        "Convert other TensorFlow Lite models.",
    ),
    Code(
        "NN305",
        Severity.NEED,
        "on this host, quantised TensorFlow Lite models do not take floats",
        "WAMR takes and returns floats for quantised TensorFlow Lite models; this host does not. "
        "`set_input` refuses floats for such a model, and its outputs are not floats.",
        "Nothing, for models that are not quantised. Otherwise have the guest quantise its inputs "
        "and outputs, or use a model that is not quantised.",
    ),
    Code(
        "NN306",
        Severity.UNSEEN,
        "the host can load models of only one backend",
        "The host counts outputs differently per backend, holds one backend at a time, and does "
        "not say which backend an output comes from. So once the guest has loaded an OpenVINO "
        "model, the adapters of `load` and `load_by_name` return unsupported_operation for "
        "models of other backends, and vice versa. The first model keeps working.",
        "Nothing, for guests whose models have one format. Otherwise load the others in a second "
        "instance.",
    ),
    Code(
        "NN307",
        Severity.UNSEEN,
        "on this host, an OpenVINO output that is larger than the buffer ends the guest",
        "The host (WAMR before 2.4.0) copies the whole output of an OpenVINO model, even if the "
        "buffer is smaller, and overwrites the guest's memory. The adapter cannot know the size "
        "beforehand. It traps afterwards, so that the guest does not continue with damaged "
        "memory. Other hosts overrun buffers too (NN240), but their guests have no adapter that "
        "could check.",
        "Make the buffer as large as the output; the model's metadata give the size.",
    ),
    Code(
        "NN308",
        Severity.NEED,
        "on this host, OpenVINO treats tensors as images",
        "OpenVINO in WAMR before 2.4.0, WasmEdge before 0.14.0 and Wasmtime before 23 treats a "
        "four-dimensional tensor as an image in channels-last order, whatever the shape says. "
        "The values of any other tensor reach the model in the wrong order, without an error. "
        "WasmEdge 0.14 treats every tensor as 1x224x224x3 floats, and a smaller one ends the "
        "host's process. The module does not show whether the guest loads OpenVINO models.",
        "Nothing, for channels-last images, or if the guest loads no OpenVINO models; `--model` "
        "gives a more exact verdict. For other OpenVINO models, use another release.",
    ),
    Code(
        "NN309",
        Severity.CONDITION,
        "on this host, load_by_name_with_config needs llama.cpp",
        "The host calls a function that only its llama.cpp backend has. With any other backend, "
        "the host's process ends.",
        "Nothing, for language models (GGUF). For other models, have the guest call "
        "`load_by_name`.",
    ),
    Code(
        "NN311",
        Severity.WARNING,
        "debug information no longer matches",
        "Code has moved, and the named sections describe it by position: DWARF, source maps, "
        "branch hints. Debuggers and profilers would show wrong lines.",
        "`--drop-debug` removes those sections. If the module is only renamed, `--keep-offsets` "
        "leaves the code where it was.",
    ),
    Code(
        "NN312",
        Severity.WARNING,
        "the host cannot run the rewritten module",
        "The module's use of wasi-nn now fits the host, but something else does not: the module "
        "imports something that the host does not define, or uses a WebAssembly feature that the "
        "host lacks. No rewrite can fix that. The result is written anyway, because the host can "
        "be built differently. The exit code is 4, the same as that of `nnshim check` of the "
        "result.",
        "`nnshim check --for HOST` lists each reason with its code.",
    ),
    Code(
        "NN313",
        Severity.WARNING,
        "a custom section has outdated names of imports",
        "The section describes imports by name, and some of these names have changed. A "
        "component type has the names from WIT, and tools that make components look for these "
        "names. nnshim updates the names in `dylink.0`, unless that section cannot be parsed.",
        "Generate the section again: `wasm-tools component embed` with a world that has the new "
        "names; for a dynamic library, link it again.",
    ),
    Code(
        "NN314",
        Severity.WARNING,
        "native code in the module is outdated",
        "`wasmedge compile` appends native code to the module. The rewrite changed functions of "
        "the module, but not the native code. WasmEdge only checks how many functions and types "
        "there are. If the counts differ, it says so and interprets the module. If they match, "
        "it runs the native code, which still calls the old imports; since 0.17, only with "
        "`--run-mode=aot`.",
        "Run `wasmedge compile` again: if there are several such sections, WasmEdge uses the last "
        "one.",
    ),
    Code(
        "NN315",
        Severity.NOTE,
        "a custom section is unknown",
        "nnshim does not know this section, and so cannot tell whether its content is still right "
        "after the rewrite. It is copied unchanged.",
        "Find out whether it names imports, functions or positions in the code. If so, regenerate "
        "it, or remove it (`wasm-tools strip --delete`).",
    ),
    Code(
        "NN316",
        Severity.NOTE,
        "native code in the module stays valid",
        "`wasmedge compile` appended native code to the module. The rewrite only changed the names "
        "of imports, and native code calls imports by index: WasmEdge runs it as before.",
        "Nothing.",
    ),
    Code(
        "NN321",
        Severity.ERROR,
        "the memory is shared between threads",
        "Adapters borrow bytes of the guest's memory during a call. In a shared memory, another "
        "thread might use them at the same time.",
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
        "Leave out `--keep-offsets`, and use `--drop-debug` if the module has debug information.",
    ),
    Code(
        "NN324",
        Severity.ERROR,
        "functions of two ABIs would share one module name",
        "The module imports wasi-nn under several names, in two ABIs: `load` and `get_output` "
        "take different parameters under each name. No host has both ABIs under one name, so no "
        "host could instantiate the module after this rename.",
        "`nnshim rewrite --for HOST IN OUT`, or `--abi ABI`, also adapts the functions of one of "
        "them.",
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
        "there is nothing to change",
        "The module is already as the rewrite would make it. This is an error only with "
        "`--require`.",
        "Leave out `--require` if that is fine.",
    ),
    Code(
        "NN332",
        Severity.ERROR,
        "the rewritten module is not valid",
        "The input is valid, but nnshim's result is not. Nothing was written. This is a bug in "
        "nnshim.",
        "Please report it with the module.",
    ),
    Code(
        "NN333",
        Severity.NOTE,
        "a name to rename is not imported",
        "`--rename` names a module from which nothing is imported. The name may be misspelt, or "
        "already changed.",
        "`nnshim inspect` lists the modules that the file imports from.",
    ),
    Code(
        "NN334",
        Severity.WARNING,
        "no host runs a module that is only renamed",
        "wasi-nn's two module names stand for two ABIs. The module's functions have one ABI, but "
        "the hosts that register its new name have the other, in which `load` and `get_output` "
        "take different parameters. Such a host refuses the module, or traps in the first call. "
        "Only `nnshim run`, which takes each name in either ABI, runs it.",
        "`nnshim rewrite --for HOST IN OUT` also adapts the functions. `nnshim hosts` lists the "
        "hosts.",
    ),
    *FLATTENING,
    *MAKING,
    *INLINING,
    *VERSIONS,
    *HEAPS,
    *SHIMS,
)
