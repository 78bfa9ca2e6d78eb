"""Outputs are those of the model, in its order and as its NN runtime gives them, and nothing else:
not another output, not what was in memory before."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import openvino
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx import helper

from rewriter.abi.dialects import Encoding, Errno, TensorType
from runtime_shim import NNHost
from runtime_shim.host.shared_tensors import Arena
from tests.support import tflite_models
from tests.support.guest import OUTPUT, WRITTEN, Guest
from tests.support.models import F32, Port, model
from tests.support.tflite_models import Operator, Tensor, schema

Array = npt.NDArray[Any]

WAYS = {"plain": (True, False), "fast": (False, False), "isolated": (False, True)}
"""Without and with tensors in the arena, and in another process."""

PATTERN = 0xA5


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest) -> Guest:
    plain, isolate = WAYS[request.param]
    return Guest(NNHost(isolate=isolate), plain=plain)


def spoil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill memory of ours with a pattern where it is to be written to: a buffer when it is made,
    and an output's place in the arena before each compute."""
    real = np.empty

    def empty(*arguments: Any, **more: Any) -> Array:
        made: Array = real(*arguments, **more)
        made.reshape(-1).view(np.uint8)[:] = PATTERN
        return made

    monkeypatch.setattr(np, "empty", empty)


def spoil_outputs(guest: Guest) -> None:
    arena: Arena | None = guest.session._arena
    for known in arena._known.values() if arena is not None else ():
        for output in known.outputs.values():
            if arena is not None and output.block is not None:
                arena._bytes(output.block, output.size)[:] = bytes([PATTERN]) * output.size


def check(
    guest: Guest,
    made: bytes,
    encoding: Encoding,
    rounds: Sequence[tuple[Array, Sequence[Array | None]]],
) -> None:
    """Feed the model's one input in each round, and compare its outputs with those of the NN
    runtime; None for what is not a tensor of numbers."""
    context = guest.context_for(made, encoding)
    for fed, expected in rounds:
        spoil_outputs(guest)
        kind = {"f": TensorType.F32, "l": TensorType.I64}[fed.dtype.char]
        assert guest.feed(context, 0, kind, fed.shape, fed.tobytes()) == Errno.SUCCESS
        assert guest.compute(context) == Errno.SUCCESS
        for index, output in enumerate(expected):
            guest.put(OUTPUT, b"\x11" * 512)
            errno = guest.get_output(context, index, OUTPUT, 512, WRITTEN)
            if output is None:
                assert errno == Errno.UNSUPPORTED_OPERATION
                continue
            assert (errno, guest.u32(WRITTEN)) == (Errno.SUCCESS, output.nbytes)
            there = guest.take(OUTPUT, 512)
            assert there == output.tobytes() + b"\x11" * (512 - output.nbytes), (index, output)


INPUTS = [np.array(row, np.float32) for row in ([0, 5, 0, 6], [1, 1, 1, 1], [0, 0, 0, 0])] * 2

OUTPUTS: Mapping[str, tuple[list[onnx.NodeProto], Port]] = {
    "fixed": (
        [helper.make_node("ReduceSum", ["x"], ["fixed"], keepdims=1)],
        ("fixed", F32, (1,)),
    ),
    "free": ([helper.make_node("Add", ["x", "x"], ["free"])], ("free", F32, ("N",))),
    "inferred": (
        [helper.make_node("ReduceMax", ["x"], ["inferred"], keepdims=1)],
        ("inferred", F32, ("Q",)),
    ),
    "bool": ([helper.make_node("Greater", ["x", "x"], ["bool"])], ("bool", 9, ("N",))),
    "int64": ([helper.make_node("NonZero", ["x"], ["int64"])], ("int64", 7, (1, None))),
    "string": ([helper.make_node("Cast", ["x"], ["string"], to=8)], ("string", 8, ("N",))),
    "passed": ([], ("x", F32, ("N",))),
    "again": ([helper.make_node("Identity", ["x"], ["again"])], ("again", F32, ("N",))),
}


Rounds = list[tuple[Array, Sequence[Array | None]]]


def by_onnx(made: bytes) -> Rounds:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(made, options)
    name = session.get_inputs()[0].name
    return [
        (x, [a if a.dtype != object else None for a in session.run(None, {name: x})])
        for x in INPUTS
    ]


def by_openvino(made: bytes) -> Rounds:
    compiled = openvino.compile_model(openvino.Core().read_model(made), "CPU")
    found: Rounds = []
    for x in INPUTS:
        result = compiled([x])
        found.append((x, [np.array(result[port]) for port in compiled.outputs]))
    return found


ORDERS = [
    order
    for order in itertools.permutations(OUTPUTS, 3)
    if "fixed" in order or "inferred" in order or "passed" in order
]

NEIGHBOURS = [
    order
    for number, order in enumerate(ORDERS)
    if order[:2] not in [before[:2] for before in ORDERS[:number]]
]
"""One order for each two that stand first."""


def of_outputs(names: Sequence[str]) -> bytes:
    nodes = [node for name in names for node in OUTPUTS[name][0]]
    ports = [OUTPUTS[name][1] for name in names]
    return model(nodes or [helper.make_node("Neg", ["x"], ["unused"])], [("x", F32, ("N",))], ports)


@pytest.mark.parametrize("way", ["plain", "fast", "isolated"])
def test_an_index_is_that_of_the_model_in_every_order_of_outputs_on_onnx(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch)
    plain, isolate = WAYS[way]
    host = NNHost(isolate=isolate)
    guest = Guest(host, plain=plain)
    for order in ORDERS if way == "fast" else NEIGHBOURS:
        made = of_outputs(order)
        check(guest, made, Encoding.ONNX, by_onnx(made))


@pytest.mark.parametrize("way", ["plain", "fast", "isolated"])
def test_an_index_is_that_of_the_model_in_every_order_of_outputs_on_openvino(way: str) -> None:
    plain, isolate = WAYS[way]
    guest = Guest(NNHost(isolate=isolate), plain=plain)
    for order in ORDERS[::3]:
        if "string" not in order:
            made = of_outputs(order)
            check(guest, made, Encoding.OPENVINO, by_openvino(made))


def test_an_index_is_that_of_the_model_on_litert(guest: Guest) -> None:
    """All orders of a float, a bool, an index, and the input itself."""
    code = schema.BuiltinOperator
    tensors = [
        Tensor(np.float32, [4]),
        Tensor(np.float32, [4]),
        Tensor(np.bool_, [4]),
        Tensor(np.int64, [-1, 1]),
        Tensor(np.float32, [4], np.ones(4, np.float32)),
    ]
    operators = [
        Operator(code.ABS, [0], [1]),
        Operator(code.GREATER, [0, 4], [2]),
        Operator(code.WHERE, [2], [3]),
    ]
    for order in itertools.permutations(range(4)):
        made = tflite_models.build(tensors, operators, [0], order)
        interpreter = Interpreter(model_content=made)
        interpreter.allocate_tensors()
        rounds: Rounds = []
        for fed in INPUTS:
            interpreter.set_tensor(0, fed)
            interpreter.invoke()
            expected: list[Array | None] = []
            for place in interpreter.get_output_details():
                has_elements = 0 not in place["shape"]
                found = interpreter.get_tensor(place["index"]) if has_elements else np.zeros(0)
                expected.append(np.array(found))
            rounds.append((fed, expected))
        check(guest, made, Encoding.TENSORFLOWLITE, rounds)


def branch(name: str, node: onnx.NodeProto) -> onnx.GraphProto:
    output = helper.make_tensor_value_info(node.output[0], F32, [4])
    return helper.make_graph([node], name, [], [output])


def loop(rounds: int, body_passes: bool) -> onnx.NodeProto:
    infos = [("i", 7, []), ("go", 9, []), ("v", F32, [4])]
    nodes = [helper.make_node("Identity", ["go"], ["go on"])]
    last = "v"
    if not body_passes:
        nodes.append(helper.make_node("Neg", ["v"], ["negated"]))
        last = "negated"
    outputs = [("go on", 9, []), (last, F32, [4])]
    body = helper.make_graph(
        nodes,
        "body",
        [helper.make_tensor_value_info(*info) for info in infos],
        [helper.make_tensor_value_info(*info) for info in outputs],
    )
    return helper.make_node("Loop", [f"{rounds}", "", "x"], ["y"], body=body)


Y: Port = ("y", F32, (4,))
NODE = helper.make_node
UNWRITTEN: Mapping[str, tuple[list[onnx.NodeProto], list[Port]]] = {
    "the input": ([NODE("Identity", ["x"], ["z"])], [("x", F32, (4,)), ("z", F32, (4,))]),
    "the input alone": ([NODE("Neg", ["x"], ["z"])], [("x", F32, (4,))]),
    "an initializer": ([NODE("Neg", ["x"], ["z"])], [("w", F32, (4,)), ("z", F32, (4,))]),
    "folded": ([NODE("Neg", ["w"], ["y"])], [Y]),
    "a branch": (
        [
            NODE(
                "If",
                ["true"],
                ["y"],
                then_branch=branch("then", NODE("Identity", ["x"], ["a"])),
                else_branch=branch("else", NODE("Neg", ["x"], ["b"])),
            )
        ],
        [Y],
    ),
    "a loop of no rounds": ([loop(0, False)], [Y]),
    "a loop of three rounds": ([loop(3, False)], [Y]),
    "a loop that passes": ([loop(3, True)], [Y]),
    "of a sequence": (
        [NODE("SequenceConstruct", ["x", "w"], ["q"]), NODE("SequenceAt", ["q", "0"], ["y"])],
        [Y],
    ),
    "of an optional": (
        [NODE("Optional", ["x"], ["o"]), NODE("OptionalGetElement", ["o"], ["y"])],
        [Y],
    ),
    "declared too short": ([NODE("Add", ["x", "x"], ["y"])], [("y", F32, (2,))]),
    "declared in another order": (
        [NODE("Reshape", ["x", "2 2"], ["y"])],
        [("y", F32, (4, 1))],
    ),
    "declared too long": ([NODE("NonZero", ["x"], ["y"])], [("y", 7, (1, 4))]),
    "in place": (
        [NODE("Reshape", ["x", "2 2"], ["y"]), NODE("Identity", ["y"], ["z"])],
        [("z", F32, (2, 2)), ("y", F32, (2, 2))],
    ),
}
CONSTANTS = {
    "w": np.array([7, 8, 9, 10], np.float32),
    "true": np.array(True),
    "0": np.array(0),
    "3": np.array(3),
    "2 2": np.array([2, 2]),
}


@pytest.mark.parametrize("name", UNWRITTEN)
def test_no_byte_comes_out_that_the_model_did_not_make(
    guest: Guest, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch)
    nodes, outputs = UNWRITTEN[name]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("x", F32, [4])],
            [helper.make_tensor_value_info(*port) for port in outputs],
            [onnx.numpy_helper.from_array(value, key) for key, value in CONSTANTS.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    ).SerializeToString()
    check(guest, made, Encoding.ONNX, by_onnx(made))
