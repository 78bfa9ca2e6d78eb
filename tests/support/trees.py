"""What is found in trees and archives, in a form that tests compare; and outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rewriter.errors import NNShimError
from rewriter.trees.find import find
from rewriter.trees.item import MAX_UNPACKED, Found, Item, Refused
from rewriter.trees.opening import close_archive, open_item
from rewriter.trees.output import Output

__all__ = ["ADDED", "WASM", "found", "rewritten", "said"]

WASM = b"\0asm\1\0\0\0"

ADDED = b"\0\4\1xab"
"""A custom section that `rewritten` adds."""


def said(item: Found, folder: Path) -> tuple[str, str | bytes]:
    """Its name below the folder, and its data, or the code of what is wrong with it."""
    name = item.name.removeprefix(f"{folder}/")
    if isinstance(item, Refused):
        return name, str(item.error.code)
    if not isinstance(item, Item):
        return name, item.diagnostic.code
    try:
        with open_item(item) as source:
            return name, bytes(source.data)
    except NNShimError as error:
        return name, str(error.code)
    finally:
        close_archive()


def found(
    folder: Path, *inputs: str, exclude: tuple[str, ...] = (), max_unpacked: int = MAX_UNPACKED
) -> dict[str, str | bytes]:
    """What is found in the folder, or in inputs below it, in this order."""
    paths = [str(folder / name) for name in inputs] or [str(folder)]
    items = list(find(paths, exclude=exclude, max_unpacked=max_unpacked))
    names = [said(item, folder) for item in items]
    assert len(dict(names)) == len(names), names
    return dict(names)


def rewritten(
    inputs: list[str],
    out: str | None,
    *,
    changes: Callable[[str], bool] = lambda _: True,
    exclude: tuple[str, ...] = (),
) -> list[tuple[str, str]]:
    """Add a section to each module whose name says so; what could not be done, with codes."""
    output = Output(inputs, out, exclude=exclude)
    wrong = []
    for item in output.find():
        if isinstance(item, Refused):
            wrong.append((item.name, str(item.error.code)))
        if not isinstance(item, Item):
            continue
        with open_item(item) as source:
            data = bytes(source.data) + ADDED
        target = output.target(item)
        if not changes(item.name):
            output.keep(item)
        elif target is None:
            output.put(item, data)
        else:
            Path(target).write_bytes(data)
            output.put(item, None)
    wrong += [(refused.name, str(refused.error.code)) for refused in output.finish()]
    close_archive()
    return wrong
