"""Functions of wasi:nn and where they are used in a component, at byte offsets of the file."""

from __future__ import annotations

from typing import NamedTuple

from rewriter.wasm.reader import Name

__all__ = ["DROP", "NNAlias", "NNImport", "Other", "Site", "Use"]

DROP = "[resource-drop]"
"""What the names of functions that drop a handle begin with."""

_EARLY = ("[method]tensor.ty", "[method]error.code")


class Use(NamedTuple):
    """A function of an interface such as `graph`: `load`, or `[resource-drop]graph`."""

    interface: str
    name: str

    @property
    def export(self) -> str:
        return f"{self.interface}#{self.name}"

    @property
    def early(self) -> bool:
        """Whether it takes no pointers, so that it can be lowered before there is a memory."""
        return self.name.startswith(DROP) or self.name in _EARLY


class Site(NamedTuple):
    """Where a function is lowered, at data[start:end]. `memory` and `realloc` are indices, or None.
    `plain` means that strings are UTF-8, and that there are no options newer than WASI 0.2."""

    use: Use
    start: int
    end: int
    memory: int | None = None
    realloc: int | None = None
    plain: bool = True


class Other(NamedTuple):
    """A use of an interface besides lowering its functions, at a byte offset."""

    interface: str
    what: str
    offset: int


class NNImport(NamedTuple):
    """An imported interface of wasi:nn: where the import begins, its name, and the index of its
    type among types and its own among instances."""

    start: int
    name: Name
    type_index: int
    instance: int


class NNAlias(NamedTuple):
    """A `func` or `type` of an interface, by its name there. `start` is where the alias begins."""

    start: int
    interface: str
    sort: str
    name: Name
