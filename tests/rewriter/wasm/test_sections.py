from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter.errors import MalformedModule, UnsupportedModule
from rewriter.wasm.sections import SectionId, split
from tests.support.wasm import HEADER, TYPES, assemble, custom, import_module, section

IN_ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]
"""The ids of the sections in a module, in order."""


@given(st.sets(st.sampled_from(IN_ORDER)), st.data())
def test_sections_are_found_where_they_were_put(ids: set[int], data: st.DataObject) -> None:
    module, expected = HEADER, []
    for section_id in (SectionId(i) for i in IN_ORDER if i in ids):
        content = data.draw(st.binary(max_size=200))
        width = data.draw(st.integers(1, 5))
        encoded = section(section_id, content, width)
        expected.append((section_id, len(module), len(content), len(encoded) - 1 - len(content)))
        module += encoded
    assert [(s.id, s.start, s.size, s.size_width) for s in split(module)] == expected


def test_custom_sections_stand_anywhere_and_have_names() -> None:
    module = HEADER + custom("a") + TYPES + custom("a", b"123") + custom("ü")
    assert [s.name for s in split(module)] == ["a", None, "a", "ü"]


@pytest.mark.parametrize(
    ("module", "offset", "words"),
    [
        pytest.param(b"", 0, "empty", id="empty"),
        pytest.param(b"\0as", 3, "truncated", id="half a magic number"),
        pytest.param(b"\0asm\x01\0", 6, "truncated", id="half a version"),
        pytest.param(b"#!/bin/sh\n", 0, "not WebAssembly", id="wrong magic"),
        pytest.param(b"\0asm\x02\0\0\0", 4, "unknown version", id="wrong version"),
        pytest.param(HEADER + b"\x0e\0", 8, "unknown section id 14", id="unknown id"),
        pytest.param(HEADER + TYPES + TYPES, 14 - 6 + len(TYPES), "twice", id="twice"),
        pytest.param(HEADER + b"\x02\x01\0" + TYPES, 11, "out of order", id="out of order"),
        pytest.param(HEADER + b"\x01\x05\0", 8, "truncated", id="cut off"),
        pytest.param(HEADER + b"\x01\xff\xff\xff\xff\x0f", 8, "4294967295", id="4 GB announced"),
        pytest.param(HEADER + b"\0\x02\x05a", 10, "name", id="name past its section"),
        pytest.param(HEADER + b"\0\x02\x01\xff", 11, "UTF-8", id="name not UTF-8"),
    ],
)
def test_input_that_is_not_a_module_is_refused_with_the_offset(
    module: bytes, offset: int, words: str
) -> None:
    with pytest.raises(MalformedModule, match=words) as caught:
        split(module)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("data", "offset", "words"),
    [
        pytest.param(b"\0asm\x0d\0\x01\0", 4, "component.*core module", id="component"),
        pytest.param(b"\x7fELF\x02\x01\x01\xc8", 0, r"\.cwasm.*compile that again", id="cwasm"),
        pytest.param(b"\x7fELF\x02\x01\x01\0", 0, r"ELF.*compile that again", id="another ELF"),
        pytest.param(b"\0aot\x05\0\0\0", 0, r"\.aot.*compile that again", id="aot"),
    ],
)
def test_other_kinds_of_wasm_are_refused_with_what_to_do(
    data: bytes, offset: int, words: str
) -> None:
    with pytest.raises(UnsupportedModule, match=words) as caught:
        split(data)
    assert caught.value.offset == offset


def test_a_real_component_is_refused() -> None:
    with pytest.raises(UnsupportedModule, match="component"):
        split(assemble("(component (core module))"))


def test_every_truncation_is_either_shorter_or_refused() -> None:
    module = import_module("wasi_nn") + custom("tail", b"xyz")
    whole = [*split(module)]
    boundaries = {len(HEADER), *(s.end for s in whole)}
    for end in range(len(module)):
        if end in boundaries:
            found = [s._replace(data=module) for s in split(module[:end])]
            assert found == [s for s in whole if s.end <= end]
        else:
            with pytest.raises(MalformedModule):
                split(module[:end])
