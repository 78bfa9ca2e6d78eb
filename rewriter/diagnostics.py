"""A finding about a module, as a value that can be rendered as text or JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rewriter.codes import Severity

__all__ = ["Diagnostic", "distinct"]


class Diagnostic(NamedTuple):
    """One finding about a module.

    `message` has the details of this case. `help` is the command or change that solves it, worded
    as the end of a sentence, or None. `offset` is the position in the module in bytes, and
    `function` the name of the wasi-nn function concerned; each is None if it does not apply.
    """

    code: str
    message: str
    offset: int | None = None
    function: str | None = None
    help: str | None = None

    @property
    def severity(self) -> Severity:
        """The severity of the code, which is the same in every case."""
        from rewriter.codes import find_code  # imported only when there is a finding

        return find_code(self.code).severity

    @property
    def text(self) -> str:
        """The message and its help, without the offset."""
        return self.message if self.help is None else f"{self.message}; {self.help}"

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (at byte offset {self.offset:#x})"
        return f"{self.text}{where}"


def distinct(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics in order, without repeats of the same code and message."""
    found: dict[tuple[str, str], Diagnostic] = {}
    for diagnostic in diagnostics:
        found.setdefault((diagnostic.code, diagnostic.message), diagnostic)
    return tuple(found.values())
