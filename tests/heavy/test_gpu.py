"""Models on the GPUs that are there: real ones, or software Vulkan."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost, parse_nn_preload
from runtime_shim.backends import import_backend
from runtime_shim.diagnostics.doctor import examine
from tests.support import tflite_models
from tests.support.digits import ABIS, MODEL, layers, printed_digits
from tests.support.guest import HANDLE, Guest
from tests.support.models import F32, identity, model
from tests.support.tflite_models import two_layers

MEMORY = '(memory (export "memory") 16)'
"""Room for the larger model, in pages."""

CLOSE = 1e-5
"""Between GPU and CPU, in outputs of about one."""


def gpus() -> list[tuple[Encoding, str]]:
    found = []
    for encoding in (Encoding.ONNX, Encoding.TENSORFLOWLITE):
        devices = import_backend(encoding).describe().devices
        found += [(encoding, name) for name, kind in devices.items() if kind is Target.GPU]
    return found


GPUS = gpus()


def digits(encoding: Encoding) -> bytes:
    return MODEL.read_bytes() if encoding is Encoding.ONNX else two_layers(*layers())


def convolution() -> bytes:
    rng = np.random.default_rng(5)
    weights = {
        "k": rng.normal(size=(8, 3, 3, 3)).astype(np.float32) / 5,
        "w": rng.normal(size=(8 * 30 * 30, 10)).astype(np.float32) / 85,
    }
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Flatten", ["r"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["y"]),
    ]
    return model(nodes, [("x", F32, (1, 3, 32, 32))], [("y", F32, (1, 10))], weights)


def infer(
    host: NNHost, data: bytes, encoding: Encoding, target: Target, inputs: list[np.ndarray]
) -> list[np.ndarray]:
    """The outputs that a guest gets."""
    guest = Guest(host, memory=MEMORY)
    assert guest.load_model(data, encoding, target) == 0
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == 0
    context, outputs = guest.u32(HANDLE), []
    for array in inputs:
        assert guest.feed(context, 0, TensorType.F32, array.shape, array.tobytes()) == 0
        assert guest.compute(context) == 0
        outputs.append(np.frombuffer(guest.output(context, 0), np.float32))
    return outputs


def test_there_is_a_gpu_for_each_of_these_backends() -> None:
    assert {encoding for encoding, _ in GPUS} == {Encoding.ONNX, Encoding.TENSORFLOWLITE}


@pytest.mark.parametrize(("encoding", "device"), GPUS)
def test_a_guest_that_asks_for_a_gpu_gets_the_cpus_answers(encoding: Encoding, device: str) -> None:
    rng = np.random.default_rng(1)
    inputs = [rng.random((1, 64)).astype(np.float32) for _ in range(20)]
    host = NNHost(devices={"gpu": device})
    on_cpu, on_gpu = (
        infer(host, digits(encoding), encoding, target, inputs)
        for target in (Target.CPU, Target.GPU)
    )
    assert np.abs(np.array(on_cpu) - np.array(on_gpu)).max() < CLOSE
    assert [row.device for row in host.stats()] == ["cpu", device]


def test_a_convolution_on_the_gpu_gives_the_cpus_answers() -> None:
    rng = np.random.default_rng(2)
    inputs = [rng.random((1, 3, 32, 32)).astype(np.float32) for _ in range(3)]
    host = NNHost()
    on_cpu, on_gpu = (
        infer(host, convolution(), Encoding.ONNX, target, inputs)
        for target in (Target.CPU, Target.GPU)
    )
    assert np.abs(np.array(on_cpu) - np.array(on_gpu)).max() < CLOSE


@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize(("encoding", "device"), GPUS)
def test_the_digits_are_the_same(
    encoding: Encoding, device: str, abi: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").write_bytes(digits(encoding))
    host = NNHost(graphs=[parse_nn_preload(f"digits:{encoding.name}:gpu:{tmp_path / 'model'}")])
    assert printed_digits(host, abi, capfd) == "0123456789"
    assert host.stats()[0].device == device


@pytest.mark.parametrize(("encoding", "device"), GPUS)
def test_the_doctor_tries_each_gpu(encoding: Encoding, device: str) -> None:
    (report,) = (report for report in examine() if report.encoding == encoding.name.lower())
    (found,) = (item for item in report.devices if item.device == device)
    assert (found.target, found.tried, found.problem) == ("gpu", True, None)


def test_operators_that_are_on_the_cpu_nevertheless_are_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("NonZero", ["r"], ["y"]),
    ]
    data = model(nodes, [("x", F32, (4,))], [("y", TensorProto.INT64, (1, None))])
    graph = NNHost().load([data], Encoding.ONNX, Target.GPU)
    assert graph.device.endswith(", and cpu for NonZero")
    assert "and cpu for NonZero" in caplog.text


def test_a_shape_can_change_from_run_to_run_on_the_gpu() -> None:
    rng = np.random.default_rng(3)
    inputs = [rng.random((size,)).astype(np.float32) for size in (2, 1, 3, 1)]
    outputs = infer(NNHost(), identity(dims=("n",)), Encoding.ONNX, Target.GPU, inputs)
    assert [output.tolist() for output in outputs] == [array.tolist() for array in inputs]


def test_contexts_on_the_gpu_do_not_disturb_each_other() -> None:
    graph = NNHost().load([identity(dims=(1,))], Encoding.ONNX, Target.GPU)
    contexts = [graph.init_execution_context() for _ in range(4)]
    for value, context in enumerate(contexts):
        data = np.float32(value).tobytes()
        context.set_input(0, TensorType.F32, (1,), memoryview(data))
    for context in contexts:
        context.compute()
    outputs = [np.frombuffer(context.get_output(0), np.float32)[0] for context in contexts]
    assert outputs == [0, 1, 2, 3]


def test_auto_is_the_gpu_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(digits(Encoding.ONNX))
    graph = parse_nn_preload(f"digits:onnx:auto:{tmp_path / 'model'}")
    assert NNHost(graphs=[graph]).load_by_name("digits").device == GPUS[0][1]


def test_an_operator_that_litert_has_no_gpu_code_for_is_no_reason_to_take_the_cpu() -> None:
    data = tflite_models.identity(np.int64, [2])
    with pytest.raises(HostError) as caught:
        NNHost().load([data], Encoding.TENSORFLOWLITE, Target.GPU)
    assert caught.value.errno is Errno.RUNTIME_ERROR


@pytest.mark.parametrize("order", ["graph, context", "context, graph", "sys"])
def test_a_context_that_is_left_over_does_no_harm(order: str) -> None:
    code = (
        "import sys\n"
        "from rewriter.abi.dialects import Encoding, Target, TensorType\n"
        "from runtime_shim import NNHost\n"
        "from runtime_shim.backends.formats import FORMATS\n"
        "model = FORMATS[Encoding.ONNX].trial.model()\n"
        "graph = NNHost().load([model], Encoding.ONNX, Target.GPU)\n"
        "context = graph.init_execution_context()\n"
        "context.set_input(0, TensorType.F32, (1,), memoryview(bytes(4)))\n"
        "context.compute()\n"
        f"del {order}\n"
        "print('done')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
