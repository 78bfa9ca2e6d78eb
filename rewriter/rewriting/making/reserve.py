"""Room between the guest's memory and the pages of adapters, so that they do not meet.

Adapters get pages by `memory.grow`. Some allocators do not expect that. Go's runtime believes
that the pages that it gets follow those that it has. wasi-libc before 2023, and with it older C and
Rust, takes all memory that is there at the first call of malloc.

https://github.com/golang/go/blob/go1.27.3/src/runtime/mem_wasm.go,
https://github.com/WebAssembly/wasi-libc/blob/main/dlmalloc/src/malloc.c (try_init_allocator)
"""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.abi.snapshots import PACKAGE
from rewriter.components.component import Component, Part
from rewriter.components.sections import ComponentSection, SectionKind
from rewriter.functions.assembler import encode_func_type
from rewriter.functions.code import defined_functions
from rewriter.wasm.imports import imports_of
from rewriter.wasm.leb128 import encode_signed, encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.patch import Patch
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType, MemoryType

__all__ = ["replace_module", "reserve"]

_MOST_PAGES = 1 << 16


def reserve(component: bytes, memory: MemoryType, required: bool) -> bytes:
    """The component, with a start function in the adapter for wasi-nn that takes pages before any
    adapter gets one: half of those by which the guest's memory may grow. What the guest asks for
    comes on top, and at most the other half is left for it. So a guest that counts on pages in one
    piece never reaches those of the adapters. Pages that nobody touches take no memory.

    If the host does not give so many, the component stops there if they are `required`.
    """
    most = _MOST_PAGES if memory.maximum is None else min(memory.maximum, _MOST_PAGES)
    pages = (most - memory.minimum + 1) // 2
    for section, module in _adapters(component):
        patch = Patch(module)
        _, bodies = defined_functions(module)
        imported = sum(item.extern.is_func for _, item in imports_of(module))
        body = _body(pages, required)
        patch.append(SectionId.TYPE, [encode_func_type(FuncType((), ()))])
        patch.append(SectionId.FUNCTION, [encode_u32(len(module.types))])
        patch.append(SectionId.CODE, [encode_u32(len(body)) + body])
        patch.add(SectionId.START, encode_u32(imported + len(bodies)))
        return replace_module(component, section, patch.applied())
    return component


def _body(pages: int, required: bool) -> bytes:
    """i32.const PAGES, memory.grow, and `drop`, or `i32.const -1, i32.eq, if, unreachable, end`."""
    checked = bytes((0x41, 0x7F, 0x46, 0x04, 0x40, 0x00, 0x0B)) if required else b"\x1a"
    return b"\x00\x41" + encode_signed(pages) + b"\x40\x00" + checked + b"\x0b"


def _adapters(component: bytes) -> Iterator[tuple[ComponentSection, Module]]:
    for section in Component(component).sections:
        if section.kind is SectionKind.CORE_MODULE:
            module = Part(component, section.content, section.end, 1, False).module()
            if any(group.module.text.startswith(f"{PACKAGE}/") for group, _ in imports_of(module)):
                yield section, module


def replace_module(component: bytes, section: ComponentSection, module: bytes) -> bytes:
    """The component with another core module in a section."""
    head = component[: section.start + 1]
    return b"".join((head, encode_u32(len(module)), module, component[section.end :]))
