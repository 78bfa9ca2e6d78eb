"""A module that is worked on: parsed once, whoever looks at it."""

from __future__ import annotations

from functools import cached_property

from rewriter.errors import UsageError
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import Section, SectionId, split
from rewriter.wasm.types import Types

__all__ = ["Module", "check_bytes"]


def check_bytes(data: object) -> None:
    """Raise UsageError for what is not the bytes of a module, such as its path or its text."""
    if isinstance(data, str) or not hasattr(data, "find"):
        raise UsageError(
            f"expected the bytes of a module, not {type(data).__name__}: read the file"
        )


class Module:
    """A core module: its bytes, which have to stay as they are, and what has been found in them;
    `name` is what messages call it.

    Raises UnsupportedModule for a component or a precompiled artifact, MalformedModule for
    anything else that is not a sequence of known sections, and UsageError for what is not bytes.
    """

    def __init__(self, data: Data, name: str = "<bytes>") -> None:
        check_bytes(data)
        self.data = data
        self.name = name
        self.sections = split(data)

    @classmethod
    def of(cls, module: Data | Module) -> Module:
        """The module itself, or that of its bytes."""
        return module if isinstance(module, Module) else cls(module)

    @property
    def size(self) -> int:
        """Of the whole module, in bytes."""
        return self.sections.end

    @cached_property
    def types(self) -> Types:
        """Raises MalformedModule where the type section cannot be read, and UnsupportedModule for
        too many types."""
        return Types(self.find(SectionId.TYPE))

    def find(self, section_id: SectionId) -> Section | None:
        """The section of this kind; for the custom ones, see `custom`."""
        return self.sections.standard.get(section_id)

    def custom(self, name: str) -> Section | None:
        """The first custom section of this name."""
        return next((section for section in self.sections if section.name == name), None)
