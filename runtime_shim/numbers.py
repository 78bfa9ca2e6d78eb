"""Checks of numbers that the operator gives."""

from __future__ import annotations

from rewriter.errors import UsageError

__all__ = ["MOST_THREADS", "check_number"]

MOST_THREADS = 1024
"""More threads than any NN runtime can start."""


def check_number(
    what: str,
    value: float | None,
    lowest: float,
    highest: float,
    *,
    whole: bool = True,
    unit: str = "",
) -> None:
    """Raise UsageError unless `value` is None or a number between the two bounds, whole if `whole`
    is set. `unit` is what it counts, for the message."""
    if value is None:
        return
    kinds = (int,) if whole else (int, float)
    if type(value) not in kinds or not lowest <= value <= highest:
        kind = "whole number" if whole else "number"
        of_what = f" of {unit}" if unit else ""
        raise UsageError(
            f"{what} cannot be {value!r}: expected a {kind}{of_what} from {lowest} to {highest}"
        )
