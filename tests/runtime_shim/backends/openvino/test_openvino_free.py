"""OpenVINO keeps pointers to memory of models with free dimensions, and state in requests: contexts
do not see each other's, nor what was there before."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest
from onnx import TensorProto, helper
from openvino import opset13 as ops

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost
from tests.runtime_shim.backends.test_outputs import WAYS
from tests.runtime_shim.backends.test_shared_outputs import collecting_loop
from tests.support.guest import Guest
from tests.support.models import F32, Port, model

ANY = ("n",)


def cast(*more: onnx.NodeProto, outputs: tuple[str, ...] = ("y",)) -> bytes:
    """A change of type to the type that there is, which OpenVINO leaves out."""
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
    ports: list[Port] = [(name, F32, ANY) for name in outputs]
    return model([node, *more], [("x", F32, ANY)], ports)


MODELS = {
    "a cast": cast(),
    "a cast and what comes of it": cast(helper.make_node("Neg", ["y"], ["z"]), outputs=("y", "z")),
    "a cast behind": cast(helper.make_node("Cast", ["y"], ["z"], to=1), outputs=("z",)),
}
EXPECTED = {"a cast": (1,), "a cast and what comes of it": (1, -1), "a cast behind": (1,)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_outputs_and_inputs_of_contexts_stay_their_own(name: str, way: str) -> None:
    plain, isolate = WAYS[way]
    guest = Guest(NNHost(isolate=isolate), plain=plain)
    contexts = [guest.context_for(MODELS[name], Encoding.OPENVINO) for _ in range(2)]
    sizes = (4, 8, 4, 8, 8, 8, 0, 4, 4, 4, 4, 16, 4)
    for number, size in enumerate(sizes):
        fed = [np.full(size, 100 * number + place + 1, np.float32) for place in range(2)]
        for context, array in zip(contexts, fed, strict=True):
            assert guest.feed(context, 0, TensorType.F32, (size,), array.tobytes()) == 0
        for context in contexts:
            assert guest.compute(context) == 0
        other = np.full(size, -1, np.float32)
        assert guest.feed(contexts[0], 0, TensorType.F32, (size,), other.tobytes()) == 0
        for context, array in zip(contexts, fed, strict=True):
            for index, sign in enumerate(EXPECTED[name]):
                assert guest.output(context, index) == (sign * array).tobytes(), (number, index)


def test_contexts_in_threads_stay_their_own() -> None:
    graph = NNHost().load([MODELS["a cast"]], Encoding.OPENVINO, Target.CPU)
    wrong: list[int] = []

    def infer(place: int) -> None:
        context = graph.init_execution_context()
        for number in range(300):
            data = np.full(64, 1000 * place + number, np.float32).tobytes()
            context.set_input(0, TensorType.F32, (64,), memoryview(data))
            context.compute()
            if bytes(context.get_output(0)) != data:
                wrong.append(place)

    threads = [threading.Thread(target=infer, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def counting(dims: list[int], folder: Path) -> list[bytes]:
    """An IR whose state is the sum of all inputs so far, which it gives."""
    x = ops.parameter(dims, np.float32, name="x")
    start = ops.constant(np.zeros([1], np.float32))
    before = ops.read_value(start, "sum", np.float32, [1])
    total = ops.add(before, ops.reduce_sum(x, ops.constant(np.array([0])), True))
    kept = ops.assign(total, "sum")
    made = ov.Model([ops.result(total)], [kept], [x])
    ov.save_model(made, folder / "m.xml", compress_to_fp16=False)
    return [(folder / name).read_bytes() for name in ("m.xml", "m.bin")]


@pytest.mark.parametrize("dims", [[3], [-1]])
def test_state_stays_in_its_context(dims: list[int], tmp_path: Path) -> None:
    parts = counting(dims, tmp_path)
    with NNHost().session() as session:
        graph = session.load(parts, Encoding.OPENVINO, Target.CPU)
        contexts = [session.init_execution_context(graph) for _ in range(2)]
        sums = [0.0, 0.0]
        for size in (3, 3, 3) if dims == [3] else (3, 5, 3, 100, 3):
            for place, context in enumerate(contexts):
                values = np.full(size, place + 1, np.float32)
                session.set_input(context, 0, TensorType.F32, (size,), memoryview(values.tobytes()))
                session.compute(context)
                sums[place] += values.sum()
                (found,) = np.frombuffer(session.get_output(context, 0), np.float32)
                assert found == sums[place]


@pytest.mark.parametrize("dims", [[1, 4], [-1, 4]])
@pytest.mark.parametrize("through", ["nothing", "a cast", "a reshape"])
def test_a_model_that_keeps_an_input_as_its_state_is_refused(
    dims: list[int], through: str, tmp_path: Path
) -> None:
    x = ops.parameter(dims, np.float32, name="x")
    before = ops.read_value(ops.constant(np.zeros([1, 4], np.float32)), "last", np.float32, dims)
    kept: ov.Node = x
    if through == "a reshape":
        kept = ops.reshape(x, ops.constant(np.array([-1, 4])), False)
    elif through == "a cast":
        kept = ops.convert(ops.convert(x, "f64"), "f32")
    made = ov.Model([ops.result(before)], [ops.assign(kept, "last")], [x])
    ov.save_model(made, tmp_path / "m.xml", compress_to_fp16=False)
    parts = [(tmp_path / name).read_bytes() for name in ("m.xml", "m.bin")]
    with NNHost().session() as session, pytest.raises(HostError, match="as its state") as caught:
        session.load(parts, Encoding.OPENVINO, Target.CPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


@pytest.mark.parametrize("spelling", ["Loop", "&#76;oop", "lOOp"])
def test_a_loop_is_found_however_it_is_spelled(spelling: str, tmp_path: Path) -> None:
    read = ov.Core().read_model(io.BytesIO(collecting_loop()))
    ov.save_model(read, tmp_path / "m.xml", compress_to_fp16=False)
    xml, weights = ((tmp_path / name).read_bytes() for name in ("m.xml", "m.bin"))
    parts = [xml.replace(b'type="Loop"', f'type="{spelling}"'.encode()), weights]
    _no_rounds_give_nothing(parts)


def test_a_loop_is_found_however_long_its_length_is() -> None:
    read = onnx.load_from_string(collecting_loop())
    node, graph = read.graph.node[0].SerializeToString(), read.graph.SerializeToString()
    longer = node.replace(b"\x22\x04Loop", b"\x22\x84\x00Loop")
    assert graph.startswith(_message(1, node))
    assert longer != node
    made = _message(1, longer) + graph[len(_message(1, node)) :]
    read.ClearField("graph")
    version, rest = read.SerializeToString()[:2], read.SerializeToString()[2:]
    _no_rounds_give_nothing([version + _message(7, made) + rest])


def _message(field: int, content: bytes) -> bytes:
    size = len(content)
    length = [size & 0x7F | 0x80, size >> 7] if size > 0x7F else [size]
    return bytes([field << 3 | 2, *length]) + content


def _no_rounds_give_nothing(parts: list[bytes]) -> None:
    with NNHost().session() as session:
        graph = session.load(parts, Encoding.OPENVINO, Target.CPU)
        for rounds in (2, 0):
            context = session.init_execution_context(graph)
            count = memoryview(np.array(rounds, np.int64).tobytes())
            session.set_input(context, 0, TensorType.I64, (), count)
            session.set_input(context, 1, TensorType.F32, (4,), memoryview(bytes(16)))
            session.compute(context)
            assert len(session.get_output(context, 1)) == 16 * rounds
