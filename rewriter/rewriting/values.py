"""What a rewrite is made of, as values: renames, adapters that change, and the plan of it all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from rewriter.diagnostics import Diagnostic
from rewriter.wasm.patch import Edit, growth

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["NOT_ADAPTING", "Adapted", "Adapting", "ImportedAs", "Plan", "Rename"]


class Rename(NamedTuple):
    """`imports` counts the imports that change their module name from `old` to `new`."""

    old: str
    new: str
    imports: int


ImportedAs = tuple[str, int]
"""The name and the type index that an import gets."""


class Adapted(NamedTuple):
    """A function of the guest that goes through another adapter than before, or None."""

    function: str
    after: Adapter | None

    def __str__(self) -> str:
        if self.after is None:
            return f"{self.function}, back to what it was"
        return f"{self.function}, from {self.after.source.name} to {self.after.target.name}"


class Adapting(NamedTuple):
    """`imports` has, by function index, what is imported in another form than before.

    `references` counts what was redirected; `moved` says that code has moved in the code section,
    so that what describes it by its position is wrong now, and `moved_inside` that it has in its
    function, too. A module that was `resized` has more or fewer functions or types than before.
    """

    adapted: tuple[Adapted, ...]
    imports: Mapping[int, ImportedAs]
    references: int
    moved: bool
    moved_inside: bool
    resized: bool


NOT_ADAPTING = Adapting((), {}, 0, moved=False, moved_inside=False, resized=False)


class Plan(NamedTuple):
    """The edits that make the output of the input; sizes in bytes.

    With nothing to do there are no edits, and the input is the output. `dropped` names the custom
    sections that go, `outdated` those that describe code by positions which have changed, each name
    once. `ungrouped` counts the imports that were in groups, which have their module name once, and
    are no longer. `marked` is the ABI that the module is made to say its guest has. `notes` say
    what was guessed, and what no longer holds.
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
        """Of the output, in bytes."""
        return self.input_size + growth(self.edits)

    @property
    def pieces(self) -> tuple[range | bytes, ...]:
        """The output in order: ranges are bytes of the input, passed on as they are."""
        pieces: list[range | bytes] = []
        pos = 0
        for edit in self.edits:
            pieces += [range(pos, edit.start), edit.replacement]
            pos = edit.end
        pieces.append(range(pos, self.input_size))
        return tuple(piece for piece in pieces if len(piece))
