"""Small TensorFlow Lite models, made with the schema's classes that LiteRT brings along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import ml_dtypes
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

__all__ = [
    "Graph",
    "Operator",
    "Tensor",
    "build",
    "build_graphs",
    "identity",
    "reversed_as_computed",
    "schema",
    "sum_and_product",
    "sum_of_bytes",
]

_TYPES: dict[np.dtype[Any], int] = {
    np.dtype(np.bool_): schema.TensorType.BOOL,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float64): schema.TensorType.FLOAT64,
    np.dtype(np.complex64): schema.TensorType.COMPLEX64,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.uint16): schema.TensorType.UINT16,
    np.dtype(np.uint32): schema.TensorType.UINT32,
    np.dtype(np.uint64): schema.TensorType.UINT64,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(ml_dtypes.bfloat16): schema.TensorType.BFLOAT16,
}


@dataclass
class Tensor:
    """A dimension of -1 is free. `data` makes it a constant, `scales` quantised. `code` is one of
    TensorType, for types that NumPy lacks."""

    dtype: npt.DTypeLike
    dims: Sequence[int]
    data: npt.NDArray[np.generic] | None = None
    scales: Sequence[float] = ()
    zero_points: Sequence[int] = ()
    ranked: bool = True
    variable: bool = False
    code: int | None = None


@dataclass
class Operator:
    """`code` is one of BuiltinOperator, and `custom` the name of what is none; the tensors are
    their places in the list of them all."""

    code: int
    inputs: Sequence[int]
    outputs: Sequence[int]
    options_type: int = 0
    options: object = None
    options_2_type: int = 0
    options_2: object = None
    custom: str = ""
    custom_options: bytes = b""
    intermediates: Sequence[int] = ()
    version: int = 1


@dataclass
class Graph:
    """A subgraph."""

    tensors: Sequence[Tensor]
    operators: Sequence[Operator]
    inputs: Sequence[int]
    outputs: Sequence[int]


def build(
    tensors: Sequence[Tensor],
    operators: Sequence[Operator],
    inputs: Sequence[int],
    outputs: Sequence[int],
) -> bytes:
    return build_graphs([Graph(tensors, operators, inputs, outputs)])


def build_graphs(graphs: Sequence[Graph]) -> bytes:
    """The first is what computes; operators name the others by their place."""
    made = schema.ModelT()
    made.version = 3
    made.buffers = [schema.BufferT()]
    codes = sorted({_key(each) for graph in graphs for each in graph.operators})
    made.operatorCodes = [_operator_code(*code) for code in codes]
    made.subgraphs = []
    for graph in graphs:
        packed = schema.SubGraphT()
        packed.inputs, packed.outputs = list(graph.inputs), list(graph.outputs)
        packed.tensors = [
            _tensor(f"t{index}", tensor, made.buffers) for index, tensor in enumerate(graph.tensors)
        ]
        packed.operators = [_operator(operator, codes) for operator in graph.operators]
        made.subgraphs.append(packed)
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _key(operator: Operator) -> tuple[int, str, int]:
    return operator.code, operator.custom, operator.version


def _operator(operator: Operator, codes: list[tuple[int, str, int]]) -> object:
    packed = schema.OperatorT()
    packed.opcodeIndex = codes.index(_key(operator))
    packed.inputs, packed.outputs = list(operator.inputs), list(operator.outputs)
    packed.builtinOptionsType = operator.options_type
    packed.builtinOptions = operator.options
    packed.builtinOptions2Type = operator.options_2_type
    packed.builtinOptions2 = operator.options_2
    packed.intermediates = list(operator.intermediates) or None
    if operator.custom_options:
        packed.customOptions = np.frombuffer(operator.custom_options, np.uint8)
    return packed


def _operator_code(code: int, custom: str, version: int) -> object:
    made = schema.OperatorCodeT()
    made.builtinCode = code
    made.deprecatedBuiltinCode = min(code, 127)
    made.customCode = custom or None
    made.version = version
    return made


def _tensor(name: str, tensor: Tensor, buffers: list[Any]) -> object:
    made = schema.TensorT()
    made.name = name
    made.type = _TYPES[np.dtype(tensor.dtype)] if tensor.code is None else tensor.code
    made.isVariable = tensor.variable
    made.shape = [abs(dim) for dim in tensor.dims]
    made.hasRank = tensor.ranked
    if -1 in tensor.dims:
        made.shapeSignature = list(tensor.dims)
    made.buffer = 0
    if tensor.data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(tensor.data.tobytes(), np.uint8)
        made.buffer = len(buffers)
        buffers.append(buffer)
    if tensor.scales:
        quantization = schema.QuantizationParametersT()
        quantization.scale = list(tensor.scales)
        quantization.zeroPoint = list(tensor.zero_points)
        made.quantization = quantization
    return made


def changed(data: bytes, change: Callable[[Any], object]) -> bytes:
    """The same model after a change to its objects."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    change(model)
    builder = flatbuffers.Builder(64)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def sum_of_bytes() -> bytes:
    """A number added to itself, of a type that LiteRT adds only if it is quantised: it aborts."""
    tensors = [Tensor(np.uint8, [4]), Tensor(np.uint8, [4])]
    options = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    return build(tensors, [Operator(schema.BuiltinOperator.ADD, [0, 0], [1], *options)], [0], [1])


def reversed_as_computed() -> bytes:
    """Floats in a shape that is another input, reversed. LiteRT is ended by a shape of no elements,
    of which nobody knows before it is computed."""
    tensors = [
        Tensor(np.float32, [-1]),
        Tensor(np.int32, [2]),
        Tensor(np.float32, [-1, -1]),
        Tensor(np.int32, [1], np.array([0], np.int32)),
        Tensor(np.float32, [-1, -1]),
    ]
    operators = [
        Operator(schema.BuiltinOperator.RESHAPE, [0, 1], [2]),
        Operator(schema.BuiltinOperator.REVERSE_V2, [2, 3], [4]),
    ]
    return build(tensors, operators, [0, 1], [4])


def identity(dtype: npt.DTypeLike, dims: Sequence[int], **quantization: Any) -> bytes:
    """One input, one output, the same tensor."""
    shape = np.array(dims, np.int32)
    tensors = [
        Tensor(dtype, dims, **quantization),
        Tensor(np.int32, [len(dims)], shape),
        Tensor(dtype, dims, **quantization),
    ]
    operator = Operator(schema.BuiltinOperator.RESHAPE, [0, 1], [2])
    return build(tensors, [operator], [0], [2])


def sum_and_product() -> bytes:
    """Two inputs of two floats; their sum and their product."""
    tensors = [Tensor(np.float32, [2]) for _ in range(4)]
    options = schema.BuiltinOptions
    operators = [
        Operator(schema.BuiltinOperator.ADD, [0, 1], [2], options.AddOptions, schema.AddOptionsT()),
        Operator(schema.BuiltinOperator.MUL, [0, 1], [3], options.MulOptions, schema.MulOptionsT()),
    ]
    return build(tensors, operators, [0, 1], [2, 3])


def relu(dims: Sequence[int]) -> bytes:
    """One input of floats, and what of it is above zero."""
    tensors = [Tensor(np.float32, dims), Tensor(np.float32, dims)]
    return build(tensors, [Operator(schema.BuiltinOperator.RELU, [0], [1])], [0], [1])
