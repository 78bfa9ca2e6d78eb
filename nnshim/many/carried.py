"""Items with their bytes, for workers that have no access to the files."""

from __future__ import annotations

from rewriter.errors import InputError, ModuleError
from rewriter.trees.item import Found, Item, Refused

__all__ = ["carried", "size_of"]


def carried(found: Found) -> Found:
    """The item with its bytes, or what keeps it from being opened. What stays here is left as it
    is."""
    from nnshim.many.opening import opened_item

    if not isinstance(found, Item) or found.here:
        return found
    try:
        with opened_item(found) as source:
            data = bytes(source.data)
            return found._replace(source=source._replace(data=data, fd=None))
    except (InputError, ModuleError) as error:
        return Refused(found.name, error)


def size_of(found: Found) -> int:
    """In bytes, 0 for what is not carried."""
    return len(found.source.data) if isinstance(found, Item) and found.source is not None else 0
