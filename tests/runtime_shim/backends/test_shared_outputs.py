"""Outputs that are inputs or each other, and what inferences could leave to the next ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import pytest
from onnx import helper

from rewriter.abi.dialects import Encoding, TensorType
from runtime_shim import NNHost
from tests.runtime_shim.backends.test_outputs import CONSTANTS, NODE, WAYS, by_openvino, check
from tests.support.guest import MEMORY, Guest
from tests.support.models import F32, Port, model


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest) -> Guest:
    plain, isolate = WAYS[request.param]
    return Guest(NNHost(isolate=isolate), plain=plain)


SHARED: Mapping[str, tuple[list[onnx.NodeProto], list[Port]]] = {
    "the input": ([NODE("Neg", ["x"], ["y"])], [("x", F32, ("N",)), ("y", F32, ("N",))]),
    "the fixed input": ([NODE("Neg", ["x"], ["y"])], [("x", F32, (4,)), ("y", F32, (4,))]),
    "the input of nothing else": ([], [("x", F32, (4,))]),
    "reshaped": ([NODE("Reshape", ["x", "2 2"], ["y"])], [("y", F32, (2, 2)), ("x", F32, (4,))]),
    "twice": (
        [NODE("Neg", ["x"], ["y"]), NODE("Identity", ["y"], ["z"])],
        [("y", F32, (4,)), ("z", F32, (4,))],
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_outputs_that_are_an_input_or_each_other_follow_it_on_openvino(
    guest: Guest, name: str
) -> None:
    nodes, outputs = SHARED[name]
    nodes = nodes or [NODE("Neg", ["x"], ["unused"])]
    dims = outputs[0][2] if outputs[0][0] == "x" else (4,)
    made = model(nodes, [("x", F32, dims)], outputs, {"2 2": CONSTANTS["2 2"]})
    check(guest, made, Encoding.OPENVINO, by_openvino(made))


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
def test_an_output_that_is_an_input_stays_when_the_input_is_set_anew(
    guest: Guest, encoding: Encoding
) -> None:
    made = model(
        [NODE("Neg", ["x"], ["y"])], [("x", F32, (1,))], [("x", F32, (1,)), ("y", F32, (1,))]
    )
    context = guest.context_for(made, encoding)
    for number in range(6):
        data = np.array([number], np.float32)
        assert guest.feed(context, 0, TensorType.F32, (1,), data.tobytes()) == 0
        assert guest.compute(context) == 0
        if number % 2:
            assert guest.feed(context, 0, TensorType.F32, (1,), b"\xff" * 4) == 0
        if number != 3:
            assert guest.output(context, 0) == data.tobytes()
            assert guest.output(context, 1) == (-data).tobytes()


def test_what_a_guest_fed_is_not_what_the_next_one_reads() -> None:
    size = 300
    passing = model(
        [NODE("Identity", ["x"], ["y"])],
        [("x", F32, (size,))],
        [("x", F32, (size,)), ("y", F32, (size,))],
    )
    secret = (b"what the first guest has fed, " * size)[: 4 * size]
    for isolate in (False, True):
        for plain in (False, True):
            host = NNHost(isolate=isolate)
            first, second = Guest(host, plain=plain), Guest(host, plain=plain)
            context = first.context_for(passing)
            for _ in range(3):
                assert first.feed(context, 0, TensorType.F32, (size,), secret) == 0
                assert first.compute(context) == 0
                first.output(context, 0, MEMORY // 8)
            first.session.close()
            contexts = [second.context_for(passing)]
            for number in range(6):
                fed = np.full(size, number, np.float32).tobytes()
                assert second.feed(contexts[0], 0, TensorType.F32, (size,), fed) == 0
                assert second.compute(contexts[0]) == 0
                assert second.output(contexts[0], 0, MEMORY // 8) == fed


def collecting_loop() -> bytes:
    """As many rounds as the first input says, and what comes out of each: the second."""
    scalar: list[int] = []
    infos = [("i", 7, scalar), ("go", 9, scalar), ("v", F32, [4])]
    body = helper.make_graph(
        [
            NODE("Identity", ["go"], ["go on"]),
            NODE("Identity", ["v"], ["w"]),
            NODE("Identity", ["v"], ["each"]),
        ],
        "body",
        [helper.make_tensor_value_info(*info) for info in infos],
        [
            helper.make_tensor_value_info("go on", 9, scalar),
            helper.make_tensor_value_info("w", F32, [4]),
            helper.make_tensor_value_info("each", F32, [4]),
        ],
    )
    node = NODE("Loop", ["rounds", "", "x"], ["y", "all"], body=body)
    ports: list[Port] = [("rounds", 7, ()), ("x", F32, (4,))]
    return model([node], ports, [("y", F32, (4,)), ("all", F32, (None, 4))])


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
def test_a_loop_of_no_rounds_gives_nothing_of_the_inferences_before(
    guest: Guest, encoding: Encoding
) -> None:
    made = collecting_loop()
    contexts = [guest.context_for(made, encoding) for _ in range(2)]
    for number, rounds in enumerate((2, 0, 1, 0, 0, 3)):
        fed = np.full(4, number + 1, np.float32).tobytes()
        for context in contexts:
            count = np.array(rounds, np.int64).tobytes()
            assert guest.feed(context, 0, TensorType.I64, (), count) == 0
            assert guest.feed(context, 1, TensorType.F32, (4,), fed) == 0
            assert guest.compute(context) == 0
            assert guest.output(context, 0) == fed
            assert guest.output(context, 1) == fed * rounds
            rounds = 0 if context is contexts[0] else rounds
