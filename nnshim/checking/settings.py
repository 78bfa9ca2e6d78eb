"""What files are checked for: the options of `nnshim check`, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rewriter.hosts.table import Chosen
    from rewriter.models.model import Model

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The rules by which files are judged. Another process takes it, too.

    `hosts` is not empty. `accept` has codes that do not count. With `digests`, each report has the
    file's SHA-256.
    """

    hosts: tuple[Chosen, ...]
    models: Sequence[Model] = ()
    guest_abi: str | None = None
    explain: bool = False
    strict: bool = False
    accept: frozenset[str] = frozenset()
    validate: bool = True
    digests: bool = False
