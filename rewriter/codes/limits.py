"""What is to be known of a host, whatever the module."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["LIMITS"]

LIMITS = (
    Code(
        "NN230",
        Severity.ERROR,
        "the module fails as it begins",
        "A data or element segment ends behind the memory or table that it is for, or a function "
        "that the host calls first (the start function, `_initialize`, `_start` and others by the "
        "host) comes to an `unreachable` before anything that could lead elsewhere. The host ends "
        "with an error. `wasm-ld` puts such functions in the place of what it was told to leave "
        "undefined, `main` for one. WAMR and WasmEdge also take it for an error where a function "
        "that they call while they make the instance, such as the start function, ends the guest "
        "by `proc_exit`, whatever the exit code.",
        "Correct the guest: a trap that is meant for later belongs behind what decides about it.",
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
        "instance of its own; of WAMR 1.1, in a process of its own.",
    ),
    Code(
        "NN244",
        Severity.CONDITION,
        "a graph that is loaded by its name ends the host",
        "The host's `load_by_name` looks for no backend, and calls that of the model before. Where "
        "there was none, it calls a function at address 0, and the process ends.",
        "Have the guest read the model and call `load`, or use another release of the host.",
    ),
    Code(
        "NN245",
        Severity.CONDITION,
        "standard output cannot be written at an offset there",
        "The host answers `fd_pwrite` to standard output and standard error with `notcapable`, and "
        "others with `spipe`. Zig's library, which tries `fd_pwrite` first, goes on with "
        "`fd_write` after the second and gives up after the first, so that nothing is printed.",
        "Nothing, if the guest writes files only with it, or goes on with `fd_write`. In Zig, have "
        "`std.Io.File.Writer` stream: `initStreaming` in place of `init`.",
    ),
    Code(
        "NN246",
        Severity.CONDITION,
        "WASI's functions work in another memory than the guest",
        "The module has several memories, and the one that it exports as `memory` is not the "
        "first. The host's functions read and write in the first one all the same: output is "
        "empty, and what comes in is lost, though errno is success.",
        "Make the exported memory the first one of the module.",
    ),
    Code(
        "NN247",
        Severity.CONDITION,
        "a table takes very much memory",
        "Hosts make a table whole, with all its elements, before the module runs. Whether there is "
        "so much memory depends on the device; without it, the host ends with an error.",
        "Declare the table with as many elements as the module has functions to put into it.",
    ),
    Code(
        "NN248",
        Severity.CONDITION,
        "a function takes more of the host's stack than there is by default",
        "WAMR's interpreter keeps a function's parameters, local variables, constants and results "
        "in a stack, and wants twice that room when the function is called. Where there is less "
        '(`iwasm` has 64 KiB by default, 16 KiB in 1.1.1), a call ends with "wasm operand stack '
        'overflow".',
        "Give the option in the message, or more where such functions call each other: "
        "`iwasm --stack-size=BYTES`. Part a function that has thousands of variables or constants.",
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
