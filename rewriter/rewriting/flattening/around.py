"""The core modules around a component's program: adapters, and those that connect them to it.

A core module is made of the program alone. So nothing else in the component may do anything but
stand between the program and the host.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from rewriter.abi.dialects import MODULE_NAMES
from rewriter.abi.wasi import WASI
from rewriter.components.component import Part
from rewriter.constants.decoding import NotFollowed, Op, decode
from rewriter.errors import UnsupportedModule
from rewriter.functions.code import defined_functions
from rewriter.inlining.shims.module import OWN_MEMORY
from rewriter.rewriting.flattening.exports import exports_of
from rewriter.wasm.imports import imports_of
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType

__all__ = ["MAIN", "check_around", "is_adapter"]

MAIN = "__main_module__"
"""From where adapters import what the program exports."""


def check_around(program: Module, others: Iterable[Part]) -> None:
    """Raises UnsupportedModule for a core module that is neither an adapter nor a shim, and does
    not connect one, as the modules of `wasm-tools component new` with a table do; ModuleError
    for what cannot be read."""
    for part in others:
        module = part.module()
        with part.offsets():
            if part.depth == 1 and (
                is_adapter(module, program) or _connects(module) or _is_shim(module)
            ):
                continue
        raise UnsupportedModule(
            "the component has a core module besides the program that is not an adapter for it",
            part.start,
            "NN342",
            "build the program as one core module",
        )


def is_adapter(module: Module, program: Module) -> bool:
    """Whether it has functions of WASI 0.1 or wasi-nn that the program imports, or imports what the
    program exports."""
    if any(group.module.text == MAIN for group, _ in imports_of(module)):
        return True
    wanted = {
        item.name.text for group, item in imports_of(program) if group.module.text in _ADAPTED
    }
    return not wanted.isdisjoint(exports_of(module))


_ADAPTED: Set[str] = {WASI, *MODULE_NAMES}


def _is_shim(module: Module) -> bool:
    """Whether it is one of the two modules between versions of wasi:nn that a rewrite adds."""
    sources = {group.module.text for group, _ in imports_of(module)}
    if OWN_MEMORY in exports_of(module):
        return sources <= {"host"}
    has_memory = any(item.name.text == OWN_MEMORY for _, item in imports_of(module))
    return has_memory and sources <= {"early", "guest", "host"}


def _connects(module: Module) -> bool:
    """Whether it only puts functions into a table, and has functions that call those there."""
    sections = module.sections.standard
    if SectionId.DATA in sections or SectionId.START in sections:
        return False
    _, bodies = defined_functions(module)
    return all(_forwards(module, bytes(bodies.data[start:end])) for start, end in bodies.contents)


def _forwards(module: Module, body: bytes) -> bool:
    """Whether a function only passes its parameters on to one of a table."""
    try:
        code = decode(body, lambda index: module.types.of_function(index, 0) or _NO_TYPE)
    except NotFollowed:
        return False
    opcodes = [opcode for opcode, *_ in code.instructions]
    return opcodes[-3:] == [Op.I32_CONST, Op.CALL_INDIRECT, Op.END] and all(
        opcode == Op.LOCAL_GET for opcode in opcodes[:-3]
    )


_NO_TYPE = FuncType((), ())
