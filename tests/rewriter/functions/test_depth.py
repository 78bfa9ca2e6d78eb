"""Engines' limits on operands, variables and blocks of a function."""

from __future__ import annotations

import pytest

from rewriter.analysis.features import features
from rewriter.functions.feature import Feature
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from tests.support.wasm import HEADER, section, sized, vector

OPERANDS, SLOTS, BLOCKS = Feature.MANY_OPERANDS, Feature.MANY_SLOTS, Feature.DEEP_BLOCKS
CONST, CONST_64, SIZE, DROP, END = b"\x41\0", b"\x42\0", b"\x3f\0", b"\x1a", b"\x0b"
GET, CALL, ADD, FILL = b"\x20\0", b"\x10\1", b"\x6a", b"\xfc\x0b\0"

BODIES = {
    "constants": (CONST * 65535 + DROP * 65535, set()),
    "more constants": (CONST * 65536 + DROP * 65536, {OPERANDS}),
    "wide constants": (CONST_64 * 32768 + DROP * 32768, {OPERANDS}),
    "one behind the other": ((CONST + DROP) * 70000, set()),
    "copies of a variable": (GET * 40000 + DROP * 40000, set()),
    "results": (SIZE * 32765 + DROP * 32765, set()),
    "more results": (SIZE * 32766 + DROP * 32766, {SLOTS}),
    "results of calls": (CALL * 4000 + DROP * 40000, {SLOTS}),
    "added up": (SIZE + (SIZE + ADD) * 40000 + DROP, set()),
    "cut off by a branch": ((b"\x02\x40" + SIZE * 20000 + b"\x0c\0" + END) * 3, set()),
    "behind operations on memory": (CONST * 3 + FILL + SIZE * 33000 + DROP * 33000, {SLOTS}),
    "blocks": (b"\x02\x40" * 65534 + END * 65534, set()),
    "more blocks": (b"\x03\x40" * 65535 + END * 65535, {BLOCKS}),
    "an end for each": ((b"\x02\x40" + END) * 70000, set()),
}


@pytest.mark.parametrize("title", BODIES)
def test_a_function_that_keeps_more_than_engines_count(title: str) -> None:
    """The first function has one parameter, and the second returns ten numbers."""
    body, expected = BODIES[title]
    module = (
        HEADER
        + section(SectionId.TYPE, vector(b"\x60\1\x7f\0", b"\x60\0\x0a" + b"\x7f" * 10))
        + section(SectionId.FUNCTION, vector(b"\0", b"\1"))
        + section(SectionId.MEMORY, vector(b"\0\1"))
        + section(
            SectionId.CODE, vector(sized(b"\0" + body + END), sized(b"\0" + CONST * 10 + END))
        )
    )
    found = features(Module(module)).keys()
    assert found & {OPERANDS, SLOTS, BLOCKS} == expected
