"""A core module from functions in the text format, which rewriter.functions.assembler reads."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rewriter.functions.assembler import Function, assemble, encode_func_type, read_function
from rewriter.functions.wat import fill, read
from rewriter.wasm.leb128 import encode_signed, encode_u32
from rewriter.wasm.names import encode_name
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import PAGE_SIZE, FuncType

__all__ = ["OWN_MEMORY", "Imported", "core_module", "i32_type", "types_of"]

OWN_MEMORY = "shim_memory"
"""What a memory that is not the program's is called: `memory` is the program's."""

_GUEST = "$guest_"
"""What the names of functions begin with that use the second memory."""

_HEADER = b"\0asm\x01\0\0\0"
_FUNCTION, _MEMORY = b"\x00", b"\x02"


class Imported(NamedTuple):
    """An imported function: the module, its name there, and its type."""

    module: str
    name: str
    type: FuncType


def i32_type(parameters: int, has_result: bool = False) -> FuncType:
    return FuncType(("i32",) * parameters, ("i32",) * has_result)


def types_of(files: Iterable[str]) -> Mapping[str, FuncType]:
    """The types of all functions in some files."""
    return {
        name: i32_type(len(each.parameters), each.has_result)
        for file in files
        for name, each in _functions(file).items()
    }


def core_module(
    files: Sequence[str],
    imports: Mapping[str, Imported],
    exports: Mapping[str, str],
    values: Mapping[str, int],
    memories: Sequence[tuple[str, str]] = (),
    data: tuple[int, bytes] | None = None,
) -> bytes:
    """A core module of all functions in some files.

    `imports` are by the names that the functions call; `exports` are names of functions in the
    files by the names of exports. `memories` are imported. If there are none, the module has and
    exports a memory of its own, with `data` at an address.
    """
    found = {
        name: each
        for file in files
        for name, each in _functions(file, tuple(sorted(values.items()))).items()
    }
    own = types_of(files)
    indices = {name: at for at, name in enumerate((*imports, *found))}
    types = [*dict.fromkeys((*(each.type for each in imports.values()), *own.values()))]
    importing = [
        *(_named(module, name) + _MEMORY + b"\0\0" for module, name in memories),
        *(
            _named(each.module, each.name) + _FUNCTION + encode_u32(types.index(each.type))
            for each in imports.values()
        ),
    ]
    bodies = [
        assemble(each, functions=indices, memory=int(name.startswith(_GUEST)))
        for name, each in found.items()
    ]
    exported = [encode_name(to) + _FUNCTION + encode_u32(indices[of]) for to, of in exports.items()]
    sections = [
        (SectionId.TYPE, [encode_func_type(each) for each in types]),
        (SectionId.IMPORT, importing),
        (SectionId.FUNCTION, [encode_u32(types.index(own[name])) for name in found]),
    ]
    if not memories:
        pages = 1 if data is None else (data[0] + len(data[1])) // PAGE_SIZE + 1
        sections.append((SectionId.MEMORY, [b"\0" + encode_u32(pages)]))
        exported.append(encode_name(OWN_MEMORY) + _MEMORY + b"\0")
    sections.append((SectionId.EXPORT, exported))
    sections.append((SectionId.CODE, [encode_u32(len(body)) + body for body in bodies]))
    if data is not None:
        at, text = data
        offset = b"\x41" + encode_signed(at) + b"\x0b"
        sections.append((SectionId.DATA, [b"\0" + offset + encode_u32(len(text)) + text]))
    return _HEADER + b"".join(_section(kind, items) for kind, items in sections)


def _named(module: str, name: str) -> bytes:
    return encode_name(module) + encode_name(name)


def _section(kind: SectionId, items: Sequence[bytes]) -> bytes:
    content = encode_u32(len(items)) + b"".join(items)
    return bytes([kind]) + encode_u32(len(content)) + content


_COMMENT = re.compile(r";;.*")


@functools.cache
def _functions(
    file: str, values: tuple[tuple[str, int], ...] | None = None
) -> Mapping[str, Function]:
    """The functions of a file by name, with these values where they are given."""
    text = _COMMENT.sub("", read(str(Path(__file__).with_name(file))))
    return dict(_read(text if values is None else fill(text, dict(values))))


def _read(text: str) -> Iterator[tuple[str, Function]]:
    _, *functions = text.split("(func ")
    for each in functions:
        name, rest = each.split(maxsplit=1)
        yield name, read_function(f"(func {rest}")
