"""Frozen graphs and ONNX models from guests that go round in circles, or call too much."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import pytest
from onnx import FunctionProto, helper

from rewriter.abi.dialects import Encoding
from rewriter.models.onnx import MESSAGES
from rewriter.models.protobuf import find
from runtime_shim.backends.checks.graphdef_order import check_order
from runtime_shim.backends.parsing.order import check_calls, in_order
from tests.support.models import F32
from tests.support.refusals import accepted, refusal
from tests.support.tensorflow_models import field, frozen, identity, node, placeholder, type_of

FLOAT = {"T": type_of(1)}

X = placeholder("x", (1,))


def relu(name: str, *inputs: str) -> bytes:
    return node(name, "Relu", inputs, **FLOAT)


def add(name: str, *inputs: str) -> bytes:
    return node(name, "AddV2", inputs, **FLOAT)


CIRCLES = {
    "two": frozen(X, add("a", "x", "b"), relu("b", "a"), relu("y", "b")),
    "itself": frozen(X, add("a", "x", "a"), relu("y", "a")),
    "beside what is computed": frozen(X, relu("y", "x"), relu("a", "b"), relu("b", "a")),
    "to wait for": frozen(X, relu("a", "x", "^b"), relu("b", "a")),
    "of another output": frozen(X, add("a", "x", "b:1"), relu("b", "a:0")),
    "in a function": frozen(
        X, relu("y", "x"), field(2, field(1, field(1, field(1, "f")) + b"".join(
            field(3, each[2:]) for each in (relu("a", "b:activations:0"), relu("b", "a:0"))
        )))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CIRCLES)
def test_no_node_waits_for_itself(name: str) -> None:
    assert "depends on itself" in refusal(Encoding.TENSORFLOW, CIRCLES[name])


def test_a_name_is_there_once() -> None:
    assert "occurs twice" in refusal(Encoding.TENSORFLOW, frozen(X, relu("a", "x"), relu("a", "a")))


def test_loops_of_tensorflows_first_version_go_back() -> None:
    check_order(
        frozen(
            X,
            node("m", "Merge", ["x", "n"], **FLOAT),
            relu("r", "m"),
            node("n", "NextIteration", ["r"], **FLOAT),
        )
    )


def test_nodes_may_be_in_any_order_and_name_what_is_not_there() -> None:
    check_order(identity((1, 4)))
    check_order(frozen(relu("b", "a"), add("a", "x", "x:0"), X, relu("c", "gone")))
    check_order(b"")


def function(name: str, *calls: str) -> bytes:
    """FunctionDef: signature = 1 { name = 1 }, node_def = 3."""
    nodes = (
        node(f"n{index}", "PartitionedCall", f=field(10, field(1, called)))
        for index, called in enumerate(calls)
    )
    return field(1, field(1, field(1, name)) + b"".join(field(3, _message(each)) for each in nodes))


def _message(graph: bytes) -> bytes:
    """What is in a GraphDef's only node."""
    size, start = graph[1], 2
    if size >= 0x80:
        size, start = size & 0x7F | graph[2] << 7, 3
    assert start + size == len(graph)
    return graph[start:]


@pytest.mark.parametrize(
    "functions",
    [
        [function("f", "f")],
        [function("f", "g"), function("g", "f")],
        [function(f"f{number}", *[f"f{number + 1}"] * 2) for number in range(30)],
        [function(f"f{number}", f"f{number + 1}") for number in range(200)],
    ],
    ids=["itself", "each other", "a billion calls", "deep"],
)
def test_functions_end(functions: Sequence[bytes]) -> None:
    graph = frozen(X, relu("y", "x"), field(2, b"".join(functions)))
    assert "calls itself" in refusal(Encoding.TENSORFLOW, graph)


@pytest.mark.parametrize(
    "call",
    [
        node("y", "f", ["x"]),
        node("y", "PartitionedCall", ["x"], f=field(10, field(1, "f"))),
        node("y", "Case", ["x"], branches=field(1, field(9, field(1, "f")))),
    ],
    ids=["operator", "attribute", "list"],
)
def test_functions_are_called_in_three_ways(call: bytes) -> None:
    body = field(1, field(1, field(1, "f")) + field(3, _message(call)))
    assert "'f' calls itself" in refusal(Encoding.TENSORFLOW, frozen(X, field(2, body)))


def test_functions_that_end_are_accepted() -> None:
    library = field(2, function("f", "g", "g") + function("g", "h") + function("h"))
    check_order(frozen(X, node("y", "PartitionedCall", ["x"], f=field(10, field(1, "f"))), library))


def test_what_comes_before_is_put_before() -> None:
    assert in_order({3: [2, 1], 2: [1], 1: [], 4: [9]}) in ([1, 4, 2, 3], [1, 2, 4, 3])
    long = {number: [number - 1] for number in range(1, 100_000)}
    assert in_order(long) == list(range(1, 100_000))
    with pytest.raises(ValueError, match=r"[12]"):
        in_order({0: [1], 1: [2], 2: [1]})


def test_calls_are_counted_as_often_as_they_are_made() -> None:
    calls = {number: [number + 1] * 2 for number in range(20)}
    sizes = dict.fromkeys(range(20), 1)
    with pytest.raises(ValueError, match="0"):
        check_calls(calls, sizes)
    del calls[0], sizes[0]
    check_calls(calls, sizes)


def calling(*functions: FunctionProto) -> bytes:
    """An ONNX model that calls the function f."""
    ports = [helper.make_tensor_value_info(name, F32, (1,)) for name in "xy"]
    node = helper.make_node("f", ["x"], ["y"], domain="own")
    graph = helper.make_graph([node], "test", ports[:1], ports[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made = helper.make_model(graph, functions=functions, opset_imports=opsets, ir_version=8)
    data: bytes = made.SerializeToString()
    return data


def onnx_function(name: str, *calls: str) -> FunctionProto:
    """Calls others one after the other, and then a Relu."""
    places = [f"t{index}" for index in range(len(calls) + 1)]
    nodes = [
        helper.make_node(called, places[index : index + 1], [places[index + 1]], domain="own")
        for index, called in enumerate(calls)
    ]
    nodes.append(helper.make_node("Relu", places[-1:], ["y"]))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["t0"], ["y"], nodes, opsets)


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
@pytest.mark.parametrize(
    "functions",
    [
        [onnx_function("f", "f")],
        [onnx_function("f", "g"), onnx_function("g", "f")],
        [
            onnx_function("f", "f0"),
            *(onnx_function(f"f{number}", *[f"f{number + 1}"] * 2) for number in range(30)),
            onnx_function("f30"),
        ],
        [
            onnx_function("f", "f0"),
            *(onnx_function(f"f{number}", f"f{number + 1}") for number in range(200)),
            onnx_function("f200"),
        ],
    ],
    ids=["itself", "each other", "a billion calls", "deep"],
)
def test_functions_of_onnx_end(functions: Sequence[FunctionProto], encoding: Encoding) -> None:
    assert "calls itself" in refusal(encoding, calling(*functions))


def test_calls_in_the_graphs_of_a_node_count() -> None:
    condition = helper.make_tensor_value_info("b", F32, (1,))
    branch = helper.make_graph(
        [helper.make_node("f", ["t0"], ["b"], domain="own")], "branch", [], [condition]
    )
    node = helper.make_node("If", ["t0"], ["y"], then_branch=branch, else_branch=branch)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made = helper.make_function("own", "f", ["t0"], ["y"], [node], opsets)
    assert "calls itself" in refusal(Encoding.ONNX, calling(made))


def test_functions_of_onnx_that_end_are_accepted() -> None:
    functions = [onnx_function("f", "g", "g"), onnx_function("g", "h"), onnx_function("h")]
    assert accepted(Encoding.ONNX, calling(*functions))


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
def test_a_circle_in_onnx_is_refused_by_who_reads_it(encoding: Encoding) -> None:
    ports = [helper.make_tensor_value_info(name, F32, (1,)) for name in "xy"]
    nodes = [helper.make_node("Add", ["x", "y"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]
    graph = helper.make_graph(nodes, "test", ports[:1], ports[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    refusal(encoding, made.SerializeToString())


def test_a_frozen_graph_has_no_more_nodes_than_can_be_looked_at() -> None:
    assert "more than 200000 nodes" in refusal(Encoding.TENSORFLOW, X + b"\n\x02\n\x00" * 200_000)


def test_messages_are_found_one_at_a_time() -> None:
    """In a model of 200,000 nodes that say nothing."""
    data = field(7, b"\n\x00" * 200_000)
    tracemalloc.start()
    try:
        assert next(find(data, MESSAGES, "model", "tensor"), None) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
