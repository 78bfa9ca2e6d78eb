"""Validates many modules with one process of wasm-tools, whose start takes longer than most of
them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from rewriter.errors import InvalidModule
from rewriter.files import wasm_tools
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import COMPONENT, MODULE

__all__ = ["Valid", "valid_together"]


class Valid(IntEnum):
    """What is known of a module. False only where it may be invalid."""

    UNKNOWN = 0
    YES = 1
    IN_2 = 2
    """It is valid in WebAssembly 2.0, without anything that is newer."""


_CORE_MODULE = b"\x01"
"""The section of a component that has a core module, which is validated by the same rules as one
in a file, and knows of nothing around it.

https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
"""

_MOST = 100
"""Modules at a time. wasm-tools takes 1000 in a component (MAX_WASM_MODULES).

https://github.com/bytecodealliance/wasm-tools/blob/main/crates/wasmparser/src/limits.rs
"""

_LARGEST = 1 << 24
"""Bytes at a time: they are in memory, here and in wasm-tools."""


def valid_together(modules: Sequence[Data]) -> list[Valid]:
    """Whether wasm-tools accepts each of the modules, as a part of one component.

    A core module that is valid there is valid in a file of its own, too. Of any other one, nothing
    is known: it is not valid, or has to be looked at by itself, as a component (which could refer
    to what stands around it) and a large module have. That a module is valid in WebAssembly 2.0
    is known only where all that are validated together are.

    Raises DependencyMissing if wasm-tools is not installed, and ToolError if it fails.
    """
    found = [Valid.UNKNOWN] * len(modules)
    batch: list[int] = []
    size = 0
    for number, data in enumerate(modules):
        if bytes(data[: len(MODULE)]) != MODULE or len(data) > _LARGEST:
            continue
        if len(batch) == _MOST or size + len(data) > _LARGEST:
            _validate(modules, batch, found)
            batch, size = [], 0
        batch.append(number)
        size += len(data)
    _validate(modules, batch, found)
    return found


_IN_2 = "wasm2,component-model"


def _validate(modules: Sequence[Data], batch: Sequence[int], found: list[Valid]) -> None:
    """Say it of a batch. One module alone gains nothing."""
    if len(batch) < 2:
        return
    if _are_valid(modules, batch, _IN_2):
        for number in batch:
            found[number] = Valid.IN_2
    else:
        _try(modules, batch, found)


def _try(modules: Sequence[Data], batch: Sequence[int], found: list[Valid]) -> None:
    """Say of a batch that it is valid, or of its halves."""
    if len(batch) < 2:
        return
    if _are_valid(modules, batch, "all"):
        for number in batch:
            found[number] = Valid.YES
        return
    middle = len(batch) // 2
    _try(modules, batch[:middle], found)
    _try(modules, batch[middle:], found)


def _are_valid(modules: Sequence[Data], batch: Sequence[int], features: str) -> bool:
    try:
        wasm_tools.validate(_component([modules[number] for number in batch]), features)
    except InvalidModule:
        return False
    return True


def _component(modules: Sequence[Data]) -> list[Data]:
    """In pieces, so that the modules are not copied."""
    sections = ((_CORE_MODULE, encode_u32(len(data)), data) for data in modules)
    return [COMPONENT, *(piece for section in sections for piece in section)]
