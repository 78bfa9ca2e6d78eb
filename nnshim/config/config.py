"""What a configuration says, as one value."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rewriter.policy.policy import Policy

__all__ = ["NOTHING", "Config"]


@dataclass(frozen=True)
class Config:
    """The values of a file; None for keys that it does not have.

    `path` is the file as messages show it, None without one. `beside` is another file in its folder
    that has a configuration too and is not read. Paths in `hosts`, `files` and `models` are
    relative to the current folder. `exclude` and `accept_by_path` have patterns that are relative
    to `folder`.
    """

    path: str | None = None
    beside: str | None = None
    folder: str = os.curdir
    hosts: Sequence[str] | None = None
    files: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    models: Sequence[str] | None = None
    strict: bool | None = None
    accept: Sequence[str] | None = None
    accept_by_path: Sequence[tuple[str, frozenset[str]]] = ()
    policy: Policy | None = None

    @property
    def excluded(self) -> Sequence[str]:
        """The patterns of `exclude` as absolute paths, which mean the same wherever a command
        starts; those without a slash as they are."""
        folder = glob.escape(os.path.realpath(self.folder))
        return [
            os.path.normpath(os.path.join(folder, each)) if "/" in each.rstrip("/") else each
            for each in self.exclude or ()
        ]

    @property
    def remark(self) -> str | None:
        """What is said before it is used; None without a file."""
        if self.path is None:
            return None
        beside = f", and not {self.beside} beside it" if self.beside else ""
        return f"using {self.path}{beside}"


NOTHING = Config()
"""Without a file."""
