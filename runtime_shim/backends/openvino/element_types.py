"""OpenVINO's names for the types of tensors.

https://github.com/openvinotoolkit/openvino/blob/master/src/bindings/c/include/openvino/c/ov_common.h
"""

from __future__ import annotations

import sys

from runtime_shim.backends.common.tensor_info import Dim, Port, element_of

__all__ = ["ELEMENT_TYPES", "dim", "port"]

ELEMENT_TYPES = (
    "dynamic", "boolean", "bf16", "f16", "f32", "f64", "i4", "i8", "i16", "i32", "i64", "u1", "u2",
    "u3", "u4", "u6", "u8", "u16", "u32", "u64", "nf4", "f8e4m3", "f8e5m2", "string", "f4e2m1",
    "f8e8m0",
)  # fmt: skip
"""By number in ov_element_type_e, in the releases that c_library.py supports."""

_SHORT_NAMES = {"boolean": "bool", "f8e4m3": "f8", "f8e5m2": "f8", "f8e8m0": "f8"}
"""Types for which element_of has another name."""


def dim(lowest: int, highest: int) -> Dim:
    """A dimension from its bounds; a negative `highest` means that there is none."""
    if highest < 0:
        return range(lowest, sys.maxsize) if lowest > 0 else None
    return lowest if lowest == highest else range(lowest, highest + 1)


def port(name: str, element_type: str, dims: tuple[Dim, ...] | None) -> Port:
    """An input or output with a type by its name in OpenVINO."""
    element = element_of(_SHORT_NAMES.get(element_type, element_type))
    return Port(name, element_type, element, dims)
