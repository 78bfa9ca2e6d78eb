"""What the bodies of a module refer to: types, functions and globals, by their indices."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from rewriter.functions.features import cells, in_expression
from rewriter.wasm.imports import ExternKind, groups
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType, value_type

__all__ = ["Surroundings"]


class Surroundings:
    """See rewriter.functions.depth.Around. Few modules have bodies that it matters for."""

    def __init__(self, module: Module, indices: Sequence[int]) -> None:
        self._types = module.types
        self._module = module
        self._indices = indices
        results = {type_.results for type_ in module.types if type_ is not None}
        self.widest = max(map(cells, results), default=0)

    def type(self, index: int) -> FuncType | None:
        return self._types[index] if index < len(self._types) else None

    def of_body(self, place: int) -> FuncType | None:
        return self.type(self._indices[place])

    def function(self, index: int) -> FuncType | None:
        imported = self._imported[0]
        if index < len(imported):
            return self.type(imported[index])
        place = index - len(imported)
        return self.of_body(place) if place < len(self._indices) else None

    def width(self, index: int) -> int:
        globals_ = self._imported[1]
        return globals_[index] if index < len(globals_) else 1

    @functools.cached_property
    def _imported(self) -> tuple[list[int], list[int]]:
        """The types of imported functions, and the cells of all globals."""
        functions, globals_ = [], []
        section = self._module.find(SectionId.IMPORT)
        for group in groups(section) if section else ():
            for item in group.imports:
                if item.extern.is_func:
                    functions.append(item.extern.type_index or 0)
                elif item.extern.kind is ExternKind.GLOBAL:
                    cursor = Cursor(self._module.data, item.extern_start + 1, item.extern_end)
                    globals_.append(cells((value_type(cursor),)))
        if section := self._module.find(SectionId.GLOBAL):
            cursor = section.cursor()
            for _ in range(cursor.count("globals")):
                globals_.append(cells((value_type(cursor),)))
                cursor.byte()
                in_expression(cursor, {}, 0)
        return functions, globals_
