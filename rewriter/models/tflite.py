"""Reads the inputs and outputs of a TensorFlow Lite model's first subgraph.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rewriter.models.flatbuffer import FlatBuffer, Table
from rewriter.models.model import Port
from rewriter.models.protobuf import Data

__all__ = ["read"]

_TYPES: Mapping[int, str] = MappingProxyType(
    {
        0: "f32",
        1: "f16",
        2: "i32",
        3: "u8",
        4: "i64",
        5: "string",
        6: "bool",
        7: "i16",
        8: "c64",
        9: "i8",
        10: "f64",
        11: "c128",
        12: "u64",
        13: "resource",
        14: "variant",
        15: "u32",
        16: "u16",
        17: "i4",
        18: "bf16",
        19: "i2",
        20: "u4",
        21: "f8e4m3fn",
        22: "f8e5m2",
    }
)
"""Short names by TensorType."""

_WHOLE = ("u8", "i8", "i16", "i4", "i2", "u4")
"""Types of quantised tensors."""

_CODES, _SUBGRAPHS, _BUFFERS = 6, 8, 12
"""Fields of a Model."""

_TENSORS, _INPUTS, _OUTPUTS = 4, 6, 8
"""Fields of a SubGraph."""

_SHAPE, _TYPE, _NAME, _QUANTISATION, _SIGNATURE = 4, 6, 10, 12, 18
"""Fields of a Tensor. The signature is the shape with free dimensions, if there are any."""

_SCALES = 8
"""A field of QuantizationParameters."""

_OLD_CODE, _CUSTOM_NAME, _VERSION, _CODE = 4, 6, 8, 10
"""Fields of an OperatorCode. The code is the larger one of both."""

_CUSTOM = 32
"""The code of an operator that has only a name."""

_KNOWN = (b"AudioSpectrogram", b"Mfcc", b"NumericVerify", b"TFLite_Detection_PostProcess")
"""Those that LiteRT has nevertheless.

https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/lite/core/kernels/register.cc
"""


class Declared(NamedTuple):
    """What a model declares. With `quantised`, any tensor is. `custom` are the names of operators
    that LiteRT does not have."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    quantised: bool
    custom: tuple[str, ...]


def read(data: Data) -> Declared:
    """The declarations of a model. Raises ValueError for a file that is truncated or otherwise
    broken."""
    model = FlatBuffer(data, "the model").root()
    for buffer in model.tables(_BUFFERS):
        buffer.extent(4, 1)
        offset, size = buffer.number(6, "Q"), buffer.number(8, "Q")
        if offset > 1 and offset + size > len(data):
            raise ValueError(f"the {size} bytes of a tensor at byte {offset} exceed the file")
    custom = dict[str, None]()
    for operator in model.tables(_CODES):
        operator.number(_VERSION, "i")
        name = operator.text(_CUSTOM_NAME)
        code = max(operator.number(_OLD_CODE, "b"), operator.number(_CODE, "i"))
        if code == _CUSTOM and name not in _KNOWN:
            custom[name.decode(errors="backslashreplace")] = None
    subgraph = next(model.tables(_SUBGRAPHS), None)
    if subgraph is None:
        raise ValueError("it has no subgraph")
    tensors = list(subgraph.tables(_TENSORS))
    inputs, outputs = (
        tuple(_ports(tensors, subgraph.numbers(field, "i"))) for field in (_INPUTS, _OUTPUTS)
    )
    return Declared(inputs, outputs, any(map(_is_quantised, tensors)), tuple(custom))


def _ports(tensors: list[Table], places: tuple[int, ...]) -> Iterator[Port]:
    for place in places:
        if not 0 <= place < len(tensors):
            raise ValueError(f"it has no tensor {place}")
        tensor = tensors[place]
        code = tensor.number(_TYPE, "b")
        held = tensor.numbers(_SHAPE, "i")
        dims = tensor.numbers(_SIGNATURE, "i") or held
        yield Port(
            tensor.text(_NAME).decode(errors="backslashreplace"),
            _TYPES.get(code, f"type {code}"),
            tuple(dim if dim >= 0 else None for dim in dims),
            held,
            _is_quantised(tensor),
        )


def _is_quantised(tensor: Table) -> bool:
    found = tensor.table(_QUANTISATION)
    scaled = found is not None and bool(found.numbers(_SCALES, "f"))
    return scaled and _TYPES.get(tensor.number(_TYPE, "b")) in _WHOLE
