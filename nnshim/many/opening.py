"""Opens what was found."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from nnshim.registries.places import open_any
from rewriter.files.input import Source
from rewriter.trees.item import Item

__all__ = ["opened_item"]


def opened_item(item: Item) -> AbstractContextManager[Source]:
    """Raises what `open_item` raises, and for an artifact what `open_any` does. A plain file does
    without what reads archives."""
    if item.source is not None:
        return nullcontext(item.source)
    if item.member is None and not item.gzip:
        return open_any(item.path)
    from rewriter.trees.opening import open_item

    return open_item(item)
