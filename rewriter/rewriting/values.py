"""The values that describe a rewrite: renames, changed adapters, and the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from rewriter.diagnostics import Diagnostic
from rewriter.wasm.patch import Edit, growth
from rewriter.wasm.reader import Data

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["NOT_ADAPTING", "Adapted", "Adapting", "ImportedAs", "Plan", "Rename"]


class Rename(NamedTuple):
    """`imports` counts the imports that change their module name from `old` to `new`."""

    old: str
    new: str
    imports: int


ImportedAs = tuple[str, int]
"""The new name and type index of an import."""


class Adapted(NamedTuple):
    """A function of the guest whose adapter changes. `after` is the new adapter, or None."""

    function: str
    after: Adapter | None

    def __str__(self) -> str:
        if self.after is None:
            return f"{self.function}, adapter removed"
        return f"{self.function}, from {self.after.source.name} to {self.after.target.name}"


class Adapting(NamedTuple):
    """The changes that adapters make.

    - `imports`: the new name and type of each changed import, by function index.
    - `references`: the number of redirected references.
    - `moved`: code has moved in the code section, so that positions in it are outdated.
    - `moved_inside`: code has moved in its function too.
    - `resized`: the number of functions or types has changed.
    """

    adapted: tuple[Adapted, ...]
    imports: Mapping[int, ImportedAs]
    references: int
    moved: bool
    moved_inside: bool
    resized: bool


NOT_ADAPTING = Adapting((), {}, 0, moved=False, moved_inside=False, resized=False)


class Plan(NamedTuple):
    """The edits that turn the input into the output. Sizes are in bytes.

    If there is nothing to do, there are no edits, and the output is the input.

    - `dropped`: the names of removed custom sections, without repeats.
    - `outdated`: the names of custom sections that describe code by positions that have changed,
      without repeats.
    - `ungrouped`: the number of imports that were taken out of groups, which store their module
      name once.
    - `marked`: the ABI in a mark that is added to the module.
    - `notes`: what was guessed, and what has become outdated.
    """

    input_size: int
    edits: tuple[Edit, ...]
    renames: tuple[Rename, ...]
    adapting: Adapting
    dropped: tuple[str, ...]
    outdated: tuple[str, ...]
    ungrouped: int = 0
    marked: str | None = None
    notes: tuple[Diagnostic, ...] = ()

    @property
    def output_size(self) -> int:
        """The size of the output in bytes."""
        return self.input_size + growth(self.edits)

    @property
    def pieces(self) -> tuple[range | bytes, ...]:
        """The output in order. A range stands for unchanged bytes of the input."""
        pieces: list[range | bytes] = []
        pos = 0
        for edit in self.edits:
            pieces += [range(pos, edit.start), edit.replacement]
            pos = edit.end
        pieces.append(range(pos, self.input_size))
        return tuple(piece for piece in pieces if len(piece))

    def applied(self, data: Data) -> bytes:
        """The output for the input `data`, in memory."""
        pieces = self.pieces
        return b"".join(p if isinstance(p, bytes) else data[p.start : p.stop] for p in pieces)
