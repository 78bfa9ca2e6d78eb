"""A component that is worked on."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, TypeVar

from rewriter.components.items import ComponentExport, ComponentImport, check, exports, imports
from rewriter.components.sections import (
    DEEPEST,
    ComponentCursor,
    ComponentSection,
    SectionKind,
    is_component,
    sections,
)
from rewriter.components.types import (
    INSTANCE_TYPE,
    TypeExport,
    exports_of_instance_type,
    skip_alias,
    skip_type,
)
from rewriter.errors import MalformedModule, ModuleError, UnsupportedModule
from rewriter.wasm.module import Module
from rewriter.wasm.reader import Data, Reading

__all__ = ["Component", "Part"]

T = TypeVar("T")


class Part(NamedTuple):
    """A core module or a component inside a component, at data[start:end]; `depth` is 1 for what
    stands in the outermost one."""

    data: Data
    start: int
    end: int
    depth: int
    is_component: bool

    @property
    def size(self) -> int:
        """In bytes."""
        return self.end - self.start

    def module(self) -> Module:
        """A copy, to be read. Raises ModuleError with the offset in the whole file."""
        with self.offsets():
            return Module(self.data[self.start : self.end])

    @contextmanager
    def offsets(self) -> Iterator[None]:
        """Raise ModuleError about a copy again, with the offset in the whole file."""
        try:
            yield
        except ModuleError as error:
            offset = None if error.offset is None else error.offset + self.start
            raise type(error)(error.reason, offset, error.code, error.remedy) from error


class Component:
    """A component: its bytes, which have to stay as they are, and what is in them. Nothing that a
    file can have millions of is kept.

    Raises MalformedModule, with the offset, for bytes that do not follow the binary format, and
    UnsupportedModule for another version of it or for components nested more than DEEPEST deep.
    Whether indices and types fit each other is not checked; `wasm-tools validate` does that.
    """

    def __init__(self, data: Data, name: str = "<bytes>") -> None:
        self.data = data
        self.name = name
        self.newer = _check(Part(data, 0, len(data), 0, True))
        """The first thing that is newer than the component model of WASI 0.2, and its position."""
        for part in self.parts():
            if part.is_component:
                found = _check(part)
                self.newer = self.newer or found

    @property
    def size(self) -> int:
        """Of the whole component, in bytes."""
        return len(self.data)

    @property
    def sections(self) -> Reading[ComponentSection]:
        """Of the outermost component, in order."""
        return Reading(partial(sections, self.data, 0, len(self.data)))

    @property
    def imports(self) -> Reading[ComponentImport]:
        """Of the outermost component, in order."""
        return Reading(partial(self._all, SectionKind.IMPORT, imports))

    @property
    def exports(self) -> Reading[ComponentExport]:
        """Of the outermost component, in order."""
        return Reading(partial(self._all, SectionKind.EXPORT, exports))

    def _all(
        self, kind: SectionKind, read: Callable[[ComponentCursor], Iterator[T]]
    ) -> Iterator[T]:
        for section in self.sections:
            if section.kind is kind:
                yield from read(section.cursor())

    def parts(self) -> Iterator[Part]:
        """The core modules and components inside, each before what it contains."""
        waiting = [iter(sections(self.data, 0, len(self.data)))]
        while waiting:
            section = next(waiting[-1], None)
            if section is None:
                waiting.pop()
            elif section.kind is SectionKind.CORE_MODULE:
                yield Part(self.data, section.content, section.end, len(waiting), False)
            elif section.kind is SectionKind.COMPONENT:
                yield Part(self.data, section.content, section.end, len(waiting), True)
                if len(waiting) >= DEEPEST:
                    raise UnsupportedModule(
                        f"components are nested more than {DEEPEST} deep", section.start, "NN104"
                    )
                waiting.append(iter(sections(self.data, section.content, section.end)))

    def instance_types(
        self, wanted: Container[int | None]
    ) -> Iterator[tuple[int, Iterator[TypeExport]]]:
        """The instance types with these indices, in order, and the exports of each: functions and
        types by name. What stands at such an index and is not an instance type is left out."""
        index = 0
        for section in self.sections:
            for form, start in _types(section):
                if index in wanted and form == INSTANCE_TYPE:
                    yield (
                        index,
                        exports_of_instance_type(ComponentCursor(self.data, start, section.end)),
                    )
                index += 1


_OTHER = -1


def _types(section: ComponentSection) -> Iterator[tuple[int, int]]:
    """The types that a section adds to a component's: the first byte and the position of each,
    with _OTHER for what stands for a type from elsewhere."""
    cursor = section.cursor()
    if section.kind is SectionKind.TYPE:
        for _ in range(cursor.count("types")):
            start = cursor.pos
            yield skip_type(cursor), start
    elif section.kind is SectionKind.ALIAS:
        for _ in range(cursor.count("aliases")):
            start = cursor.pos
            if skip_alias(cursor) == "type":
                yield _OTHER, start
    elif section.kind is SectionKind.IMPORT:
        for item in imports(cursor):
            if item.sort == "type":
                yield _OTHER, item.name.start
    elif section.kind is SectionKind.EXPORT:
        for export in exports(cursor):
            if export.sort == "type":
                yield _OTHER, export.name.start


def _check(part: Part) -> tuple[str, int] | None:
    newer = None
    for section in sections(part.data, part.start, part.end):
        found = check(section)
        newer = newer or found
        if section.kind is SectionKind.CORE_MODULE and is_component(part.data, section.content):
            raise MalformedModule("a component stands where a core module has to", section.content)
    return newer
