"""A JSON array in parts, so that not all of it is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nnshim.render.json import to_json

__all__ = ["Elements"]


class Elements:
    """The lines of an array, of which each element is written as it comes, as Python's `json`
    writes all of it with an indent of 2. `before` is what stands before the array in its first
    line. That line comes with the first element, so that what fails before prints nothing."""

    def __init__(self, before: str = "", indent: str = "") -> None:
        self._before = before
        self._indent = indent
        self._held: str | None = None
        """The last line, which a comma follows only if another element does."""

    @property
    def has_begun(self) -> bool:
        """Whether there is an element."""
        return self._held is not None

    def add(self, values: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        for value in values:
            yield f"{self._before}[" if self._held is None else f"{self._held},"
            *lines, last = to_json(value).split("\n")
            yield from (f"{self._indent}  {line}" for line in lines)
            self._held = f"{self._indent}  {last}"

    def end(self, after: str = "") -> list[str]:
        if self._held is None:
            return [f"{self._before}[]{after}"]
        return [self._held, f"{self._indent}]{after}"]
