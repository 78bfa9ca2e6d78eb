"""The text of an adapter of the generation without markers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from rewriter.abi.dialects import (
    WAMR,
    WAMR_2_1,
    WAMR_EPHEMERAL,
    WASMEDGE,
    WITX,
    WITX_2022,
    Dialect,
    Encoding,
)
from rewriter.adapters.bodies.text import values
from rewriter.adapters.needs import Need, has, need
from rewriter.functions.wat import fill, read
from rewriter.wasm.types import AdapterMemory

__all__ = ["FOLDER", "unmarked_functions", "unmarked_text"]

FOLDER = Path(__file__).parent

_WITHOUT_BURN = {
    number: encoding
    for number, encoding in WASMEDGE.encodings.items()
    if encoding is not Encoding.BURN
}

_ALL = (
    *(WITX, WAMR, WAMR_EPHEMERAL),
    replace(WAMR_2_1, functions=WAMR_EPHEMERAL.functions),
    replace(WASMEDGE, encodings=_WITHOUT_BURN),
    replace(WITX_2022, encodings=WITX.encodings, functions=WASMEDGE.functions),
)

_THEN: Mapping[str, Dialect] = MappingProxyType(
    {
        dialect.name: replace(dialect, errnos=WITX.errnos, wants_nul=False, counts_floats=False)
        for dialect in _ALL
    }
)
"""The ABIs of that time, with the numbers that they had. Errnos were not translated, and adapters
did not handle NULs after names or the units of outputs."""


def unmarked_text(function: str, source: Dialect, target: Dialect, memory: AdapterMemory) -> str:
    """The adapter between the ABIs of _THEN that are named like `source` and `target`, as one
    function in the text format, which calls `$host`. Raises KeyError for an ABI that did not exist
    then."""
    source, target = _THEN[source.name], _THEN[target.name]
    by_layout = function in ("load", "set_input", "get_output")
    pair = f".{source.layout}-to-{target.layout}" if by_layout else ""
    text = read(f"{FOLDER}/{function}{pair}.wat")
    return fill(text, values(function, source, target, memory))


def unmarked_functions() -> Iterator[tuple[str, str, str]]:
    """All adapters of that time: the function, and the names of the two ABIs."""
    for source, target in itertools.product(_THEN.values(), repeat=2):
        for function in source.functions:
            if has(target, function) and need(function, source, target) not in _NOT_THEN:
                yield function, source.name, target.name


_NOT_THEN = (None, Need.ERRNOS)
