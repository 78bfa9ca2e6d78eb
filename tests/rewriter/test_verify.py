from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter import MalformedModule, Rename, compare, rewrite
from tests.wasm import HEADER, TYPES, assemble, custom, imported, imports, name

GUEST = assemble(
    """(module
      (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
      (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "some bytes of data, long enough to differ in two places"))"""
)


def what(original: bytes, rewritten: bytes) -> list[tuple[str, int | None, int | None]]:
    differences = compare(original, rewritten).differences
    return [(d.what, d.original_offset, d.rewritten_offset) for d in differences]


def test_a_rename_is_nothing_but_a_rename() -> None:
    comparison = compare(GUEST, rewrite(GUEST))
    assert comparison.only_renamed
    assert comparison.renames == (Rename("wasi_ephemeral_nn", "wasi_nn", 2),)
    assert comparison.sections == 4


def test_a_module_is_the_same_as_itself() -> None:
    comparison = compare(GUEST, GUEST)
    assert comparison.only_renamed
    assert comparison.renames == ()


def test_groups_count_their_imports() -> None:
    group = b"\0\x7e\0\0\x02" + name("a") + name("b")
    before, after = (HEADER + TYPES + imports(name(m) + group) for m in ("x", "y"))
    assert compare(before, after).renames == (Rename("x", "y", 2),)


@given(st.integers(8, len(GUEST) - 1), st.integers(1, 255))
def test_any_other_changed_byte_is_found(position: int, flip: int) -> None:
    start = GUEST.index(b"wasi_ephemeral_nn")
    changed = bytearray(GUEST)
    changed[position] ^= flip
    is_name = any(
        GUEST.startswith(b"wasi_ephemeral_nn", p) and p <= position < p + 17
        for p in range(start, len(GUEST))
    )
    try:
        comparison = compare(GUEST, bytes(changed))
    except MalformedModule:
        return
    assert comparison.only_renamed == is_name


def test_every_run_of_changed_bytes_is_listed_with_its_offset_in_both() -> None:
    rewritten = rewrite(GUEST)
    first, second = rewritten.index(b"some"), rewritten.index(b"places")
    changed = bytearray(rewritten)
    changed[first : first + 4] = b"SOME"
    changed[second] ^= 1
    shift = len(GUEST) - len(rewritten)
    assert what(GUEST, bytes(changed)) == [
        ("data section: 4 bytes differ", first + shift, first),
        ("data section: 1 byte differs", second + shift, second),
    ]


def test_changes_more_than_a_chunk_apart_are_found() -> None:
    content = bytearray(3_000_000)
    before = HEADER + custom("big", bytes(content))
    content[5] = content[-5] = 1
    after = HEADER + custom("big", bytes(content))
    start = len(before) - len(content)
    assert what(before, after) == [
        ("custom section 'big': 1 byte differs", start + 5, start + 5),
        ("custom section 'big': 1 byte differs", len(before) - 5, len(before) - 5),
    ]


def test_a_section_of_another_length_is_found() -> None:
    before, after = HEADER + custom("x", b"abc"), HEADER + custom("x", b"abXYc")
    assert what(before, after) == [
        ("custom section 'x': 5 bytes became 7, the first difference", 14, 14)
    ]


def test_sections_that_are_gone_or_added_are_found() -> None:
    before = HEADER + custom("a") + TYPES + custom("b")
    after = HEADER + TYPES + custom("b") + custom("c")
    assert what(before, after) == [
        ("custom section 'a' is gone", 8, None),
        ("custom section 'c' was added", None, 8 + len(TYPES) + len(custom("b"))),
    ]


def test_a_size_field_of_another_width_is_found() -> None:
    before = HEADER + b"\x01\x04\x01\x60\0\0"
    after = HEADER + b"\x01\x84\0\x01\x60\0\0"
    assert what(before, after) == [("type section: size field width", 9, 9)]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([imported("x", "g")], id="field"),
        pytest.param([imported("x", "f", b"\0\1")], id="type"),
        pytest.param([imported("x"), imported("x")], id="one more"),
        pytest.param([], id="one less"),
        pytest.param([name("x") + b"\0\x7e\0\0\x01" + name("f")], id="group"),
    ],
)
def test_imports_that_differ_in_more_than_the_module_are_found(after: list[bytes]) -> None:
    before = HEADER + TYPES + imports(imported("x"))
    assert not compare(before, HEADER + TYPES + imports(*after)).only_renamed
