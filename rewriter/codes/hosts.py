"""What a host lacks, or has in another form."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity
from rewriter.codes.engines import COMPONENTS, ENGINES
from rewriter.codes.limits import LIMITS

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
        "`nnshim rewrite --for HOST IN OUT` adds adapters that count as the host does.",
    ),
    Code(
        "NN211",
        Severity.ERROR,
        "the host lacks a function",
        "The module imports a wasi-nn function that the host lacks, and no adapter can replace it: "
        "streaming, for example, must be in the host. The host refuses a module with such an "
        "import.",
        "Choose a host that has it (`nnshim inspect` lists them), or build the guest without it.",
    ),
    Code(
        "NN212",
        Severity.ERROR,
        "the host does not define an import",
        "The module imports something besides wasi-nn that the host is known not to define. "
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
        "the host that it was built for does not speak its ABI",
        "`--from` names a host that does not speak the ABI of the module's imports, so the module "
        "cannot have been built for it.",
        "Name the right host, or leave `--from` out.",
    ),
    *ENGINES,
    Code(
        "NN222",
        Severity.CONDITION,
        "an import depends on what is installed with the host",
        "The module imports something besides wasi-nn and WASI that the host has only with a "
        "plugin or a build option. Without it, the host either refuses the module, or starts it "
        "and traps when the function is called. The message says which, if that is known.",
        "Install the plugin, or check that your build of the host, or the program that embeds it, "
        "defines the import.",
    ),
    Code(
        "NN223",
        Severity.CONDITION,
        "WASI's functions have no memory to work in",
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
        "The name stands for several releases, and the message applies to only some of them.",
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
        "it is unknown whether the host supports a WebAssembly feature that the module uses",
        "The module uses a newer WebAssembly feature, and the table of hosts does not say whether "
        "this release supports it.",
        "Try the module on the host.",
    ),
    Code(
        "NN228",
        Severity.CONDITION,
        "no single rewrite fits the numbers of all releases",
        "The name stands for several releases of the host, and some of them number errors or "
        "encodings differently from the guest. Adapters translate for one release.",
        "Name the release for `check` and `rewrite`: `--for wamr-legacy@2.3.1`. `nnshim hosts` "
        "lists them.",
    ),
    Code(
        "NN229",
        Severity.NOTE,
        "the release belongs to a group that behaves alike",
        "nnshim has one row for consecutive releases of a host if nothing that matters to guests "
        "changed between them, and names the row after the newest.",
        "Nothing: what is said about that row applies to the release.",
    ),
    *LIMITS,
    Code(
        "NN261",
        Severity.CONDITION,
        "the host does not take the type of a tensor",
        "A constant in the module shows that it passes a tensor of this type, and no backend of "
        "the host takes one, or none of those for which the module loads models: `set_input` fails "
        "there, or the host reads the data as 32-bit floats. A number that means nothing fails, or "
        "is not looked at.",
        "Convert the input in the guest, or use another host. If the guest does something else on "
        "this host, use `--accept NN261`.",
    ),
    Code(
        "NN262",
        Severity.CONDITION,
        "the host has no backend for an encoding",
        "A constant in the module shows that it loads a model of this format. No backend that the "
        "host has, or can be built with, takes that format: `load` fails there.",
        "Convert the model and load the converted one, or use another host. If the guest never "
        "loads such a model there, use `--accept NN262`.",
    ),
    Code(
        "NN263",
        Severity.CONDITION,
        "the host does not take the target of a model",
        "A constant in the module shows that it asks for this target, and no backend of the host "
        "for which it loads models takes it: `load` fails, or a later call does, or the whole "
        "process of the host ends. Targets are cpu (0), gpu (1) and tpu (2). A backend that goes "
        "on with the CPU takes a target.",
        "Have the guest ask for the CPU. If it does so where another target fails, and the host "
        "returns an error, use `--accept NN263`.",
    ),
    Code(
        "NN264",
        Severity.CONDITION,
        "some backends take no configuration there",
        "The module imports `load_by_name_with_config`. The host passes the configuration to the "
        "backend as one more part of the model. Only those of language and speech models read it; "
        "others return an error, because they want another number of parts. Nothing is said of a "
        "module whose configurations are all empty, as constants show, or that streams.",
        "Name the models with `--model`. Have the guest call `load_by_name` for others than "
        "language and speech models.",
    ),
    Code(
        "NN265",
        Severity.CONDITION,
        "the guest's OpenVINO models take inputs that the host takes for images",
        "The module loads models of OpenVINO, as a constant in it shows, and this release takes "
        "their inputs for images: of four dimensions, whose channels come last whatever the shape "
        "says, or of one size only. The values of another tensor reach the model in another order, "
        "without an error, or the host ends.",
        "Name the models with `--model`, which tells more. Use another release for models that "
        "take anything but images.",
    ),
    Code(
        "NN266",
        Severity.CONDITION,
        "the host does not take the number of builders",
        "A constant in the module shows in how many builders it passes a model to `load`, and no "
        "backend of the host for which it loads models takes that many: `load` fails there, or "
        "the whole process of the host ends. OpenVINO takes two, the second of which may be empty; "
        "TensorFlow Lite and PyTorch take one.",
        "Have the guest pass as many builders as the format has: the XML and the weights for "
        "OpenVINO, the whole model for others. If it does otherwise only where `load` may fail, "
        "use `--accept NN266`.",
    ),
    Code(
        "NN271",
        Severity.CONDITION,
        "what the module depends on was not measured",
        "The profile lacks something that decides whether the module's calls work, such as the "
        "numbers of tensor types. nnshim assumes neither answer.",
        "Measure it with `nnshim probe`, or look it up in the host's source and add it to the "
        "profile.",
    ),
    Code(
        "NN272",
        Severity.UNSEEN,
        "some things that the module may depend on were not measured",
        "The profile lacks some numbers or habits of the host. A module that does not depend on "
        "them runs.",
        "Measure them with `nnshim probe`, or look them up in the host's source and add them to "
        "the profile.",
    ),
    Code(
        "NN273",
        Severity.UNSEEN,
        "some mistakes of a guest end the host's process",
        "When the host was measured, these calls ended its whole process, instead of returning an "
        "errno or stopping only the guest.",
        "Check what the guest passes, and run no other guests in the same process.",
    ),
    Code(
        "NN274",
        Severity.CONDITION,
        "outputs are counted in a unit that guests and adapters do not expect",
        "Guests count all outputs in the same unit. Adapters count OpenVINO's outputs in bytes, "
        "and all others in either bytes or floats. The host uses another unit with some backends, "
        "so a guest gets the length of an output wrong.",
        "Do not use these backends on this host.",
    ),
    Code(
        "NN275",
        Severity.NOTE,
        "the host registers a second name with another layout",
        "A profile covers one layout of wasi-nn's functions. The host also registers the other "
        "name, with another layout, and nnshim does not adapt guests to that.",
        "Nothing: guests are adapted to the first name.",
    ),
    *COMPONENTS,
)
