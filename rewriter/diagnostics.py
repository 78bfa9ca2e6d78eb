"""What is said of a module, as a value: renderers make text or JSON of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rewriter.codes import Severity

__all__ = ["Diagnostic", "distinct"]


class Diagnostic(NamedTuple):
    """`message` has the details of this case; `help`, where there is some, the command or the
    change that helps here, as the end of a sentence.

    `offset` is where in the module it is, in bytes, and `function` the name of the wasi-nn function
    that it is about; None where it is about no place, or no function.
    """

    code: str
    message: str
    offset: int | None = None
    function: str | None = None
    help: str | None = None

    @property
    def severity(self) -> Severity:
        """That of the code: no case of one is worse than another."""
        from rewriter.codes import find_code  # what says nothing starts without the table

        return find_code(self.code).severity

    @property
    def text(self) -> str:
        """The message with its help, and without the offset."""
        return self.message if self.help is None else f"{self.message}; {self.help}"

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (at byte offset {self.offset:#x})"
        return f"{self.text}{where}"


def distinct(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The first of each code and message, in order: several functions have the same to say."""
    found: dict[tuple[str, str], Diagnostic] = {}
    for diagnostic in diagnostics:
        found.setdefault((diagnostic.code, diagnostic.message), diagnostic)
    return tuple(found.values())
