"""Where the output of a rewrite goes: a file, standard output, or what else has these functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from rewriter.files import output
from rewriter.files.input import Source
from rewriter.files.pieces import assemble

__all__ = ["File", "Pieces", "Place"]

Pieces = tuple[range | bytes, ...]
"""The output in order: bytes, and ranges of the source's bytes."""


class Place(Protocol):
    """A place that an output can have."""

    def check(self, source: Source) -> None:
        """Raise UsageError where a binary cannot go there."""

    def holds(self, source: Source) -> bool:
        """Whether the source was read from there, so that nothing has to be written if nothing has
        changed."""

    def write(self, source: Source, pieces: Pieces, check: Callable[[bytes | str], None]) -> None:
        """Write the pieces, whole or not at all. `check` gets the output, or the path to it, before
        it takes the place of what was there, and what it raises stops that. Raises OutputError."""


class File(NamedTuple):
    """A file, or `-` for standard output."""

    path: str

    def check(self, source: Source) -> None:
        output.check_path(source, self.path)

    def holds(self, source: Source) -> bool:
        return output.is_same_file(source, self.path)

    def write(self, source: Source, pieces: Pieces, check: Callable[[bytes | str], None]) -> None:
        if self.path != "-":
            output.write_atomic(self.path, source, pieces, check)
            return
        rewritten = assemble(source, pieces)
        check(rewritten)
        output.write_to_stdout(rewritten)
