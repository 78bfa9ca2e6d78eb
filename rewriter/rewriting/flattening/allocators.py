"""Allocators that do not leave pages alone which the shim gets by memory.grow."""

from __future__ import annotations

import re

from rewriter.errors import UnsupportedModule
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId

__all__ = ["check_allocator"]

_DOUBLES = re.compile(rb"\x3f\0(?:\x22[\0-\x7f])?\x40\0(?:\x22[\0-\x7f])?\x41\x7f")
"""memory.size, memory.grow and i32.const -1, with or without local.tee between them: the heap grows
by the size of the memory, and then takes all of it."""


def check_allocator(module: Module) -> None:
    """Raises UnsupportedModule for Go and TinyGo. Go's heap takes the pages that it gets for those
    after the ones that it has, and TinyGo's takes all of the memory. Other allocators use the
    pages that they get only, once they have begun.

    https://github.com/golang/go/blob/go1.27.3/src/runtime/mem_wasm.go,
    https://github.com/tinygo-org/tinygo/blob/v0.39.0/src/runtime/arch_tinygowasm.go (growHeap)
    """
    code = module.find(SectionId.CODE)
    producers = module.custom("producers")
    said = b"" if producers is None else bytes(producers.data[producers.content : producers.end])
    language = None
    if b"TinyGo" in said or (code and _DOUBLES.search(code.data, code.content, code.end)):
        language = "TinyGo"
    elif b"Go cmd/" in said or any(map(module.custom, ("go:buildid", "go.buildid"))):
        language = "Go"
    if language is not None:
        raise UnsupportedModule(
            f"the heap of {language} takes memory that belongs to other functions, such as "
            "those that are added to a core module",
            code.start if code else None,
            "NN373",
            "use wasi_ephemeral_nn in the program, or run the component on a host that runs "
            "components",
        )
