"""What stands between a guest of one dialect and a function of a host of another."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from rewriter.abi.dialects import WITX, Dialect
from rewriter.adapters.errnos import gets_others

__all__ = ["FALLBACKS", "Need", "counts_otherwise", "has", "need", "told_matters"]


class Need(Enum):
    """What an adapter is needed for. Whatever that is, it translates errnos too."""

    FUNCTION = auto()
    """The host does not have the function."""
    LAYOUT = auto()
    """It has other parameters or structures there."""
    ENCODINGS = auto()
    TYPES = auto()
    """Of tensors."""
    UNITS = auto()
    """It counts some outputs in floats."""
    NAMES = auto()
    """They have to end with a NUL. Whether those of a guest do cannot be known: WAMR's own may be
    built for its main branch, which wants none."""
    ERRNOS = auto()


FALLBACKS: Mapping[str, str] = {
    "load_by_name_with_config": "load_by_name",
    "unload": "compute",
    "finalize_execution_context": "compute",
}
"""Functions that an adapter can stand in for where a host has none, and what is imported in their
place, so that all functions keep their indices. Nothing is ever unloaded or finalized then: a
handle lives as long as the guest."""

_BY_LAYOUT = ("load", "set_input", "get_output")
"""The functions that differ between the layouts."""

_BY_NAME = ("load_by_name", "load_by_name_with_config")


def has(target: Dialect, function: str) -> bool:
    """Whether a host of `target` has the function, or an adapter can do without it."""
    return function in target.functions or FALLBACKS.get(function) in target.functions


def need(function: str, source: Dialect, target: Dialect, *, told: bool = True) -> Need | None:
    """Why a function needs an adapter, None if it needs none. `target` has it, in the sense of
    `has`.

    Where the guest's numbers are not `told`, between two of one layout, its encodings are taken for
    the host's, and what its tensor types are has to be found out. All numbers of a guest that has
    those of no one release are taken for those of a host of its layout.
    """
    if function not in target.functions:
        return Need.FUNCTION
    if source.layout == target.layout:
        if source.assumed is not None:
            return None
    elif function in _BY_LAYOUT:
        return Need.LAYOUT
    if function == "load" and told and _renumbers(source.encodings, target.encodings):
        return Need.ENCODINGS
    units = counts_otherwise(source, target)
    if function == "set_input":
        hidden = not told and _shows_types(source)
        if hidden or units or _renumbers(source.tensor_types, target.tensor_types):
            return Need.TYPES
    if function in _BY_LAYOUT and units:
        return Need.UNITS
    if function in _BY_NAME and target.wants_nul and source.name != target.name:
        return Need.NAMES
    return Need.ERRNOS if gets_others(source, target) else None


def counts_otherwise(source: Dialect, target: Dialect) -> bool:
    """Whether the host counts the outputs of some models by another unit than the guest, so that
    adapters have to know which model it has."""
    same = source.counts_floats and source.layout == target.layout
    return target.counts_floats and not same


def told_matters(function: str, source: Dialect, target: Dialect) -> bool:
    """Whether it makes a difference to an adapter that the guest's numbers are told."""
    if function == "load":
        return need(function, source, target) is Need.ENCODINGS
    return function == "set_input" and _shows_types(source)


def _shows_types(source: Dialect) -> bool:
    """Whether the tensors of a guest, which has the numbers of `source` or those of before August
    2023, show which: that takes the length of their data."""
    return source.layout == WITX.layout and source.tensor_types is WITX.tensor_types


def _renumbers(source: Mapping[int, object], target: Mapping[int, object]) -> bool:
    return any(target.get(number) != meaning for number, meaning in source.items())
