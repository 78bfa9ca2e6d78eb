"""How files are rewritten: the options of `nnshim rewrite`, as one value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

from rewriter.options import RewriteOptions
from rewriter.trees.item import Item, Refused

__all__ = ["Settings", "Target"]


@dataclass(frozen=True)
class Settings:
    """Another process takes it, too. With `as_json`, reports have what JSON says of files."""

    options: RewriteOptions
    as_json: bool = False

    @property
    def travels(self) -> bool:
        """Whether another process can read the profile, too: not where that is a pipe."""
        host = self.options.host
        if host is None:
            return True
        from rewriter.hosts.table import is_profile

        return not is_profile(host) or os.path.isfile(host)


class Target(NamedTuple):
    """A file, and where its output goes. `output` is how that is called, None where nothing is to
    be written. `path` is None, too, where whoever asked takes the bytes, such as for an archive."""

    item: Item | Refused
    output: str | None
    path: str | None
