"""What a host has to be for a guest: with the numbers that it was said to have, or that adapters
lead to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rewriter.abi.dialects import Dialect

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["led_to", "with_types_of"]


def led_to(adapter: Adapter, dialect: Dialect) -> Dialect:
    """The dialect of the imports, with what an adapter makes of them."""
    from rewriter.adapters.generations import UNMARKED  # where there are adapters
    from rewriter.adapters.needs import Need

    target = adapter.target
    if target.layout != dialect.layout:  # which the imports did not show
        dialect = target
    if adapter.generation != UNMARKED:  # which translated none
        dialect = replace(dialect, errnos=target.errnos)
    if adapter.need not in (Need.LAYOUT, Need.ENCODINGS, Need.TYPES, Need.UNITS):
        return dialect
    if adapter.function == "set_input":
        return with_types_of(target, dialect)
    if adapter.function == "load":
        same = adapter.need is Need.UNITS
        return dialect if same else replace(dialect, encodings=target.encodings)
    from runtime_shim.abi.counted import of_outputs

    return of_outputs(adapter, dialect)


def with_types_of(known: Dialect, dialect: Dialect) -> Dialect:
    """A dialect whose tensor types have the numbers of one that is known."""
    if known.layout != dialect.layout:  # it has an adapter, which knows better
        return dialect
    types, raw = known.tensor_types, known.raw_types
    return replace(dialect, tensor_types=types, raw_types=raw, told=True)
