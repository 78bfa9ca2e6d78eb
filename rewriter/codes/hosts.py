"""What a host lacks, or has in another form."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity
from rewriter.codes.engines import ENGINES
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
        "The functions have other parameters on the host than in the module.",
        "`nnshim rewrite --for HOST IN OUT` puts adapters before them.",
    ),
    Code(
        "NN203",
        Severity.WARNING,
        "the host has other numbers for encodings",
        "The number that the guest passes to `load` for a model's format means another format on "
        "the host.",
        "`nnshim rewrite --for HOST IN OUT` puts an adapter before `load`. If the guest was built "
        "for a host with those numbers, say so with `--from`.",
    ),
    Code(
        "NN204",
        Severity.WARNING,
        "the host has other numbers for tensor types",
        "The number that the guest passes for the type of a tensor's elements means another type "
        "on the host, which would take the bytes for something else without an error.",
        "`nnshim rewrite --for HOST IN OUT` puts an adapter before the function.",
    ),
    Code(
        "NN205",
        Severity.WARNING,
        "the host does not have a function, and an adapter can stand in for it",
        "The host has no such function, and there is another way to do what it does, or nothing to "
        "do at all.",
        "`nnshim rewrite --for HOST IN OUT` puts an adapter in its place. A note says what the "
        "adapter does.",
    ),
    Code(
        "NN206",
        Severity.WARNING,
        "a function was adapted to another host",
        "The module has adapters from an earlier rewrite, for a host that needs others than this "
        "one.",
        "`nnshim rewrite --for HOST IN OUT` replaces them.",
    ),
    Code(
        "NN207",
        Severity.WARNING,
        "the host has other numbers for errors",
        "The number that a function returns where it fails means another error to the guest, or "
        "none that it knows: some guests cannot show such a number without undefined behaviour.",
        "`nnshim rewrite --for HOST IN OUT` puts an adapter before each function, which returns "
        "the guest's numbers. What these do not tell apart becomes a runtime error.",
    ),
    Code(
        "NN208",
        Severity.WARNING,
        "the host wants a NUL behind names",
        "The host reads the name of a graph, or its configuration, up to a NUL behind it, or "
        "refuses it where there is none. Strings in Rust, for one, have none.",
        "`nnshim rewrite --for HOST IN OUT` puts an adapter before the function, which shows the "
        "host the name with a NUL behind it. If the guest was built for that host, say so with "
        "`--from`.",
    ),
    Code(
        "NN209",
        Severity.WARNING,
        "the host counts some outputs in floats",
        "The host takes the length of the guest's buffer, and gives what it has written there, in "
        "32-bit floats if the model is one of TensorFlow Lite's, and in bytes if not. So it writes "
        "beyond a buffer whose length is given in bytes.",
        "`nnshim rewrite --for HOST IN OUT` puts adapters before the functions, which count as the "
        "host does.",
    ),
    Code(
        "NN211",
        Severity.ERROR,
        "the host does not have a function",
        "The module imports a function of wasi-nn that the host lacks, and no adapter can do "
        "without it: streaming, for instance, has to be in the host. The host refuses a module "
        "with such an import.",
        "Choose a host that has it (`nnshim inspect` lists them), or build the guest without it.",
    ),
    Code(
        "NN212",
        Severity.ERROR,
        "the host does not define an import",
        "The module imports something beside wasi-nn that the host is known not to define. "
        "Instantiation would fail with an unknown import.",
        "Build the guest for WASI 0.1 only (in AssemblyScript, `--use abort=` names a function "
        "instead of `env.abort`), or run it in a program that defines those imports.",
    ),
    Code(
        "NN213",
        Severity.WARNING,
        "the host does not read compact import sections",
        "The module's import section uses the encoding that has a module name once for several "
        "imports, and the host does not read that.",
        "`nnshim rewrite --for HOST IN OUT` writes the usual one, and so does "
        "`wasm-opt --disable-compact-imports`.",
    ),
    Code(
        "NN214",
        Severity.ERROR,
        "the host that it was built for does not speak its ABI",
        "`--from` names a host, and the module's imports are of an ABI that this host does not "
        "speak, so it cannot have been built for it.",
        "Name the right host, or leave `--from` out.",
    ),
    *ENGINES,
    Code(
        "NN222",
        Severity.CONDITION,
        "an import depends on what is installed with the host",
        "The module imports something beside wasi-nn and WASI that the host has from a plugin, or "
        "from how it was built. Without it, the host refuses the module, or starts it and has a "
        "call of the function trap: the message says which, where that is known.",
        "Install the plugin, or check that your build of the host, or the program that embeds it, "
        "defines the import.",
    ),
    Code(
        "NN223",
        Severity.CONDITION,
        "WASI's functions have no memory to work in",
        "The module imports functions of WASI, and exports no memory under the name `memory`. A "
        "call of such a function traps.",
        "Export the memory: `wasm-ld` does so by default, `--export-memory` makes sure; in text, "
        '`(memory (export "memory") 1)`.',
    ),
    Code(
        "NN224",
        Severity.CONDITION,
        "the release is not in the table of hosts",
        "nnshim does not know this release of the host. It is taken to do what the newest known "
        "release before it does.",
        "Look for a newer nnshim, or try the module on the host.",
    ),
    Code(
        "NN225",
        Severity.NOTE,
        "the releases of the host differ",
        "The name stands for several releases, and what was said holds for some of them only.",
        "Name the release: `--for wamr-legacy@2.3.1`. `nnshim hosts` lists them.",
    ),
    Code(
        "NN226",
        Severity.CONDITION,
        "a call of an imported function traps",
        "The module imports a function beside wasi-nn's that the host does not define, or has with "
        "another type. The host starts the module all the same, and a call of the function traps.",
        "It does no harm if the guest never calls it: AssemblyScript calls `env.abort` for a "
        "failure only. Else build the guest without it.",
    ),
    Code(
        "NN227",
        Severity.CONDITION,
        "it is not known whether the host reads a part of WebAssembly that the module uses",
        "The module uses a newer part of WebAssembly, and the table of hosts does not say whether "
        "this release reads it.",
        "Try the module on the host.",
    ),
    Code(
        "NN228",
        Severity.CONDITION,
        "no one rewrite has the numbers of all releases",
        "The name stands for several releases of the host, some of which have other numbers for "
        "errors or encodings than the guest. Adapters translate those of one release.",
        "Name the release in `check` and in `rewrite`: `--for wamr-legacy@2.3.1`. `nnshim hosts` "
        "lists them.",
    ),
    Code(
        "NN229",
        Severity.NOTE,
        "the release is one of several that do the same",
        "nnshim has a row for all releases of a host between which nothing changed that matters to "
        "guests, and calls it by the newest of them.",
        "Nothing: what is said of that row is said of the release.",
    ),
    Code(
        "NN230",
        Severity.CONDITION,
        "a call of a function of wasi-nn traps",
        "The module imports a function of wasi-nn that the host does not have, or has with another "
        "type, and no adapter can do without it. The host starts the module all the same, with a "
        "warning, and a call of the function traps. WAMR does so; hosts that refuse to link have "
        "`NN211` or `NN143`.",
        "It does no harm if the guest never calls it, as where only an option of its command line "
        "leads there. Else choose a host that has it (`nnshim inspect` lists them), or build the "
        "guest without it.",
    ),
    *LIMITS,
    Code(
        "NN261",
        Severity.CONDITION,
        "the host does not take the type of a tensor",
        "The module passes a tensor of this type, as a constant in it shows, and no backend of the "
        "host takes one: `set_input` fails there, or the host takes the data for 32-bit floats.",
        "Convert the input in the guest, or use another host. If the guest has another way for "
        "this host, `--accept NN261` lets it pass.",
    ),
    Code(
        "NN262",
        Severity.CONDITION,
        "the host has no backend for an encoding",
        "The module loads a model of this format, as a constant in it shows, and no backend that "
        "the host has, or can be built with, takes one: `load` fails there.",
        "Convert the model and have the guest load that, or use another host.",
    ),
    Code(
        "NN271",
        Severity.CONDITION,
        "what the module depends on was not measured",
        "The profile says nothing of something that decides whether the module's calls do what "
        "they are meant to do, such as the numbers of tensor types. It is taken for neither.",
        "Measure it with `nnshim probe`, or look it up in the host's source and add it to the "
        "profile.",
    ),
    Code(
        "NN272",
        Severity.UNSEEN,
        "not all that the module may depend on was measured",
        "The profile says nothing of some numbers or habits of the host. A module that makes no "
        "use of them runs all the same.",
        "Measure them with `nnshim probe`, or look them up in the host's source and add them to "
        "the profile.",
    ),
    Code(
        "NN273",
        Severity.UNSEEN,
        "some faults of a guest end the host's process",
        "When the host was measured, its process ended as a whole after these calls, instead of "
        "returning an errno to the guest, or stopping the guest alone.",
        "Check in the guest what it passes, and run no others in the same process.",
    ),
    Code(
        "NN274",
        Severity.CONDITION,
        "outputs are counted in another unit than guests and adapters know",
        "Guests count all outputs alike, and adapters count those of OpenVINO's models in bytes, "
        "and the others either in bytes or in floats. The host does otherwise with some backends: "
        "a guest that uses them takes the length of an output for another one.",
        "Do not use these backends on the host.",
    ),
    Code(
        "NN275",
        Severity.NOTE,
        "the host registers a second name with another layout",
        "A profile is used for one layout of wasi-nn's functions. The host registers the other "
        "name too, in another layout, which guests are not adapted to.",
        "Nothing has to be done: guests are adapted to the first name.",
    ),
)
