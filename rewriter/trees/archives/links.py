"""The symbolic links of an archive, and where they lead to once it is unpacked."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Broken", "Links"]

_LONGEST = 4096
"""Bytes of a path on Linux, PATH_MAX: https://man7.org/linux/man-pages/man7/path_resolution.7.html"""

_MOST_FOLLOWED = 40
"""The most links that Linux follows for one path, by the same page."""

_NOTHING = "it is a link, and its target is not in the archive"

_TOO_MANY = f"it is a link to itself, or leads on by more than {_MOST_FOLLOWED} links"


class Broken(NamedTuple):
    """A link that leads to no file or folder of its archive: the member's name, the reason, and its
    code."""

    name: str
    reason: str
    code: str


class Links:
    """The names of all members, and the targets of those that are links. Of several members with
    one name, the last one counts, because it stays when all are unpacked."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._files: set[str] = set()
        self._targets: dict[str, str] = {}
        self._added: list[tuple[str, str]] = []
        self._sorted: list[str] = []
        self._led: dict[str, str | Broken] = {}

    def __contains__(self, name: str) -> bool:
        """Whether there is a member of that name, by now."""
        return posixpath.normpath(name) in self._names

    def target(self, name: str) -> str | None:
        """Where a member leads to; None if it is not a link."""
        return self._targets.get(posixpath.normpath(name))

    def on_the_way(self, name: str) -> str | None:
        """The first folder of a path that is a link, by now; None if there is none."""
        parts = posixpath.normpath(name).split("/")
        folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return next((folder for folder in folders if folder in self._targets), None)

    def is_file(self, name: str) -> bool:
        """Whether there is a member of that name, and it is neither a folder nor a link."""
        return posixpath.normpath(name) in self._files

    def add(
        self, name: str, target: str | None = None, *, is_file: bool = False, check: bool = True
    ) -> None:
        """A member, in the archive's order; `target` is that of a link. With `check`, it is in
        `followed`."""
        normal = posixpath.normpath(name)
        self._names.add(normal)
        (self._files.add if is_file else self._files.discard)(normal)
        self._targets.pop(normal, None)
        if target is not None:
            self._targets[normal] = target
            if check:
                self._added.append((name, target))

    def followed(self) -> Iterator[tuple[str, str | Broken]]:
        """The links by their names, and where they lead to, in the archive's order: the path of a
        member, or of a folder above one. Called once, after all members."""
        self._sorted = sorted(self._names) if self._added else []
        for name, target in self._added:
            yield name, self._lead(posixpath.normpath(name), target, 1)

    def below(self, folder: str) -> Iterator[str]:
        """The members in a folder, without folders, by the part of their names behind its own."""
        inside = f"{folder}/" if folder else ""
        for index in range(bisect_left(self._sorted, inside), len(self._sorted)):
            name = self._sorted[index]
            if not name.startswith(inside):
                return
            if name in self._files or name in self._targets:
                yield name.removeprefix(inside)

    def _lead(self, link: str, target: str, followed: int) -> str | Broken:
        """Where a link leads to: the path of a member, or of a folder above one."""
        if len(link) > _LONGEST or len(target) > _LONGEST:
            return Broken(link, "it is a link, and its name or its target is too long", "NN006")
        if followed > _MOST_FOLLOWED:
            return Broken(link, _TOO_MANY, "NN001")
        if target.startswith("/"):
            return _outside(link)
        here = posixpath.dirname(link)
        for part in target.split("/"):
            if here in self._files:  # where a path goes on behind a file, also by a slash alone
                return Broken(link, _NOTHING, "NN001")
            if part == ".." and not here:
                return _outside(link)
            if part == "..":
                here = posixpath.dirname(here)
            elif part not in ("", "."):
                led = self._step(posixpath.join(here, part), followed)
                if isinstance(led, Broken):
                    return led._replace(name=link)
                here = led
        return here

    def _step(self, path: str, followed: int) -> str | Broken:
        """Where a path leads to, whose folder is not a link."""
        if path in self._targets:
            led = self._led.get(path) or self._lead(path, self._targets[path], followed + 1)
            if not (isinstance(led, Broken) and led.reason == _TOO_MANY):  # from here
                self._led[path] = led
            return led
        if path in self._names or self._is_folder(path):
            return path
        return Broken(path, _NOTHING, "NN001")

    def _is_folder(self, path: str) -> bool:
        """Whether something is in it: a folder does not have to be a member itself."""
        inside = f"{path}/"
        index = bisect_left(self._sorted, inside)
        return index < len(self._sorted) and self._sorted[index].startswith(inside)


def _outside(link: str) -> Broken:
    return Broken(link, "it is a link that leads out of the archive", "NN006")
