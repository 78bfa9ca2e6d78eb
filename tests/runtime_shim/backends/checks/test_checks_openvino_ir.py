"""Lengths in OpenVINO's IR from guests."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from onnx import TensorProto, helper
from openvino import opset15 as ops

from rewriter.abi.dialects import Encoding, TensorType
from runtime_shim.backends.checks.openvino_ir import check_lengths
from runtime_shim.backends.openvino.backend import OpenVinoBackend
from runtime_shim.errors import HostError
from tests.support.models import F32, endless, model
from tests.support.refusals import refusal

WEIGHTS = np.arange(1, 17, dtype=np.float32).tobytes()

DATA = '<data element_type="f32" shape="16" offset="0" size="64"/>'

HEAD = '<?xml version="1.0"?>'


def ir(data: str = DATA, head: str = HEAD, layer: str = 'type="Const"') -> bytes:
    """Adds 16 constants to one number."""
    return f"""{head}<net name="sum" version="11"><layers>
    <layer id="0" name="x" type="Parameter" version="opset1">
        <data shape="1" element_type="f32"/>
        <output><port id="0" precision="FP32"><dim>1</dim></port></output>
    </layer>
    <layer id="1" name="c" {layer} version="opset1">{data}
        <output><port id="0" precision="FP32"><dim>16</dim></port></output>
    </layer>
    <layer id="2" name="y" type="Add" version="opset1"><data auto_broadcast="numpy"/>
        <input>
            <port id="0"><dim>16</dim></port>
            <port id="1"><dim>1</dim></port>
        </input>
        <output><port id="2" precision="FP32"><dim>16</dim></port></output>
    </layer>
    <layer id="3" name="r" type="Result" version="opset1">
        <input><port id="0"><dim>16</dim></port></input>
    </layer>
</layers><edges>
    <edge from-layer="1" from-port="0" to-layer="2" to-port="0"/>
    <edge from-layer="0" from-port="0" to-layer="2" to-port="1"/>
    <edge from-layer="2" from-port="2" to-layer="3" to-port="0"/>
</edges></net>""".encode()


def constant(**attributes: object) -> str:
    """A constant with other attributes; None leaves one out."""
    made = {"element_type": "f32", "shape": "16", "offset": 0, "size": 64, **attributes}
    said = (f'{key}="{value}"' for key, value in made.items() if value is not None)
    return f"<data {' '.join(said)}/>"


def test_a_constant_is_read_from_the_weights() -> None:
    context = OpenVinoBackend().load([ir(), WEIGHTS], "cpu").init_execution_context()
    context.set_input(0, TensorType.F32, (1,), memoryview(struct.pack("<f", 0)))
    context.compute()
    assert bytes(context.get_output(0)) == WEIGHTS


@pytest.mark.parametrize("attributes", [{"value": "zz"}, {"value": "zz", "size": None}])
@pytest.mark.parametrize("layer", ['type="Const"', 'type="Constant"', 'type="constant"'])
def test_a_constant_is_not_an_attribute_of_two_bytes(
    attributes: dict[str, object], layer: str
) -> None:
    """OpenVINO would read 62 bytes of the host's behind them."""
    refusal(Encoding.OPENVINO, ir(constant(**attributes), layer=layer), WEIGHTS)


@pytest.mark.parametrize(
    "attributes",
    [
        {"offset": 2**63 - 64, "size": 2**63 - 1},
        {"offset": 2**64 - 64},
        {"offset": 60},
        {"offset": -64},
        {"offset": "0x0"},
        {"offset": "00"},
        {"offset": " 0"},
        {"offset": "+0"},
        {"offset": "\u0660"},
        {"offset": "9" * 5000},
        {"size": 63},
        {"size": "64b"},
        {"size": 2**63},
        {"size": 0, "shape": "4611686018427387904, 4"},
        {"shape": "17"},
        {"shape": "2,2,5"},
        {"shape": "-16"},
        {"shape": "16abc"},
        {"shape": "16,"},
        {"shape": "020"},
        {"element_type": "f64"},
        {"element_type": "F32"},
        {"element_type": "dynamic"},
        {"element_type": "undefined"},
        {"element_type": None},
        {"shape": None},
        {"offset": None},
        {"size": None},
    ],
)
def test_a_constant_is_inside_the_weights_and_as_long_as_its_shape(
    attributes: dict[str, object],
) -> None:
    refusal(Encoding.OPENVINO, ir(constant(**attributes)), WEIGHTS)


def test_weights_that_are_missing_are_not_read() -> None:
    refusal(Encoding.OPENVINO, ir(), b"")


@pytest.mark.parametrize(
    "xml",
    [
        ir(DATA * 2),
        ir(constant(offset=1 << 20) + DATA),
        ir(""),
        ir(DATA.replace("<data", "<DATA")),
        ir(DATA.replace("offset", 'offset="99999" offset')),
        ir(DATA.replace('"0"', '"&a;"'), f'{HEAD}<!DOCTYPE net [<!ENTITY a "99999">]>'),
        ir(head=f"{HEAD}<!DOCTYPE net>"),
        ir(head='<?xml version="1.0" encoding="iso-8859-1"?>'),
        ir().decode().encode("utf-16"),
        ir().decode().encode("utf-16-le"),
        ir() + b"\0",
        ir() + b"<net/>",
        b"<nets/>",
        b"<NET/>",
        ir()[:-4],
        ir(head=HEAD + "<a>" * 600),
    ],
)
def test_what_two_parsers_can_read_in_two_ways_is_refused(xml: bytes) -> None:
    with pytest.raises(HostError):
        check_lengths(xml, WEIGHTS)


def strings(*numbers: int, size: int | None = None, shape: int = 2) -> tuple[bytes, bytes]:
    """A model's constant of strings that numbers lay out."""
    weights = struct.pack(f"<{len(numbers)}i", *numbers) + b"abcde"
    data = constant(element_type="string", shape=shape, size=size or len(weights))
    return ir(data), weights


def test_strings_are_one_after_the_other_in_their_data() -> None:
    check_lengths(*strings(2, 0, 3, 5))
    for numbers in ((2, 0, 3, 6), (2, -9, 3, 5), (2, 3, 0, 5), (3, 0, 3, 5), (-1, 0, 3, 5)):
        refusal(Encoding.OPENVINO, *strings(*numbers))
    refusal(Encoding.OPENVINO, *strings(2, 0, 3, 5, size=8))


@pytest.mark.parametrize("shape", [1, 3, 64, 1 << 62])
def test_there_are_as_many_strings_as_the_shape_says(shape: int) -> None:
    """OpenVINO would take what comes behind its own strings for others."""
    refusal(Encoding.OPENVINO, *strings(2, 0, 3, 5, shape=shape))


def saved(made: Any, folder: Path) -> tuple[bytes, bytes]:
    openvino.save_model(made, folder / "model.xml", compress_to_fp16=False)
    return (folder / "model.xml").read_bytes(), (folder / "model.bin").read_bytes()


TYPES = [
    *("u1", "u2", "u3", "u4", "u6", "u8", "u16", "u32", "u64", "i4", "i8", "i16", "i32", "i64"),
    *("f16", "bf16", "f32", "f64", "nf4", "boolean", "f8e4m3", "f8e5m2", "f8e8m0", "f4e2m1"),
]


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("shape", [[], [1], [7], [3, 5], [0, 4], [8, 4]])
def test_constants_that_openvino_saves_are_accepted(
    tmp_path: Path, name: str, shape: list[int]
) -> None:
    tensor = openvino.Tensor(getattr(openvino.Type, name), openvino.Shape(shape))
    made = openvino.Model([ops.result(ops.constant(tensor))], [], "constant")
    xml, weights = saved(made, tmp_path)
    assert f'element_type="{name}"'.encode() in xml
    check_lengths(xml, weights)
    if weights:
        with pytest.raises(HostError):
            check_lengths(xml, weights[:-1])


def branches() -> bytes:
    """An ONNX model of two branches, each with a constant."""
    bodies = [
        helper.make_graph(
            [helper.make_node("Constant", [], [name], value_floats=[number] * 4)],
            name,
            [],
            [helper.make_tensor_value_info(name, F32, (4,))],
        )
        for name, number in (("yes", 1.5), ("no", 2.5))
    ]
    node = helper.make_node("If", ["x"], ["y"], then_branch=bodies[0], else_branch=bodies[1])
    return model([node], [("x", TensorProto.BOOL, ())], [("y", F32, (4,))])


@pytest.mark.parametrize("onnx", [branches(), endless()])
def test_bodies_of_operators_are_models_too(tmp_path: Path, onnx: bytes) -> None:
    xml, weights = saved(openvino.Core().read_model(onnx), tmp_path)
    check_lengths(xml, weights)
    body = xml.index(b"body>")
    inner = xml.index(b'element_type="', xml.index(b'type="Const"', body))
    start = xml.index(b'offset="', inner) + 8
    wrong = xml[:start] + b"999999" + xml[start:]
    assert "are not in the weights" in refusal(Encoding.OPENVINO, wrong, weights)


def test_a_circle_is_refused_by_openvino() -> None:
    """Which makes one layer after the other along the edges, and misses one."""
    circle = ir().replace(
        b'from-layer="1" from-port="0" to-layer="2" to-port="0"',
        b'from-layer="2" from-port="2" to-layer="2" to-port="0"',
    )
    assert "OpenVINO cannot read the model" in refusal(Encoding.OPENVINO, circle, WEIGHTS)
