"""What the file of a model states, and files that are cut off."""

from __future__ import annotations

import contextlib
import lzma
import os
import random
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest
from onnx import TensorProto, helper
from openvino import opset13

from rewriter.abi.dialects import Encoding
from rewriter.errors import InputError, ModelError
from rewriter.models.reading import read_model
from tests.support import models, tensorflow_models
from tests.support.tensorflow_models import field
from tests.support.tflite_models import Operator, Tensor, build, identity, schema

ROOT = Path(__file__).resolve().parents[3]
TRIALS = ROOT / "runtime_shim" / "trials"
CONFORMANCE = ROOT / "conformance" / "models"


def text(model: Path) -> tuple[list[str], list[str]]:
    found = read_model(model)
    assert found.inputs is not None
    assert found.outputs is not None
    return list(map(str, found.inputs)), list(map(str, found.outputs))


def gguf(folder: Path) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(lzma.decompress((TRIALS / "successors.gguf.xz").read_bytes()))
    return path


def test_onnx_states_types_and_free_dimensions(tmp_path: Path) -> None:
    path = tmp_path / "model"
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT64)
    port = ("x", TensorProto.FLOAT16, ("batch", 3))
    made = models.model([node], [port], [("y", TensorProto.INT64, ("batch", 3))])
    path.write_bytes(made)
    assert text(path) == (["'x': f16, ?x3"], ["'y': i64, ?x3"])
    assert read_model(path).encoding is Encoding.ONNX


def test_a_constant_of_onnx_is_not_an_input(tmp_path: Path) -> None:
    path = tmp_path / "model"
    one = np.ones(1, np.float32)
    ports = [("x", TensorProto.FLOAT, (1,)), ("one", TensorProto.FLOAT, (1,))]
    node = helper.make_node("Add", ["x", "one"], ["y"])
    path.write_bytes(models.model([node], ports, [("y", TensorProto.FLOAT, (1,))], {"one": one}))
    assert text(path)[0] == ["'x': f32, 1"]


def test_onnx_names_the_files_of_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(models.with_external_data("weights.bin"))
    assert read_model(path).elsewhere == ("weights.bin",)


def test_onnx_that_computes_with_integers_is_quantised(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale"], ["y"]),
    ]
    ports = [("x", TensorProto.FLOAT, (4,))], [("y", TensorProto.FLOAT, (4,))]
    path.write_bytes(models.model(nodes, *ports, {"scale": np.array(0.5, np.float32)}))
    assert read_model(path).quantised
    path.write_bytes(models.identity())
    assert not read_model(path).quantised


def test_tensorflow_lite_states_types_scales_and_the_shape_that_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(identity(np.int8, (-1, 4), scales=[0.5], zero_points=[0]))
    (port,) = read_model(path).inputs or ()
    assert str(port) == "'t0': i8, ?x4, quantised"
    assert port.held == (1, 4)
    path.write_bytes(identity(np.float32, (1, 4)))
    assert not read_model(path).quantised


def test_weights_inside_of_tensorflow_lite_are_quantised(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    weights = Tensor(np.int8, [4], np.ones(4, np.int8), scales=[0.5], zero_points=[0])
    tensors = [weights, Tensor(np.float32, [4])]
    dequantise = Operator(schema.BuiltinOperator.DEQUANTIZE, [0], [1])
    path.write_bytes(build(tensors, [dequantise], [], [1]))
    found = read_model(path)
    assert found.quantised
    assert not any(port.quantised for port in found.ports)


def test_openvino_states_parameters_and_results() -> None:
    found = read_model(CONFORMANCE / "openvino" / "two" / "model.xml")
    assert list(map(str, found.inputs or ())) == ["'l0': f32, 1x1x1x4", "'l1': f32, 1x1x1x4"]
    assert len(found.outputs or ()) == 2
    assert [Path(part).name for part in found.parts] == ["model.xml", "model.bin"]
    free = read_model(CONFORMANCE / "openvino" / "free" / "model.xml")
    assert [port.dims for port in free.inputs or ()] == [(1, 1, 1, None)]


def test_openvino_finds_inputs_and_outputs_by_the_names_of_tensors(tmp_path: Path) -> None:
    taken = opset13.parameter([1, 2], np.float32, name="a layer")
    taken.output(0).set_names({"zeta", "a,b", "alpha"})
    made = opset13.relu(taken)
    made.output(0).set_names({"out"})
    model = openvino.Model([opset13.result(made, name="another layer")], [taken])
    openvino.save_model(model, tmp_path / "model.xml")
    found = read_model(tmp_path / "model.xml")
    assert found.inputs
    assert found.outputs
    assert [port.name for port in found.inputs] == [model.inputs[0].get_any_name()] == ["a,b"]
    assert [port.name for port in found.outputs] == [model.outputs[0].get_any_name()] == ["out"]


def test_openvino_without_its_weights_says_which_are_missing(tmp_path: Path) -> None:
    shutil.copy(CONFORMANCE / "openvino" / "base" / "model.xml", tmp_path)
    assert read_model(tmp_path / "model.xml").missing == str(tmp_path / "model.bin")
    (tmp_path / "model.bin").write_bytes(b"\0\0")
    with pytest.raises(ModelError, match="the weights end at byte 2, but a constant at 4"):
        read_model(tmp_path / "model.xml")


def test_a_frozen_graph_states_its_placeholders() -> None:
    assert text(TRIALS / "identity.pb") == (
        ["'x': f32, 1"],
        ["'y': of unstated type, ..."],
    )


def test_a_saved_model_states_what_it_serves(tmp_path: Path) -> None:
    shape = tensorflow_models.shape([-1, 3])
    info = field(1, "serve_x:0") + field(2, 9) + field(3, shape)
    signature = field(1, field(1, "x") + field(2, info)) + field(2, field(1, "y") + field(2, info))
    graph = field(5, field(1, "serving_default") + field(2, signature))
    (tmp_path / "saved_model.pb").write_bytes(field(1, 1) + field(2, graph))
    (tmp_path / "variables").mkdir()
    assert text(tmp_path) == (["'x': i64, ?x3"], ["'y': i64, ?x3"])
    found = read_model(tmp_path)
    assert found.encoding is None
    assert found.elsewhere == (str(tmp_path / "variables"),)


def test_torchscript_states_no_inputs_and_other_archives_are_not_it(tmp_path: Path) -> None:
    assert read_model(TRIALS / "identity.pt").inputs is None
    with zipfile.ZipFile(tmp_path / "weights.pt", "w") as archive:
        archive.writestr("weights/data.pkl", b"")
    with pytest.raises(ModelError, match=r"without code; save the model with torch\.jit\.save"):
        read_model(tmp_path / "weights.pt")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(ModelError, match="not a TorchScript archive"):
        read_model(tmp_path / "other.zip")


def test_gguf_in_blocks_is_quantised(tmp_path: Path) -> None:
    path = gguf(tmp_path)
    assert not read_model(path).quantised
    data = path.read_bytes()
    name = b"token_embd.weight"
    kind = data.index(name) + len(name) + 4 + 16
    path.write_bytes(data[:kind] + b"\x08" + data[kind + 1 :])
    assert read_model(path).quantised


WRITE = pytest.mark.parametrize(
    "write",
    [
        lambda folder: models.identity(),
        lambda folder: identity(np.float32, (1, 4)),
        lambda folder: gguf(folder).read_bytes(),
        lambda folder: (TRIALS / "identity.pt").read_bytes(),
        lambda folder: (CONFORMANCE / "openvino" / "base" / "model.xml").read_bytes(),
    ],
    ids=["onnx", "tflite", "gguf", "torchscript", "openvino"],
)


@WRITE
def test_a_model_that_is_cut_off_is_an_error(
    write: Callable[[Path], bytes], tmp_path: Path
) -> None:
    """At each length that is still known by its first bytes."""
    path, data = tmp_path / "model", write(tmp_path)
    path.write_bytes(data)
    read_model(path)
    for size in {
        *range(1, min(len(data), 300)),
        *range(300, len(data), len(data) // 20 + 1),
        len(data) - 1,
    }:
        path.write_bytes(data[:size])
        with pytest.raises(ModelError, match=re.escape(str(path))):
            read_model(path)


@WRITE
def test_a_model_with_broken_bytes_is_read_or_an_error(
    write: Callable[[Path], bytes], tmp_path: Path
) -> None:
    path, data = tmp_path / "model", write(tmp_path)
    chosen = random.Random(0)
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(chosen.choice((1, 2, 9))):
            broken[chosen.randrange(min(len(data), 2000))] = chosen.randrange(256)
        path.write_bytes(broken)
        with contextlib.suppress(ModelError):
            read_model(path)


def test_an_archive_of_an_unknown_version_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    data = bytearray((TRIALS / "identity.pt").read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 200  # the version that is needed to read an entry
    path.write_bytes(data)
    with pytest.raises(ModelError, match="zip file version"):
        read_model(path)


def test_a_type_that_is_inside_of_itself_many_times_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    kind = field(1, field(1, 1))
    for _ in range(3000):
        kind = field(9, field(1, kind))
    graph = field(11, field(1, "x") + field(2, kind))
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, b""))
    assert list(map(str, read_model(path).inputs or ())) == ["'x': f32, ..."]


def test_a_large_model_is_not_read_whole(tmp_path: Path) -> None:
    """Four GiB that take no place on the disk, and would take it in memory."""
    path = tmp_path / "model.onnx"
    made = models.identity()
    size = 1 << 32
    tag = bytes([9 << 3 | 2])  # TensorProto.raw_data
    length = bytes([0x80, 0x80, 0x80, 0x80, 0x10])
    inside = 6 + size
    tensor = bytes([5 << 3 | 2, *varint(inside)])
    graph = bytes([7 << 3 | 2, *varint(1 + len(varint(inside)) + inside)])
    with path.open("wb") as file:
        file.write(made + graph + tensor + tag + length)
        file.truncate(file.tell() + size)
    with pytest.raises(ModelError, match="2 graphs"):
        read_model(path)


def varint(value: int) -> bytes:
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0TEXT", b"\x89HDF\r\n", b"not a model"])
def test_what_is_not_a_model_is_an_error(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        read_model(path)
    assert caught.value.code == "NN702"


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_model(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"a folder without saved_model\.pb"):
        read_model(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        read_model(tmp_path / "pipe")
