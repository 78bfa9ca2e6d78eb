"""The core modules of the shims between versions of wasi:nn, and what they take from the host."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rewriter.inlining.inline import GUEST_REALLOC
from rewriter.inlining.shims.module import OWN_MEMORY, Imported, core_module, i32_type, types_of
from rewriter.inlining.shims.types import ERROR_CODES
from rewriter.wasm.types import PAGE_SIZE, FuncType

__all__ = ["ERRORS", "NAMED", "STEPS", "HostCall", "Piece", "Shim", "make_shim"]

_CONTEXT = "[method]graph-execution-context."


class HostCall(NamedTuple):
    """A function of wasi:nn that a shim calls, lowered with the memory of `early` or `guest` and,
    if it allocates, its realloc. `parameters` of type i32 and a result, or none."""

    interface: str
    name: str
    parameters: int
    has_result: bool = False
    memory: str | None = None
    allocates: bool = False

    @property
    def type(self) -> FuncType:
        return i32_type(self.parameters, self.has_result)


class Piece(NamedTuple):
    """A part of a shim: text files, host functions by the names that they call, and exports with
    the functions that they are."""

    early_files: Sequence[str]
    early_calls: Mapping[str, HostCall]
    early_exports: Mapping[str, str]
    late_files: Sequence[str]
    late_calls: Mapping[str, HostCall]
    late_exports: Mapping[str, str]

    @property
    def replaced(self) -> Collection[str]:
        return {*self.early_exports, *self.late_exports}


ERRORS = Piece(
    early_files=("errors.early.wat",),
    early_calls={
        "$host_error_code": HostCall("errors", "[method]error.code", 1, True),
        "$host_error_drop": HostCall("errors", "[resource-drop]error", 1),
    },
    early_exports={
        "errors#[method]error.code": "$error_code",
        "errors#[resource-drop]error": "$error_drop",
    },
    late_files=("errors.late.wat",),
    late_calls={
        "$host_error_data": HostCall("errors", "[method]error.data", 2, False, "guest", True)
    },
    late_exports={
        "errors#[method]error.data": "$error_data",
        "errors#[constructor]error": "$error_made",
    },
)
"""Errors of the shim's own."""

STEPS = Piece(
    early_files=("newer.early.wat",),
    early_calls={
        "$host_context_drop": HostCall("inference", "[resource-drop]graph-execution-context", 1)
    },
    early_exports={"inference#[resource-drop]graph-execution-context": "$context_drop"},
    late_files=("newer.late.wat",),
    late_calls={
        "$host_init": HostCall("graph", "[method]graph.init-execution-context", 2, False, "guest"),
        "$host_compute": HostCall("inference", f"{_CONTEXT}compute", 4, False, "early", True),
        "$host_tensor_new": HostCall("tensor", "[constructor]tensor", 5, True, "early"),
        "$host_tensor_dimensions": HostCall(
            "tensor", "[method]tensor.dimensions", 2, False, "early", True
        ),
        "$host_tensor_ty": HostCall("tensor", "[method]tensor.ty", 1, True),
        "$host_tensor_data": HostCall("tensor", "[method]tensor.data", 2, False, "early", True),
        "$host_tensor_drop": HostCall("tensor", "[resource-drop]tensor", 1),
    },
    late_exports={
        "graph#[method]graph.init-execution-context": "$init",
        f"inference#{_CONTEXT}set-input": "$set_input",
        f"inference#{_CONTEXT}compute": "$compute",
        f"inference#{_CONTEXT}get-output": "$get_output",
    },
)
"""set-input, compute and get-output, by a compute that takes and returns named tensors."""

NAMED = Piece(
    early_files=(),
    early_calls={},
    early_exports={},
    late_files=("older.late.wat",),
    late_calls={
        "$host_set_input": HostCall("inference", f"{_CONTEXT}set-input", 5, False, "guest"),
        "$host_compute": HostCall("inference", f"{_CONTEXT}compute", 2, False, "guest"),
        "$host_get_output": HostCall("inference", f"{_CONTEXT}get-output", 4, False, "early"),
        "$host_tensor_drop": HostCall("tensor", "[resource-drop]tensor", 1),
    },
    late_exports={f"inference#{_CONTEXT}compute": "$compute"},
)
"""A compute that takes and returns named tensors, by set-input, compute and get-output."""

_TOP, _CONTEXTS, _ERRORS, _COUNT, _RESULT, _DATA = 128, 132, 136, 140, 144, 160
"""Addresses, behind 32 of lists of free blocks. A result is twelve bytes."""

_OWN_ERROR_BIT = 30
"""Of a handle. Those of a host are less than 2^28.

https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#table-state
"""

_VALUES: Mapping[str, int] = {
    "PAGE_BITS": PAGE_SIZE.bit_length() - 1,
    "LARGEST": 0x7FF0_0000,  # what a block of 2^31 bytes is enough for
    "MOST_INPUTS": 0xFFFF,
    "TOP": _TOP,
    "CONTEXTS": _CONTEXTS,
    "ERRORS": _ERRORS,
    "COUNT": _COUNT,
    "RESULT": _RESULT,
    "RESULT_VALUE": _RESULT + 4,
    "RESULT_LENGTH": _RESULT + 8,
    "OWN_ERROR_BIT": _OWN_ERROR_BIT,
    "OWN_ERROR": 1 << _OWN_ERROR_BIT,
    "RUNTIME_ERROR": ERROR_CODES.index("runtime-error"),
    "LAST_ERROR_CODE": len(ERROR_CODES) - 1,
}

_NO_OUTPUT = b"there is no output of this name, or compute was not called"

_MEMORIES = (("early", OWN_MEMORY), ("guest", "memory"))


class Shim(NamedTuple):
    """Two core modules, and the host functions that each imports from `host`, by name."""

    early: bytes
    late: bytes
    early_calls: Mapping[str, HostCall]
    late_calls: Mapping[str, HostCall]


def make_shim(
    pieces: Sequence[Piece],
    outputs: Sequence[str] = (),
    *,
    values: Mapping[str, int] | None = None,
    indexed: tuple[Sequence[str], Sequence[str]] | None = None,
) -> Shim:
    """The core modules of some pieces. `outputs` are the names that NAMED asks for. `values` are
    more for the text. `indexed` has the names of inputs and of outputs for programs that know their
    indices."""
    early_files = ("memory.wat", *(file for piece in pieces for file in piece.early_files))
    late_files = ("guest.wat", *(file for piece in pieces for file in piece.late_files))
    early_calls = {name: call for piece in pieces for name, call in piece.early_calls.items()}
    late_calls = {name: call for piece in pieces for name, call in piece.late_calls.items()}
    data, more = _data(outputs) if indexed is None else _indexed(*indexed)
    first = (_DATA + len(data) + 15) // 16 * 16
    filled = {**_VALUES, **(values or {}), **more, "FIRST": first}
    own = types_of(early_files)
    early = core_module(
        early_files,
        _hosts(early_calls),
        {
            "realloc": "$realloc",
            GUEST_REALLOC: "$no_realloc",
            **{name.removeprefix("$"): name for name in own if name != "$realloc"},
            **{to: of for piece in pieces for to, of in piece.early_exports.items()},
        },
        filled,
        data=(_DATA, data),
    )
    late = core_module(
        late_files,
        {
            "$guest_realloc": Imported("guest", "realloc", i32_type(4, True)),
            **{name: Imported("early", name.removeprefix("$"), own[name]) for name in own},
            **_hosts(late_calls),
        },
        {to: of for piece in pieces for to, of in piece.late_exports.items()},
        filled,
        _MEMORIES,
    )
    return Shim(early, late, early_calls, late_calls)


def _hosts(calls: Mapping[str, HostCall]) -> dict[str, Imported]:
    return {name: Imported("host", name, call.type) for name, call in calls.items()}


def _data(outputs: Sequence[str]) -> tuple[bytes, Mapping[str, int]]:
    """The constants in memory, and where they are: a text, and the table of outputs."""
    names = [name.encode() for name in outputs]
    table = _DATA + (len(_NO_OUTPUT) + 3) // 4 * 4
    size = 12 * len(names)
    at = table + size
    data = _NO_OUTPUT.ljust(table - _DATA, b"\0")
    for name in names:
        data += b"".join(number.to_bytes(4, "little") for number in (at, len(name), 0))
        at += len(name)
    return data + b"".join(names), {
        "TEXT": _DATA,
        "TEXT_LENGTH": len(_NO_OUTPUT),
        "OUTPUTS": table,
        "OUTPUTS_END": table + size,
        "OUTPUTS_SIZE": size,
        "OUTPUT_COUNT": len(names),
    }


_DIGITS = 10
"""Of the largest index."""


def _indexed(inputs: Sequence[str], outputs: Sequence[str]) -> tuple[bytes, Mapping[str, int]]:
    """Where indices.late.wat finds names: the address and length of each, and of the last index
    that became one."""
    texts = [name.encode() for name in (*inputs, *outputs)]
    table = _DATA + 8
    digits = table + 8 * len(texts)
    data, at = bytes(8), digits + _DIGITS
    for text in texts:
        data += b"".join(number.to_bytes(4, "little") for number in (at, len(text)))
        at += len(text)
    return data + bytes(_DIGITS) + b"".join(texts), {
        "NAME": _DATA,
        "NAME_LENGTH": _DATA + 4,
        "DIGITS_END": digits + _DIGITS,
        "INPUTS": table,
        "INPUT_NAMES": len(inputs),
        "OUTPUTS": table + 8 * len(inputs),
        "OUTPUT_NAMES": len(outputs),
    }
