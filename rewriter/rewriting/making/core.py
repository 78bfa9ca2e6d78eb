"""The core module on its way into a component: how it starts, and its bytes."""

from __future__ import annotations

from rewriter.analysis.inspect import inspect_module
from rewriter.components.component import Component, Part
from rewriter.components.repeated_imports import number_imports
from rewriter.components.sections import SectionKind
from rewriter.rewriting.making.reserve import replace_module
from rewriter.wasm.imports import ExternKind
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.names import encode_name
from rewriter.wasm.patch import Edit, Patch, resized
from rewriter.wasm.sections import SectionId

__all__ = ["START", "keep_bytes", "start_later"]

START = "_start"
"""What a command exports, and what its component runs."""


def start_later(module: Module) -> Module:
    """The module with its start function as the export `_start`, if it has no such export.

    A start function runs while the component is instantiated, before there are adapters: its calls
    of WASI and wasi-nn would trap.
    """
    start, export = module.find(SectionId.START), module.find(SectionId.EXPORT)
    exports = inspect_module(module).exports
    if start is None or export is None or START in exports or "_initialize" in exports:
        return module
    patch = Patch(module)
    index = start.cursor().u32()
    cursor = export.cursor()
    count = cursor.u32()
    patch.edit(export, resized(export.content, cursor.pos, count, 1))
    item = encode_name(START) + bytes([ExternKind.FUNC]) + encode_u32(index)
    patch.edit(export, [Edit(export.end, export.end, item)])
    patch.drop(start)
    return Module(patch.applied(), module.name)


def keep_bytes(component: bytes, core: Module) -> bytes:
    """The component with the core module byte for byte as it was, except for the names of repeated
    imports. wasm-tools writes the sizes of sections anew, and some toolchains pad them."""
    wanted = number_imports(core)
    content = _content(Module(wanted))
    for section in Component(component).sections:
        if section.kind is not SectionKind.CORE_MODULE:
            continue
        part = Part(component, section.content, section.end, 1, False)
        if _content(part.module()) == content:
            return replace_module(component, section, wanted)
    return component


def _content(module: Module) -> list[tuple[int, bytes]]:
    return [(s.id, bytes(module.data[s.content : s.end])) for s in module.sections]
