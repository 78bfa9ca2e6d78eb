"""Operators that a model names, and that no NN runtime is known to have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from rewriter.models.reading import read_model
from tests.rewriter.analysis.with_models import guest, on, said
from tests.support.tflite_models import Operator, Tensor, build

CUSTOM = 32


def tflite(*operators: str) -> bytes:
    tensors = [Tensor(np.float32, [2]) for _ in range(len(operators) + 1)]
    made = [
        Operator(CUSTOM, [place], [place + 1], custom=name) for place, name in enumerate(operators)
    ]
    return build(tensors, made, [0], [len(operators)])


def in_onnx(domain: str, *, defined: bool = False) -> bytes:
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    nodes = [
        helper.make_node("Abs", ["x"], ["z"]),
        helper.make_node("Twice", ["z"], ["y"], domain=domain),
    ]
    graph = helper.make_graph(nodes, "test", ports[:1], ports[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    functions = [helper.make_function(domain, "Twice", ["a"], ["b"], body, opsets[:1])]
    made = helper.make_model(graph, opset_imports=opsets, functions=functions * defined)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize("host", ["nnshim", "wamr", "wasmedge"])
@pytest.mark.parametrize(
    ("name", "model", "custom"),
    [
        ("m.tflite", tflite("Mine"), ["Mine"]),
        ("m.tflite", tflite("A", "B", "C", "D"), ["A", "B", "C", "D"]),
        ("m.tflite", tflite("TFLite_Detection_PostProcess"), []),
        ("m.onnx", in_onnx("org.mine"), ["org.mine.Twice"]),
        ("m.onnx", in_onnx("org.mine", defined=True), []),
        ("m.onnx", in_onnx("com.microsoft"), []),
    ],
)
def test_custom_operators_are_a_condition(
    host: str, name: str, model: bytes, custom: list[str], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(model)
    assert list(read_model(path).custom) == custom
    shown = ", ".join(map(repr, custom[:3])) + " and 1 more" * (len(custom) > 3)
    expected = f"{name}: only if the host's NN runtime has its custom operators: {shown}"
    assert said(on(host, path, guest("witx")), "NN752") == [expected] * bool(custom)
