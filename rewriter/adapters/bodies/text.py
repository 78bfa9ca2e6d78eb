"""The text of an adapter: a file in this folder, filled in for two dialects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rewriter.abi.dialects import ELEMENT_SIZE, WITX, Dialect, Encoding, Errno, TensorType
from rewriter.abi.numbers import TYPES_2020
from rewriter.abi.structures import (
    BUILDER,
    TENSOR,
    WAMR_BUILDERS,
    WAMR_DIMENSIONS,
    WAMR_OUTPUT_UNIT,
    WAMR_TENSOR,
    named_offsets,
)
from rewriter.adapters.errnos import errno_number, gets_others, translated
from rewriter.adapters.needs import Need, counts_otherwise, need, told_matters
from rewriter.functions.wat import fill, read
from rewriter.wasm.types import AdapterMemory

__all__ = [
    "FOLDER",
    "NUMBERS",
    "PIECES",
    "PIECES_FOLDER",
    "TELLS_TYPE",
    "adapter_text",
    "file_name",
    "values",
]

FOLDER = Path(__file__).parent
PIECES_FOLDER = FOLDER.parent / "pieces"

PIECES = ("CONFIGURED", "ONE_BACKEND", "KEPT", "ONLY_FLOATS", "WHOLE_FLOATS", "ROOM", "IN_BYTES")
"""Placeholders in bodies. Each stands for a file in the folder `pieces`, or for nothing."""

_SHOWN = WAMR_DIMENSIONS.size
"""The offset of WAMR's tensor in the borrowed bytes. The dimensions structure that it points to
comes first."""

TELLS_TYPE = "tells_type.wat"
"""The file that is included in others."""

_BEFORE = {kind: number for number, kind in TYPES_2020.items()}

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
    "U8_BEFORE": _BEFORE[TensorType.U8],
    "U8_SINCE": TensorType.U8.value,
    "I32_BEFORE": _BEFORE[TensorType.I32],
    "I32_SINCE": TensorType.I32.value,
    "I32_SIZE": ELEMENT_SIZE[TensorType.I32],
    "F64_SIZE": ELEMENT_SIZE[TensorType.F64],
    "FIRST_SCRATCH": 16,  # the search for bytes to borrow starts here: hosts may see 0 as null
    "WAMR_OUTPUT_UNIT": WAMR_OUTPUT_UNIT,
    "WAMR_OUTPUT_ROUND": WAMR_OUTPUT_UNIT - 1,
    "WAMR_OUTPUT_SHIFT": WAMR_OUTPUT_UNIT.bit_length() - 1,
}

_OWN_ERRNOS = (
    Errno.SUCCESS,
    Errno.INVALID_ARGUMENT,
    Errno.INVALID_ENCODING,
    Errno.UNSUPPORTED_OPERATION,
    Errno.TOO_LARGE,
)
"""The errnos that an adapter itself returns. Bodies use their names for the guest's numbers."""


def adapter_text(
    function: str, source: Dialect, target: Dialect, memory: AdapterMemory, *, told: bool = True
) -> str:
    """The adapter as one function in the text format, which calls `$host`. Raises FileNotFoundError
    if there is no adapter between these two layouts."""
    text = read(f"{FOLDER}/{file_name(function, source, target, told=told)}")
    return fill(text, values(function, source, target, memory, told=told))


def file_name(function: str, source: Dialect, target: Dialect, *, told: bool = True) -> str:
    """The name of the file in FOLDER with the needed adapter."""
    match need(function, source, target, told=told):
        case Need.LAYOUT:
            return f"{function}.{source.layout}-to-{target.layout}.wat"
        case Need.ENCODINGS:
            return "load.encodings.wat"
        case Need.TYPES:
            return f"set_input.{source.layout}-to-{target.layout}.wat"
        case Need.UNITS:
            return f"{function}.units.wat"
        case Need.NAMES:
            return f"{function}.nul.wat"
        case Need.FUNCTION if function == "load_by_name_with_config" and target.wants_nul:
            return "load_by_name.nul.wat"
        case Need.FUNCTION:
            return f"{function}.wat"
    return "errnos.wat"


def values(
    function: str, source: Dialect, target: Dialect, memory: AdapterMemory, *, told: bool = True
) -> dict[str, int | str]:
    """The values of the names in capitals."""
    tells = not told and function == "set_input" and told_matters(function, source, target)
    parameters = source.functions[function]
    own = {errno.name: errno_number(source, errno) for errno in _OWN_ERRNOS}
    encodings = _cases(
        "encoding", source.encodings, target.encodings, own["INVALID_ENCODING"], None
    )
    sizes = None if source.layout == target.layout == WITX.layout else ELEMENT_SIZE
    types = _cases(
        "type", source.tensor_types, target.tensor_types, own["UNSUPPORTED_OPERATION"], sizes
    )
    numbers = {**NUMBERS, **own, **_of_host(source, target)}
    return {
        **numbers,
        **_pieces(function, source, target, numbers),
        "PAGE_SIZE": memory.page_size,
        "PARAMETERS": "  ".join(f"(param ${name} i32)" for name in parameters),
        "ARGUMENTS": "  ".join(f"local.get ${name}" for name in parameters),
        "ENCODINGS": encodings,
        "TYPES": types,
        "TELLS_TYPE": fill(read(f"{FOLDER}/{TELLS_TYPE}"), NUMBERS) if tells else "",
        "ERRNOS": _errnos(source, target),
    }


_NEVER = -2
"""Stands for an encoding or a type that the host does not have."""


def _of_host(source: Dialect, target: Dialect) -> dict[str, int | str]:
    """The additional values that pieces need."""
    encodings = {meaning: number for number, meaning in target.encodings.items()}
    types = {meaning: number for number, meaning in target.tensor_types.items()}
    return {
        "OPENVINO_KEPT": encodings.get(Encoding.OPENVINO, _NEVER) + 1,
        "TENSORFLOWLITE_KEPT": encodings.get(Encoding.TENSORFLOWLITE, _NEVER) + 1,
        "FLOAT": types.get(TensorType.F32, _NEVER),
        "SIZE_OUT": f"${source.functions['get_output'][-1]}",
    }


def _pieces(
    function: str, source: Dialect, target: Dialect, numbers: Mapping[str, int | str]
) -> dict[str, str]:
    """The instructions for each of PIECES. They are empty if this pair of dialects does not need
    them."""
    files = dict.fromkeys(PIECES, "")
    if "config" in source.functions[function]:
        files["CONFIGURED"] = "configured"
    if counts_otherwise(source, target):
        files |= {"ONLY_FLOATS": "only_floats", "WHOLE_FLOATS": "whole_floats"}
        files |= {"ROOM": "room", "IN_BYTES": "in_bytes"}
        if function == "load" or target.layout == WITX.layout:
            files |= {"ONE_BACKEND": "one_backend", "KEPT": "kept"}
    keep = read(f"{PIECES_FOLDER}/keep.{'encoding' if function == 'load' else 'named'}.wat")
    known = {**numbers, "ENCODING_KEPT": fill(keep, numbers)}
    return {
        name: fill(read(f"{PIECES_FOLDER}/{file}.wat"), known) if file else ""
        for name, file in files.items()
    }


def _cases(
    variable: str,
    source: Mapping[int, object],
    target: Mapping[int, object],
    missing: int,
    sizes: Mapping[TensorType, int] | None,
) -> str:
    """Instructions that replace a source number in the variable by the target's number for the same
    meaning and leave the block `$known`, or return `missing` if the target does not have the
    meaning. With `sizes`, they also set `length` to the size of one element in bytes."""
    numbers = {meaning: number for number, meaning in target.items()}
    cases = []
    for number, meaning in source.items():
        case = f"local.get ${variable}  i32.const {number}  i32.eq  if $this"
        if meaning not in numbers:
            case += f"  i32.const {missing}  return"
        else:
            case += f"  i32.const {numbers[meaning]}  local.set ${variable}"
            if sizes and isinstance(meaning, TensorType):
                case += f"  i64.const {sizes[meaning]}  local.set $length"
            case += "  br $known"
        cases.append(f"{case}  end")
    return "\n    ".join(cases)


def _errnos(source: Dialect, target: Dialect) -> str:
    """Instructions that translate the host's errno on the stack to the guest's, with the local
    variable `$errno`. They are empty if the numbers agree. A number that the host does not define
    becomes a runtime error."""
    if not gets_others(source, target):
        return ""
    other = errno_number(source, Errno.RUNTIME_ERROR)
    cases = [
        f"local.get $errno  i32.const {host}  i32.eq  if $this"
        f"  i32.const {guest}  local.set $errno  br $translated  end"
        for host, guest in translated(source, target).items()
        if host != Errno.SUCCESS and guest != other
    ]
    lines = (
        "local.tee $errno",
        "if $failed",
        "  block $translated",
        *(f"    {case}" for case in cases),
        f"    i32.const {other}  local.set $errno",
        "  end",
        "end",
        "local.get $errno",
    )
    return "\n  ".join(lines)
