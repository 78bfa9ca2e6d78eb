"""One code: how severe what it stands for is, and what it means."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Code", "Severity"]


class Severity(StrEnum):
    """An error is in the way; a warning says that something has to be done, or no longer holds; a
    note is for information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Code(NamedTuple):
    """`title` is in small letters, without a full stop; `meaning` and `remedy`, what to do, are
    sentences in Markdown."""

    number: str
    severity: Severity
    title: str
    meaning: str
    remedy: str
