"""Which inputs of an ONNX model have a fixed number of dimensions. ONNX Runtime reports a scalar
and an input without a shape in the same way.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from rewriter.abi.dialects import Errno
from rewriter.models.protobuf import Data, Messages, fields, find
from runtime_shim.backends.interface import Part
from runtime_shim.backends.parsing.model_parts import mapped
from runtime_shim.errors import HostError

__all__ = ["ranked_inputs"]

_TO_INPUTS: Messages = MappingProxyType({"model": {7: "graph"}, "graph": {11: "input"}})

_TO_SHAPE: Messages = MappingProxyType(
    {
        "input": {2: "type"},
        "type": {1: "tensor", 9: "optional"},
        "optional": {1: "type"},
        "tensor": {2: "shape"},
    }
)

_NAME = 1
"""Field of ValueInfoProto."""


def ranked_inputs(model: Part) -> set[str]:
    """The names of those inputs. Raises HostError with `invalid_argument` for a model that cannot
    be read."""
    try:
        with mapped(model) as content:
            return set(_ranked(content))
    except (IndexError, ValueError) as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"cannot read the model: {error}") from error


def _ranked(data: Data) -> Iterator[str]:
    for start, stop in find(data, _TO_INPUTS, "model", "input"):
        found = data[start:stop]
        if next(find(found, _TO_SHAPE, "input", "shape"), None) is not None:
            names = (
                found[a:b] for number, _, a, b in fields(found, 0, len(found)) if number == _NAME
            )
            yield next(names, b"").decode()
