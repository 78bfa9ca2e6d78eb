"""The table of all diagnostic codes, with one file per subject.

Users filter by codes. So a code never changes its meaning or its number, and the number of a
removed code is not reused. A new code takes the next free number of its subject.
`python -m tests.tools.code_pages` generates docs/codes.md from the table.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Sequence

from rewriter.codes.code import Code, Severity
from rewriter.suggestions import did_you_mean

__all__ = ["SUBJECTS", "Code", "Severity", "all_codes", "codes_about", "find_code", "unknown_code"]

SUBJECTS = {
    "0": "files",
    "1": "modules",
    "2": "hosts",
    "3": "rewriting",
    "4": "differences",
    "5": "installed",
    "6": "running",
    "7": "models",
    "8": "policies",
}
"""File names by the first digit of their codes. Each file is imported when one of its codes is
looked up."""


def codes_about(subject: str) -> Sequence[Code]:
    """The codes of one of the SUBJECTS, in order."""
    found: Sequence[Code] = importlib.import_module(f"{__name__}.{subject}").CODES
    return found


def all_codes() -> Iterator[Code]:
    for subject in SUBJECTS.values():
        yield from codes_about(subject)


@functools.cache
def find_code(number: str) -> Code:
    """The entry for a code. Raises KeyError if the table does not have it."""
    subject = SUBJECTS.get(number[2:3])
    for code in codes_about(subject) if subject else ():
        if code.number == number:
            return code
    raise KeyError(number)


def unknown_code(number: str) -> str:
    """The error message for a code that is not in the table."""
    numbers = [code.number for code in all_codes()]
    begun = any(each.startswith(number) for each in numbers)
    meant = "" if begun else did_you_mean(number, numbers, cutoff=0.75)
    return f"there is no code {number}{meant or ';'} `nnshim explain` lists all"
