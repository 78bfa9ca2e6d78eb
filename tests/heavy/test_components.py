"""Components of each toolchain on native Wasmtime, and flattened on hosts of core modules.

The environment variable WILD names the folder in which tests.heavy.component_guests has built them.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from rewriter import RewriteOptions, inspect_module, rewrite
from rewriter.abi.snapshots import OCTOBER
from rewriter.analysis.compatibility import Runs, assess
from rewriter.analysis.components.described import Making, describe_component
from rewriter.hosts.table import find_host
from rewriter.rewriting.flattening.on_host import assess_component
from samples.build import SAMPLES
from tests.heavy.component_guests import SAMPLED, TOOLCHAINS
from tests.heavy.wild_models import DIGITS, expected, seen, write_models
from tests.support.command import nnshim
from tests.support.native import NativeWasmtime

BUILT = Path(os.environ["WILD"]) / "components"

EVERY = (*(f"digits-{name}" for name in SAMPLED), *TOOLCHAINS)
ADAPTED = ("digits-c", *TOOLCHAINS)
"""Those that were made from a core module."""

WRAPPED = "digits-c-clang"
"""Debian's linker of 2022 has each export initialize WASI first. A component may not call WASI
while it gives memory for a result, and so only the core module runs."""

IMAGES = [f"images/{digit}.pgm" for digit in DIGITS]
EXPECTED = (SAMPLES / "expected" / "digits.txt").read_text()


def component(name: str) -> bytes:
    return (BUILT / f"{name}.wasm").read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With models and images for all guests."""
    folder = tmp_path_factory.mktemp("guests")
    write_models(folder)
    for each in ("digits", "images"):
        shutil.copytree(SAMPLES / each, folder / each)
    return folder


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> NativeWasmtime:
    return NativeWasmtime(tmp_path_factory.mktemp("wasmtime"))


def arguments(name: str) -> list[str]:
    """For an OpenVINO model, which native Wasmtime has a backend for."""
    return ["f32", *DIGITS] if name.startswith("classify") else ["f32/model.xml", *IMAGES]


@functools.cache
def right(name: str, folder: Path) -> str:
    """What OpenVINO itself says of the images, as the guests print it."""
    if name.startswith("classify"):
        return expected(folder)
    lines = (
        f"images/{digit}.pgm: {best} ({100 * float(share):.1f}%)\n"
        for digit, best, share in seen(folder)
    )
    return "".join(lines)


def on_wasmtime(
    native: NativeWasmtime, module: bytes, folder: Path, words: Iterable[str]
) -> tuple[int, str]:
    """With the quick compiler: the usual one takes 10 s for those of Python and JavaScript."""
    path = native.command.with_name("guest.wasm")
    path.write_bytes(module)
    done = subprocess.run(
        [native.command, "run", "-C", "compiler=winch", "-S", "nn", "--dir", ".", path, *words],
        cwd=folder,
        env={**native.env, "RUST_BACKTRACE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def on_nnshim(module: bytes, folder: Path, words: Iterable[str], *options: str) -> tuple[int, str]:
    path = folder / "guest.wasm"
    path.write_bytes(module)
    done = nnshim("run", *options, "--dir", f"{folder}::.", path, *words)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("name", [name for name in EVERY if name != WRAPPED])
def test_a_component_prints_what_the_model_says_on_native_wasmtime(
    name: str, folder: Path, native: NativeWasmtime
) -> None:
    done = on_wasmtime(native, component(name), folder, arguments(name))
    assert done == (0, right(name, folder))


@pytest.mark.parametrize(
    ("name", "making"),
    [
        ("digits-python", Making.COMPONENTIZE_PY),
        ("digits-javascript", Making.COMPONENTIZE_JS),
        *((name, Making.ADAPTED) for name in ADAPTED),
    ],
)
def test_a_component_is_known_by_how_it_was_made_and_where_it_runs(
    name: str, making: Making
) -> None:
    info = describe_component(component(name))
    assert (info.making, [*info.snapshots]) == (making, [OCTOBER])
    assert info.is_command
    runs = {
        host: assess_component(info, find_host(host)).runs
        for host in ("wasmtime@49", "wasmtime@34", "wamr-legacy@2.3.1")
    }
    flattened = Runs.AFTER_REWRITE if making is Making.ADAPTED else Runs.CANNOT
    assert list(runs.values()) == [Runs.AS_IT_IS, Runs.AFTER_REWRITE, flattened]


@pytest.mark.parametrize("name", EVERY)
def test_a_component_prints_the_same_here(name: str, folder: Path) -> None:
    done = on_nnshim(component(name), folder, arguments(name), "--fast-math")
    assert done == (0, right(name, folder))
    if name.startswith("digits"):
        words = ["digits/model.onnx", *IMAGES]
        assert on_nnshim(component(name), folder, words) == (0, EXPECTED)


@pytest.mark.parametrize("name", ADAPTED)
def test_flattened_it_prints_the_same_on_native_wasmtime_and_here(
    name: str, folder: Path, native: NativeWasmtime
) -> None:
    core = rewrite(component(name), RewriteOptions(to="wasi_ephemeral_nn"))
    assert assess(inspect_module(core), find_host("wasmtime@49")).runs is Runs.AS_IT_IS
    words = arguments(name)
    assert on_wasmtime(native, core, folder, words) == (0, right(name, folder))
    assert on_nnshim(core, folder, words, "--fast-math") == (0, right(name, folder))


@pytest.mark.parametrize("name", [name for name in ADAPTED if name.startswith("digits")])
def test_flattened_it_runs_on_a_host_of_the_older_abi(name: str, folder: Path) -> None:
    legacy = "wamr-legacy@2.3.1"
    core = rewrite(component(name), RewriteOptions(host=legacy))
    words: Sequence[str] = ["digits/model.tflite", *IMAGES]
    assert on_nnshim(core, folder, words, "--as", legacy) == (0, EXPECTED)
