from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from rewriter.diagnostics import Diagnostic
from rewriter.installation import install_line
from runtime_shim.backends.onnx.graph import OnnxContext, OnnxGraph
from runtime_shim.diagnostics import doctor
from runtime_shim.diagnostics.doctor import examine
from tests.support.command import nnshim
from tests.support.homes import watched_home
from tests.tools.trials import FOLDER, make

INSTALLED = {"ggml", "onnx", "openvino", "tensorflow", "tensorflowlite"}


def test_every_backend_that_is_installed_is_tried_on_its_devices() -> None:
    reports = {report.encoding: report for report in examine()}
    assert reports.keys() >= {*INSTALLED, "pytorch"}
    for encoding in INSTALLED:
        assert reports[encoding].version is not None
        cpu = next(device for device in reports[encoding].devices if device.target == "cpu")
        assert (cpu.tried, cpu.problem) == (True, None)


@pytest.mark.parametrize("release", ["2026.", "none that is known"])
def test_nn_runtimes_keep_nothing_about_who_runs_them(tmp_path: Path, release: str) -> None:
    """In its home, where telemetry begins with an identifier; build servers it leaves alone."""
    code = f"""
from runtime_shim.backends.openvino import start as openvino_start
from runtime_shim.diagnostics import doctor
from runtime_shim.diagnostics.doctor import examine
openvino_start.RELEASES = ({release!r},)
found = {{report.encoding for report in examine() if report.version is not None}}
assert found >= {INSTALLED!r}, found
"""
    subprocess.run([sys.executable, "-c", code], env=watched_home(tmp_path), check=True)
    assert [*tmp_path.rglob("*")] == []


def test_the_models_that_are_tried_are_those_that_the_tests_make() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*make(), "identity.pt"}
    for name, data in make().items():
        assert (FOLDER / name).read_bytes() == data, "python -m tests.tools.trials"


def test_a_backend_that_is_not_installed_is_shown_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "runtime_shim.backends.onnx.backend", raising=False)
    (report,) = (report for report in examine() if report.encoding == "onnx")
    assert report.version is None
    assert install_line("onnx") in str(report.problem)
    assert report.works


def test_a_device_that_computes_something_else_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OnnxContext, "get_output", lambda *_: memoryview(b"else"))
    (report,) = (report for report in examine() if report.encoding == "onnx")
    assert not report.works
    message = "it gave b'else' instead of b'\\x00\\x00 @'"
    assert report.devices[0].problem == Diagnostic("NN502", message)


def test_a_device_that_fails_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(OnnxGraph, "init_execution_context", fail)
    (report,) = (report for report in examine() if report.encoding == "onnx")
    assert report.devices[0].problem == Diagnostic("NN503", "RuntimeError: no such luck")


def test_the_command_prints_versions_and_what_works() -> None:
    done = nnshim("doctor")
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("nnshim ")
    assert any(line.startswith("wasm-tools ") for line in lines)
    assert any(line.startswith("onnx: onnxruntime ") for line in lines)
    assert "  cpu (cpu): works" in lines


def test_the_command_has_all_of_it_for_programs() -> None:
    report = json.loads(nnshim("doctor", "--json").stdout)
    assert report["wasm_tools"]["problem"] is None
    (onnx,) = (backend for backend in report["backends"] if backend["encoding"] == "onnx")
    assert onnx["devices"] == [{"target": "cpu", "device": "cpu", "tried": True, "problem": None}]


def test_each_thing_is_said_once_and_information_of_nn_runtimes_is_not(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('hidden')")
    done = nnshim("doctor", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"})
    assert done.stdout.count(b"cannot import the backend for onnx models (hidden)") == 1
    assert done.stderr == b""


def test_what_is_no_information_still_reaches_standard_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with doctor._without_information():
        os.write(2, b"INFO: of a library\nWARNING: of it, too\nthe end")
    assert capfd.readouterr().err == "WARNING: of it, too\nthe end"


def test_grpc_is_listed_like_a_backend() -> None:
    (report,) = (report for report in examine() if report.encoding == "remote")
    assert (report.version, report.devices, report.works) == (
        f"grpcio {version('grpcio')}",
        (),
        True,
    )


def test_grpc_that_is_not_installed_is_shown_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "runtime_shim.backends.remote.over_grpc.server", raising=False)
    (report,) = (report for report in examine() if report.encoding == "remote")
    assert report.version is None
    assert report.problem is not None
    assert report.problem.code == "NN501"
    assert report.problem.message.endswith(install_line("remote"))
    assert report.works
