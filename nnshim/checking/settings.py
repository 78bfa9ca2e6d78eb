"""What files are checked for: the options of `nnshim check`, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nnshim.config.by_path import ByPath

if TYPE_CHECKING:
    from rewriter.hosts.table import Chosen
    from rewriter.models.model import Model
    from rewriter.policy.policy import Policy

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The rules by which files are judged. Another process takes it, too.

    `hosts` is not empty. `accept` has codes that do not count, and `accept_by_path` those of some
    files. `policy` is what the files may ask for. With `digests`, each report has the file's
    SHA-256.
    """

    hosts: tuple[Chosen, ...]
    models: Sequence[Model] = ()
    guest_abi: str | None = None
    explain: bool = False
    strict: bool = False
    accept: frozenset[str] = frozenset()
    accept_by_path: ByPath = field(default_factory=ByPath)
    policy: Policy | None = None
    validate: bool = True
    digests: bool = False
