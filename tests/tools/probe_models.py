"""Write the models that the probe's modules have in them: those of conformance/, OpenVINO's of
three planes, because WAMR's backend before 2.4.0 takes no others, and those that show habits."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from rewriter.probing.modules.models import FORMATS, SHAPES, TYPES
from tests.support.models import F32, model
from tests.support.tflite_models import Operator, Tensor, build, identity, schema
from tests.tools.conformance_models import FOUR, added, ir, layer, onnx_bytes, write
from tests.tools.conformance_models import TYPES as OTHERS
from tests.tools.conformance_models import files as conformance_files

MODELS = Path(__file__).parents[2] / "rewriter" / "probing" / "modules" / "models"
_ONE = np.array([1], np.float32)
_PLANES = SHAPES["planes"]
_TAKEN: Mapping[str, str] = {**{name: name for name in TYPES}, "base": "f32", "two": "two"}
"""Of the models of conformance/, the names that they have here."""


def files() -> Iterator[tuple[str, bytes]]:
    """Each file's path below MODELS, and what is in it."""
    for path, data in conformance_files():
        format_, name, file = path.split("/")
        is_held = format_ == "tensorflowlite" and name == "free"
        if format_ in FORMATS and (name in _TAKEN or is_held):
            yield f"{format_}/{_TAKEN.get(name, name)}/{file}", data
    yield from added("planes", _PLANES, _ONE)
    yield from _onnx()
    yield from _tensorflow_lite()
    yield from _openvino(FOUR, "openvino")
    yield from _openvino(_PLANES, "openvino-planes")
    for path, data in _of_planes():
        yield path.replace("openvino/", "openvino-planes/"), data


def _of_planes() -> Iterator[tuple[str, bytes]]:
    for type_ in OTHERS:
        yield from ir(type_, [type_], _PLANES, [], [0])
    yield from ir("f32", ["f32"], _PLANES, [("Add", 0, 1)], [2], _ONE)
    steps = [("Subtract", 0, 1), ("Multiply", 0, 1)]
    yield from ir("two", ["f32", "f32"], _PLANES, steps, [2, 3])


def _onnx() -> Iterator[tuple[str, bytes]]:
    same = [helper.make_node("Identity", ["x"], ["y"])]
    yield "onnx/bytes/model.onnx", onnx_bytes(same, ["x"], ["y"], FOUR, code=TensorProto.INT8)
    for name, (code, _) in OTHERS.items():
        cast = helper.make_node("Cast", ["x"], ["y"], to=code)
        yield f"onnx/to_{name}/model.onnx", model([cast], [("x", F32, FOUR)], [("y", code, FOUR)])
    total = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)
    yield "onnx/scalar/model.onnx", model([total], [("x", F32, FOUR)], [("y", F32, ())])


def _tensorflow_lite() -> Iterator[tuple[str, bytes]]:
    """No operator makes numbers of all types of floats: those of other types are a constant, which
    is what comes of the first input, and the input is used for nothing."""
    half = {"scales": [0.5], "zero_points": [0]}
    made = {
        "bytes": identity(np.int8, FOUR),
        "quantised": identity(np.uint8, FOUR, **half),
        "quantised_i8": identity(np.int8, FOUR, **half),
    }
    shape = np.array(FOUR, np.int32)
    for name, (_, dtype) in OTHERS.items():
        values = np.arange(1, 5).astype(dtype)
        tensors = [
            Tensor(np.float32, FOUR),
            Tensor(dtype, FOUR, values),
            Tensor(np.int32, [4], shape),
            Tensor(dtype, FOUR),
        ]
        reshape = Operator(schema.BuiltinOperator.RESHAPE, [1, 2], [3])
        made[f"to_{name}"] = build(tensors, [reshape], [0], [3])
    tensors = [
        Tensor(np.float32, FOUR),
        Tensor(np.int32, [4], np.arange(4, dtype=np.int32)),
        Tensor(np.float32, []),
    ]
    options = schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()
    total = Operator(schema.BuiltinOperator.SUM, [0, 1], [2], *options)
    made["scalar"] = build(tensors, [total], [0], [2])
    for name, data in made.items():
        yield f"tensorflowlite/{name}/model.tflite", data


def _openvino(dims: Sequence[int], folder: str) -> Iterator[tuple[str, bytes]]:
    ports = "".join(f"<dim>{dim}</dim>" for dim in dims)
    floats = ("f32", ports)
    for path, data in ir("bytes", ["i8"], dims, [], [0]):
        yield path.replace("openvino/", f"{folder}/"), data
    for name in OTHERS:
        cast = layer(1, "Convert", f'<data destination_type="{name}"/>', [floats], (name, ports))
        last = layer(2, "Result", "", [(name, ports)], None)
        yield from _net(f"{folder}/to_{name}", dims, [cast, last], [(0, 0, 1, 0), (1, 1, 2, 0)])
    axes = ("i64", "<dim>4</dim>")
    constant = '<data element_type="i64" shape="4" offset="0" size="32"/>'
    layers = [
        layer(1, "Const", constant, [], axes),
        layer(2, "ReduceSum", '<data keep_dims="false"/>', [floats, axes], ("f32", "")),
        layer(3, "Result", "", [("f32", "")], None),
    ]
    edges = [(0, 0, 2, 0), (1, 0, 2, 1), (2, 2, 3, 0)]
    yield from _net(f"{folder}/scalar", dims, layers, edges, np.arange(4, dtype=np.int64).tobytes())


def _net(
    path: str,
    dims: Sequence[int],
    layers: Sequence[str],
    edges: Sequence[tuple[int, int, int, int]],
    weights: bytes = b"\0" * 4,
) -> Iterator[tuple[str, bytes]]:
    """OpenVINO's two files, of a network that takes floats; each edge is a layer and its port, and
    those that it leads to."""
    shape = ",".join(map(str, dims))
    ports = "".join(f"<dim>{dim}</dim>" for dim in dims)
    first = layer(0, "Parameter", f'<data shape="{shape}" element_type="f32"/>', [], ("f32", ports))
    lines = "".join(
        f'<edge from-layer="{a}" from-port="{b}" to-layer="{c}" to-port="{d}"/>'
        for a, b, c, d in edges
    )
    text = f'<net name="net" version="11"><layers>{first}{"".join(layers)}</layers>'
    yield f"{path}/model.xml", f"{text}<edges>{lines}</edges></net>".encode()
    yield f"{path}/model.bin", weights


def main() -> int:
    write(MODELS, files())
    return 0


if __name__ == "__main__":
    sys.exit(main())
