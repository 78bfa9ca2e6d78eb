"""Finds the types that an earlier rewrite appended for the imports that its adapters call.

They are the last types. They are removed together with the adapters, unless something else uses
them now.
"""

from __future__ import annotations

from collections.abc import Collection

from rewriter.analysis.inspect import ModuleInfo
from rewriter.functions.code import Bodies, defined_types, may_name_type
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId

__all__ = ["left_types"]

_MAY_NAME_TYPES = (SectionId.TABLE, SectionId.GLOBAL, SectionId.ELEMENT)
_REFERENCES = (b"\x63", b"\x64")
"""The first bytes of value types that can refer to a type: ref null, ref."""


def left_types(info: ModuleInfo, bodies: Bodies, kept: int) -> int:
    """The number of types at the end that are used only by adapted imports, and not by the first
    `kept` functions or anything else. If that is uncertain, they are not counted and stay."""
    types = info.module.types
    if not info.adapters or _uses_unknown(info.module):
        return 0
    used = _used(info, kept)
    wanted = {standing.adapter.imported_type for standing in info.adapters.values()}
    left = 0
    while left < len(types):
        index = len(types) - 1 - left
        is_one = types[index] in wanted and index not in used
        if not is_one or may_name_type(bodies, kept, index):
            break
        left += 1
    return left


def _uses_unknown(module: Module) -> bool:
    """Whether the module may refer to types in ways that are not looked for."""
    if module.find(SectionId.TAG) is not None or module.types.beyond_functions:
        return True
    values = (
        v for func_type in module.types if func_type for v in func_type.params + func_type.results
    )
    if any(value.startswith("(") for value in values):
        return True
    sections = filter(None, map(module.find, _MAY_NAME_TYPES))
    return any(
        section.data.find(start, section.content, section.end) >= 0
        for section in sections
        for start in _REFERENCES
    )


def _used(info: ModuleInfo, kept: int) -> Collection[int]:
    """The types of all functions that are neither adapters nor adapted imports."""
    used, function = set[int](), 0
    for item in info.imports:
        if item.kind == "func":
            if item.type_index is not None and function not in info.adapters:
                used.add(item.type_index)
            function += 1
    section = info.module.find(SectionId.FUNCTION)
    if section is not None:
        used.update(defined_types(section)[:kept])
    used.update(standing.type_index for standing in info.adapters.values())
    return used
