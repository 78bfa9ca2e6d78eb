"""OpenVINO's words for the types of tensors.

https://github.com/openvinotoolkit/openvino/blob/master/src/bindings/c/include/openvino/c/ov_common.h
"""

from __future__ import annotations

from rewriter.dialects import TensorType
from runtime_shim.backends.ports import Port

__all__ = ["ELEMENT_TYPES", "port"]

ELEMENT_TYPES = (
    "dynamic", "boolean", "bf16", "f16", "f32", "f64", "i4", "i8", "i16", "i32", "i64", "u1", "u2",
    "u3", "u4", "u6", "u8", "u16", "u32", "u64", "nf4", "f8e4m3", "f8e5m2", "string", "f4e2m1",
    "f8e8m0",
)  # fmt: skip
"""By their numbers in ov_element_type_e, of the releases that openvino_c.py knows."""

_TENSOR_TYPES = {kind.name.lower(): kind for kind in TensorType}


def port(name: str, element_type: str, dims: tuple[int | None, ...]) -> Port:
    """An input or output, of a type by its name in OpenVINO."""
    return Port(name, element_type, _TENSOR_TYPES.get(element_type), dims)
