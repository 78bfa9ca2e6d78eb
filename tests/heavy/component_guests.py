"""Guests that are components: the samples', and programs of the toolchains that make core modules.

    python -m tests.heavy.component_guests FOLDER samples       # FOLDER/components/digits-*.wasm
    python -m tests.heavy.component_guests FOLDER toolchains    # FOLDER/components/classify-*.wasm

The first takes Python, Node.js and npm. The second takes the first, and what
tests.heavy.wild_guests installs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from samples.build import SAMPLES
from tests.conftest import GUESTS

__all__ = ["SAMPLED", "TOOLCHAINS"]

SAMPLED = ("c", "python", "javascript")
"""Folders of samples/components."""

COMPONENTS = SAMPLES / "components"
SOURCES = GUESTS / "components"
ZIG = (sys.executable, "-m", "ziglang")
C_ZIG = (*ZIG, "cc", "--target=wasm32-wasi")
C_CLANG = ("clang-14", "--target=wasm32-wasi")


def build_samples(folder: Path) -> None:
    """Build all samples at once: they wait for downloads most of the time."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(len(SAMPLED)) as pool:
        scripts = [COMPONENTS / name / "build.sh" for name in SAMPLED]
        for done in [pool.submit(_run, ["sh", script], folder) for script in scripts]:
            done.result()


def _c(*compiler: str) -> Sequence[str | Path]:
    include = f"-I{SAMPLES / 'include'}"
    return [*compiler, "-Wall", "-Wextra", "-Werror", include, COMPONENTS / "c" / "digits.c", "-o"]


def _rust(*flags: str) -> Sequence[str | Path]:
    compiler = ("/usr/bin/rustc", "--edition=2021", "--target=wasm32-wasi")
    return [*compiler, *flags, SOURCES / "classify.rs", "-o"]


def _zig(mode: str) -> Sequence[str | Path]:
    flags = ("-target", "wasm32-wasi", "-rdynamic", "-O", mode)
    return [*ZIG, "build-exe", *flags, SOURCES / "classify.zig", "-femit-bin="]


TOOLCHAINS: Mapping[str, Sequence[str | Path]] = {
    "digits-c-O0": _c(*C_ZIG, "-O0"),
    "digits-c-O3": _c(*C_ZIG, "-O3"),
    "digits-c-clang": _c(*C_CLANG, "-O2"),
    "classify-rust": _rust("-O"),
    "classify-rust-debug": _rust(),
    "classify-zig-safe": _zig("ReleaseSafe"),
    "classify-zig-small": _zig("ReleaseSmall"),
}
"""Names of components, and what compiles their core modules. The output is the last argument, or
the end of it."""


def build_toolchains(folder: Path) -> None:
    """Compile each core module, and make a component from it as the sample in C is made."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for done in [pool.submit(_build, folder, *each) for each in TOOLCHAINS.items()]:
            done.result()


def _build(folder: Path, name: str, compiler: Sequence[str | Path]) -> None:
    core = folder / f"{name}.core.wasm"
    *command, last = compiler
    _run([*command, f"{last}{core}"] if str(last).endswith("=") else [*compiler, core], folder)
    tools = folder / "venv-c" / "bin" / "wasm-tools"
    adapter = folder / "package" / "lib" / "wasi_snapshot_preview1.command.wasm"
    _run([tools, "component", "embed", "-w", "c", COMPONENTS / "wit", core, "-o", core], folder)
    adapting = ("--adapt", f"wasi_snapshot_preview1={adapter}")
    _run([tools, "component", "new", core, *adapting, "-o", folder / f"{name}.wasm"], folder)


def _run(command: Sequence[str | Path], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)


def main() -> None:
    folder = Path(sys.argv[1]).resolve() / "components"
    {"samples": build_samples, "toolchains": build_toolchains}[sys.argv[2]](folder)


if __name__ == "__main__":
    main()
