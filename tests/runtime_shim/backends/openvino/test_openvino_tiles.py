"""OpenVINO leaves what some Tiles give unwritten; those that do are refused, and others are not."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost
from tests.support import tensorflow_models
from tests.support.models import F32, Port, model

I64 = TensorProto.INT64
X: Port = ("x", F32, (2, 3, 4, 5))
Y: Port = ("y", F32, (None,) * 4)
REPEATS = np.array([2, 2, 2, 2])


def refused(parts: Sequence[bytes], encoding: Encoding) -> bool:
    with NNHost().session() as session:
        try:
            session.load(parts, encoding, Target.CPU)
        except HostError as error:
            return error.errno is Errno.UNSUPPORTED_OPERATION and "Tile" in error.reason
    return False


TILE = helper.make_node("Tile", ["x", "r"], ["y"])
DOUBLE = helper.make_node("Add", ["s", "s"], ["r"])
BRANCH = helper.make_graph(
    [helper.make_node("Tile", ["x", "s"], ["z"])],
    "branch",
    [],
    [helper.make_tensor_value_info("z", F32, [None] * 4)],
)
IF = helper.make_node("If", ["c"], ["y"], then_branch=BRANCH, else_branch=BRANCH)

UNSAFE = {
    "repeats of a guest": model([TILE], [X, ("r", I64, (4,))], [Y]),
    "computed repeats": model([DOUBLE, TILE], [X, ("s", I64, (4,))], [Y]),
    "in a branch": model([IF], [X, ("s", I64, (4,)), ("c", TensorProto.BOOL, ())], [Y]),
    "repeats of any number": model([TILE], [X, ("r", I64, ("n",))], [Y]),
}
SAFE = {
    "constant repeats": model([TILE], [X], [Y], {"r": REPEATS}),
    "three at most": model(
        [TILE], [("x", F32, (2, 3, 4)), ("r", I64, (3,))], [("y", F32, (None,) * 3)]
    ),
    "a constant of a node": model(
        [helper.make_node("Constant", [], ["r"], value_ints=[2, 2, 2, 2]), TILE], [X], [Y]
    ),
    "in a name": model([helper.make_node("Relu", ["x"], ["Tile"])], [X], [("Tile", *X[1:])]),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_a_tile_whose_repeats_are_computed_is_refused(name: str) -> None:
    assert refused([UNSAFE[name]], Encoding.OPENVINO)
    assert not refused([UNSAFE[name]], Encoding.ONNX)


@pytest.mark.parametrize("name", SAFE)
def test_a_tile_whose_repeats_are_known_is_not(name: str) -> None:
    assert not refused([SAFE[name]], Encoding.OPENVINO)


@pytest.mark.parametrize(("models", "expected"), [(UNSAFE, True), (SAFE, False)])
def test_it_is_the_same_in_openvinos_own_format(
    models: dict[str, bytes], expected: bool, tmp_path: Path
) -> None:
    for name, data in models.items():
        if name == "three at most":  # which an IR does not say so that OpenVINO has to hold to it
            continue
        ov.save_model(ov.Core().read_model(data), tmp_path / "m.xml", compress_to_fp16=False)
        parts = [(tmp_path / file).read_bytes() for file in ("m.xml", "m.bin")]
        assert refused(parts, Encoding.OPENVINO) == expected, name


def test_an_operator_that_is_said_twice_is_the_last_one() -> None:
    unsafe = onnx.load_from_string(UNSAFE["repeats of a guest"])
    node = unsafe.graph.node[0]
    twice = b"\x22\x04Relu" + node.SerializeToString()
    head, tail = UNSAFE["repeats of a guest"].split(node.SerializeToString())
    made = head[:-1] + bytes([len(twice)]) + twice + tail
    graph_at = made.index(b"\x3a") + 1
    made = made[:graph_at] + bytes([made[graph_at] + 6]) + made[graph_at + 1 :]
    assert onnx.load_from_string(made).graph.node[0].op_type == "Tile"
    assert refused([made], Encoding.OPENVINO)


def test_a_frozen_graph_with_such_a_tile_is_refused() -> None:
    node, placeholder = tensorflow_models.node, tensorflow_models.placeholder
    types = {"T": tensorflow_models.type_of(1), "Tmultiples": tensorflow_models.type_of(3)}
    x = placeholder("x", (2, 3, 4, 5))
    given = placeholder("r", (4,), 3)
    constant = tensorflow_models.constant("r", np.array([2, 2, 2, 2], np.int32), 3)
    tile = node("y", "Tile", ["x", "r"], **types)
    assert refused([tensorflow_models.frozen(x, given, tile)], Encoding.TENSORFLOW)
    assert not refused([tensorflow_models.frozen(x, constant, tile)], Encoding.TENSORFLOW)


def test_what_is_let_through_computes_what_it_should() -> None:
    x = np.arange(120, dtype=np.float32).reshape(2, 3, 4, 5)
    with NNHost().session() as session:
        graph = session.load([SAFE["constant repeats"]], Encoding.OPENVINO, Target.CPU)
        context = session.init_execution_context(graph)
        session.set_input(context, 0, TensorType.F32, x.shape, memoryview(x.tobytes()))
        session.compute(context)
        assert bytes(session.get_output(context, 0)) == np.tile(x, REPEATS).tobytes()
        graph = session.load([SAFE["three at most"]], Encoding.OPENVINO, Target.CPU)
        context = session.init_execution_context(graph)
        y = x.reshape(-1)[:24].reshape(2, 3, 4)
        session.set_input(context, 0, TensorType.F32, y.shape, memoryview(y.tobytes()))
        session.set_input(context, 1, TensorType.I64, (3,), memoryview(struct.pack("<3q", 3, 2, 2)))
        session.compute(context)
        assert bytes(session.get_output(context, 0)) == np.tile(y, [3, 2, 2]).tobytes()
