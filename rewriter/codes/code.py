"""One diagnostic code: its severity, its meaning and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Code", "Severity"]


class Severity(StrEnum):
    """How a diagnostic affects the verdict on a module and a host.

    An error rules the host out. A warning asks for an action, or reports something that no longer
    holds. Without either, the module runs on the host if all conditions and needs are met, and what
    is unseen is right. A condition comes from the module itself: an import, a section or a
    constant. A need, such as a backend or a model, is the same for every guest of its kind. Unseen
    means something that the module does not show. A note is for information only.
    """

    ERROR = "error"
    WARNING = "warning"
    CONDITION = "condition"
    NEED = "need"
    UNSEEN = "unseen"
    NOTE = "note"


class Code(NamedTuple):
    """`title` starts in lower case and has no full stop. `meaning` and `remedy` (what to do) are
    sentences in Markdown."""

    number: str
    severity: Severity
    title: str
    meaning: str
    remedy: str
