"""Which execution provider a model goes to, against what ONNX Runtime was seen to do on machines
without the libraries and devices that its providers need."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim.backends.interface import Place, Settings
from runtime_shim.backends.onnx import devices as onnx_devices
from runtime_shim.backends.onnx.backend import OnnxBackend
from runtime_shim.errors import DeviceLost, HostError
from tests.support.models import F32, identity, model

FULL_PRECISION = {"use_tf32": "0"}

CUDA, WEBGPU = "CUDAExecutionProvider", "WebGpuExecutionProvider"

real_session = ort.InferenceSession


class OnCuda:
    """A session that has CUDA's provider."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def get_providers(self) -> list[str]:
        return [CUDA, "CPUExecutionProvider"]

    def get_provider_graph_assignment_info(self) -> list[SimpleNamespace]:
        nodes = [SimpleNamespace(op_type="Identity")]
        return [SimpleNamespace(ep_name="CPUExecutionProvider", get_nodes=lambda: nodes)]


class Sessions:
    """InferenceSession with providers that are compiled in. Seen with onnxruntime-gpu 1.31.1
    without CUDA's libraries: a line on standard error, and a session on the CPU. Seen with
    onnxruntime-webgpu 1.27.0 without a Vulkan driver: RuntimeError."""

    def __init__(self, has_cuda: bool) -> None:
        self.has_cuda = has_cuda
        self.made: list[tuple[str, dict[str, str]]] = []
        self.fallbacks: list[bool] = []

    def __call__(
        self,
        model: bytes,
        settings: ort.SessionOptions,
        providers: list[Any],
        enable_fallback: int = 1,
    ) -> Any:
        provider, options = (*providers, {})[:2] if isinstance(providers[0], str) else providers[0]
        self.made.append((provider, options))
        self.fallbacks.append(bool(enable_fallback) and provider != "CPUExecutionProvider")
        if provider == WEBGPU:
            raise RuntimeError("webgpu_context.cc:65: no adapters found")
        session = real_session(model, settings, providers=["CPUExecutionProvider"])
        return OnCuda(session) if provider == CUDA and self.has_cuda else session


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Sessions:
    """All are compiled in, and none has what it needs."""
    sessions = Sessions(has_cuda=False)
    monkeypatch.setattr(ort, "InferenceSession", sessions)
    monkeypatch.setattr(
        ort, "get_available_providers", lambda: [CUDA, WEBGPU, "CPUExecutionProvider"]
    )
    return sessions


@pytest.fixture
def with_cuda(without: Sessions) -> Sessions:
    without.has_cuda = True
    return without


def test_providers_without_what_they_need_are_no_gpu(without: Sessions) -> None:
    with pytest.raises(HostError) as caught:
        OnnxBackend().load([identity()], Target.GPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION
    assert caught.value.reason == (
        "the model asks for gpu (cuda or migraphx or rocm or webgpu), but the onnx backend only"
        " has cpu here"
    )
    assert [provider for provider, _ in without.made][:2] == [CUDA, WEBGPU]
    assert not any(without.fallbacks), "ONNX Runtime's Python package would take the CPU itself"


@pytest.mark.parametrize("place", ["cuda", "cuda:1", "cuda:x", "cuda:", "webgpu", "rocm"])
def test_a_device_that_was_named_and_is_not_there_is_said_to_be_missing(
    without: Sessions, place: str
) -> None:
    with pytest.raises(HostError, match=f"no device {place}: the onnx backend only has") as caught:
        OnnxBackend().load([identity()], place)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


@pytest.mark.parametrize("place", ["auto", Target.CPU, "cpu"])
def test_what_may_be_on_the_cpu_is(without: Sessions, place: Place) -> None:
    assert OnnxBackend().load([identity()], place).device == "cpu"


def test_only_devices_that_work_are_described(without: Sessions) -> None:
    assert OnnxBackend().describe().devices == {"cpu": Target.CPU}


@pytest.mark.parametrize(
    ("place", "options"),
    [
        (Target.GPU, FULL_PRECISION),
        ("auto", FULL_PRECISION),
        ("cuda", FULL_PRECISION),
        ("cuda:1", {**FULL_PRECISION, "device_id": "1"}),
    ],
)
def test_where_cuda_is_there_it_is_taken(
    with_cuda: Sessions, place: Place, options: dict[str, str]
) -> None:
    device = OnnxBackend().load([identity()], place).device
    assert device.startswith("cuda:1," if "device_id" in options else "cuda,")
    assert with_cuda.made == [(CUDA, options)]
    assert OnnxBackend().describe().devices == {"cpu": Target.CPU, "cuda": Target.GPU}


def test_that_cudas_libraries_are_not_packages_is_no_output(
    with_cuda: Sessions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(ort, "preload_dlls", lambda: print("Failed to load libcudart.so.13"))
    with caplog.at_level("INFO"):
        OnnxBackend().load([identity()], "cuda")
    assert capsys.readouterr().out == ""
    assert "onnxruntime: Failed to load libcudart.so.13" in caplog.messages


def test_fast_math_is_what_cuda_does_unless_told_otherwise(with_cuda: Sessions) -> None:
    OnnxBackend(Settings(fast_math=True)).load([identity()], "cuda")
    OnnxBackend().load([identity()], "cuda", {"fast-math": True})
    assert with_cuda.made == [(CUDA, {}), (CUDA, {})]


def reversing(inside: bool) -> bytes:
    """ReverseSequence, on its own or inside a branch."""
    node = helper.make_node("ReverseSequence", ["x", "lengths"], ["y"])
    ports = [("x", F32, (4, 1)), ("lengths", TensorProto.INT64, (1,))]
    if not inside:
        return model([node], ports, [("y", F32, (4, 1))])
    branch = helper.make_graph([node], "b", [], [helper.make_tensor_value_info("y", F32, (4, 1))])
    either = helper.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch)
    return model([either], [*ports, ("c", TensorProto.BOOL, ())], [("z", F32, (4, 1))])


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("as_file", [False, True])
def test_operators_that_do_not_look_at_their_indices_are_not_run_on_cuda(
    with_cuda: Sessions, inside: bool, as_file: bool, tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").write_bytes(reversing(inside))
    part = tmp_path / "model.onnx" if as_file else reversing(inside)
    with pytest.raises(HostError, match="calls ReverseSequence, which on cuda can read") as caught:
        OnnxBackend().load([part], Target.GPU)
    assert (caught.value.errno, caught.value.remedy) == (Errno.UNSUPPORTED_OPERATION, "device")
    assert OnnxBackend().load([part], Target.CPU).device == "cpu"


class OutOfRange(OnCuda):
    """A session in which CUDA finds a wrong address. Seen with onnxruntime-gpu 1.31.1."""

    def run_with_iobinding(self, binding: object) -> None:
        raise RuntimeError("CUDA failure 700: an illegal memory access was encountered ; GPU=0")


def test_a_device_that_is_lost_is_said_to_be(
    with_cuda: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = OnnxBackend().load([identity(dims=(1,))], Target.GPU).init_execution_context()
    context.set_input(0, TensorType.F32, (1,), memoryview(bytes(4)))
    monkeypatch.setattr(context._graph, "session", OutOfRange(context._graph.session))
    with pytest.raises(DeviceLost, match=r"can no longer use cuda") as caught:
        context.compute()
    assert caught.value.errno is Errno.RUNTIME_ERROR


def test_a_broken_model_is_no_missing_device(with_cuda: Sessions) -> None:
    with pytest.raises(HostError, match="Identify") as caught:
        OnnxBackend().load([identity().replace(b"Identity", b"Identify")], Target.GPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_operators_on_the_cpu_are_part_of_where_a_model_is(
    with_cuda: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    graph = OnnxBackend().load([identity()], Target.GPU)
    assert graph.device == "cuda, and cpu for Identity"
    assert "a model runs on cuda, and cpu for Identity" in caplog.messages


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[tuple[str, str]]]:
    """A package onnxruntime-ep-mine, whose provider is the one for the CPU; another is broken."""
    registered: list[tuple[str, str]] = []
    module: Any = ModuleType("onnxruntime_ep_mine")
    module.get_library_path = lambda: "/mine.so"
    module.get_ep_names = lambda: ["CPUExecutionProvider"]
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_mine", module)
    names = ["onnxruntime", "onnxruntime-ep-mine", "onnxruntime-ep-broken"]
    found = [SimpleNamespace(metadata={"Name": name}) for name in names]
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr("importlib.metadata.distributions", lambda: found)
    monkeypatch.setattr(
        ort, "register_execution_provider_library", lambda *item: registered.append(item)
    )
    onnx_devices._register_plugins.cache_clear()
    yield registered
    onnx_devices._register_plugins.cache_clear()


def test_a_plugin_provider_is_found_and_used(
    plugin: list[tuple[str, str]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[dict[str, Any]] = []

    def record(*arguments: Any, **keywords: Any) -> ort.InferenceSession:
        made.append(keywords)
        return real_session(*arguments, **keywords)

    monkeypatch.setattr(ort, "InferenceSession", record)
    backend = OnnxBackend()
    assert backend.describe().devices == {"cpu": Target.CPU, "cpu-cpu": Target.CPU}
    assert plugin == [("onnxruntime-ep-mine", "/mine.so")]
    graph = backend.load([identity(dims=(1,))], "cpu-cpu")
    assert made[-1] == {"enable_fallback": 0}
    context = graph.init_execution_context()
    data = struct.pack("<f", 2.5)
    context.set_input(0, TensorType.F32, (1,), memoryview(data))
    context.compute()
    assert bytes(context.get_output(0)) == data
    assert "cannot use onnxruntime-ep-broken: No module named" in caplog.text


def test_a_plugin_does_not_take_over_what_is_meant_for_the_cpu(
    plugin: list[tuple[str, str]],
) -> None:
    backend = OnnxBackend()
    assert "cpu-cpu" in backend.describe().devices
    assert backend.load([identity()], Target.CPU).device == "cpu"
