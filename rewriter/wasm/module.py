"""A module that is parsed only once and then shared."""

from __future__ import annotations

from functools import cached_property

from rewriter.errors import UsageError
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import Section, SectionId, split
from rewriter.wasm.types import Types

__all__ = ["Module", "check_bytes"]


def check_bytes(data: object) -> None:
    """Raise UsageError if `data` is not bytes, but for example the module's path or text."""
    if isinstance(data, str) or not hasattr(data, "find"):
        raise UsageError(
            f"expected the bytes of a module, not {type(data).__name__}: read the file"
        )


class Module:
    """A core module: its bytes, which must not change, and the sections and types in them. `name`
    is its name in messages. `is_valid_2` is set where a validator has said that it is valid in
    WebAssembly 2.0; it is False where nobody knows.

    Raises UnsupportedModule for a component or a precompiled artifact, MalformedModule for
    anything else that is not a sequence of known sections, and UsageError if `data` is not bytes.
    """

    def __init__(self, data: Data, name: str = "<bytes>") -> None:
        check_bytes(data)
        self.data = data
        self.name = name
        self.is_valid_2 = False
        self.sections = split(data)

    @classmethod
    def of(cls, module: Data | Module) -> Module:
        """`module` itself, or a Module made from its bytes."""
        return module if isinstance(module, Module) else cls(module)

    @property
    def size(self) -> int:
        """The size of the whole module in bytes."""
        return self.sections.end

    @cached_property
    def types(self) -> Types:
        """The types of the type section. Raises MalformedModule if the section cannot be read, and
        UnsupportedModule if it has too many types."""
        return Types(self.find(SectionId.TYPE))

    def find(self, section_id: SectionId) -> Section | None:
        """The section of this kind, or None. For custom sections, see `custom`."""
        return self.sections.standard.get(section_id)

    def custom(self, name: str) -> Section | None:
        """The first custom section with this name, or None."""
        return next((section for section in self.sections if section.name == name), None)
