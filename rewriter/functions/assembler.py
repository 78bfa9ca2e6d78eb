"""A small assembler for one function in the text format.

It supports what adapters and shims need: i32 and i64, one memory, one global, and calls of named
functions.

    (func (param $tensor i32) (result i32)
      (local $rank i32)
      local.get $tensor  i32.load offset=4  local.tee $rank)

It is stricter than the text format: every parameter and local variable has a name and parentheses
of its own, `block`, `loop` and `if` have a label and no type, and loads and stores have an offset.
Their alignment is always one byte. Comments run to the end of a line.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.wasm.leb128 import MAX_U32_WIDTH, encode_signed, encode_u32
from rewriter.wasm.types import FuncType

__all__ = ["Function", "assemble", "encode_func_type", "read_function"]

_TYPES = {"i32": b"\x7f", "i64": b"\x7e"}
_NO_TYPE = b"\x40"

_PLAIN = {
    "unreachable": 0x00,
    "end": 0x0B,
    "return": 0x0F,
    "drop": 0x1A,
    "i32.eqz": 0x45,
    "i32.eq": 0x46,
    "i32.add": 0x6A,
    "i32.sub": 0x6B,
    "i32.lt_u": 0x49,
    "i32.gt_u": 0x4B,
    "i32.ge_u": 0x4F,
    "i32.clz": 0x67,
    "i32.mul": 0x6C,
    "i32.div_u": 0x6E,
    "i32.rem_u": 0x70,
    "i32.and": 0x71,
    "i32.or": 0x72,
    "i32.shl": 0x74,
    "i32.shr_u": 0x76,
    "i32.ne": 0x47,
    "i32.wrap_i64": 0xA7,
    "i64.lt_u": 0x54,
    "i64.gt_u": 0x56,
    "i64.ne": 0x52,
    "i64.add": 0x7C,
    "i64.sub": 0x7D,
    "i64.mul": 0x7E,
    "i64.and": 0x83,
    "i64.extend_i32_u": 0xAD,
}
_BLOCKS = {"block": 0x02, "loop": 0x03, "if": 0x04}
_LOCALS = {"local.get": 0x20, "local.set": 0x21, "local.tee": 0x22}
_GLOBALS = {"global.get": 0x23, "global.set": 0x24}
_MEMORY = {
    "i32.load": 0x28,
    "i64.load": 0x29,
    "i32.load8_u": 0x2D,
    "i32.store8": 0x3A,
    "i64.load32_u": 0x35,
    "i32.store": 0x36,
    "i64.store": 0x37,
}
_CONSTANTS = {"i32.const": 0x41, "i64.const": 0x42}
_BRANCHES = {"br": 0x0C, "br_if": 0x0D}
_CALL = 0x10
_PAGES = {"memory.size": 0x3F, "memory.grow": 0x40}
_HAS_MEMORY_INDEX = 0x40

_COMMENT = re.compile(r";;.*")
_DECLARATIONS = {"(param": 3, "(result": 2, "(local": 3}
"""The number of words in each declaration."""


class Function(NamedTuple):
    """A parsed function: the names of its parameters, which are all i32; its local variables, each
    with "i32" or "i64"; the words of its instructions; and whether it has a result, an i32."""

    parameters: Sequence[str]
    variables: Mapping[str, str]
    instructions: Sequence[str]
    has_result: bool = True


def read_function(text: str) -> Function:
    """Parse the text of one function, in the form that the module's docstring describes."""
    words = _COMMENT.sub("", text).rstrip().removesuffix(")").split()
    parameters: list[str] = []
    variables: dict[str, str] = {}
    has_result = False
    start = len(("(func",))
    while start < len(words) and (kind := words[start]) in _DECLARATIONS:
        end = start + _DECLARATIONS[kind]
        name, *types = words[start + 1 : end]
        if kind == "(param":
            parameters.append(name)
        elif kind == "(local":
            variables[name] = types[0].removesuffix(")")
        else:
            has_result = True
        start = end
    return Function(parameters, variables, words[start:], has_result)


def assemble(
    function: Function, *, functions: Mapping[str, int], memory: int, kept: int = 0
) -> bytes:
    """The bytes of a function body, without its size field.

    `call $host` calls the function with index `functions["$host"]`, and `$kept` stands for the
    global with index `kept`. Both indices are padded to five bytes, as linkers do. Loads and stores
    use the memory with index `memory`. Raises KeyError or ValueError for an unknown word.
    """
    indices = itertools.chain(function.parameters, function.variables)
    names = {name: index for index, name in enumerate(indices)}
    names |= {f"call {name}": index for name, index in functions.items()}
    names["$kept"] = kept
    body = bytearray(_declarations(function.variables))
    labels: list[str] = []
    words = itertools.chain(function.instructions, ["end"])
    for word in words:
        body += _instruction(word, words, names, labels, memory)
    return bytes(body)


def _declarations(variables: Mapping[str, str]) -> bytes:
    runs = [(kind, len(list(run))) for kind, run in itertools.groupby(variables.values())]
    return encode_u32(len(runs)) + b"".join(encode_u32(n) + _TYPES[kind] for kind, n in runs)


def _instruction(
    word: str,
    words: Iterator[str],
    names: Mapping[str, int],
    labels: list[str],
    memory: int,
) -> bytes:
    if word in _PLAIN:
        if word == "end" and labels:
            labels.pop()
        return bytes([_PLAIN[word]])
    if word in _BLOCKS:
        labels.append(next(words))
        return bytes([_BLOCKS[word]]) + _NO_TYPE
    if word in _BRANCHES:
        return bytes([_BRANCHES[word]]) + encode_u32(labels[::-1].index(next(words)))
    if word in _LOCALS:
        return bytes([_LOCALS[word]]) + encode_u32(names[next(words)])
    if word in _CONSTANTS:
        return bytes([_CONSTANTS[word]]) + encode_signed(int(next(words), 0))
    if word in _PAGES:
        return bytes([_PAGES[word]]) + encode_u32(memory)
    if word in _GLOBALS:
        return bytes([_GLOBALS[word]]) + encode_u32(names[next(words)], MAX_U32_WIDTH)
    if word == "call":
        return bytes([_CALL]) + encode_u32(names[f"call {next(words)}"], MAX_U32_WIDTH)
    index = bytes([_HAS_MEMORY_INDEX]) + encode_u32(memory) if memory else b"\0"
    offset = int(next(words).removeprefix("offset="))
    return bytes([_MEMORY[word]]) + index + encode_u32(offset)


def encode_func_type(func_type: FuncType) -> bytes:
    """A plain function type that has i32 only, as the type section has it."""
    parameters, results = len(func_type.params), len(func_type.results)
    return b"".join(
        (
            b"\x60",
            encode_u32(parameters),
            _TYPES["i32"] * parameters,
            encode_u32(results),
            _TYPES["i32"] * results,
        )
    )
