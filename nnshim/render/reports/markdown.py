"""A table for a job's summary or a comment: what does not pass, and how many files there are.

Pipes divide cells, in code as well: https://github.github.com/gfm/#tables-extension-
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nnshim.render.findings.finding import UNSEARCHED, Finding, Level, findings
from nnshim.render.verdicts import summed_up
from rewriter.terminal import shown as printable

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown
    from nnshim.render.values import FileReport, Summary

__all__ = ["new_report"]

_ROOM = 60_000
"""Characters. A comment on GitHub may have 65,536, a job's summary a mebibyte."""

_LONGEST = 500
"""Characters of a name or a message in a cell."""

_HEAD = ("| file | host | verdict | code | why |", "| --- | --- | --- | --- | --- |")


class _Markdown:
    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._room = _ROOM
        self._has_rows = False
        self._left_out = 0

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> Iterator[str]:
        for found in findings(report, self._shown.selection):
            row = _row(found)
            if self._left_out or len(row) >= self._room:
                self._left_out += 1
                continue
            if not self._has_rows:
                yield from _HEAD
            self._has_rows = True
            self._room -= len(row) + 1
            yield row

    def end(self, summary: Summary) -> Iterator[str]:
        if self._shown.quiet and not self._has_rows:
            return
        if self._has_rows:
            yield ""
        if self._left_out:
            yield f"Rows that are left out, because the table would be too long: {self._left_out}."
            yield ""
        yield from summed_up(summary, even_one=True)


def _row(found: Finding) -> str:
    host = "" if found.host is None else _code(found.host)
    code = f"**{found.code}**" if found.level is Level.ERROR else found.code
    why = _code("; ".join(found.told))
    return f"| {_code(found.path)} | {host} | {_VERDICTS[found.answer]} | {code} | {why} |"


_VERDICTS = {
    "runs": "runs",
    "only_if": "runs only if conditions hold",
    "rewrite": "needs a rewrite",
    "cannot": "**cannot run**",
    "no_verdict": "**no verdict**",
    UNSEARCHED: "not looked into",
}


def _code(text: str) -> str:
    """Text as code, in which nothing has a meaning: no link, no mention, no emphasis."""
    text = printable(text)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 3]}..."
    if not text:
        return ""
    if "|" in text:  # parsers differ in what a backslash before it means, after another one
        return f"<code>{re.sub(r'[!-/:-@[-`{-~]', _reference, text)}</code>"
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest or text != text.strip() else ""
    return f"{fence}{space}{text}{space}{fence}"


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"


new_report = _Markdown
