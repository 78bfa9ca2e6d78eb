"""Limits of hosts: a part of rewriter.codes.hosts."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["LIMITS"]

LIMITS = (
    Code(
        "NN230",
        Severity.ERROR,
        "the module fails on startup",
        "A data or element segment does not fit into its memory or table. Or a function that the "
        "host calls first reaches an `unreachable`, or divides by a constant 0, before it can do "
        "anything else. These functions are the start function, `_initialize`, `_start` and, "
        "depending on the host, others. The host ends with an error. `wasm-ld` generates such "
        "functions for symbols that it was told to leave undefined, such as `main`. WAMR and "
        "WasmEdge also report an error if a function that they call during instantiation, such "
        "as the start function, ends the guest with `proc_exit`, whatever the exit code.",
        "Fix the guest. If the trap is intended, put it after the code that decides whether to "
        "trap.",
    ),
    Code(
        "NN231",
        Severity.NEED,
        "the released command has the OpenVINO backend only",
        "The released `wasmtime` command can only load OpenVINO models; its library has other "
        "backends too.",
        "Use an OpenVINO model, build Wasmtime with other backends, or use `nnshim run`.",
    ),
    Code(
        "NN232",
        Severity.NOTE,
        "a pointer outside the guest's memory aborts the whole process",
        "The host does not report this mistake to the guest. Its process aborts, with all other "
        "guests in it.",
        "Run guests that you do not trust in processes of their own, or with `nnshim run`.",
    ),
    Code(
        "NN233",
        Severity.NOTE,
        "two encodings have different numbers",
        "This host numbers ggml 5 and autodetect 6; the specification has autodetect as 5.",
        "`nnshim rewrite --for HOST IN OUT` translates them, if the guest has another ABI or if "
        "`--from` says that it was built for another host.",
    ),
    Code(
        "NN234",
        Severity.NOTE,
        "three tensor types have different numbers",
        "This host numbers u8, i32 and i64 as 4, 5 and 6.",
        "`nnshim rewrite --for HOST IN OUT` translates them.",
    ),
    Code(
        "NN235",
        Severity.NEED,
        "the host has only TensorFlow Lite and 32-bit floats",
        "In this build, the host has one backend, TensorFlow Lite, and passes only tensors of "
        "32-bit floats.",
        "Convert the model, or choose another host.",
    ),
    Code(
        "NN236",
        Severity.UNSEEN,
        "the host copies an output only if the buffer is declared four times as large",
        "The host reads the length of the guest's buffer as a number of 32-bit floats, but "
        "compares it with the output's size in bytes.",
        "In a guest that is written for this host, declare four times the length. For other "
        "guests, adapters do so.",
    ),
    Code(
        "NN237",
        Severity.UNSEEN,
        "the host reads a tensor's type as 32 bits",
        "In the specification the type is one byte, and the bytes after it are undefined. The host "
        "reads all four.",
        "Set the three bytes after the type to zero in the guest.",
    ),
    Code(
        "NN238",
        Severity.NEED,
        "only language models stream",
        "`compute_single` and `get_output_single` work only with GGUF models.",
        "Use `compute` for other models.",
    ),
    Code(
        "NN239",
        Severity.UNSEEN,
        "any error aborts the whole process",
        "These releases of the host have no errno for failures: a model that cannot be loaded, an "
        "unknown handle or a buffer that is too small ends the process, with all guests in it.",
        "Use a newer release of the host.",
    ),
    Code(
        "NN240",
        Severity.UNSEEN,
        "outputs overrun a buffer that is too small",
        "With these backends, the host copies the whole output, whatever the length of the buffer, "
        "and overwrites the guest's memory after it.",
        "Make the buffer as large as the output; the model's metadata give the size. Do not run "
        "guests on this host whose memory must stay intact.",
    ),
    Code(
        "NN241",
        Severity.NEED,
        "the host treats any tensor as 32-bit floats",
        "With TensorFlow Lite, the host reads a tensor's data as 32-bit floats, whatever its type "
        "says, and returns the outputs of quantised models as floats. A guest that passes bytes "
        "gets a wrong result without an error.",
        "Convert the inputs to floats in the guest, or use another release of the host.",
    ),
    Code(
        "NN242",
        Severity.CONDITION,
        "on this host, a model that is loaded by name is unusable",
        "The host's `load_by_name` loads the model and returns success, but its TensorFlow Lite "
        "backend does not register it: `init_execution_context` always returns runtime_error for "
        "the graph.",
        "Have the guest read the model and call `load`, or use another release of the host.",
    ),
    Code(
        "NN243",
        Severity.UNSEEN,
        "the host keeps one model at a time",
        "Each `load` replaces the previous model. The previous graph keeps working without an "
        "error, but gives the new model's answers.",
        "For guests with several models, use another release of the host, or run each model in "
        "an instance of its own; with WAMR 1.1, in a process of its own.",
    ),
    Code(
        "NN244",
        Severity.CONDITION,
        "loading a graph by name ends the host",
        "The host's `load_by_name` does not select a backend, but calls the backend of the "
        "previous model. If there was no previous model, it calls address 0, and the process "
        "ends.",
        "Have the guest read the model and call `load`, or use another release of the host.",
    ),
    Code(
        "NN245",
        Severity.CONDITION,
        "the host cannot write standard output at an offset",
        "The host answers `fd_pwrite` to standard output and standard error with `notcapable`; "
        "other hosts answer `spipe`. Zig's library tries `fd_pwrite` first. After `spipe` it "
        "continues with `fd_write`, but after `notcapable` it gives up and prints nothing.",
        "Nothing, if the guest uses it only for files, or falls back to `fd_write`. In Zig, use "
        "`initStreaming` instead of `init` for a `std.Io.File.Writer`.",
    ),
    Code(
        "NN246",
        Severity.CONDITION,
        "the host's functions use a different memory than the guest",
        "The module has several memories, and the one that it exports as `memory` is not the "
        "first. The host's WASI and wasi-nn functions read and write the first one anyway: the "
        "guest's output is empty and its input is lost, although errno is success. This is "
        "harmless if the guest never calls them.",
        "Make the exported memory the first one of the module.",
    ),
    Code(
        "NN247",
        Severity.CONDITION,
        "a table needs a very large amount of memory",
        "Hosts allocate the whole table before the module runs. Whether there is enough memory "
        "depends on the device; if not, the host ends with an error.",
        "Declare the table only as large as the module needs.",
    ),
    Code(
        "NN248",
        Severity.CONDITION,
        "a call of a wasi-nn function traps",
        "The module imports a wasi-nn function that the host lacks or has with another type, and "
        "no adapter can replace it. The host still starts the module, with a warning, and traps "
        "when the function is called. WAMR does this; for hosts that refuse to link the module, "
        "the code is `NN211` or `NN143`.",
        "This is harmless if the guest never calls the function, for example because only a "
        "command-line option leads to the call. Otherwise choose a host that has it (`nnshim "
        "inspect` lists them), or build the guest without it.",
    ),
    Code(
        "NN249",
        Severity.UNSEEN,
        "the host reads inputs only when it computes",
        "According to the specification, the guest may reuse a tensor's memory when `set_input` "
        "returns. This backend only keeps a pointer to it, and reads the data at `compute`. A "
        "guest that frees or reuses its buffer in between gets wrong numbers, without an error.",
        "Leave each input unchanged until `compute` returns, and give each input its own buffer.",
    ),
    Code(
        "NN250",
        Severity.CONDITION,
        "a function needs a larger stack than the host's default",
        "WAMR's interpreter keeps a function's parameters, local variables, constants and "
        "results on a stack, and requires twice that space when the function is called. If the "
        "stack has less space (`iwasm` has 64 KiB by default, 16 KiB in 1.1.1), the call ends "
        'with "wasm operand stack overflow".',
        "Pass the option in the message, with a larger value if such functions call each other: "
        "`iwasm --stack-size=BYTES`. Split functions that have thousands of variables or "
        "constants.",
    ),
    Code(
        "NN251",
        Severity.NEED,
        "the host needs wasi-nn and a backend for the model",
        "Most hosts have wasi-nn only if it is built in or enabled, and load a model only if a "
        "backend for its format is installed. That applies to every wasi-nn guest.",
        "`nnshim hosts HOST` lists the options, libraries and backends.",
    ),
    Code(
        "NN252",
        Severity.NEED,
        "the host needs a graph with the name that the guest passes",
        "The module imports `load_by_name` or `load_by_name_with_config`, which load a graph that "
        "the host knows by name.",
        "`nnshim hosts HOST` says how a graph gets its name on the host.",
    ),
    Code(
        "NN253",
        Severity.NEED,
        "the device needs the GPU or TPU that the guest asks for",
        "A constant in the module shows that it asks for a GPU or a TPU. The host does not fall "
        "back to the CPU if the device has none.",
        "Run it on a device that has one, with the driver installed, or have the guest ask for "
        "the CPU.",
    ),
)
