"""The functions of the shim that know the names of a model's inputs and outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from rewriter.errors import MalformedModule, UsageError
from rewriter.rewriting.making.adapter import NO_NAMES, Names
from rewriter.wasm.module import Module
from rewriter.wasm.names import encode_name

__all__ = ["SECTION", "count_of", "names_in", "names_section", "text_of"]

SECTION = "nnshim.names"
"""A custom section with the names that a core module was made with, for `nnshim verify`: an object
in JSON with `inputs` and `outputs`, which have names by decimal index."""

_MOST_OUTPUTS = 256
"""More than models have that a guest gets all outputs of at once. Each makes the shim larger."""


def names_section(names: Names) -> bytes:
    """The content of the section."""
    return encode_name(SECTION) + json.dumps(names._asdict(), ensure_ascii=False).encode()


def names_in(module: Module) -> Names:
    """The names that a core module was made with. Raises MalformedModule for another content of
    the section."""
    section = module.custom(SECTION)
    if section is None:
        return NO_NAMES
    cursor = section.cursor()
    cursor.name()
    try:
        found = json.loads(bytes(section.data[cursor.pos : section.end]))
        inputs, outputs = ({int(i): str(n) for i, n in found[k].items()} for k in Names._fields)
        return Names(inputs, outputs)
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        raise MalformedModule(f"the section {SECTION} has another form", section.start) from None


def count_of(names: Names) -> int:
    """How many outputs compute returns: 1 if their names are not known. Raises UsageError for too
    many."""
    count = max(names.outputs, default=0) + 1
    if count > _MOST_OUTPUTS:
        raise UsageError(
            f"outputs (--output-name): an index is under {_MOST_OUTPUTS} for a core module"
        )
    return count


def text_of(names: Names) -> str:
    """$find_input and $find_output, which give the index of a name or -1, and $output_name, which
    puts the name of an output to `at`: its address, and its length."""
    outputs = {index: names.outputs.get(index, str(index)) for index in range(count_of(names))}
    lines = (
        *_find("input", 12, names.inputs),
        *_find("output", 20, outputs if names.outputs else {}),
        *_name(outputs),
    )
    return "\n".join(lines)


def _find(kind: str, known: int, names: Mapping[int, str]) -> Iterator[str]:
    """Names come before decimal indices, as in a component on a host of wasi:nn. Without names,
    the context has the first other name at `known`."""
    parameters = "(param $context i32) (param $name i32) (param $length i32)"
    yield f"(func $find_{kind} {parameters} (result i32)"
    if names:
        yield "local.get $name  local.get $length  call $is_inside"
    for index, name in names.items():
        text = name.encode()
        yield f"block $other  local.get $length  i32.const {len(text)}  i32.ne  br_if $other"
        for size, at, value in _pieces(text):
            load, constant = _LOADS[size]
            yield f"local.get $name  {load} offset={at}  {constant}.const {value}  {constant}.ne"
            yield "br_if $other"
        yield f"i32.const {_signed(index, 32)}  return  end"
    if names:
        yield "local.get $name  local.get $length  call $decimal)"
    else:
        yield f"local.get $context  i32.const {known}  i32.add"
        yield "local.get $name  local.get $length  call $index)"


def _name(outputs: Mapping[int, str]) -> Iterator[str]:
    yield "(func $output_name (param $index i32) (param $at i32) (local $to i32)"
    for index, name in outputs.items():
        text = name.encode()
        yield f"local.get $index  i32.const {index}  i32.eq  if $this"
        yield f"i32.const 0  i32.const 0  i32.const 1  i32.const {len(text)}  call $realloc"
        yield "local.tee $to  i32.eqz  if $none  unreachable  end"
        for size, at, value in _pieces(text):
            store, constant = _STORES[size]
            yield f"local.get $to  {constant}.const {value}  {store} offset={at}"
        yield "local.get $at  local.get $to  i32.store offset=0"
        yield f"local.get $at  i32.const {len(text)}  i32.store offset=4  end"
    yield ")"


_LOADS = {8: ("i64.load", "i64"), 1: ("i32.load8_u", "i32")}
_STORES = {8: ("i64.store", "i64"), 1: ("i32.store8", "i32")}


def _pieces(text: bytes) -> Iterator[tuple[int, int, int]]:
    """Eight bytes at a time, and the rest one by one: the size, the offset, and the value."""
    whole = len(text) & -8
    for at in range(0, whole, 8):
        yield 8, at, int.from_bytes(text[at : at + 8], "little", signed=True)
    for at in range(whole, len(text)):
        yield 1, at, text[at]


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
