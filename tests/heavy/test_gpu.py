"""Models on the GPUs that are there: real ones, or software Vulkan.

Of ONNX Runtime, LiteRT and PyTorch, each that is installed has to have one.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost, parse_nn_preload
from runtime_shim.backends import import_backend
from runtime_shim.backends.formats import FORMATS
from runtime_shim.diagnostics.doctor import examine
from tests.support.digits import ABIS, MODEL, TFLITE_MODEL, layers, printed_digits
from tests.support.guest import HANDLE, Guest
from tests.support.models import F32, identity, model

MEMORY = '(memory (export "memory") 16)'
"""Room for the larger model, in pages."""

CLOSE = 1e-5
"""Between GPU and CPU, in outputs of about one."""


MODULES = {
    Encoding.ONNX: "onnxruntime",
    Encoding.TENSORFLOWLITE: "ai_edge_litert",
    Encoding.PYTORCH: "torch",
}

INSTALLED = [encoding for encoding, module in MODULES.items() if find_spec(module) is not None]


def gpus() -> list[tuple[Encoding, str]]:
    found = []
    for encoding in INSTALLED:
        devices = import_backend(encoding).describe().devices
        found += [(encoding, name) for name, kind in devices.items() if kind is Target.GPU]
    return found


GPUS = gpus()

on_gpus = pytest.mark.parametrize(("encoding", "device"), GPUS)

on_onnx_gpus, on_litert_gpus = (
    pytest.mark.parametrize("device", [name for encoding, name in GPUS if encoding is wanted])
    for wanted in (Encoding.ONNX, Encoding.TENSORFLOWLITE)
)


def kind_of(device: str) -> str:
    """Without its number, which PyTorch says of the first too."""
    return device.partition(":")[0]


def digits(encoding: Encoding) -> bytes:
    if encoding is Encoding.ONNX:
        return MODEL.read_bytes()
    if encoding is Encoding.TENSORFLOWLITE:
        return TFLITE_MODEL.read_bytes()
    from tests.heavy import torch_models

    return torch_models.two_layers(*layers())


def convolution(encoding: Encoding) -> bytes:
    """Images of 3x32x32 to ten numbers of about one."""
    rng = np.random.default_rng(5)
    weights = {
        "k": rng.normal(0, 1 / 5, (8, 3, 3, 3)).astype(np.float32),
        "w": rng.normal(0, 1 / 85, (8 * 30 * 30, 10)).astype(np.float32),
    }
    if encoding is Encoding.PYTORCH:
        from tests.heavy import torch_models

        return torch_models.convolution(**weights)
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
    """The outputs that a guest of its own gets."""
    guest = Guest(host, memory=MEMORY)
    assert guest.load_model(data, encoding, target) == 0
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == 0
    context, outputs = guest.u32(HANDLE), []
    for array in inputs:
        assert guest.feed(context, 0, TensorType.F32, array.shape, array.tobytes()) == 0
        assert guest.compute(context) == 0
        outputs.append(np.frombuffer(guest.output(context, 0), np.float32))
    return outputs


def test_there_is_a_gpu_for_each_backend_that_is_installed() -> None:
    assert list(dict.fromkeys(encoding for encoding, _ in GPUS)) == INSTALLED != []


@on_gpus
def test_a_guest_that_asks_for_a_gpu_gets_the_cpus_answers(encoding: Encoding, device: str) -> None:
    rng = np.random.default_rng(1)
    inputs = [rng.random((1, 64)).astype(np.float32) for _ in range(20)]
    host = NNHost(devices={"gpu": device})
    on_cpu, on_gpu = (
        infer(host, digits(encoding), encoding, target, inputs)
        for target in (Target.CPU, Target.GPU)
    )
    assert np.abs(np.array(on_cpu) - np.array(on_gpu)).max() < CLOSE
    assert [kind_of(row.device) for row in host.stats()] == ["cpu", device]


CONVOLVING = [gpu for gpu in GPUS if gpu[0] is not Encoding.TENSORFLOWLITE]


@pytest.mark.parametrize(("encoding", "device"), CONVOLVING)
def test_a_convolution_on_the_gpu_has_the_precision_of_the_cpus(
    encoding: Encoding, device: str
) -> None:
    """Ten times as precise as TF32, in which a GPU of NVIDIA's convolves if it is let."""
    rng = np.random.default_rng(2)
    inputs = [rng.random((1, 3, 32, 32)).astype(np.float32) for _ in range(3)]
    host = NNHost(devices={"gpu": device})
    on_cpu, on_gpu = (
        infer(host, convolution(encoding), encoding, target, inputs)
        for target in (Target.CPU, Target.GPU)
    )
    assert np.abs(np.array(on_cpu) - np.array(on_gpu)).max() < CLOSE


@pytest.mark.parametrize(("encoding", "device"), CONVOLVING)
def test_a_model_that_is_loaded_again_gives_the_same_bytes(encoding: Encoding, device: str) -> None:
    inputs = [np.random.default_rng(4).random((1, 3, 32, 32)).astype(np.float32)]
    first, *others = (
        infer(NNHost(devices={"gpu": device}), convolution(encoding), encoding, Target.GPU, inputs)
        for _ in range(4)
    )
    assert [other[0].tolist() for other in others] == [first[0].tolist()] * 3


@pytest.mark.parametrize("abi", ABIS)
@on_gpus
def test_the_digits_are_the_same(
    encoding: Encoding, device: str, abi: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").write_bytes(digits(encoding))
    graph = parse_nn_preload(f"digits:{encoding.name}:gpu:{tmp_path / 'model'}")
    host = NNHost(graphs=[graph], devices={"gpu": device})
    assert printed_digits(host, abi, capfd) == "0123456789"
    assert kind_of(host.stats()[0].device) == device


@on_gpus
def test_the_doctor_tries_each_gpu(encoding: Encoding, device: str) -> None:
    (report,) = (report for report in examine() if report.encoding == encoding.name.lower())
    (found,) = (item for item in report.devices if item.device == device)
    assert (found.target, found.tried, found.problem) == ("gpu", True, None)


@on_onnx_gpus
def test_operators_that_are_on_the_cpu_nevertheless_are_named(
    device: str, caplog: pytest.LogCaptureFixture
) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Unique", ["r"], ["y"]),
    ]
    data = model(nodes, [("x", F32, (4,))], [("y", F32, (None,))])
    graph = NNHost(devices={"gpu": device}).load([data], Encoding.ONNX, Target.GPU)
    assert graph.device == f"{device}, and cpu for Unique"
    assert "and cpu for Unique" in caplog.text


@on_onnx_gpus
def test_a_shape_can_change_from_run_to_run_on_the_gpu(device: str) -> None:
    rng = np.random.default_rng(3)
    inputs = [rng.random((size,)).astype(np.float32) for size in (2, 1, 3, 1)]
    host = NNHost(devices={"gpu": device})
    outputs = infer(host, identity(dims=("n",)), Encoding.ONNX, Target.GPU, inputs)
    assert [output.tolist() for output in outputs] == [array.tolist() for array in inputs]


@on_gpus
def test_contexts_on_the_gpu_do_not_disturb_each_other(encoding: Encoding, device: str) -> None:
    host = NNHost(devices={"gpu": device})
    graph = host.load([FORMATS[encoding].trial.model()], encoding, Target.GPU)
    contexts = [graph.init_execution_context() for _ in range(4)]
    for value, context in enumerate(contexts):
        data = np.float32(value).tobytes()
        context.set_input(0, TensorType.F32, (1,), memoryview(data))
    for context in contexts:
        context.compute()
    outputs = [np.frombuffer(context.get_output(0), np.float32)[0] for context in contexts]
    assert outputs == [0, 1, 2, 3]


@on_gpus
def test_guests_in_threads_do_not_disturb_each_other(encoding: Encoding, device: str) -> None:
    host = NNHost(devices={"gpu": device})
    data = digits(encoding)

    def answers(seed: int, target: Target) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        inputs = [rng.random((1, 64)).astype(np.float32) for _ in range(30)]
        return infer(host, data, encoding, target, inputs)

    expected = [answers(seed, Target.CPU) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda seed: answers(seed, Target.GPU), range(8)))
    assert np.abs(np.array(expected) - np.array(given)).max() < CLOSE


@on_gpus
def test_an_isolated_model_on_the_gpu_gives_the_cpus_answers(
    encoding: Encoding, device: str
) -> None:
    inputs = [np.random.default_rng(6).random((1, 64)).astype(np.float32)]
    host = NNHost(devices={"gpu": device}, isolate=True)
    (on_gpu,) = infer(host, digits(encoding), encoding, Target.GPU, inputs)
    (on_cpu,) = infer(NNHost(), digits(encoding), encoding, Target.CPU, inputs)
    assert np.abs(on_cpu - on_gpu).max() < CLOSE
    assert [kind_of(row.device) for row in host.stats()] == [device]


@on_onnx_gpus
@pytest.mark.parametrize("number", ["x", "", "-1", "99"])
def test_a_number_that_no_gpu_has_is_an_unsupported_operation(device: str, number: str) -> None:
    with pytest.raises(HostError) as caught:
        NNHost(devices={"gpu": f"{device}:{number}"}).load([identity()], Encoding.ONNX, Target.GPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


@pytest.mark.parametrize("encoding", INSTALLED)
def test_auto_is_the_gpu_where_there_is_one(encoding: Encoding, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(digits(encoding))
    graph = parse_nn_preload(f"digits:{encoding.name}:auto:{tmp_path / 'model'}")
    device = kind_of(NNHost(graphs=[graph]).load_by_name("digits").device)
    assert device == next(name for found, name in GPUS if found is encoding)


@on_litert_gpus
def test_an_operator_that_litert_has_no_gpu_code_for_is_no_reason_to_take_the_cpu(
    device: str,
) -> None:
    from tests.support import tflite_models

    data = tflite_models.identity(np.int64, [2])
    with pytest.raises(HostError) as caught:
        NNHost(devices={"gpu": device}).load([data], Encoding.TENSORFLOWLITE, Target.GPU)
    assert caught.value.errno is Errno.RUNTIME_ERROR


@pytest.mark.parametrize("order", ["graph, context", "context, graph", "sys"])
@on_gpus
def test_a_context_that_is_left_over_does_no_harm(
    encoding: Encoding, device: str, order: str
) -> None:
    code = (
        "import sys\n"
        "from rewriter.abi.dialects import Encoding, Target, TensorType\n"
        "from runtime_shim import NNHost\n"
        "from runtime_shim.backends.formats import FORMATS\n"
        f"encoding = Encoding.{encoding.name}\n"
        f"host = NNHost(devices={{'gpu': {device!r}}})\n"
        "graph = host.load([FORMATS[encoding].trial.model()], encoding, Target.GPU)\n"
        "context = graph.init_execution_context()\n"
        "context.set_input(0, TensorType.F32, (1,), memoryview(bytes(4)))\n"
        "context.compute()\n"
        f"del {order}\n"
        "print('done')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
