"""The shim: the functions of shim.wat that a module needs, by the imports that it has."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rewriter.abi.dialects import Errno
from rewriter.abi.snapshots import (
    FIVE_TYPES,
    LAST_UNVERSIONED,
    NAMED_RECORDS,
    OCTOBER,
    RECORDS,
    RESOURCES,
    VERSIONED,
    Snapshot,
)
from rewriter.functions.assembler import Function, read_function
from rewriter.functions.wat import fill, read
from rewriter.rewriting.flattening.named import count_of, text_of
from rewriter.rewriting.making.adapter import Names
from rewriter.wasm.types import PAGE_SIZE, FuncType

__all__ = ["HOST", "REALLOC", "Lowered", "lowered", "needed"]

HOST = "$host_"
"""What a name begins with that stands for a function of the host."""

REALLOC = "$realloc"

_AROUND_OUTPUT = 44
"""Bytes in a tensor besides an output: what comes before it, two dimensions, and up to three bytes
before these."""

_VALUES: Mapping[str, int] = {
    "PAGE_SIZE": PAGE_SIZE,
    "PAGE_LAST": PAGE_SIZE - 1,
    "PAGE_BITS": PAGE_SIZE.bit_length() - 1,
    "LARGEST": 0x7FF0_0000,  # what a block of 2^31 bytes is enough for
    "IS_TENSOR": 0x54_4E_4E_01,  # odd, which the address of a block is not
    "IS_CONTEXT": 0x43_4E_4E_01,
    "IS_ERROR": 0x45_4E_4E_01,
    "MOST_DIMENSIONS": 0xFFFF,
    "MOST_INPUTS": 0xFFFF,
    "BF16": 3,  # in wasi:nn; no other numbering has it
    "OUTPUT_AROUND": _AROUND_OUTPUT,
    "OUTPUT_FIRST": PAGE_SIZE - _AROUND_OUTPUT,
    "OUTPUT_LARGEST": 64 * 1024 * 1024 - _AROUND_OUTPUT,
    **{
        errno.name: errno.value
        for errno in (
            Errno.INVALID_ARGUMENT,
            Errno.INVALID_ENCODING,
            Errno.UNSUPPORTED_OPERATION,
            Errno.TOO_LARGE,
        )
    },
}


class Lowered(NamedTuple):
    """A function of wasi:nn as a core module imports it: how many parameters it has, all i32,
    whether it has a result, an i32, and the function of shim.wat that takes its place."""

    parameters: int
    has_result: bool
    shim: str

    @property
    def type(self) -> FuncType:
        return _i32_type(self.parameters, self.has_result)


def _i32_type(parameters: int, has_result: bool) -> FuncType:
    return FuncType(("i32",) * parameters, ("i32",) * has_result)


_CONTEXT = "[method]graph-execution-context."
_ALL: Mapping[tuple[str, str], Lowered] = {
    ("tensor", "[constructor]tensor"): Lowered(5, True, "$tensor_new"),
    ("tensor", "[method]tensor.dimensions"): Lowered(2, False, "$tensor_dimensions"),
    ("tensor", "[method]tensor.ty"): Lowered(1, True, "$tensor_ty"),
    ("tensor", "[method]tensor.data"): Lowered(2, False, "$tensor_data"),
    ("tensor", "[resource-drop]tensor"): Lowered(1, False, "$tensor_drop"),
    ("graph", "load"): Lowered(5, False, "$load"),
    ("graph", "load-by-name"): Lowered(3, False, "$load_by_name"),
    ("graph", "[method]graph.init-execution-context"): Lowered(2, False, "$init_execution_context"),
    ("graph", "[resource-drop]graph"): Lowered(1, False, "$nothing"),
    ("inference", "[resource-drop]graph-execution-context"): Lowered(1, False, "$context_drop"),
    ("errors", "[method]error.code"): Lowered(1, True, "$error_code"),
    ("errors", "[method]error.data"): Lowered(2, False, "$error_data"),
    ("errors", "[resource-drop]error"): Lowered(1, False, "$error_drop"),
}
_JUNE: Mapping[tuple[str, str], Lowered] = {
    ("errors", "[constructor]error"): Lowered(3, True, "$error_new"),
}
_STEPS: Mapping[tuple[str, str], Lowered] = {
    ("inference", f"{_CONTEXT}set-input"): Lowered(5, False, "$set_input"),
    ("inference", f"{_CONTEXT}compute"): Lowered(2, False, "$compute"),
    ("inference", f"{_CONTEXT}get-output"): Lowered(4, False, "$get_output"),
}
_RECORDS: Mapping[tuple[str, str], Lowered] = {
    ("graph", "load"): Lowered(5, False, "$load"),
    ("graph", "load-by-name"): Lowered(3, False, "$load_by_name"),
    ("inference", "init-execution-context"): Lowered(2, False, "$init_execution_context"),
    ("inference", "set-input"): Lowered(8, False, "$set_record"),
    ("inference", "compute"): Lowered(2, False, "$compute"),
    ("inference", "get-output"): Lowered(3, False, "$get_bytes"),
}
_NAMED_RECORDS: Mapping[tuple[str, str], Lowered] = {
    **_RECORDS,
    ("inference", "set-input"): Lowered(9, False, "$set_named_record"),
    ("inference", "get-output"): Lowered(4, False, "$get_named_bytes"),
}
_COMPUTE: Mapping[tuple[str, str], Lowered] = {
    ("inference", f"{_CONTEXT}compute"): Lowered(4, False, "$compute_named")
}
_DROP = "_drop"
"""How drops end in the names of `cm32p2|`; otherwise they begin with `[resource-drop]`."""


def lowered(snapshot: Snapshot, interface: str, function: str) -> Lowered | None:
    """A function of an interface, such as `graph`, by its name in either scheme. None where it is
    not one that the shim has."""
    if function.endswith(_DROP):
        function = f"[resource-drop]{function.removesuffix(_DROP)}"
    name = interface, function
    if snapshot in (FIVE_TYPES, RECORDS):
        return _RECORDS.get(name)
    if snapshot is NAMED_RECORDS:
        return _NAMED_RECORDS.get(name)
    if name in _JUNE:
        return _JUNE[name] if function in snapshot.functions["errors"] else None
    if interface == "errors" and not snapshot.functions["errors"]:
        return None
    return (_COMPUTE if snapshot is OCTOBER else _STEPS).get(name) or _ALL.get(name)


class Part(NamedTuple):
    """A function of the shim. `calls` are the names that it calls."""

    name: str
    function: Function
    calls: Sequence[str]

    @property
    def type(self) -> FuncType:
        return _i32_type(len(self.function.parameters), self.function.has_result)


def needed(functions: Iterable[str], names: Names, snapshot: Snapshot) -> Sequence[Part]:
    """These functions of shim.wat and what they call, in the order of the file, for programs of a
    version or form. `names` are those of the program's models. Raises UsageError for too many
    outputs."""
    functions = [*functions]
    parts = _parts(names, "$error_new" in functions, snapshot)
    wanted: set[str] = set()
    waiting = [*functions]
    while waiting:
        name = waiting.pop()
        if name in parts and name not in wanted:
            wanted.add(name)
            waiting += parts[name].calls
    return [part for name, part in parts.items() if name in wanted]


_IS_MADE = f"local.get $errno  i32.const {PAGE_SIZE}  i32.ge_u  if $made"
"""Blocks are in pages that were added to a memory of one page or more, and errnos are smaller."""

_MADE = {
    "MADE_CODE": f"{_IS_MADE}  local.get $errno  call $is_error"
    "  local.get $errno  i32.load offset=8  return  end",
    "MADE_DATA": f"{_IS_MADE}  local.get $errno  call $is_error"
    "  local.get $errno  i32.const 16  i32.add  local.get $errno  i32.load offset=12"
    "  i32.const 1  local.get $area  call $give  return  end",
    "MADE_DROP": f"{_IS_MADE}  local.get $errno  call $is_error"
    "  local.get $errno  call $free  return  end",
}
"""What shim.wat says of these."""


def _values_of(snapshot: Snapshot) -> Mapping[str, int | str]:
    """What shim.wat and shim.numbers.wat say of a version or form."""
    has_ggml = snapshot in (RESOURCES, LAST_UNVERSIONED, *VERSIONED)
    has_numbers = not snapshot.functions["errors"]
    number = "call $error_number  i32.store8 offset=4"
    return {
        "LAST_ENCODING": 5 + has_ggml,
        "GGML": 5 if has_ggml else -1,
        "STORE_ERROR": number if has_numbers else "i32.store offset=4",
        "ANSWER_NOTHING": "call $answer_nothing" if has_numbers else "call $answer",
        "LAST_NUMBER": 6,
        "RUNTIME_ERROR": 3,
        "LACKS_TYPES": int(snapshot is FIVE_TYPES),
        "LAST_TYPE": 4 if snapshot is FIVE_TYPES else 6,
    }


def _parts(names: Names, makes_errors: bool, snapshot: Snapshot) -> Mapping[str, Part]:
    made = _MADE if makes_errors else dict.fromkeys(_MADE, "")
    values: dict[str, int | str] = {**_VALUES, **made, **_values_of(snapshot)}
    values |= {"GUESSES": int(not names.inputs), "OUTPUTS": count_of(names)}
    files = ("shim.wat", "shim.numbers.wat")
    text = fill("".join(read(str(Path(__file__).with_name(name))) for name in files), values)
    return {part.name: part for part in _read_parts(f"{text}\n{text_of(names)}")}


_COMMENT = re.compile(r";;.*")


def _read_parts(text: str) -> Iterator[Part]:
    _, *functions = _COMMENT.sub("", text).split("(func ")
    for each in functions:
        name, rest = each.split(maxsplit=1)
        function = read_function(f"(func {rest}")
        words = function.instructions
        calls = [after for word, after in itertools.pairwise(words) if word == "call"]
        yield Part(name, function, calls)
