"""How files are rewritten: the options of `nnshim rewrite`, as one value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

from rewriter.errors import UsageError
from rewriter.hosts.table import is_profile
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
        return not is_profile(host) or os.path.isfile(host)

    def for_cluster(self) -> Settings:
        """The same for other machines. Raises UsageError for files that these do not have."""
        options = self.options
        if not self.travels or (options.host is not None and is_profile(options.host)):
            raise UsageError("a profile is a file, which --workers does not send along")
        if options.models or options.wasi_adapter is not None:
            raise UsageError("--model and --wasi-adapter name files, which --workers does not send")
        return self


class Target(NamedTuple):
    """A file, and where its output goes. `output` is how that is called, None where nothing is to
    be written. `path` is None, too, where whoever asked takes the bytes, such as for an archive."""

    item: Item | Refused
    output: str | None
    path: str | None
