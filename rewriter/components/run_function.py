"""The function `run` of an instance that a component exports, and whether hosts can call it.

The instance is followed to where it comes from: functions that are listed, a component inside, or
the type of an import. A type that is written beside an export does not count: a function has no
other type there, and where an instance has fewer functions there, Wasmtime 49 finds them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from rewriter.components.core_types import skip_core_type
from rewriter.components.items import Item, items
from rewriter.components.sections import ComponentCursor, Reference, SectionKind, sections
from rewriter.components.types import (
    INSTANCE_TYPE,
    extern_name,
    extern_type,
    skip_alias,
    skip_type,
    sort,
)
from rewriter.wasm.reader import Cursor, Data

__all__ = ["RunFunction", "run_function"]

_MOST_ITEMS = 50_000
"""Items that are read. The largest known components have a few thousand."""

_MOST_STEPS = 100
"""From an index to the thing that it names. `wasm-tools component new` needs fewer than ten."""

_FUNCTION, _RESULT = 0x40, 0x6A
_ASYNC_FUNCTION = 0x43


class RunFunction(Enum):
    """What an exported instance has under the name `run`."""

    FITS = "a function of the type `func() -> result`"
    MISSING = "no function"
    OTHER_TYPE = "a function of another type"
    UNKNOWN = "something that was not found: see _Lost"


def run_function(data: Data, name: str) -> RunFunction:
    """What `run` is in the instance that a component exports by this name."""
    try:
        return _Follower(data).run(name)
    except _Lost:
        return RunFunction.UNKNOWN


class _Lost(Exception):
    """Something cannot be followed: there are too many steps or items, it comes from an imported
    component, the type of an import leaves it out, or an index does not exist."""


class _At(NamedTuple):
    """A definition, at data[start:end]."""

    start: int
    end: int


class _Typed(NamedTuple):
    """Something that only its type tells about: the index of that type."""

    type_index: int


class _Same(NamedTuple):
    """The same as what has this index, `outwards` components or types around this."""

    number: int
    outwards: int = 0


class _Of(NamedTuple):
    """The export `name` of the instance with this index."""

    instance: int
    name: str


_Thing = _At | _Typed | _Same | _Of | None
"""None is a resource."""


class _Space:
    """What has an index in a component or an instance type, by sort; and its exports by name, each
    with its sort."""

    def __init__(self, parent: _Space | None) -> None:
        self.parent = parent
        self.things: dict[str, list[_Thing]] = {
            "func": [],
            "instance": [],
            "component": [],
            "type": [],
        }
        self.exports: dict[str, tuple[str, _Thing]] = {}

    def add(self, kind: str | None, thing: _Thing) -> None:
        if kind in self.things:
            self.things[kind].append(thing)


class _Follower:
    """Finds where things in a component come from. Raises _Lost where that is not known."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._steps = self._items = 0
        self._spaces: dict[int, _Space] = {}
        """By the position of the component or type."""

    def run(self, name: str) -> RunFunction:
        root = self._component(None, _At(0, len(self._data)))
        kind, instance = root.exports[name]
        found = self._export(root, instance, "run") if kind == "instance" else None
        if found is None or found[1] != "func":
            return RunFunction.MISSING
        space, _, thing = found
        space, function = self._follow(space, "func", thing)
        if isinstance(function, _At):
            raise _Lost
        return self._fits(*self._definition(space, function.type_index))

    def _fits(self, space: _Space, cursor: Cursor) -> RunFunction:
        """Compare the type that the cursor stands at."""
        form = cursor.byte()
        if form != _FUNCTION:  # whether a host takes an asynchronous one depends on its release
            raise _Lost
        if cursor.u32() or cursor.byte():  # parameters, or nothing is returned
            return RunFunction.OTHER_TYPE
        index = cursor.s33()
        if index < 0:
            return RunFunction.OTHER_TYPE
        _, result = self._definition(space, index)
        is_plain = [result.byte(), *result.data[result.pos : result.pos + 2]] == [_RESULT, 0, 0]
        return RunFunction.FITS if is_plain else RunFunction.OTHER_TYPE

    def _follow(self, space: _Space, kind: str, thing: _Thing) -> tuple[_Space, _At | _Typed]:
        """The definition or the type of something that is known in a space."""
        while not isinstance(thing, _At | _Typed):
            self._steps += 1
            if thing is None or self._steps > _MOST_STEPS:
                raise _Lost
            if isinstance(thing, _Of):
                found = self._export(space, _Same(thing.instance), thing.name)
                if found is None or found[1] != kind:
                    raise _Lost
                space, _, thing = found
                continue
            for _ in range(thing.outwards):
                if space.parent is None:
                    raise _Lost
                space = space.parent
            if thing.number >= len(space.things[kind]):
                raise _Lost
            thing = space.things[kind][thing.number]
        return space, thing

    def _export(
        self, space: _Space, instance: _Thing, name: str
    ) -> tuple[_Space, str, _Thing] | None:
        """An export of an instance: where it is known, its sort, and what it is. None if the
        instance does not have it."""
        space, found = self._follow(space, "instance", instance)
        if isinstance(found, _Typed):
            space = self._instance_type(*self._definition(space, found.type_index))
            if name not in space.exports:
                raise _Lost
        else:
            cursor = ComponentCursor(self._data, *found)
            if cursor.byte() == 1:
                return self._listed(space, cursor, name)
            space, component = self._follow(space, "component", _Same(cursor.u32()))
            space = self._component(space, component)
        export = space.exports.get(name)
        return None if export is None else (space, *export)

    def _listed(
        self, space: _Space, cursor: ComponentCursor, name: str
    ) -> tuple[_Space, str, _Thing] | None:
        for _ in range(cursor.count("exports")):
            self._count()
            found = extern_name(cursor).text
            kind, index = sort(cursor), cursor.u32()
            if found == name:
                return space, kind, _Same(index)
        return None

    def _definition(self, space: _Space, type_index: int) -> tuple[_Space, ComponentCursor]:
        space, found = self._follow(space, "type", _Same(type_index))
        if isinstance(found, _Typed):
            raise _Lost
        return space, ComponentCursor(self._data, *found)

    def _component(self, parent: _Space | None, found: _At | _Typed) -> _Space:
        if isinstance(found, _Typed):
            raise _Lost
        if found.start in self._spaces:
            return self._spaces[found.start]
        space = self._spaces[found.start] = _Space(parent)
        for section in sections(self._data, *found):
            for item in items(section):
                self._count()
                thing = self._thing(section.kind, item)
                space.add(item.adds, thing)
                if section.kind is SectionKind.EXPORT and item.adds is not None:
                    cursor = ComponentCursor(self._data, item.start, item.end)
                    space.exports[extern_name(cursor).text] = item.adds, thing
        return space

    def _thing(self, section: SectionKind, item: Item) -> _Thing:
        references = item.references
        if section is SectionKind.ALIAS:
            return self._alias(references[0], item.end)
        if section is SectionKind.CANONICAL_FUNCTION:
            return _Typed(references[-1].number) if item.adds == "func" else None
        if section is SectionKind.IMPORT:
            return _declared(item.adds, references)
        if section is SectionKind.EXPORT:
            return _Same(references[0].number)
        return _At(item.start, item.end)

    def _alias(self, target: Reference, end: int) -> _Thing:
        """`end` is the alias's: the name of an export stands before it."""
        if target.end == end:
            return _Same(target.number, -target.scope)
        return _Of(target.number, Cursor(self._data, target.end, end).name().text)

    def _instance_type(self, parent: _Space, cursor: ComponentCursor) -> _Space:
        start = cursor.pos
        if start in self._spaces:
            return self._spaces[start]
        if cursor.byte() != INSTANCE_TYPE:
            raise _Lost
        space = self._spaces[start] = _Space(parent)
        for form, kind, thing, name in self._declarations(cursor):
            space.add(kind, thing)
            if form == 4:
                space.exports[name] = kind, thing
        return space

    def _declarations(self, cursor: ComponentCursor) -> Iterator[tuple[int, str, _Thing, str]]:
        """The declarations of an instance type: the form, the sort and the thing of each, and the
        name of an export."""
        for _ in range(cursor.count("declarations")):
            self._count()
            form, references = cursor.byte(), list[Reference]()
            start, cursor.references = cursor.pos, references
            if form == 0:
                skip_core_type(cursor)
            elif form == 1:
                skip_type(cursor)
                yield form, "type", _At(start, cursor.pos), ""
            elif form == 2:
                kind = skip_alias(cursor)
                yield form, kind, self._alias(references[0], cursor.pos), ""
            else:
                name = extern_name(cursor).text
                kind, _ = extern_type(cursor)
                yield form, kind, _declared(kind, references), name

    def _count(self) -> None:
        self._items += 1
        if self._items > _MOST_ITEMS:
            raise _Lost


def _declared(kind: str | None, references: Sequence[Reference]) -> _Thing:
    """What an import, or an export in a type, is declared as."""
    if not references:
        return None
    number = references[0].number
    return _Same(number) if kind == "type" else _Typed(number)
