"""Installs adapters for the wasi-nn imports of a module, or removes them.

The imports stay where they are, so that every function keeps its index. Adapters are the last
functions, and are exported under names that identify them (rewriter.adapters.generations). All
references to the import are redirected to the adapter. Code does not move if its indices are padded
to the width that linkers use.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import partial

from rewriter.adapters.adapter import Adapter
from rewriter.analysis.adapted.adapter_global import GLOBAL, GLOBAL_EXPORT, adapter_global, not_ours
from rewriter.analysis.adapted.existing_adapters import own_exports
from rewriter.analysis.inspect import ModuleInfo
from rewriter.errors import UnsupportedModule
from rewriter.functions.assembler import encode_func_type
from rewriter.functions.code import defined_functions, redirect_code
from rewriter.functions.instructions import Reference
from rewriter.functions.references import REFERRING_SECTIONS, section_references
from rewriter.rewriting.left_types import left_types
from rewriter.rewriting.values import NOT_ADAPTING, Adapted, Adapting, ImportedAs
from rewriter.wasm.imports import ExternKind
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.names import encode_name, rename_functions
from rewriter.wasm.patch import Edit, Patch, resized
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import AdapterMemory, FuncType

__all__ = ["adapt"]


def adapt(patch: Patch, info: ModuleInfo, wanted: Mapping[int, Adapter | None]) -> Adapting:
    """Plan the installation or removal of an adapter for each import whose index is in `wanted`.

    Raises ModuleError if the module cannot be read as far as needed.
    """
    adapted = tuple(_adapted(info, wanted))
    if not adapted or info.adapter_memory is None:
        return NOT_ADAPTING
    return _Adaptation(patch, info, wanted, info.adapter_memory).plan(adapted)


def _adapted(info: ModuleInfo, wanted: Mapping[int, Adapter | None]) -> Iterator[Adapted]:
    for slot, after in wanted.items():
        standing = info.adapters.get(slot)
        before = standing.adapter if standing else None
        if before != after:
            yield Adapted(before.function if before else info.wasi_nn[slot].name, after)


class _Adaptation:
    """The steps of an installation. Each adds its edits to one kind of section to the patch."""

    def __init__(
        self,
        patch: Patch,
        info: ModuleInfo,
        wanted: Mapping[int, Adapter | None],
        memory: AdapterMemory,
    ) -> None:
        self.patch = patch
        self.module = patch.module
        self.info = info
        self.wanted = wanted
        self.own_global = adapter_global(self.module)
        needed = any(found.adapter.needs_global for found in info.adapters.values())
        if self.own_global.export and self.own_global.last and not needed:
            raise not_ours(self.own_global.export)
        self.memory = memory._replace(global_index=self.own_global.number)
        self.added = [(slot, adapter) for slot, adapter in wanted.items() if adapter]
        _, self.bodies = defined_functions(self.module)
        # New adapters replace all old ones.
        self.dropped = len(info.adapters)
        self.kept = len(self.bodies) - self.dropped
        self.first = info.imported_functions + self.kept
        self.standing = {found.function_index for found in info.adapters.values()}
        self.old = [range(e.start, e.end) for e in own_exports(self.module, info.adapters)]
        self.needs_global = any(adapter.needs_global for _, adapter in self.added)
        self.new_types = False

    def plan(self, adapted: tuple[Adapted, ...]) -> Adapting:
        imports = self._types()
        self._functions()
        self._global()
        redirected = self._redirected()
        elsewhere = self._sections(redirected)
        self._exports()
        in_code, moved, moved_inside = self._code(redirected)
        names = [adapter.name for _, adapter in self.added]
        rename_functions(self.patch, self.first, names)
        resized = self.new_types or len(names) != self.dropped
        return Adapting(adapted, imports, elsewhere + in_code, moved, moved_inside, resized)

    def _types(self) -> dict[int, ImportedAs]:
        """The names and types of adapted imports in the host's form. Missing types are appended,
        and types that an earlier rewrite appended are removed."""
        types = self.module.types
        left = left_types(self.info, self.bodies, self.kept)
        staying = len(types) - left
        needed = dict.fromkeys(adapter.imported_type for _, adapter in self.added)
        known: dict[FuncType, int] = {}
        for index, func_type in enumerate(itertools.islice(types, staying)):
            if func_type is not None and func_type in needed:
                known.setdefault(func_type, index)
        missing = [func_type for func_type in needed if func_type not in known]
        self.new_types = len(missing) != left
        added = [encode_func_type(func_type) for func_type in missing]
        self.patch.append(SectionId.TYPE, added, left, types.start(staying) if left else None)
        known |= {func_type: staying + place for place, func_type in enumerate(missing)}
        changes: dict[int, ImportedAs] = {}
        for slot, adapter in self.wanted.items():
            if adapter:
                changes[slot] = adapter.imported, known[adapter.imported_type]
            elif standing := self.info.adapters.get(slot):
                changes[slot] = standing.adapter.function, standing.type_index
        return changes

    def _functions(self) -> None:
        """Declare the adapters, with the types with which the guest called the imports."""
        added = []
        for slot, _ in self.added:
            standing = self.info.adapters.get(slot)
            index = standing.type_index if standing else self.info.wasi_nn[slot].type_index
            added.append(encode_u32(index or 0))
        section = self.module.find(SectionId.FUNCTION)
        end = None
        if section and self.dropped:
            cursor = section.cursor()
            for _ in range(1 + self.kept):
                cursor.u32()
            end = cursor.pos
        self.patch.append(SectionId.FUNCTION, added, self.dropped, end)

    def _global(self) -> None:
        """Add the adapters' global if it is needed, or remove it if it is the last global."""
        section, item, export = self.module.find(SectionId.GLOBAL), *self.own_global[1:3]
        if item is None and self.needs_global:
            self.patch.append(SectionId.GLOBAL, [GLOBAL])
        elif section and item and export and (self.needs_global or self.own_global.last):
            self.old.append(export)
            if not self.needs_global and section.cursor().u32() == 1:
                self.patch.drop(section)
            elif not self.needs_global:
                self.patch.append(SectionId.GLOBAL, [], 1, item.start)

    def _redirected(self) -> dict[int, int]:
        """The function indices to replace, old to new."""
        before = {slot: standing.function_index for slot, standing in self.info.adapters.items()}
        after = {slot: self.first + place for place, (slot, _) in enumerate(self.added)}
        pairs = ((before.get(slot, slot), after.get(slot, slot)) for slot in self.wanted)
        return {old: new for old, new in pairs if old != new}

    def _named(self, redirected: Mapping[int, int]) -> Set[int]:
        """The functions whose references have to be looked at: redirected ones; all old adapters,
        even if they keep their index; imports that have an adapter, which nothing else may refer
        to; and the indices of new adapters, which nothing can refer to yet."""
        added = range(self.first + self.dropped, self.first + len(self.added))
        return redirected.keys() | self.standing | self.info.adapters.keys() | set(added)

    def _to_redirect(
        self, references: Iterable[Reference], redirected: Mapping[int, int]
    ) -> list[Reference]:
        """The references to redirect: all but those to an adapter whose replacement has the same
        index."""
        staying = self.standing - redirected.keys()
        return [reference for reference in references if reference.index not in staying]

    def _sections(self, redirected: Mapping[int, int]) -> int:
        """Redirect what stands outside of function bodies, and count it."""
        count = 0
        wanted = self._named(redirected)
        for section in self.module.sections:
            if section.id in REFERRING_SECTIONS:
                found = self._to_redirect(section_references(section, wanted), redirected)
                if section.id is SectionId.EXPORT:
                    found = [r for r in found if not any(r.start in export for export in self.old)]
                self.patch.edit(section, [_redirect(r, redirected) for r in found])
                count += len(found)
        return count

    def _exports(self) -> None:
        """Export the new adapters instead of the old ones. The module has an export section,
        because it exports its memory."""
        section = self.module.find(SectionId.EXPORT)
        if section is None:
            return
        cursor = section.cursor()
        count = cursor.u32()
        names = [adapter.export(slot) for slot, adapter in self.added]
        added = [
            encode_name(name) + bytes([ExternKind.FUNC]) + encode_u32(self.first + place)
            for place, name in enumerate(names)
        ]
        if self.needs_global:
            index = encode_u32(self.own_global.number)
            added.append(encode_name(GLOBAL_EXPORT) + bytes([ExternKind.GLOBAL]) + index)
        more = len(added) - len(self.old)
        edits = resized(section.content, cursor.pos, count, more)
        edits += (Edit(export.start, export.stop, b"") for export in self.old)
        self.patch.edit(section, [*edits, Edit(section.end, section.end, b"".join(added))])

    def _code(self, redirected: Mapping[int, int]) -> tuple[int, bool, bool]:
        """Redirect calls. Returns their number, whether code has moved in the section, and whether
        code has moved in its function."""
        added = []
        for slot, adapter in self.added:
            instructions = adapter.body(slot, self.memory)
            added.append(encode_u32(len(instructions)) + instructions)
        end = self.bodies[self.kept - 1].end if self.kept else None
        moved = self.patch.append(SectionId.CODE, added, self.dropped, end)
        count, moved_inside = redirect_code(
            self.patch,
            self.bodies,
            self.kept,
            self._named(redirected),
            partial(self._redirect, redirected),
        )
        return count, moved or moved_inside, moved_inside

    def _redirect(self, redirected: Mapping[int, int], reference: Reference) -> Edit | None:
        found = self._to_redirect([reference], redirected)
        return _redirect(reference, redirected) if found else None


def _redirect(reference: Reference, redirected: Mapping[int, int]) -> Edit:
    """The edit that replaces an index. It keeps the width of the old index if possible."""
    if reference.index not in redirected:
        raise UnsupportedModule(
            f"function {reference.index} is referenced, but the rewrite would give its index to "
            "another function: it is an adapter, or does not exist",
            reference.start,
            "NN112",
            "build the module again",
        )
    index = encode_u32(redirected[reference.index], reference.end - reference.start)
    return Edit(reference.start, reference.end, index)
