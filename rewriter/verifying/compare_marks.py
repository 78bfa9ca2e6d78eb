"""Compares the marks of the guest's ABI in two modules."""

from __future__ import annotations

from collections.abc import Iterator

from rewriter.abi.dialects import Dialect
from rewriter.analysis.adapted.guest_mark import marked_guest, marks
from rewriter.analysis.fitting import tells_guest
from rewriter.analysis.inspect import ModuleInfo
from rewriter.verifying.difference import Difference

__all__ = ["compare_marks", "new_mark"]


def new_mark(original: ModuleInfo, rewritten: ModuleInfo) -> str | None:
    """The ABI in the mark of the rewritten module. None if the original has the same mark, or if
    the rewritten module does not have one with a known ABI."""
    guest = marked_guest(rewritten.module)
    return guest.name if guest and guest is not marked_guest(original.module) else None


def compare_marks(
    original: ModuleInfo, rewritten: ModuleInfo, told: Dialect | None
) -> Iterator[Difference]:
    """The differences in marks. A mark may be added if adapters of the original show its ABI, or if
    the user said it (`told`). It may be removed if adapters of the rewritten module show its
    ABI."""
    before, after = marks(original.module), marks(rewritten.module)
    if [s.data[s.content : s.end] for s in before] == [s.data[s.content : s.end] for s in after]:
        return
    guest = marked_guest(rewritten.module)
    if after and guest and (guest is told or _tells(original, guest)):
        return
    of_before = told or marked_guest(original.module)
    if not after and of_before and _tells(rewritten, of_before):
        return
    at = before[0].start if before else None, after[0].start if after else None
    did = "was added" if not before else "is gone" if not after else "differs"
    remedy = f"`--guest-abi {guest.name}` allows it" if guest else None
    yield Difference("NN424", f"the section nnshim.guest {did}", *at, remedy)


def _tells(info: ModuleInfo, guest: Dialect) -> bool:
    """Whether the adapters show that the guest has this ABI."""
    return any(tells_guest(standing.adapter, guest) for standing in info.adapters.values())
