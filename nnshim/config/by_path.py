"""Codes that are accepted for some files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from rewriter.trees.names import matches

__all__ = ["ByPath"]


class ByPath(NamedTuple):
    """`accepted` has patterns with codes. They are about paths that are relative to `folder`.
    Relative paths start from `start`."""

    folder: str = os.curdir
    accepted: Sequence[tuple[str, frozenset[str]]] = ()
    start: str = os.curdir

    def elsewhere(self) -> ByPath:
        """The same for a process that is in another folder."""
        return self._replace(folder=os.path.abspath(self.folder), start=os.getcwd())

    def of(self, path: str) -> frozenset[str]:
        """The codes that are accepted for a file: of all patterns that it matches. A pattern
        without a slash is compared with its name, others with the whole path. A file outside of
        the folder has none."""
        if not self.accepted:
            return frozenset()
        try:
            inside = os.path.relpath(os.path.join(self.start, path), self.folder).replace(
                os.sep, "/"
            )
        except ValueError:  # on another drive
            return frozenset()
        inside = inside.replace(os.sep, "/")
        if inside.split("/", 1)[0] == os.pardir:
            return frozenset()
        found = frozenset[str]()
        for pattern, codes in self.accepted:
            if matches(pattern, inside):
                found |= codes
        return found
