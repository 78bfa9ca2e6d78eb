"""One code: how severe what it stands for is, and what it means."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Code", "Severity"]


class Severity(StrEnum):
    """An error is in the way; a warning says that something has to be done, or no longer holds.

    Where neither is, a module runs on a host if its conditions, needs and what is unseen hold: a
    condition is one that the module itself points to, by an import, a section or a constant; a need
    is the same for every guest of its kind, such as a backend or a model; and what is unseen
    depends on what could not be seen in the module. A note is for information, and decides nothing.
    """

    ERROR = "error"
    WARNING = "warning"
    CONDITION = "condition"
    NEED = "need"
    UNSEEN = "unseen"
    NOTE = "note"


class Code(NamedTuple):
    """`title` is in small letters, without a full stop; `meaning` and `remedy`, what to do, are
    sentences in Markdown."""

    number: str
    severity: Severity
    title: str
    meaning: str
    remedy: str
