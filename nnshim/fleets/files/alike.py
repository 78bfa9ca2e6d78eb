"""Inputs that fail in the same way: the first ones are told in full, and the others counted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nnshim.render.mapping.mapped import Alike, failure_lines, refused_line, said

if TYPE_CHECKING:
    from nnshim.render.values import Done
    from rewriter.errors import NNShimError

__all__ = ["Ways"]

_TOLD = 3
"""Inputs that are told in full, of each way to fail."""

_REMEMBERED = 1000
"""Ways to fail, so that memory stays bounded. Inputs that fail in yet another way are all told."""

_LINE = re.compile(r"line \d+: ")
"""How an error about a line of the inputs begins, which has its number in its name too."""


class Ways:
    """The ways in which inputs have failed. Two inputs fail in the same way if they have the same
    error, the same last call that the host refused, and the same standard error of the guest, but
    for their own names in it."""

    def __init__(self) -> None:
        self._ways: dict[bytes, Alike] = {}

    def is_told(self, done: Done, error: NNShimError) -> bool:
        """Count an input that has failed, and say whether it is to be told in full."""
        way = _way(done, error)
        before = self._ways.get(way)
        if before is None:
            if len(self._ways) < _REMEMBERED:
                self._ways[way] = Alike(done.name, error.lines[-1].strip(), 1)
            return True
        self._ways[way] = before._replace(inputs=before.inputs + 1)
        return before.inputs < _TOLD

    def counted(self) -> Iterator[Alike]:
        """The inputs that were counted and not told, of each way."""
        for way in self._ways.values():
            if way.inputs > _TOLD:
                yield way._replace(inputs=way.inputs - _TOLD)


def _way(done: Done, error: NNShimError) -> bytes:
    """A digest of what is told, without the input's name."""
    nameless = done._replace(name="")
    own_name = re.compile(rf"(?<!\w){re.escape(done.name)}(?!\w)")
    first, *others = failure_lines(nameless, error)
    parts = (
        *(own_name.sub("{}", line) for line in said(nameless)),
        _LINE.sub("", first, count=1) if error.code == "NN001" else first,
        *others,
        refused_line(nameless) or "",
    )
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).digest()
