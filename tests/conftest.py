from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from rewriter import RewriteOptions, rewrite
from samples.build import build

settings.register_profile("untimed", deadline=None)  # a machine may be slow, or have more to do
settings.load_profile("untimed")

collect_ignore = ["heavy"]
"""Its tests need more than `.[test]` installs; .ci/run gets that, and names their files."""

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
GUESTS = TESTS / "guests"

QUICK = (
    *("nnshim/test_golden.py", "rewriter/"),
    *("runtime_shim/abi/", "runtime_shim/backends/checks/"),
)
"""What `pytest -m quick` runs: files, and all in folders, but for SLOW."""

SLOW = (
    *("rewriter/adapters/test_adapted_calls.py", "rewriter/adapters/test_adapting.py"),
    *("rewriter/adapters/test_anew.py", "rewriter/adapters/test_generations.py"),
    *("rewriter/adapters/test_native.py", "rewriter/adapters/test_units.py"),
    "rewriter/analysis/test_models.py",
    "rewriter/analysis/test_real_hosts.py",
    "rewriter/files/test_files.py",
    *("rewriter/hosts/test_engines.py", "rewriter/hosts/profiles/test_of_row.py"),
    "rewriter/checking/test_unversioned.py",
    *("rewriter/inlining/test_unversioned.py", "rewriter/inlining/test_versions.py"),
    *("rewriter/probing/test_components.py", "rewriter/probing/test_habits.py"),
    *("rewriter/probing/test_probe.py", "rewriter/probing/test_rows.py"),
    *("rewriter/rewriting/making/test_make.py", "rewriter/rewriting/making/test_memory.py"),
    "rewriter/rewriting/test_corrupt.py",
    "rewriter/rewriting/test_dwarf.py",
    "rewriter/rewriting/test_smith.py",
    *("runtime_shim/abi/test_extensions.py", "runtime_shim/abi/test_guests_numbers.py"),
    "runtime_shim/abi/test_tensor_numbers.py",
    "runtime_shim/backends/checks/test_checks_onnx.py",
)
"""What takes about as much CPU time, a file, as all others of a folder."""


def is_quick(file: Path) -> bool:
    name = file.relative_to(TESTS).as_posix()
    return name.startswith(QUICK) and name not in SLOW


if TYPE_CHECKING:
    from tests.support.native import NativeWasmtime


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> NativeWasmtime:
    from tests.support.native import NativeWasmtime

    return NativeWasmtime(tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which nnshim comes from a wheel, and not from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build_wheel = ["hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run([sys.executable, "-m", *build_wheel], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    place = folder / "site"
    install = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(place), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, capture_output=True)
    return {
        **os.environ,
        "PYTHONPATH": str(place),
        "PATH": os.pathsep.join(
            [str(place / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        ),
    }


@pytest.fixture(scope="session")
def tensors_guests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """tests/guests/tensors.c, built for each ABI, and made of one another."""
    folder = tmp_path_factory.mktemp("guests")
    build(GUESTS / "tensors.c", folder / "witx.wasm")
    build(GUESTS / "tensors.c", folder / "wamr.wasm", "-DWAMR")
    witx, wamr = ((folder / name).read_bytes() for name in ("witx.wasm", "wamr.wasm"))
    to_wamr, to_witx = (
        rewrite(witx, RewriteOptions(abi="wamr")),
        rewrite(wamr, RewriteOptions(abi="witx")),
    )
    return {
        "witx": witx,
        "witx renamed": rewrite(witx),
        "witx to wamr": to_wamr,
        "witx to wamr to witx": rewrite(to_wamr, RewriteOptions(abi="witx")),
        "wamr": wamr,
        "wamr to witx": to_witx,
        "wamr to witx to wamr": rewrite(to_witx, RewriteOptions(abi="wamr")),
    }


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden outputs anew")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is not asked for need not be imported, which takes longer than some of the tests."""
    asked = config.getoption("markexpr") == "quick" and collection_path.suffix == ".py"
    return True if asked and not is_quick(collection_path) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_quick(item.path):
            item.add_marker("quick")


def pytest_collection_finish() -> None:
    """Leave what was collected out of garbage collections: half a million objects that stay, which
    each would take a fifth of a second to look through. From Python 3.14 on, Hypothesis warns if it
    does not find who refers to its own."""
    if sys.version_info < (3, 14):
        gc.collect()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed one: there is nothing here that may be missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped") and os.environ.get("CI"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
