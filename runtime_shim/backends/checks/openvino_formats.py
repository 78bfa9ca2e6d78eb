"""Files that fit several formats. OpenVINO offers a model to its frontends for all formats,
whatever the host says that it is. It must get to the frontend for the format that was checked.

https://github.com/openvinotoolkit/openvino/blob/master/src/frontends/common/src/manager.cpp
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rewriter.abi.dialects import Errno
from rewriter.models.protobuf import BYTES, VARINT, varint
from runtime_shim.errors import HostError

__all__ = ["AHEAD_OF_GRAPHS", "check_onnx"]

AHEAD_OF_GRAPHS = b"\x32\x02<\x01"
"""A prefix that makes sure that a frozen graph is not read as anything else. GraphDef does not know
this field, and skips it. In MetaGraphDef it is invalid, to an XML parser it is a broken tag, and
the parser of protobuf's text format stops at its second byte.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/meta_graph.proto
"""

_LAYERS = b"<layers"
"""The element with the layers of an IR. OpenVINO's parser finds it after any other bytes, and reads
the first bytes of an ONNX model as UTF-8."""

_FIELDS: Mapping[int, int] = MappingProxyType(
    {1: VARINT, 5: VARINT, **dict.fromkeys((2, 3, 4, 6, 7, 8, 14), BYTES)}
)
"""The fields by which OpenVINO recognises an ONNX model, and their wire types.

https://github.com/openvinotoolkit/openvino/blob/master/src/frontends/onnx/onnx_common/src/onnx_model_validator.cpp
"""

_LOOKED_AT = 3
"""How many different ones of these a model must start with."""


def check_onnx(data: bytes) -> None:
    """Raise HostError with `invalid_argument` for an ONNX model that OpenVINO could read as another
    format."""
    if _LAYERS in data:
        raise HostError(
            Errno.INVALID_ARGUMENT, "the ONNX model could also be read as OpenVINO's IR"
        )
    found: set[int] = set()
    pos = 0
    try:
        while len(found) < _LOOKED_AT:
            number, kind = data[pos] >> 3, data[pos] & 7
            if _FIELDS.get(number) != kind or number in found:
                raise ValueError(f"byte {pos} cannot be at the start of a model")
            found.add(number)
            value, pos = varint(data, pos + 1)
            if value > 0xFFFFFFFF:
                raise ValueError(f"the number before byte {pos} is too large")
            pos += value if kind == BYTES else 0
    except (IndexError, ValueError) as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"invalid ONNX model: {error}") from error
