"""Room between the guest's memory and the pages of adapters, so that they do not meet.

Adapters get pages by `memory.grow`. Some allocators do not expect that. Go's runtime believes
that the pages that it gets follow those that it has. wasi-libc before 2023, and with it older C and
Rust, takes all memory that is there at the first call of malloc, and uses it from its beginning on.

https://github.com/golang/go/blob/go1.27.3/src/runtime/mem_wasm.go,
https://github.com/WebAssembly/wasi-libc/blob/main/dlmalloc/src/malloc.c (try_init_allocator)
"""

from __future__ import annotations

from rewriter.components.component import Component, Part
from rewriter.components.items import instantiated
from rewriter.components.sections import ComponentSection, SectionKind
from rewriter.functions.assembler import encode_func_type
from rewriter.functions.code import defined_functions
from rewriter.wasm.imports import ExternKind, imports_of
from rewriter.wasm.leb128 import encode_signed, encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.names import encode_name
from rewriter.wasm.patch import Edit, Patch, growth, resized
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType, MemoryType

__all__ = ["replace_module", "reserve"]

_MOST_PAGES = 1 << 16

_FOR_ADAPTERS = 1 << 10
"""In pages, 64 MiB. So much is left for adapters below 2 GiB: jco takes addresses from there on for
negative numbers."""


_STOPS = "NN360: the host gives the component too little memory"
"""The name of the function that stops the component then."""

_FUNCTION_NAMES = 1
"""A subsection of the section `name`.

https://webassembly.github.io/spec/core/appendix/custom.html#name-section
"""


def reserve(component: bytes, memory: MemoryType, contiguous: bool) -> bytes:
    """The component, with a start function in the adapter that is instantiated first. It takes
    pages before any adapter gets one: half of those by which the guest's memory may grow. What the
    guest asks for comes on top, and at most the other half is left for it. So a guest that counts
    on pages in one piece never reaches those of the adapters. Unless it is `contiguous` (Go), there
    are fewer if the adapters' pages would come after the first 2 GiB otherwise. Pages that nobody
    touches take no memory.

    If the host does not give so many, the component stops there.
    """
    most = _MOST_PAGES if memory.maximum is None else min(memory.maximum, _MOST_PAGES)
    pages = half = (most - memory.minimum + 1) // 2
    below = _MOST_PAGES // 2 - _FOR_ADAPTERS - memory.minimum
    if not contiguous and below > half // 2:
        pages = min(half, below)
    section, module = _first_adapter(Component(component))
    patch = Patch(module)
    _, bodies = defined_functions(module)
    imported = sum(item.extern.is_func for _, item in imports_of(module))
    start = module.find(SectionId.START)
    body = _body(pages, None if start is None else start.cursor().u32())
    patch.append(SectionId.TYPE, [encode_func_type(FuncType((), ()))])
    patch.append(SectionId.FUNCTION, [encode_u32(len(module.types))])
    patch.append(SectionId.CODE, [encode_u32(len(body)) + body])
    if start is not None:
        patch.drop(start)
    index = imported + len(bodies)
    patch.add(SectionId.START, encode_u32(index))
    _name(patch, index)
    return replace_module(component, section, patch.applied())


def _body(pages: int, then: int | None) -> bytes:
    """i32.const PAGES, memory.grow, i32.const -1, i32.eq, if, unreachable, end; and a call of the
    function `then`."""
    call = b"" if then is None else b"\x10" + encode_u32(then)
    checked = bytes((0x41, 0x7F, 0x46, 0x04, 0x40, 0x00, 0x0B))
    return b"\x00\x41" + encode_signed(pages) + b"\x40\x00" + checked + call + b"\x0b"


def _name(patch: Patch, index: int) -> None:
    """Give the new function, which is the last one, a name for the backtraces of hosts, if the
    module names its functions, as the adapters do."""
    section = patch.module.custom("name")
    if section is None:
        return
    cursor = section.cursor()
    cursor.name()  # the section's own
    while cursor.pos < section.end:
        kind, sized = cursor.byte(), cursor.pos
        size, content = cursor.u32(), cursor.pos
        if kind == _FUNCTION_NAMES:
            count = cursor.u32()
            edits = resized(content, cursor.pos, count, 1)
            end = content + size
            edits.append(Edit(end, end, encode_u32(index) + encode_name(_STOPS)))
            patch.edit(section, [*resized(sized, content, size, growth(edits)), *edits])
        cursor.pos = content + size


def _first_adapter(component: Component) -> tuple[ComponentSection, Module]:
    """Of those that import the guest's memory, the one that is instantiated first."""
    sections = list(component.sections)
    modules = [each for each in sections if each.kind is SectionKind.CORE_MODULE]
    instances = [each for each in sections if each.kind is SectionKind.CORE_INSTANCE]
    for each in instances:
        for index in instantiated(each.cursor()):
            section = modules[index]
            module = Part(section.data, section.content, section.end, 1, False).module()
            if any(item.extern.kind is ExternKind.MEMORY for _, item in imports_of(module)):
                return section, module
    raise AssertionError("a component without an adapter")


def replace_module(component: bytes, section: ComponentSection, module: bytes) -> bytes:
    """The component with another core module in a section."""
    head = component[: section.start + 1]
    return b"".join((head, encode_u32(len(module)), module, component[section.end :]))
