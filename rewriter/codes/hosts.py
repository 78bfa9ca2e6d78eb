"""What a host lacks or does differently."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity
from rewriter.codes.of_hosts.engines import COMPONENTS, ENGINES
from rewriter.codes.of_hosts.limits import LIMITS

__all__ = ["CODES"]

CODES = (
    Code(
        "NN201",
        Severity.WARNING,
        "the host registers wasi-nn under another name",
        "The module imports wasi-nn's functions from a module name that the host does not "
        "register. Instantiation would fail with an unknown import.",
        "`nnshim rewrite --for HOST IN OUT` renames the imports.",
    ),
    Code(
        "NN202",
        Severity.WARNING,
        "the host speaks another ABI",
        "The functions take other parameters on the host than in the module.",
        "`nnshim rewrite --for HOST IN OUT` adds adapters for them.",
    ),
    Code(
        "NN203",
        Severity.WARNING,
        "the host numbers encodings differently",
        "The number that the guest passes to `load` for a model's format means a different format "
        "on the host.",
        "`nnshim rewrite --for HOST IN OUT` puts an adapter before `load`. If the guest was built "
        "for a host with those numbers, say so with `--from`.",
    ),
    Code(
        "NN204",
        Severity.WARNING,
        "the host numbers tensor types differently",
        "The number that the guest passes for a tensor's type means a different type on the host, "
        "which would misread the bytes without an error.",
        "`nnshim rewrite --for HOST IN OUT` puts an adapter before the function.",
    ),
    Code(
        "NN205",
        Severity.WARNING,
        "the host lacks a function that an adapter can replace",
        "The host lacks this function, but another function can do its job, or nothing needs to be "
        "done.",
        "`nnshim rewrite --for HOST IN OUT` adds an adapter in its place. A note says what the "
        "adapter does.",
    ),
    Code(
        "NN206",
        Severity.WARNING,
        "a function was adapted to a different host",
        "An earlier rewrite put adapters into the module for a host that needs different ones than "
        "this host.",
        "`nnshim rewrite --for HOST IN OUT` replaces them.",
    ),
    Code(
        "NN207",
        Severity.WARNING,
        "the host numbers errors differently",
        "The number that a function returns on failure means a different error to the guest, or "
        "none that it knows. Some guests cannot represent an unknown number without undefined "
        "behaviour.",
        "`nnshim rewrite --for HOST IN OUT` adds an adapter for each function, which returns the "
        "guest's numbers. Errors that the guest's numbering does not distinguish become a runtime "
        "error.",
    ),
    Code(
        "NN208",
        Severity.WARNING,
        "the host needs a NUL after names",
        "The host reads the name of a graph, or its configuration, up to a NUL, or refuses a "
        "string without one. Rust's strings, for example, have none.",
        "`nnshim rewrite --for HOST IN OUT` adds an adapter that passes the name to the host with "
        "a NUL after it. If the guest was built for that host, say so with `--from`.",
    ),
    Code(
        "NN209",
        Severity.WARNING,
        "the host counts some outputs in floats",
        "For TensorFlow Lite models, the host counts the guest's buffer and the written output in "
        "32-bit floats; for other models, in bytes. So if the guest gives the length in bytes, the "
        "host writes beyond the buffer.",
        "`nnshim rewrite --for HOST IN OUT` adds adapters that count like the host.",
    ),
    Code(
        "NN211",
        Severity.ERROR,
        "the host lacks a function",
        "The module imports a wasi-nn function that the host lacks, and no adapter can replace "
        "it. Streaming, for example, must be in the host. The host refuses a module with such an "
        "import.",
        "Choose a host that has it (`nnshim inspect` lists them), or build the guest without it.",
    ),
    Code(
        "NN212",
        Severity.ERROR,
        "the host does not define an import",
        "The module imports something besides wasi-nn that the host does not define. "
        "Instantiation would fail with an unknown import.",
        "Build the guest for WASI 0.1 only (in AssemblyScript, `--use abort=` names a function "
        "instead of `env.abort`), or run it in a program that defines those imports.",
    ),
    Code(
        "NN213",
        Severity.WARNING,
        "the host does not read compact import sections",
        "The module's import section uses the compact encoding, which has one module name for "
        "several imports. The host does not support it.",
        "`nnshim rewrite --for HOST IN OUT` writes the usual encoding, and so does `wasm-opt "
        "--disable-compact-imports`.",
    ),
    Code(
        "NN214",
        Severity.ERROR,
        "the host that `--from` names does not speak the module's ABI",
        "The module's imports have an ABI that the host named by `--from` does not speak, so the "
        "module cannot have been built for that host.",
        "Name the right host, or leave `--from` out.",
    ),
    *ENGINES,
    Code(
        "NN222",
        Severity.CONDITION,
        "an import depends on what is installed with the host",
        "The module imports something besides wasi-nn and WASI that the host has only with a "
        "plugin or a build option. Without it, the host either refuses the module, or starts it "
        "and traps when the function is called. The message says which of the two, if that is "
        "known.",
        "Install the plugin, or check that your build of the host, or the program that embeds it, "
        "defines the import.",
    ),
    Code(
        "NN223",
        Severity.CONDITION,
        "WASI functions find no memory to work in",
        "The module imports WASI functions but exports no memory named `memory`. Calling such a "
        "function traps.",
        "Export the memory: `wasm-ld` does so by default, `--export-memory` makes sure; in text, "
        '`(memory (export "memory") 1)`.',
    ),
    Code(
        "NN224",
        Severity.CONDITION,
        "the release is not in the table of hosts",
        "nnshim does not know this release of the host and treats it as the newest known release "
        "before it.",
        "Look for a newer nnshim, or try the module on the host.",
    ),
    Code(
        "NN225",
        Severity.NOTE,
        "the releases of the host differ",
        "The name stands for several releases of the host, and the message applies only to some "
        "of them.",
        "Name the release: `--for wamr-legacy@2.3.1`. `nnshim hosts` lists them.",
    ),
    Code(
        "NN226",
        Severity.CONDITION,
        "calling an imported function traps",
        "The module imports a function besides wasi-nn's that the host does not define, or has "
        "with a different type. The host still starts the module, but calling the function traps.",
        "That is harmless if the guest never calls it: AssemblyScript calls `env.abort` only on "
        "failure. Otherwise build the guest without it.",
    ),
    Code(
        "NN227",
        Severity.CONDITION,
        "it is unknown whether the host supports a WebAssembly feature",
        "The module uses a newer WebAssembly feature, and nnshim's table of hosts does not say "
        "whether this release supports it.",
        "Try the module on the host.",
    ),
    Code(
        "NN228",
        Severity.CONDITION,
        "the releases number errors or encodings differently",
        "The name stands for several releases of the host, and some of them number errors or "
        "encodings differently from the guest. Adapters translate for one release only, so no "
        "single rewrite fits all of them.",
        "Name the release for `check` and `rewrite`: `--for wamr-legacy@2.3.1`. `nnshim hosts` "
        "lists them.",
    ),
    Code(
        "NN229",
        Severity.NOTE,
        "the release belongs to a group that behaves alike",
        "nnshim treats consecutive releases of a host as one group if nothing that matters to "
        "guests changed between them. The group is named after its newest release.",
        "Nothing: statements about the group apply to the release.",
    ),
    *LIMITS,
    Code(
        "NN261",
        Severity.CONDITION,
        "the host does not take the type of a tensor",
        "A constant in the module shows that it passes a tensor of this type. No backend of the "
        "host takes this type, or none for which the module loads models: `set_input` fails, or "
        "the host reads the data as 32-bit floats. A number without a meaning fails or is ignored.",
        "Convert the input in the guest, or use another host. If the guest avoids this type on "
        "this host, use `--accept NN261`.",
    ),
    Code(
        "NN262",
        Severity.CONDITION,
        "the host has no backend for an encoding",
        "A constant in the module shows that it loads a model of this format. No backend that the "
        "host has, or can be built with, takes this format, so `load` fails.",
        "Convert the model and load the converted one, or use another host. If the guest never "
        "loads such a model on this host, use `--accept NN262`.",
    ),
    Code(
        "NN263",
        Severity.CONDITION,
        "the host does not take the target of a model",
        "A constant in the module shows that it asks for this target. None of the host's backends "
        "for which the module loads models takes it: `load` or a later call fails, or the host's "
        "whole process ends. Targets are cpu (0), gpu (1) and tpu (2). A backend that falls back "
        "to the CPU counts as taking the target.",
        "Have the guest ask for the CPU. If the guest already does so when another target fails, "
        "and the host returns an error, use `--accept NN263`.",
    ),
    Code(
        "NN264",
        Severity.CONDITION,
        "some of the host's backends take no configuration",
        "The module imports `load_by_name_with_config`. The host passes the configuration to the "
        "backend as an additional part of the model. Only the backends of language and speech "
        "models read it; the others return an error because they expect a different number of "
        "parts. This is not reported for modules that stream, or whose constants show that all "
        "configurations are empty.",
        "Name the models with `--model`. Have the guest call `load_by_name` for models other "
        "than language and speech models.",
    ),
    Code(
        "NN265",
        Severity.CONDITION,
        "the host treats the inputs of the guest's OpenVINO models as images",
        "A constant in the module shows that it loads OpenVINO models. This release treats their "
        "inputs as images: four-dimensional and channels-last, whatever the shape says, or of "
        "one fixed size. The values of any other tensor reach the model in the wrong order, "
        "without an error, or the host's process ends.",
        "Name the models with `--model`, for a more exact verdict. Use another release for "
        "models whose inputs are not images.",
    ),
    Code(
        "NN266",
        Severity.CONDITION,
        "the host does not take this number of builders",
        "A constant in the module shows how many builders it passes to `load` for a model. None "
        "of the host's backends for which the module loads models takes that number: `load` "
        "fails, or the host's whole process ends. OpenVINO takes two, and the second may be "
        "empty; TensorFlow Lite and PyTorch take one.",
        "Have the guest pass as many builders as the format has: the XML and the weights for "
        "OpenVINO, the whole model for other formats. If `load` may fail when the guest passes "
        "another number, use `--accept NN266`.",
    ),
    Code(
        "NN271",
        Severity.CONDITION,
        "the profile lacks something that the module depends on",
        "The module's calls depend on a fact that the profile lacks, such as the numbers of "
        "tensor types. nnshim assumes neither that they work nor that they fail.",
        "Measure the host with `nnshim probe`, or look the answer up in the host's source and "
        "add it to the profile.",
    ),
    Code(
        "NN272",
        Severity.UNSEEN,
        "the profile lacks things that the module may depend on",
        "The profile lacks some of the host's numbers, or facts about its behaviour. A module "
        "that does not depend on them runs.",
        "Measure the host with `nnshim probe`, or look the answers up in the host's source and "
        "add them to the profile.",
    ),
    Code(
        "NN273",
        Severity.UNSEEN,
        "some mistakes of a guest end the whole process of the host",
        "When the host was measured, these calls ended its whole process. Other hosts return an "
        "errno or stop only the guest.",
        "Check what the guest passes, and run no other guests in the same process.",
    ),
    Code(
        "NN274",
        Severity.CONDITION,
        "outputs are counted in an unexpected unit",
        "A guest counts all outputs in one unit. Adapters count OpenVINO's outputs in bytes, and "
        "all others in either bytes or floats. The host uses another unit with some backends, so "
        "a guest gets the length of an output wrong.",
        "Do not use these backends on this host.",
    ),
    Code(
        "NN275",
        Severity.NOTE,
        "the host registers a second name with another layout",
        "A profile covers one layout of wasi-nn's functions. The host also registers the other "
        "name, with another layout, and nnshim does not adapt guests to the other one.",
        "Nothing: guests are adapted to the first name.",
    ),
    *COMPONENTS,
)
