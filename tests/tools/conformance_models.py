"""Write the small models that the modules of conformance/ have in them, in three formats."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.support.models import F32, model
from tests.support.tflite_models import Operator, Tensor, build, identity, schema

MODELS = Path(__file__).parents[2] / "conformance" / "models"
FOUR = (1, 1, 1, 4)
"""Four dimensions, because some backends take no other number of them."""

TYPES: Mapping[str, tuple[int, type[np.generic]]] = {
    "f16": (TensorProto.FLOAT16, np.float16),
    "f64": (TensorProto.DOUBLE, np.float64),
    "u8": (TensorProto.UINT8, np.uint8),
    "i32": (TensorProto.INT32, np.int32),
    "i64": (TensorProto.INT64, np.int64),
}


def files() -> Iterator[tuple[str, bytes]]:
    """Each file's path below MODELS, and what is in it."""
    one = np.array([1], np.float32)
    rows = np.array([[10], [20]], np.float32)
    yield from added("base", FOUR, one)
    yield from added("single", (1,), one)
    yield from added("rows", (2, 3), rows)
    yield from added("free", (1, 1, 1, -1), one)
    yield from difference_and_product()
    for name, (code, dtype) in TYPES.items():
        yield (
            f"onnx/{name}/model.onnx",
            onnx_bytes([helper.make_node("Identity", ["x"], ["y"])], ["x"], ["y"], FOUR, code=code),
        )
        yield f"tensorflowlite/{name}/model.tflite", identity(dtype, FOUR)
        yield from ir(name, [name], FOUR, [], [0])


def added(name: str, dims: Sequence[int], constant: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """One input and one output: the input and a constant."""
    yield (
        f"onnx/{name}/model.onnx",
        onnx_bytes(
            [helper.make_node("Add", ["x", "c"], ["y"])], ["x"], ["y"], dims, {"c": constant}
        ),
    )
    options = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    tensors = [
        Tensor(np.float32, dims),
        Tensor(np.float32, constant.shape, constant),
        Tensor(np.float32, dims),
    ]
    operator = Operator(schema.BuiltinOperator.ADD, [0, 1], [2], *options)
    yield f"tensorflowlite/{name}/model.tflite", build(tensors, [operator], [0], [2])
    yield from ir(name, ["f32"], dims, [("Add", 0, 1)], [2], constant)


def difference_and_product() -> Iterator[tuple[str, bytes]]:
    """Inputs a and b, outputs a - b and a * b."""
    nodes = [helper.make_node("Sub", ["a", "b"], ["d"]), helper.make_node("Mul", ["a", "b"], ["p"])]
    yield "onnx/two/model.onnx", onnx_bytes(nodes, ["a", "b"], ["d", "p"], FOUR)
    operator, options = schema.BuiltinOperator, schema.BuiltinOptions
    operators = [
        Operator(operator.SUB, [0, 1], [2], options.SubOptions, schema.SubOptionsT()),
        Operator(operator.MUL, [0, 1], [3], options.MulOptions, schema.MulOptionsT()),
    ]
    tensors = [Tensor(np.float32, FOUR) for _ in range(4)]
    yield "tensorflowlite/two/model.tflite", build(tensors, operators, [0, 1], [2, 3])
    steps = [("Subtract", 0, 1), ("Multiply", 0, 1)]
    yield from ir("two", ["f32", "f32"], FOUR, steps, [2, 3])


def onnx_bytes(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[str],
    outputs: Sequence[str],
    dims: Sequence[int],
    constants: Mapping[str, np.ndarray] | None = None,
    code: int = F32,
) -> bytes:
    shape = [None if dim < 0 else dim for dim in dims]
    return model(
        nodes,
        [(name, code, shape) for name in inputs],
        [(name, code, shape) for name in outputs],
        constants,
    )


def ir(
    name: str,
    inputs: Sequence[str],
    dims: Sequence[int],
    steps: Sequence[tuple[str, int, int]],
    results: Sequence[int],
    constant: np.ndarray | None = None,
) -> Iterator[tuple[str, bytes]]:
    """OpenVINO's two files. Layers are counted from the parameters on: those, the constant, the
    steps (an operation and the layers that it takes), a result for each of `results`."""
    shape = ",".join(str(dim) if dim >= 0 else "?" for dim in dims)
    ports = "".join(f"<dim>{dim}</dim>" for dim in dims)
    layers, edges, kinds = list[str](), list[tuple[int, int, int]](), list(inputs)
    shapes = [ports] * len(inputs)
    for kind in inputs:
        data = f'<data shape="{shape}" element_type="{kind}"/>'
        layers.append(layer(len(layers), "Parameter", data, [], (kind, ports)))
    if constant is not None:
        size = ",".join(map(str, constant.shape))
        data = f'<data element_type="f32" shape="{size}" offset="0" size="{constant.nbytes}"/>'
        shapes.append("".join(f"<dim>{dim}</dim>" for dim in constant.shape))
        kinds.append("f32")
        layers.append(layer(len(layers), "Const", data, [], ("f32", shapes[-1])))
    for kind, *taken in steps:
        here = len(layers)
        edges += [(source, here, port) for port, source in enumerate(taken)]
        read = [(kinds[source], shapes[source]) for source in taken]
        data = '<data auto_broadcast="numpy"/>'
        layers.append(layer(here, kind, data, read, ("f32", ports)))
        kinds.append("f32")
        shapes.append(ports)
    for source in results:
        edges.append((source, len(layers), 0))
        layers.append(layer(len(layers), "Result", "", [(kinds[source], shapes[source])], None))
    starts = {index: text.count("<port ") - 1 for index, text in enumerate(layers)}
    lines = [
        f'<edge from-layer="{a}" from-port="{starts[a]}" to-layer="{b}" to-port="{port}"/>'
        for a, b, port in edges
    ]
    text = f'<net name="{name}" version="11"><layers>{"".join(layers)}</layers>'
    text += f"<edges>{''.join(lines)}</edges></net>"
    yield f"openvino/{name}/model.xml", text.encode()
    yield f"openvino/{name}/model.bin", b"\0" * 4 if constant is None else constant.tobytes()


def layer(
    number: int,
    kind: str,
    data: str,
    read: Sequence[tuple[str, str]],
    made: tuple[str, str] | None,
) -> str:
    """Ports count from the inputs on to the output."""
    text = f'<layer id="{number}" name="l{number}" type="{kind}" version="opset1">{data}'
    ports = [port(index, *each) for index, each in enumerate(read)]
    if ports:
        text += f"<input>{''.join(ports)}</input>"
    if made is not None:
        text += f"<output>{port(len(ports), *made)}</output>"
    return f"{text}</layer>"


def port(number: int, kind: str, dims: str) -> str:
    return f'<port id="{number}" precision="{kind.upper().replace("F", "FP")}">{dims}</port>'


def write(folder: Path, made: Iterable[tuple[str, bytes]]) -> None:
    """Write files into a folder, by their paths in it."""
    for name, data in made:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def main() -> int:
    write(MODELS, files())
    return 0


if __name__ == "__main__":
    sys.exit(main())
