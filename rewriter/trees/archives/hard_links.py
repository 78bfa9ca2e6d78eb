"""The files of a tar that have several names: which member each further name stands for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from rewriter.trees.archives.links import Links
from rewriter.trees.item import Found, Item

__all__ = ["HardLinks", "why_to_nothing"]


class HardLinks:
    """What each member was found to be, as far as that is something, and the names that follow."""

    def __init__(self) -> None:
        self._found: dict[str, Found] = {}
        self._names: list[tuple[str, str, Found | None]] = []

    def add(self, name: str, found: Found | None) -> None:
        """A member that is not a hard link, in the archive's order."""
        if found is None:
            self._found.pop(posixpath.normpath(name), None)
        else:
            self._found[posixpath.normpath(name)] = found

    def link(self, name: str, first_name: str, *, counts: bool) -> None:
        """A hard link to a member before it. It is in `links` if it `counts`."""
        found = self._found.get(posixpath.normpath(first_name))
        self.add(name, found)
        if counts:
            self._names.append((name, first_name, found))

    def links(self) -> Iterator[tuple[str, str, Found | None]]:
        """Each with the name that it is a link to, and what that was found to be, in the order of
        the data."""
        yield from sorted(self._names, key=_place)


def _place(link: tuple[str, str, Found | None]) -> int:
    found = link[2]
    member = found.member if isinstance(found, Item) else None
    return -1 if member is None else member.offset


def why_to_nothing(first_name: str, links: Links) -> tuple[str, str]:
    """Why a hard link is refused whose first name is not that of a member, and the code."""
    link = links.on_the_way(first_name)
    if link is None:
        return "it is a hard link to nothing that comes before it in the archive", "NN006"
    return (
        f"it is a hard link to {first_name}, but {link} is a link, which some readers do not "
        "follow; make the archive again, with the file's own path",
        "NN005",
    )
