"""What nnshim run does with the options of other hosts' commands."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

__all__ = ["FLAGS", "SOURCES", "Flag", "hint"]

SOURCES = {
    "wasmtime": "`wasmtime run` of Wasmtime 48.0.0, from `src/commands/run.rs`, `src/common.rs` and"
    " `crates/cli-flags/src/lib.rs`; flags of older releases from 13.0.0",
    "iwasm": "`iwasm` of WAMR 2.4.5, from `product-mini/platforms/posix/main.c` and"
    " `product-mini/platforms/common/libc_wasi.c`",
    "wasmedge": "`wasmedge` of WasmEdge 0.17.1, from `include/driver/tool.h`,"
    " `lib/host/wasi/environ.cpp` and `plugins/wasi_nn/wasinnenv.cpp`",
}
"""The commands, each with the release and the source files that its flags are from."""


class Flag(NamedTuple):
    """An option of another host's command.

    `flag` is how that command's help writes it, `names` what a parser knows it by, with wildcards.
    `example` are the words of a command line that has it. `taken` says whether nnshim takes those
    words; `what` says what nnshim does then, or what to write instead.
    """

    command: str
    flag: str
    names: tuple[str, ...]
    example: tuple[str, ...]
    taken: bool
    what: str


def _taken(command: str, flag: str, example: str, what: str) -> Flag:
    return Flag(command, flag, (), tuple(example.split()), True, what)


def _refused(command: str, flag: str, names: str, example: str, what: str) -> Flag:
    return Flag(command, flag, tuple(names.split()), tuple(example.split()), False, what)


_NO_COMPONENTS = "leave it out: for components, nnshim has only WASI 0.2 and wasi:nn"
_COMPILER = "leave it out: nnshim always compiles with Wasmtime's defaults"
_FEATURES = "leave it out: nnshim enables the WebAssembly features of Wasmtime's defaults"
_DEBUGGER = "leave it out: nnshim has no debugger or profiler; --backtrace shows every frame"

FLAGS = (
    _taken("wasmtime", "--dir HOST[::GUEST]", "--dir .", "the same"),
    _taken("wasmtime", "--dir HOST::GUEST", "--dir .::models", "the same"),
    _taken("wasmtime", "--env NAME[=VALUE]", "--env A=1", "the same"),
    _taken("wasmtime", "--invoke FUNCTION", "--invoke _start", "the same"),
    _taken("wasmtime", "-S, --wasi KEY[=VALUE],…", "--wasi nn", "the same, for the keys below"),
    _taken("wasmtime", "-S nn", "-S nn=y", "always on"),
    _taken("wasmtime", "-S nn-graph=ENCODING::DIR", "-S nn,nn-graph=onnx::models", "the same"),
    _taken("wasmtime", "-S inherit-env", "-S inherit-env=y", "the same"),
    _taken(
        "wasmtime",
        "-S cli, common, inherit-stdin, inherit-stdout, inherit-stderr",
        "-S cli,common=y,inherit-stdin,inherit-stdout,inherit-stderr",
        "always on; `=n` is refused",
    ),
    _taken("wasmtime", "-S preview2[=n]", "-S preview2=n", "no effect on a guest here"),
    _taken(
        "wasmtime",
        "-S KEY=n of any key that is refused below",
        "-S threads=n,http=n,tcp=n",
        "always off",
    ),
    _refused(
        "wasmtime",
        "-S threads, preview0, listenfd, tcplisten, inherit-network",
        "",
        "-S threads",
        "leave it out: nnshim's guests have no threads, no network and no wasi_unstable",
    ),
    _refused(
        "wasmtime",
        "-S http, config, keyvalue, tls, p3, tcp, udp and all other keys",
        "",
        "-S http",
        _NO_COMPONENTS,
    ),
    _refused(
        "wasmtime",
        "-W KEY[=VALUE],…",
        "-W --wasm",
        "-W timeout=5s",
        "-W timeout=5s is --timeout 5, -W fuel=N is --fuel N, -W max-memory-size=N is"
        " --max-memory N and -W unknown-imports-trap is --trap-unknown-imports; leave out the"
        " other keys",
    ),
    _refused("wasmtime", "-O KEY[=VALUE],…", "-O --optimize", "-O opt-level=2", _COMPILER),
    _refused(
        "wasmtime",
        "-C KEY[=VALUE],…",
        "-C --codegen",
        "-C cache=n",
        "-C cache=n is --no-cache; leave out the other keys",
    ),
    _refused("wasmtime", "-D KEY[=VALUE],…", "-D --debug", "-D debug-info", _DEBUGGER),
    _refused("wasmtime", "-g, --gdbstub PORT", "-g --gdbstub", "--gdbstub 1234", _DEBUGGER),
    _refused("wasmtime", "--profile STRATEGY", "--profile", "--profile guest", _DEBUGGER),
    _refused(
        "wasmtime",
        "-R KEY[=VALUE],…",
        "-R --record",
        "-R path=trace",
        "leave it out: nnshim cannot record a run",
    ),
    _refused(
        "wasmtime",
        "--preload NAME=MODULE",
        "--preload",
        "--preload lib=lib.wasm",
        "nnshim runs one module and links no others: link them into one first",
    ),
    _refused(
        "wasmtime",
        "--argv0 NAME",
        "--argv0",
        "--argv0 app",
        "leave it out: the guest's argv[0] is the name of its file",
    ),
    _refused(
        "wasmtime",
        "--allow-precompiled",
        "--allow-precompiled",
        "--allow-precompiled",
        "pass the .wasm file: nnshim keeps what it compiled for the next run",
    ),
    _refused("wasmtime", "--target TARGET", "--target", "--target x86_64", _COMPILER),
    _refused(
        "wasmtime",
        "--mapdir GUEST::HOST (before 14)",
        "--mapdir",
        "--mapdir models::.",
        "use --map-dir GUEST::HOST, which has the same order",
    ),
    _refused(
        "wasmtime",
        "--wasi-modules MODULE,… (before 14)",
        "--wasi-modules",
        "--wasi-modules=experimental-wasi-nn",
        "leave it out: wasi-nn is always on",
    ),
    _refused(
        "wasmtime",
        "--wasi-nn-graph ENCODING::DIR (13)",
        "--wasi-nn-graph",
        "--wasi-nn-graph onnx::models",
        "use -S nn-graph=ENCODING::DIR",
    ),
    _refused(
        "wasmtime",
        "--wasm-features FEATURE,… (before 14)",
        "--wasm-features",
        "--wasm-features all",
        _FEATURES,
    ),
    _refused(
        "wasmtime",
        "--config FILE",
        "--config",
        "--config wasmtime.toml",
        "put the options on the command line; --graphs FILE.toml lists graphs",
    ),
    _taken("iwasm", "--dir=DIR", "--dir=.", "the same"),
    _taken("iwasm", "--map-dir=GUEST::HOST", "--map-dir=models::.", "the same"),
    _taken("iwasm", "--env=NAME=VALUE", "--env=A=1", "the same"),
    _taken(
        "iwasm",
        "--timeout=MILLISECONDS",
        "--timeout=60",
        "nnshim's unit is seconds: write 5 for iwasm's 5000",
    ),
    _refused("iwasm", "-f, --function NAME", "-f --function", "-f infer", "use --invoke NAME"),
    _refused("iwasm", "-v=N", "-=", "-v=5", "use -v"),
    _refused("iwasm", "--version", "--version", "--version", "use nnshim --version"),
    _refused(
        "iwasm",
        "--interp, --fast-jit, --llvm-jit, --multi-tier-jit",
        "--interp --fast-jit --llvm-jit --multi-tier-jit",
        "--interp",
        _COMPILER,
    ),
    _refused(
        "iwasm",
        "--jit-codecache-size=N, --llvm-jit-size-level=N, --llvm-jit-opt-level=N, --enable-segue",
        "--jit-codecache-size --llvm-jit-* --enable-segue",
        "--llvm-jit-opt-level=3",
        _COMPILER,
    ),
    _refused(
        "iwasm",
        "--heap-size=N, --gc-heap-size=N",
        "--heap-size --gc-heap-size",
        "--heap-size=65536",
        "leave it out: --max-memory SIZE limits everything that a guest has",
    ),
    _refused(
        "iwasm",
        "--stack-size=N",
        "--stack-size",
        "--stack-size=65536",
        "leave it out: the stack has the size of Wasmtime's default",
    ),
    _refused(
        "iwasm",
        "--native-lib=LIB",
        "--native-lib",
        "--native-lib=libwasi_nn.so",
        "leave it out: wasi-nn is part of nnshim, and nnshim doctor lists its backends",
    ),
    _refused(
        "iwasm",
        "--module-path=PATH",
        "--module-path",
        "--module-path=lib",
        "nnshim runs one module and links no others: link them into one first",
    ),
    _refused(
        "iwasm",
        "--max-threads=N",
        "--max-threads",
        "--max-threads=2",
        "leave it out: nnshim's guests have no threads; --threads N is for one inference",
    ),
    _refused(
        "iwasm",
        "--addr-pool=ADDRESSES, --allow-resolve=DOMAIN",
        "--addr-pool --allow-resolve",
        "--addr-pool=0.0.0.0/0",
        "leave it out: nnshim's guests have no network",
    ),
    _refused("iwasm", "--repl", "--repl", "--repl", "use --invoke NAME, once for each call"),
    _refused(
        "iwasm",
        "--disable-bounds-checks",
        "--disable-bounds-checks",
        "--disable-bounds-checks",
        "leave it out: nnshim always checks bounds",
    ),
    _refused(
        "iwasm",
        "-g=ADDRESS, --gen-prof-file=FILE, --enable-linux-perf",
        "-g --gen-prof-file --enable-linux-perf",
        "--enable-linux-perf",
        _DEBUGGER,
    ),
    _taken("wasmedge", "--dir DIR", "--dir .", "the same"),
    _taken("wasmedge", "--dir GUEST:HOST", "--dir models:.", "the same, with one colon"),
    _taken("wasmedge", "--dir GUEST:HOST:readonly", "--dir models:.:readonly", "the same"),
    _taken("wasmedge", "--env NAME=VALUE", "--env A=1", "the same"),
    _taken(
        "wasmedge",
        "--nn-preload NAME:ENCODING:TARGET:PATH[:PATH]",
        "--nn-preload default:GGML:AUTO:model.gguf",
        "the same",
    ),
    _refused(
        "wasmedge",
        "--reactor MODULE FUNCTION",
        "--reactor",
        "--reactor",
        "use --invoke FUNCTION before MODULE; _initialize is called first here, too",
    ),
    _refused(
        "wasmedge",
        "--time-limit MILLISECONDS",
        "--time-limit",
        "--time-limit 5000",
        "use --timeout SECONDS",
    ),
    _refused(
        "wasmedge",
        "--gas-limit N",
        "--gas-limit",
        "--gas-limit 1000",
        "use --fuel N, which is about N instructions",
    ),
    _refused(
        "wasmedge",
        "--memory-page-limit N",
        "--memory-page-limit",
        "--memory-page-limit 256",
        "use --max-memory SIZE; a page is 64K",
    ),
    _refused(
        "wasmedge",
        "--enable-time-measuring, --enable-instruction-count, --enable-gas-measuring,"
        " --enable-all-statistics",
        "--enable-time-measuring --enable-instruction-count --enable-gas-measuring"
        " --enable-all-statistics",
        "--enable-all-statistics",
        "use --stats, which counts and times inferences",
    ),
    _refused(
        "wasmedge",
        "--enable-jit, --run-mode MODE, --force-interpreter",
        "--enable-jit --run-mode --force-interpreter",
        "--force-interpreter",
        _COMPILER,
    ),
    _refused(
        "wasmedge",
        "--enable-coredump, --coredump-for-wasmgdb",
        "--enable-coredump --coredump-for-wasmgdb",
        "--enable-coredump",
        _DEBUGGER,
    ),
    _refused("wasmedge", "--log-level LEVEL", "--log-level", "--log-level debug", "use -v"),
    _refused(
        "wasmedge",
        "--nn-rpc-uri URI",
        "--nn-rpc-uri",
        "--nn-rpc-uri unix:///nn.sock",
        "leave it out: --isolate runs models in processes of their own",
    ),
    _refused(
        "wasmedge",
        "--forbidden-plugin NAMES, --allow-af-unix",
        "--forbidden-plugin --allow-af-unix",
        "--allow-af-unix",
        "leave it out: nnshim has no plugins of WasmEdge, and its guests have no sockets",
    ),
    _refused(
        "wasmedge",
        "--wasm-1, --wasm-2, --wasm-3, --enable-FEATURE, --disable-FEATURE",
        "--wasm-[123] --enable-* --disable-*",
        "--disable-simd",
        _FEATURES,
    ),
)
"""In the order in which a pattern is looked for."""


def hint(option: str) -> str | None:
    """What to write in place of an option that nnshim run does not have, if another host's command
    has it."""
    found = [flag for flag in FLAGS if any(fnmatchcase(option, pattern) for pattern in flag.names)]
    if not found:
        return None
    shown = found[0].flag if option == "-=" else option
    return f"{shown} is an option of {found[0].command}: {found[0].what}"
