"""How often each verdict and each code is there: --statistics of `nnshim check`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnshim.render.findings.selection import Selection
    from nnshim.render.values import FileReport

__all__ = ["Counts"]


class Counts:
    """`verdicts` are counted for each host of each file, once for a file that cannot be read;
    `codes` likewise, however often a code is in one of them."""

    def __init__(self) -> None:
        self.verdicts: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()

    def add(self, report: FileReport, selection: Selection) -> None:
        self.verdicts.update(answer.value for answer in report.answers)
        if report.error is not None:
            self.codes.update({each.code for each in report.error.diagnostics})
        for value in report.checked:
            said = {each.code for each in (*value.found.reasons, *value.found.caveats)}
            self.codes.update(filter(selection.shows, said))

    def lines(self) -> list[str]:
        """Empty if there are none."""
        from rewriter.codes import find_code

        verdicts = [(count, answer) for answer, count in self.verdicts.most_common()]
        codes = [
            (count, f"{code} {find_code(code).severity}: {find_code(code).title}")
            for code, count in sorted(self.codes.items(), key=lambda item: (-item[1], item[0]))
        ]
        width = max((len(str(count)) for count, _ in (*verdicts, *codes)), default=0)
        titled = (("by verdict:", verdicts), ("by code:", codes))
        return [
            line
            for title, rows in titled
            if rows
            for line in (title, *(f"  {count:>{width}}  {what}" for count, what in rows))
        ]
