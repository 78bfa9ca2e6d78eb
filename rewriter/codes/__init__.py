"""The table of codes, a file for each subject: the only list of what diagnostics can be about.

A code is a promise to whoever filters by it: it is never given another meaning, never renumbered,
and not used again when what it stood for is gone. A new one takes the next free number of its
subject. docs/codes.md is made of the table by `python -m tests.tools.code_pages`.
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
}
"""The file for each subject, by the first digit of its codes. A file is imported when one of its
codes is looked up."""


def codes_about(subject: str) -> Sequence[Code]:
    """The codes of a file, one of SUBJECTS, in order."""
    found: Sequence[Code] = importlib.import_module(f"{__name__}.{subject}").CODES
    return found


def all_codes() -> Iterator[Code]:
    for subject in SUBJECTS.values():
        yield from codes_about(subject)


@functools.cache
def find_code(number: str) -> Code:
    """Raises KeyError for a code that is not in the table."""
    subject = SUBJECTS.get(number[2:3])
    for code in codes_about(subject) if subject else ():
        if code.number == number:
            return code
    raise KeyError(number)


def unknown_code(number: str) -> str:
    """What to say of one that is not in the table."""
    meant = did_you_mean(number, (code.number for code in all_codes()), cutoff=0.75)
    return f"there is no code {number}{meant}; `nnshim explain` lists all"
