"""Codes that are accepted for some files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from rewriter.errors import InputError
from rewriter.oci.reference import LAYOUT, REGISTRY, parse_layout_reference
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
        the folder has none.

        A reference to a registry is compared as a whole, and only with patterns that begin with
        `oci://`; these are about nothing else. What is in a layout goes by `LAYOUT!TAG`.
        """
        if not self.accepted:
            return frozenset()
        if path.startswith(REGISTRY):
            return self._codes(lambda pattern: fnmatchcase(path, pattern), of_registries=True)
        inside = self._inside(_in_layout(path) if path.startswith(LAYOUT) else path)
        if inside is None:
            return frozenset()
        return self._codes(lambda pattern: matches(pattern, inside), of_registries=False)

    def _codes(self, fits: Callable[[str], bool], *, of_registries: bool) -> frozenset[str]:
        return frozenset[str]().union(
            *(
                codes
                for pattern, codes in self.accepted
                if pattern.startswith(REGISTRY) == of_registries and fits(pattern)
            )
        )

    def _inside(self, path: str) -> str | None:
        """The path in the folder, with slashes; None if it is not in there."""
        try:
            inside = os.path.relpath(os.path.join(self.start, path), self.folder)
        except ValueError:  # on another drive
            return None
        inside = inside.replace(os.sep, "/").replace("!./", "!")  # as `tar -c .` names members
        return None if inside.split("/", 1)[0] == os.pardir else inside


def _in_layout(reference: str) -> str:
    """What `check` calls the same artifact where it is given the layout."""
    try:
        found = parse_layout_reference(reference, InputError)
    except InputError:
        return reference
    called = found.tag or found.digest
    return found.path if called is None else f"{found.path}!{called}"
