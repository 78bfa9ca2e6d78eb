"""The reasons why a function needs an adapter between a guest and a host."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from enum import Enum, auto

from rewriter.abi.dialects import WITX, Dialect
from rewriter.adapters.errnos import gets_others

__all__ = ["FALLBACKS", "Need", "counts_otherwise", "has", "need", "told_matters"]


class Need(Enum):
    """The reason why an adapter is needed. Every adapter also translates errnos."""

    FUNCTION = auto()
    """The host does not have the function."""
    LAYOUT = auto()
    """The function has different parameters or structures."""
    ENCODINGS = auto()
    """The host numbers encodings differently."""
    TYPES = auto()
    """The host numbers tensor types differently."""
    UNITS = auto()
    """The host counts some outputs in floats."""
    NAMES = auto()
    """The host expects names to end with a NUL. Whether a guest's names do is unknown: a guest of
    WAMR may be built for its main branch, which does not expect a NUL."""
    ERRNOS = auto()
    """The host numbers errnos differently."""


FALLBACKS: Mapping[str, str] = {
    "load_by_name_with_config": "load_by_name",
    "unload": "compute",
    "finalize_execution_context": "compute",
}
"""Functions that an adapter can replace if the host does not have them, and the function that is
imported instead, so that all functions keep their indices. Graphs and contexts are never unloaded
or finalized then: a handle lives as long as the guest."""

_BY_LAYOUT = ("load", "set_input", "get_output")
"""The functions that differ between the layouts."""

_BY_NAME = ("load_by_name", "load_by_name_with_config")


def has(target: Dialect, function: str) -> bool:
    """Whether a host of `target` has the function, or an adapter can replace it."""
    return function in target.functions or FALLBACKS.get(function) in target.functions


@functools.lru_cache(maxsize=2048)
def need(function: str, source: Dialect, target: Dialect, *, told: bool = True) -> Need | None:
    """The reason why a function needs an adapter, or None. `target` must have the function in the
    sense of `has`.

    If the guest's numbers are not known for certain (`told` is false) and the layouts are equal,
    its encodings are assumed to be the host's, and its tensor types are determined at run time. A
    guest whose ABI stands for several releases (`source.assumed`) is assumed to have all the
    numbers of the host if their layouts are equal.
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
    """Whether the host counts the outputs of some models in a different unit from the guest, so
    that adapters have to keep the model's encoding."""
    same = source.counts_floats and source.layout == target.layout
    return target.counts_floats and not same


def told_matters(function: str, source: Dialect, target: Dialect) -> bool:
    """Whether the adapter depends on `told`: see `need`."""
    if function == "load":
        return need(function, source, target) is Need.ENCODINGS
    return function == "set_input" and _shows_types(source)


def _shows_types(source: Dialect) -> bool:
    """Whether the tensors of a guest show if its types are numbered as in `source` or as before
    August 2023. That requires the length of their data."""
    return source.layout == WITX.layout and source.tensor_types is WITX.tensor_types


def _renumbers(source: Mapping[int, object], target: Mapping[int, object]) -> bool:
    return any(target.get(number) != meaning for number, meaning in source.items())
