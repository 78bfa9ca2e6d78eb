"""Files in two formats: OpenVINO reads them in the one that was checked, or not at all."""

from __future__ import annotations

from pathlib import Path

import openvino
import pytest

from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim.backends.checks import graphdef, onnx
from runtime_shim.backends.openvino.backend import OpenVinoBackend
from runtime_shim.backends.tensorflow import TensorFlowBackend
from runtime_shim.errors import HostError
from tests.support.models import identity
from tests.support.refusals import refusal
from tests.support.tensorflow_models import field
from tests.support.tensorflow_models import identity as tensorflow_identity

IR = b"""<net name="two" version="11"><layers>
<layer id="0" name="c" type="Const" version="opset1">
<data element_type="f32" shape="1024" offset="0" size="0" value="zz"/>
<output><port id="0" precision="FP32"><dim>1024</dim></port></output></layer>
<layer id="1" name="r" type="Result" version="opset1">
<input><port id="0"><dim>1024</dim></port></input></layer>
</layers><edges>
<edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>
</edges></net>"""
"""A constant of 4,096 bytes whose data are two."""

TEXT = b"""
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "y" op: "Identity" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
"""
"""A graph in protobuf's text format."""


def onnx_and(other: bytes) -> bytes:
    """An ONNX model of a version and a field that nobody knows."""
    return b"\x08\x08" + field(15, other)


def graph_and(other: bytes, comment: bytes) -> bytes:
    """A graph with a node whose name of ten bytes begins a comment, and is not UTF-8."""
    name = (b" " * 9 + comment)[-9:] + b"\xff"
    return b"\n \n\n" + name + b"  " * 10 + field(15, other)


def test_an_onnx_model_is_not_openvinos_ir() -> None:
    data = onnx_and(b"<!-- -->" + IR)
    assert openvino.Core().read_model(data, b"").get_result() is not None
    onnx.check_lengths(data)
    assert "could also be" in refusal(Encoding.OPENVINO, data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x08\x08",
        b"\x08\x08" + field(2, b"onnx"),
        b"\x08\x08" + field(15, b"onnx") + field(2, b"onnx") + field(7, b""),
        b"\x08\x08\x08\x08" + field(2, b"onnx") + field(7, b""),
        b"\x08" + b"\xff" * 8 + b"\x01" + field(2, b"onnx") + field(7, b""),
        b"\x08\x08\x82\x00" + field(2, b"onnx") + field(7, b""),
        b"\x08\x08" + field(20, b"") + field(25, b"") + field(7, b""),
    ],
)
def test_an_onnx_model_begins_as_openvino_knows_one(data: bytes) -> None:
    refusal(Encoding.OPENVINO, data)


@pytest.mark.parametrize("data", [graph_and(b" -->" + IR, b"<!--"), graph_and(TEXT, b"#")])
def test_a_frozen_graph_is_not_in_another_format(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model"
    path.write_bytes(data)
    assert openvino.Core().read_model(path).get_result() is not None
    graphdef.check_lengths(data)
    with pytest.raises((HostError, RuntimeError), match=r"Unable to read|be converted|unsupported"):
        TensorFlowBackend().load([data], Target.CPU)


def test_models_in_one_format_are_read() -> None:
    for backend, data in (
        (OpenVinoBackend(), identity()),
        (TensorFlowBackend(), tensorflow_identity((1, 4))),
    ):
        context = backend.load([data], Target.CPU).init_execution_context()
        context.set_input(0, TensorType.F32, (1, 4), memoryview(bytes(range(16))))
        context.compute()
        assert bytes(context.get_output(0)) == bytes(range(16))


def test_a_named_graph_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(tensorflow_identity((1,)))
    assert TensorFlowBackend().load([path], Target.CPU) is not None
