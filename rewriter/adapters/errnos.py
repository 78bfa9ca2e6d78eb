"""Translation of errnos between a host and a guest that number them differently."""

from __future__ import annotations

from collections.abc import Mapping

from rewriter.abi.dialects import Dialect, Errno

__all__ = ["errno_number", "gets_others", "translated"]

_EXTENSIONS = 100
"""WasmEdge's own errnos start here. Guests built for other ABIs handle these like any other unknown
errno, so they need no translation."""


def gets_others(source: Dialect, target: Dialect) -> bool:
    """Whether a host of `target` returns errnos that a guest of `source` misreads or does not
    know."""
    return any(
        number < _EXTENSIONS and source.errnos.get(number) is not meaning
        for number, meaning in target.errnos.items()
    )


def errno_number(dialect: Dialect, meaning: Errno) -> int:
    """The number of an errno for a guest of a dialect. If the dialect does not have the errno, it
    is the number of a runtime error, or if it does not have that either, of an invalid argument."""
    numbers = dialect.errno_numbers
    for each in (meaning, Errno.RUNTIME_ERROR):
        if each in numbers:
            return numbers[each]
    return numbers[Errno.INVALID_ARGUMENT]


def translated(source: Dialect, target: Dialect) -> Mapping[int, int]:
    """Maps each errno number of `target` to the number of `source` for it."""
    return {number: errno_number(source, meaning) for number, meaning in target.errnos.items()}
