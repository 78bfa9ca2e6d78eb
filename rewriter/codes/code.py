"""One code: how severe what it stands for is, and what it means."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Code", "Severity"]


class Severity(StrEnum):
    """An error rules a host out; a warning asks for an action, or says what no longer holds.

    Without either, a module runs on a host if its conditions and needs hold, and what is unseen is
    right. The module itself points to a condition, by an import, a section or a constant. A need is
    the same for every guest of its kind, such as a backend or a model. Unseen is what the module
    does not show. A note is for information, and decides nothing.
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
