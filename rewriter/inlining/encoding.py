"""The bytes of a component's items and sections.

Specification: https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rewriter.components.sections import SectionKind
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.names import encode_name

__all__ = [
    "INSTANCE",
    "U32",
    "alias",
    "core_alias",
    "core_exports",
    "drop",
    "import_instance",
    "instance_of",
    "instantiate",
    "instantiate_component",
    "lower",
    "scalar_functions",
    "section",
    "vector",
]

INSTANCE = b"\x05"
"""The code of this sort."""

U32 = b"\x79"
"""The type."""

_SORTS = {"func": b"\x01", "type": b"\x03"}
_CORE_SORTS = {"core func": b"\x00", "core memory": b"\x02"}
_SCALARS = {"u32": U32, "u64": b"\x77"}


def vector(items: Sequence[bytes]) -> bytes:
    return encode_u32(len(items)) + b"".join(items)


def section(kind: SectionKind, content: bytes) -> bytes:
    return bytes([kind]) + encode_u32(len(content)) + content


def alias(sort: str, instance: int, name: str) -> bytes:
    """An alias of an instance's export: a `func` or a `type`."""
    return _SORTS[sort] + b"\x00" + encode_u32(instance) + encode_name(name)


def core_alias(sort: str, instance: int, name: str) -> bytes:
    """An alias of a core instance's export: a `core func` or a `core memory`."""
    return b"\x00" + _CORE_SORTS[sort] + b"\x01" + encode_u32(instance) + encode_name(name)


def lower(function: int, memory: int | None = None, realloc: int | None = None) -> bytes:
    options = [
        code + encode_u32(index)
        for code, index in ((b"\x03", memory), (b"\x04", realloc))
        if index is not None
    ]
    return b"\x01\x00" + encode_u32(function) + vector(options)


def drop(resource: int) -> bytes:
    return b"\x03" + encode_u32(resource)


def core_exports(exports: Iterable[tuple[str, str, int]]) -> bytes:
    """A core instance of things that exist: the name, sort and index of each."""
    items = [encode_name(name) + _CORE_SORTS[sort] + encode_u32(at) for name, sort, at in exports]
    return b"\x01" + vector(items)


def instantiate(module: int, arguments: Mapping[str, int]) -> bytes:
    """A core instance of a core module, which imports from core instances by name."""
    items = [encode_name(name) + b"\x12" + encode_u32(at) for name, at in arguments.items()]
    return b"\x00" + encode_u32(module) + vector(items)


def instantiate_component(component: int, arguments: Iterable[tuple[str, bytes, int]]) -> bytes:
    """An instance of a component: the name, the code of the sort and the index of each argument."""
    items = [encode_name(name) + code + encode_u32(at) for name, code, at in arguments]
    return b"\x00" + encode_u32(component) + vector(items)


def instance_of(exports: Iterable[tuple[str, bytes, int]]) -> bytes:
    """An instance of things that exist: the name, the code of the sort and the index of each."""
    items = [encode_name(name) + code + encode_u32(at) for name, code, at in exports]
    return b"\x01" + vector(items)


def import_instance(name: str, type_index: int) -> bytes:
    return b"\x00" + encode_name(name) + b"\x05" + encode_u32(type_index)


def scalar_functions(functions: Mapping[str, tuple[Sequence[str], str | None]]) -> bytes:
    """The type of an instance of functions by name: of each the types of its parameters, `u32` or
    `u64`, which are called p0, p1 and so on, and that of its result, or None."""
    declarations = []
    for number, (name, (parameters, result)) in enumerate(functions.items()):
        labelled = [encode_name(f"p{at}") + _SCALARS[each] for at, each in enumerate(parameters)]
        results = b"\x01\x00" if result is None else b"\x00" + _SCALARS[result]
        declarations.append(b"\x01\x40" + vector(labelled) + results)
        declarations.append(b"\x04\x00" + encode_name(name) + b"\x01" + encode_u32(number))
    return b"\x42" + vector(declarations)
