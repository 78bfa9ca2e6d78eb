"""What a host lacks, or has in another form."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

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
        "without it: streaming, for instance, has to be in the host.",
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
        "The module has a memory that threads share, a 64-bit memory, several memories, a memory "
        "with pages of another size than 64 KiB, types of garbage collection, or an import of a "
        "function of exactly one type. The host does not read that, or not by default, and refuses "
        "the module.",
        "Build the guest without it (for threads, `wasm32-wasip1` and not `wasm32-wasip1-threads`),"
        " choose a release that reads it (`nnshim hosts HOST` says which), or build or embed the "
        "host with it.",
    ),
    Code(
        "NN217",
        Severity.ERROR,
        "the host cannot call the function that the module begins with",
        "The host calls `_initialize`, and the export without a name or `_start`, without "
        "arguments. The module's takes some, or has results where none are expected.",
        "Correct the function in the guest. `nnshim run --invoke` passes arguments to a function "
        "that takes numbers.",
    ),
    Code(
        "NN222",
        Severity.CONDITION,
        "it is not known whether the host defines an import",
        "The module imports something beside wasi-nn and WASI that the host defines or not, "
        "depending on how it was built or what is installed: a plugin, for instance.",
        "Check that your build of the host defines it, or that the program that embeds the host "
        "does.",
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
        "NN231",
        Severity.NEED,
        "the released command has the OpenVINO backend only",
        "The `wasmtime` command as it is released loads OpenVINO models only; its library has "
        "other backends, too.",
        "Use an OpenVINO model, build Wasmtime with other backends, or use `nnshim run`.",
    ),
    Code(
        "NN232",
        Severity.NOTE,
        "a pointer outside the guest's memory aborts the whole process",
        "The host does not turn such a mistake of a guest into an error, but aborts, with all "
        "guests that are in the same process.",
        "Run guests that you do not trust in processes of their own, or with `nnshim run`.",
    ),
    Code(
        "NN233",
        Severity.NOTE,
        "two encodings have other numbers",
        "This host numbers ggml 5 and autodetect 6, one less than the specification's order would "
        "have it.",
        "`nnshim rewrite --for HOST IN OUT` translates them for a guest that was built for another "
        "host and says so with `--from`, or is of another ABI.",
    ),
    Code(
        "NN234",
        Severity.NOTE,
        "three tensor types have other numbers",
        "This host numbers u8, i32 and i64 with 4, 5 and 6.",
        "`nnshim rewrite --for HOST IN OUT` translates them.",
    ),
    Code(
        "NN235",
        Severity.NEED,
        "the host has TensorFlow Lite and 32-bit floats only",
        "Built in this way, the host has one backend, TensorFlow Lite, and passes tensors of "
        "32-bit floats only.",
        "Convert the model, or choose another host.",
    ),
    Code(
        "NN236",
        Severity.UNSEEN,
        "the host copies an output only into a buffer that is declared four times as large",
        "The host takes the length of the guest's buffer for a number of 32-bit floats, and "
        "compares it with the size of the output in bytes.",
        "Declare four times the length in a guest that is written for this host. Adapters of "
        "other guests do so by themselves.",
    ),
    Code(
        "NN237",
        Severity.UNSEEN,
        "the host reads a tensor's type as 32 bits",
        "In the specification it is one byte, and what follows it is not defined. The host reads "
        "all four.",
        "Set the three bytes behind it to zero in the guest.",
    ),
    Code(
        "NN238",
        Severity.NEED,
        "only language models stream",
        "`compute_single` and `get_output_single` work for GGUF models only.",
        "Use `compute` for other models.",
    ),
    Code(
        "NN239",
        Severity.UNSEEN,
        "an error of any call aborts the whole process",
        "These releases of the host have no errno for an error: a model that cannot be loaded, a "
        "handle that is not known or a buffer that is too small ends the process, with all guests "
        "that are in it.",
        "Use a newer release of the host.",
    ),
    Code(
        "NN240",
        Severity.UNSEEN,
        "outputs are written beyond a buffer that is too small",
        "With these backends, the host copies an output whole, whatever length the guest gave its "
        "buffer, into the guest's memory behind it.",
        "Make the buffer as large as the output, which the model's metadata tell, and do not run "
        "guests there whose memory matters to others.",
    ),
    Code(
        "NN241",
        Severity.NEED,
        "the host takes any tensor for 32-bit floats",
        "With TensorFlow Lite, the host reads the data of a tensor as 32-bit floats, whatever type "
        "it was given, and gives the outputs of quantised models as such. A guest that passes "
        "bytes gets a wrong result, and no error.",
        "Convert the inputs to floats in the guest, or use another release of the host.",
    ),
    Code(
        "NN242",
        Severity.CONDITION,
        "a model that is loaded by its name is of no use there",
        "The host's `load_by_name` loads the model and returns success, but its TensorFlow Lite "
        "backend does not count the model as loaded: `init_execution_context` returns "
        "runtime_error for the graph, always.",
        "Have the guest read the model and call `load`, or use another release of the host.",
    ),
    Code(
        "NN243",
        Severity.UNSEEN,
        "the host keeps one model at a time",
        "Each `load` takes the place of the model before, whose graph goes on without an error "
        "and gives the answers of the new one.",
        "Run guests with several models in another release of the host, or each model in an "
        "instance of its own.",
    ),
    Code(
        "NN251",
        Severity.NEED,
        "the host needs wasi-nn and a backend for the model",
        "Most hosts have wasi-nn only where it is built in or switched on, and load a model only "
        "where a backend for its format is installed. So it is for every guest of wasi-nn.",
        "`nnshim hosts HOST` has the options, the libraries and the backends.",
    ),
    Code(
        "NN252",
        Severity.NEED,
        "the host needs a graph of the name that the guest gives",
        "The module imports `load_by_name` or `load_by_name_with_config`, which load what the host "
        "has under a name.",
        "`nnshim hosts HOST` says how a graph gets a name there.",
    ),
)
