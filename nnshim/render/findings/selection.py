"""Which codes a report shows: --select and --ignore of `nnshim check`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rewriter.errors import UsageError

__all__ = ["ALL", "Selection", "selection"]


class Selection(NamedTuple):
    """Codes, or how they begin, such as `NN2`. Of several that fit a code, the longest counts; of
    two that are equally long, the ignored one. Without `selected`, all are."""

    selected: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def shows(self, code: str) -> bool:
        """Whether a report has what is said with this code."""
        nothing = -1 if self.selected else 0
        return _longest(code, self.selected, nothing) > _longest(code, self.ignored, -1)


ALL = Selection()


def _longest(code: str, starts: Iterable[str], nothing: int) -> int:
    return max((len(start) for start in starts if code.startswith(start)), default=nothing)


def selection(selected: Iterable[str], ignored: Iterable[str]) -> Selection:
    """Raises UsageError for what no code is, or begins with."""
    return Selection(_known(selected), _known(ignored))


def _known(starts: Iterable[str]) -> tuple[str, ...]:
    from rewriter.codes import all_codes, unknown_code

    found = tuple(start.upper() for start in starts)
    for start in found:
        is_code = re.fullmatch(r"NN\d{0,3}", start)
        if not (is_code and any(code.number.startswith(start) for code in all_codes())):
            raise UsageError(unknown_code(start))
    return found
