"""The types that an earlier rewrite has appended for imports that its adapters call.

They are the last ones, and go with the adapters, unless something else has come to use them.
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
"""What starts a value type that can name a type: ref null, ref."""


def left_types(info: ModuleInfo, bodies: Bodies, kept: int) -> int:
    """How many of the last types are those of imports before which an adapter stands, and of
    nothing else, as far as the first `kept` functions and all else show. Where that cannot be told,
    they stay."""
    types = info.module.types
    if not info.adapters or _tells_nothing(info.module):
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


def _tells_nothing(module: Module) -> bool:
    """Whether there is something that can name types in more ways than are looked for."""
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
    """The types of the functions that are not adapters or behind one."""
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
