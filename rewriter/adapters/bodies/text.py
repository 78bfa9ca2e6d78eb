"""The text of an adapter: a file of this folder, filled in for two dialects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rewriter.abi.dialects import ELEMENT_SIZE, Dialect, Errno, TensorType
from rewriter.abi.structures import (
    BUILDER,
    TENSOR,
    WAMR_BUILDERS,
    WAMR_DIMENSIONS,
    WAMR_OUTPUT_UNIT,
    WAMR_TENSOR,
    named_offsets,
)
from rewriter.functions.wat import fill, read
from rewriter.wasm.types import AdapterMemory

__all__ = ["FOLDER", "NUMBERS", "adapter_text", "file_name", "values"]

FOLDER = Path(__file__).parent

_BY_LAYOUT = {"load", "set_input", "get_output"}
"""The functions that differ between the layouts, so that there is a file for each two."""

_SHOWN = WAMR_DIMENSIONS.size
"""Where WAMR's tensor is in the bytes that a WAMR host is shown, which start with the structure
that it points to."""

NUMBERS: Mapping[str, int] = {
    **named_offsets("BUILDER", BUILDER),
    **named_offsets("TENSOR", TENSOR),
    **named_offsets("WAMR_BUILDERS", WAMR_BUILDERS),
    **named_offsets("WAMR_DIMENSIONS", WAMR_DIMENSIONS),
    **named_offsets("WAMR_TENSOR", WAMR_TENSOR),
    "SHOWN_SIZE": _SHOWN + WAMR_TENSOR.size,
    "SHOWN_TENSOR": _SHOWN,
    "SHOWN_DIMENSIONS": _SHOWN + WAMR_TENSOR.offsets["dimensions"],
    "SHOWN_TYPE": _SHOWN + WAMR_TENSOR.offsets["type"],
    "SHOWN_DATA": _SHOWN + WAMR_TENSOR.offsets["data"],
    "U32_SIZE": 4,
    "FIRST_SCRATCH": 16,  # where the search for bytes to borrow begins: 0 may be none to hosts
    "WAMR_OUTPUT_UNIT": WAMR_OUTPUT_UNIT,
    "WAMR_OUTPUT_ROUND": WAMR_OUTPUT_UNIT - 1,
    "WAMR_OUTPUT_SHIFT": WAMR_OUTPUT_UNIT.bit_length() - 1,
    "SUCCESS": Errno.SUCCESS.value,
    "INVALID_ARGUMENT": Errno.INVALID_ARGUMENT.value,
    "INVALID_ENCODING": Errno.INVALID_ENCODING.value,
    "UNSUPPORTED_OPERATION": Errno.UNSUPPORTED_OPERATION.value,
    "TOO_LARGE": Errno.TOO_LARGE.value,
}


def adapter_text(function: str, source: Dialect, target: Dialect, memory: AdapterMemory) -> str:
    """The adapter as one function in the text format, which calls `$host`. Raises FileNotFoundError
    for two layouts between which no one has written it."""
    text = read(f"{FOLDER}/{file_name(function, source, target)}")
    return fill(text, values(function, source, target, memory))


def file_name(function: str, source: Dialect, target: Dialect) -> str:
    """Which file of FOLDER has the adapter."""
    pair = f".{source.layout}-to-{target.layout}" if function in _BY_LAYOUT else ""
    return f"{function}{pair}.wat"


def values(
    function: str, source: Dialect, target: Dialect, memory: AdapterMemory
) -> dict[str, int | str]:
    """What the names in capitals stand for."""
    numbers = {**NUMBERS, "PAGE_SIZE": memory.page_size}
    if function == "load":
        missing, sizes = Errno.INVALID_ENCODING, None
        cases = _cases("encoding", source.encodings, target.encodings, missing, sizes)
        return {**numbers, "ENCODINGS": cases}
    if function == "set_input":
        missing = Errno.UNSUPPORTED_OPERATION
        sizes = ELEMENT_SIZE if source.layout != target.layout else None
        cases = _cases("type", source.tensor_types, target.tensor_types, missing, sizes)
        return {**numbers, "TYPES": cases}
    return {**numbers}


def _cases(
    variable: str,
    source: Mapping[int, object],
    target: Mapping[int, object],
    missing: Errno,
    sizes: Mapping[TensorType, int] | None,
) -> str:
    """For each number of the source, put the target's for it into the variable and leave the block
    `$known`, or return `missing` where the target has none of this meaning. With `sizes`, set
    `length` to the bytes of one element."""
    numbers = {meaning: number for number, meaning in target.items()}
    cases = []
    for number, meaning in source.items():
        case = f"local.get ${variable}  i32.const {number}  i32.eq  if $this"
        if meaning not in numbers:
            case += f"  i32.const {missing:d}  return"
        else:
            case += f"  i32.const {numbers[meaning]}  local.set ${variable}"
            if sizes and isinstance(meaning, TensorType):
                case += f"  i64.const {sizes[meaning]}  local.set $length"
            case += "  br $known"
        cases.append(f"{case}  end")
    return "\n    ".join(cases)
