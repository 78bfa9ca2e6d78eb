"""The dialect that a host has to speak, from the numbers that the guest is known to use, or that
its adapters translate to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rewriter.abi.dialects import Dialect

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter

__all__ = ["led_to", "with_types_of"]


def led_to(adapter: Adapter, dialect: Dialect) -> Dialect:
    """The dialect of the imports, changed by what an adapter shows."""
    from rewriter.adapters.generations import UNMARKED  # imported only if there are adapters
    from rewriter.adapters.needs import Need

    target = adapter.target
    if target.layout != dialect.layout:  # the imports alone did not show the layout
        dialect = target
    if adapter.generation != UNMARKED:  # unmarked adapters translated no errnos
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
    """The dialect, with the tensor type numbers of the known one."""
    if known.layout != dialect.layout:  # its adapter decides
        return dialect
    types, raw = known.tensor_types, known.raw_types
    return replace(dialect, tensor_types=types, raw_types=raw, told=True)
