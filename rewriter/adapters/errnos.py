"""What becomes of an errno between a host and a guest that have other numbers for them."""

from __future__ import annotations

from collections.abc import Mapping

from rewriter.abi.dialects import Dialect, Errno

__all__ = ["errno_number", "gets_others", "translated"]

_EXTENSIONS = 100
"""WasmEdge's own errnos start here. What a library does with an errno above those that it has, it
does with these."""


def gets_others(source: Dialect, target: Dialect) -> bool:
    """Whether a guest of `source` takes an errno of a host of `target` for another one, or has none
    of that number."""
    return any(
        number < _EXTENSIONS and source.errnos.get(number) is not meaning
        for number, meaning in target.errnos.items()
    )


def errno_number(dialect: Dialect, meaning: Errno) -> int:
    """By which number a guest of a dialect is told this. What its numbers do not tell apart is a
    runtime error, or else an invalid argument."""
    numbers = dialect.errno_numbers
    for each in (meaning, Errno.RUNTIME_ERROR):
        if each in numbers:
            return numbers[each]
    return numbers[Errno.INVALID_ARGUMENT]


def translated(source: Dialect, target: Dialect) -> Mapping[int, int]:
    """The numbers of `target`, each with that of `source` for it."""
    return {number: errno_number(source, meaning) for number, meaning in target.errnos.items()}
