"""The text of both modules, from the files in this folder."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from rewriter.abi.dialects import Dialect
from rewriter.abi.structures import (
    TENSOR,
    WAMR_DIMENSIONS,
    WAMR_OUTPUT_UNIT,
    WAMR_TENSOR,
    named_offsets,
)
from rewriter.functions.wat import fill, read
from runtime_shim.host.shared_tensors import ENTRIES, INPUT, OUTPUT, OUTPUTS_AT, STEP

__all__ = [
    "ARENA_PAGES",
    "FOLDER",
    "REPLACED",
    "VALUES",
    "calls",
    "copies",
    "has_copies",
    "module_text",
]

FOLDER = Path(__file__).parent

REPLACED = ("set_input", "get_output")
"""The functions that these modules define."""

ARENA_PAGES = 4096
"""256 MiB of address space; only pages that are written take up memory. A memory that cannot grow
never moves."""

VALUES: Mapping[str, int] = {
    "PAGES": ARENA_PAGES,
    "STEP": STEP,
    "ENTRIES": ENTRIES,
    "ENTRY_CONTEXT": INPUT.offsets["context"],  # the same in OUTPUT
    "ENTRY_INDEX": INPUT.offsets["index"],
    "INPUT_SIZE": INPUT.size,
    "INPUT_TYPE": INPUT.offsets["type"],
    "INPUT_RANK": INPUT.offsets["rank"],
    "INPUT_DIMENSIONS": INPUT.offsets["dimensions"],
    "INPUT_LENGTH": INPUT.offsets["length"],
    "INPUT_BYTES": INPUT.offsets["bytes"],
    "OUTPUTS_AT": OUTPUTS_AT,
    "OUTPUT_SIZE": OUTPUT.size,
    "OUTPUT_LENGTH": OUTPUT.offsets["length"],
    "OUTPUT_BYTES": OUTPUT.offsets["bytes"],
    **named_offsets("TENSOR", TENSOR),
    **named_offsets("WAMR_DIMENSIONS", WAMR_DIMENSIONS),
    **named_offsets("WAMR_TENSOR", WAMR_TENSOR),
    "WAMR_OUTPUT_UNIT": WAMR_OUTPUT_UNIT,
    "WAMR_OUTPUT_ROUND": WAMR_OUTPUT_UNIT - 1,
    "U32_SIZE": 4,
}


def calls(dialect: Dialect) -> tuple[str, ...]:
    """The files of the first module."""
    return (f"calls.{dialect.layout}.wat",)


def has_copies(dialect: Dialect) -> bool:
    """Whether there is a second module. There is none if tensors follow a host's rules, which it
    does not know, or if the unit of an output depends on its model."""
    return dialect.implementation not in ("as_row", "counted")


def copies(dialect: Dialect) -> tuple[str, ...]:
    """The files of the second module."""
    files = (f"copies.{dialect.layout}.wat", "copies.common.wat")
    if dialect.layout.output_unit == 1:
        return files
    return (*files, f"room.{'bytes' if dialect.implementation == 'adapted' else 'floats'}.wat")


@functools.cache
def module_text(files: tuple[str, ...]) -> str:
    """The text of these files, joined. Raises FileNotFoundError for a layout that has none."""
    return fill("".join(read(f"{FOLDER}/{name}") for name in files), VALUES)
