"""What only the OpenVINO backend has to do; test_backends.py has what all have to."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino
import pytest
from onnx import helper

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim.backends.interface import Part, Settings
from runtime_shim.backends.openvino import c_library as openvino_c
from runtime_shim.backends.openvino import start as openvino_start
from runtime_shim.backends.openvino.backend import OpenVinoBackend
from runtime_shim.backends.openvino.c_library import CLibrary
from runtime_shim.backends.openvino.factory import library
from runtime_shim.backends.openvino.graph import OpenVinoContext
from runtime_shim.backends.openvino.interface import Config, LoadedModel
from runtime_shim.backends.openvino.python_library import PythonLibrary
from runtime_shim.errors import HostError
from tests.support.models import F32, identity, model, with_external_data
from tests.support.native import openvino_model


@pytest.mark.parametrize("location", ["secret", "{}/secret", "../{}/secret"])
def test_a_model_cannot_read_the_hosts_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    monkeypatch.chdir(tmp_path)
    data = with_external_data(location.format(tmp_path))
    if location == "secret":  # OpenVINO itself would
        assert openvino.Core().read_model(data) is not None
    with pytest.raises(HostError, match="refer to data in other files") as caught:
        OpenVinoBackend().load([data], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "builders",
    [
        pytest.param([], id="none"),
        pytest.param([b"<net/>", b"", b""], id="three"),
        pytest.param([b"/etc/passwd"], id="a path"),
        pytest.param([b"junk", b""], id="must be XML"),
        pytest.param([b"", b""], id="two that are empty"),
        pytest.param([identity(F32), b"weights"], id="ONNX with weights"),
        pytest.param([b"PK\3\4"], id="another format"),
    ],
)
def test_what_is_no_openvino_model_is_an_invalid_argument(builders: list[bytes]) -> None:
    with pytest.raises(HostError) as caught:
        OpenVinoBackend().load(builders, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_an_onnx_model_may_have_an_empty_part_for_weights() -> None:
    for parts in ([identity(F32)], [identity(F32), b""]):
        context = OpenVinoBackend().load(parts, Target.CPU).init_execution_context()
        data = np.arange(4, dtype=np.float32).tobytes()
        context.set_input(0, TensorType.F32, (1, 4), memoryview(data))
        context.compute()
        assert bytes(context.get_output(0)) == data


@pytest.mark.parametrize("target", [Target.GPU, Target.TPU])
def test_a_device_that_is_not_there_is_no_reason_to_take_another(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library(), "devices", lambda: ["CPU"])
    with pytest.raises(HostError, match=r"\((GPU|NPU)\), .* has CPU here") as caught:
        OpenVinoBackend().load([identity()], target)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


@pytest.mark.parametrize("place", ["GPU", "GPU.1", "nothing"])
def test_a_device_that_is_named_and_not_there_is_an_unsupported_operation(place: str) -> None:
    with pytest.raises(HostError, match=f"no device {place}: .* has CPU here") as caught:
        OpenVinoBackend().load([identity()], place)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_a_model_that_does_not_compile_is_no_missing_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no kernel")

    monkeypatch.setattr(library(), "load", fail)
    with pytest.raises(RuntimeError, match="no kernel"):
        OpenVinoBackend().load([identity()], Target.CPU)


def test_a_model_that_ends_up_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    load = library().load

    def mislead(parts: Sequence[Part], device: str, config: Config) -> LoadedModel:
        model = load(parts, device, config)
        model.execution_devices = ["GPU.0"]
        return model

    monkeypatch.setattr(library(), "load", mislead)
    with pytest.raises(HostError, match=r"GPU\.0") as caught:
        OpenVinoBackend().load([identity()], Target.CPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_the_hosts_settings_reach_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Config] = []
    load = library().load

    def record(parts: Sequence[Part], device: str, config: Config) -> LoadedModel:
        chosen.append(config)
        return load(parts, device, config)

    monkeypatch.setattr(library(), "load", record)
    for settings in (Settings(), Settings(threads=1), Settings(fast_math=True)):
        OpenVinoBackend(settings).load([identity()], Target.CPU)
    full, cores = {"INFERENCE_PRECISION_HINT": "f32"}, len(os.sched_getaffinity(0))
    one_each = {"NUM_STREAMS": cores, "INFERENCE_NUM_THREADS": cores}
    assert chosen == [full, {**full, **one_each}, {}]


def test_the_c_library_is_used_and_takes_its_settings() -> None:
    found = library()
    assert isinstance(found, CLibrary)
    model = found.load([identity()], "CPU", {"NUM_STREAMS": 2, "ENABLE_CPU_PINNING": False})
    for key, value in ((b"NUM_STREAMS", "2"), (b"ENABLE_CPU_PINNING", "NO")):
        assert found.text("ov_compiled_model_get_property", model._compiled, key) == value
    with pytest.raises(RuntimeError, match="NO_SUCH_PROPERTY"):
        found.load([identity()], "CPU", {"NO_SUCH_PROPERTY": 1})


def test_compiled_models_are_kept_in_a_folder_that_the_host_names(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for _ in range(2):
        backend = OpenVinoBackend(Settings(model_cache=str(cache)))
        context = backend.load([identity(dims=(1,))], Target.CPU).init_execution_context()
        context.set_input(0, TensorType.F32, (1,), memoryview(b"abcd"))
        context.compute()
        assert bytes(context.get_output(0)) == b"abcd"
        (kept,) = cache.glob("*.blob")
        assert kept.stat().st_size > 0
    OpenVinoBackend().load([identity(dims=(2,))], Target.CPU)
    assert list(cache.iterdir()) == [kept]


def test_an_inference_imports_neither_openvinos_package_nor_numpy(tmp_path: Path) -> None:
    openvino_model(identity(dims=(1,)), tmp_path)
    code = """
import sys
from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import NNHost
parts = [open(f"model.{end}", "rb").read() for end in ("xml", "bin")]
session = NNHost().session()
context = session.init_execution_context(session.load(parts, Encoding.OPENVINO, Target.CPU))
session.set_input(context, 0, TensorType.F32, (1,), memoryview(b"abcd"))
session.compute(context)
print(bytes(session.get_output(context, 0)), {"numpy", "openvino"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("b'abcd' set()\n", "")


def test_weights_that_came_as_bytes_stay_as_long_as_the_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(256, 256)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    data = model([node], [("x", F32, (1, 256))], [("y", F32, (1, 256))], {"w": weights})
    names = openvino_model(data, tmp_path).split("+")
    graph = OpenVinoBackend().load([(tmp_path / name).read_bytes() for name in names], Target.CPU)
    gc.collect()
    junk = [bytes(weights.nbytes) for _ in range(20)]  # takes the place of what was freed
    context = graph.init_execution_context()
    x = rng.normal(size=(1, 256)).astype(np.float32)
    context.set_input(0, TensorType.F32, (1, 256), memoryview(x.tobytes()))
    context.compute()
    assert np.allclose(np.frombuffer(context.get_output(0), np.float32), x @ weights, atol=1e-3)
    assert junk


def test_there_is_no_output_after_an_inference_that_failed() -> None:
    context = OpenVinoBackend().load([identity(dims=(1,))], Target.CPU).init_execution_context()
    context.set_input(0, TensorType.F32, (1,), memoryview(bytes(4)))
    context.compute()
    assert bytes(context.get_output(0)) == bytes(4)

    def fail() -> None:
        raise RuntimeError("no such luck")

    assert isinstance(context, OpenVinoContext)
    context._request.infer = fail  # type: ignore[method-assign]  # of this one
    with pytest.raises(RuntimeError):
        context.compute()
    with pytest.raises(HostError, match="before compute"):
        context.get_output(0)


@pytest.mark.parametrize("missing", ["release", "library", "function"])
def test_without_a_c_library_that_fits_the_python_package_is_used_and_said_to_be(
    missing: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(openvino_c, "start", openvino_start.start.__wrapped__)
    if missing == "release":
        monkeypatch.setattr(openvino_start, "RELEASES", ("2025.",))
    elif missing == "library":
        monkeypatch.setattr(os, "listdir", lambda _: [])
    else:
        monkeypatch.setitem(openvino_c._STATUS, "ov_no_such_function", ())
    found = library.__wrapped__()
    assert isinstance(found, PythonLibrary)
    assert "using OpenVINO's Python package, which is slower" in caplog.text
    monkeypatch.undo()
    assert (
        found.load([identity()], "CPU", {}).inputs == library().load([identity()], "CPU", {}).inputs
    )
    _KEPT.append(found)


def test_the_backend_is_imported_while_the_library_is_opened() -> None:
    code = """
import sys, time
from runtime_shim.backends import import_backend
from runtime_shim.backends.openvino import start as openvino_start
from rewriter.abi.dialects import Encoding

def imported():
    return "runtime_shim.backends.openvino.backend" in sys.modules

open_library = openvino_start._open
def wait_for_the_import(path):
    assert not imported()
    while not imported():
        time.sleep(0.001)
    return open_library(path)

openvino_start._open = wait_for_the_import
assert "CPU" in import_backend(Encoding.OPENVINO).describe().devices
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


_KEPT: list[object] = []
"""OpenVINO's cores must not be destroyed: see openvino_library.Library."""


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"Parameter"', b'"Paramoter"'), (b'from-layer="0"', b'from-layer="7"')],
    ids=["an unknown layer", "an edge from nowhere"],
)
def test_models_that_openvino_refuses_print_nothing(tmp_path: Path, old: bytes, new: bytes) -> None:
    openvino_model(identity(), tmp_path)
    xml = (tmp_path / "model.xml").read_bytes()
    (tmp_path / "model.xml").write_bytes(xml.replace(old, new))
    code = """
import sys
from rewriter.abi.dialects import Target
from runtime_shim import HostError
from runtime_shim.backends.openvino.backend import OpenVinoBackend
parts = [open(f"model.{end}", "rb").read() for end in ("xml", "bin")]
try:
    OpenVinoBackend().load(parts, Target.CPU)
except HostError as error:
    assert error.reason.startswith("OpenVINO cannot read the model: "), error
else:
    sys.exit("it was loaded")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 0)


def test_guests_can_trap_before_and_after() -> None:
    """In a process of its own: OpenVINO's CPU plugin replaces the signal stack once in each."""
    code = """
import ctypes, gc
from rewriter.abi.dialects import Encoding, Target
from runtime_shim import GuestTrap, NNHost, run
from tests.support.models import identity
from tests.support.wasm import assemble

def signal_stack():
    stack = (ctypes.c_uint64 * 3)()
    ctypes.CDLL(None).sigaltstack(None, stack)
    return list(stack)

def trap():
    try:
        run(assemble('(module (func (export "_start") unreachable))'), NNHost(), check=True)
    except GuestTrap:
        return
    raise SystemExit("no trap")

trap()
before = signal_stack()
for _ in range(3):
    NNHost().load([identity()], Encoding.OPENVINO, Target.CPU).init_execution_context()
    gc.collect()
    if signal_stack() != before:
        raise SystemExit("another signal stack")
    trap()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
