from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter import (
    MalformedModule,
    Module,
    Rename,
    RewriteOptions,
    compare,
    rewrite,
)
from rewriter.files import wasm_tools
from rewriter.wasm.sections import SectionId
from tests.support.wasm import (
    HEADER,
    TYPES,
    assemble,
    custom,
    imported,
    imports,
    name,
    section,
    vector,
)

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


def test_a_rename_is_the_only_difference() -> None:
    comparison = compare(GUEST, rewrite(GUEST))
    assert comparison.only_rewritten
    assert comparison.renames == (Rename("wasi_ephemeral_nn", "wasi_nn", 2),)
    assert comparison.sections == 4


def test_a_module_equals_itself() -> None:
    comparison = compare(GUEST, GUEST)
    assert comparison.only_rewritten
    assert comparison.renames == ()


BROKEN_TYPES = HEADER + section(SectionId.TYPE, b"\1\x3f")


@pytest.mark.parametrize("broken", [b"", BROKEN_TYPES], ids=["empty", "types"])
def test_an_error_says_which_of_the_two_it_is_about(broken: bytes) -> None:
    with pytest.raises(MalformedModule, match=r"^original: "):
        compare(broken, GUEST)
    with pytest.raises(MalformedModule, match=r"^rewritten: "):
        compare(GUEST, broken)


def test_a_module_has_a_name_for_errors() -> None:
    with pytest.raises(MalformedModule, match=r"^after\.wasm: unknown type form") as caught:
        compare(GUEST, Module(BROKEN_TYPES, "after.wasm"))
    assert caught.value.offset == BROKEN_TYPES.index(b"\x3f")


def test_groups_count_their_imports() -> None:
    group = b"\0\x7e\0\0\x02" + name("a") + name("b")
    before, after = (HEADER + TYPES + imports(name(m) + group) for m in ("x", "y"))
    assert compare(before, after).renames == (Rename("x", "y", 2),)


def test_imports_may_be_grouped_in_another_way() -> None:
    group = name("x") + b"\0\x7f\x02" + name("f") + b"\0\0" + name("g") + b"\0\0"
    single = imported("x", "f"), imported("x", "g")
    before, after = (HEADER + TYPES + imports(*items) for items in (single, (group,)))
    assert compare(before, after).only_rewritten


@given(st.integers(8, len(GUEST) - 1), st.integers(1, 255))
def test_any_changed_byte_is_found(position: int, flip: int) -> None:
    changed = bytearray(GUEST)
    changed[position] ^= flip
    try:
        comparison = compare(GUEST, bytes(changed))
    except MalformedModule:
        return
    assert not comparison.only_rewritten


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


def test_removed_and_added_sections_are_found() -> None:
    before = HEADER + custom("a") + TYPES + custom("b")
    after = HEADER + TYPES + custom("b") + custom("c")
    assert what(before, after) == [
        ("custom section 'a' is gone", 8, None),
        ("custom section 'c' was added", None, 8 + len(TYPES) + len(custom("b"))),
    ]


@pytest.mark.parametrize(
    ("names", "gone", "added"),
    [
        ("aab ab", "a", ""),
        ("abb ab", "b", ""),
        ("ab aab", "", "a"),
        ("abc ac", "b", ""),
        ("ab ba", "a", "a"),
        ("ab cd", "ab", "cd"),
        ("a ", "a", ""),
        (" a", "", "a"),
    ],
)
def test_sections_are_paired_by_name(names: str, gone: str, added: str) -> None:
    before, after = (HEADER + b"".join(map(custom, each)) for each in names.split(" "))
    found = [item[0].split("'")[1:] for item in what(before, after)]
    assert "".join(name for name, words in found if words == " is gone") == gone
    assert "".join(name for name, words in found if words == " was added") == added


def test_many_sections_of_one_name_are_paired_in_one_pass() -> None:
    before = HEADER + custom("a") * 50_000 + custom("b")
    after = HEADER + custom("a") * 49_999 + custom("b")
    assert [words for words, _, _ in what(before, after)] == ["custom section 'a' is gone"]


def test_a_size_field_of_another_width_is_found() -> None:
    before = HEADER + b"\x01\x04\x01\x60\0\0"
    after = HEADER + b"\x01\x84\0\x01\x60\0\0"
    assert what(before, after) == [("type section: the width of the size field differs", 9, 9)]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([imported("x", "g")], id="field"),
        pytest.param([imported("x", "f", b"\0\1")], id="type"),
        pytest.param([imported("x"), imported("x")], id="one more"),
        pytest.param([], id="one less"),
    ],
)
def test_imports_that_differ_in_more_than_the_module_are_found(after: list[bytes]) -> None:
    types = section(SectionId.TYPE, vector(b"\x60\0\0", b"\x60\0\0"))
    before = HEADER + types + imports(imported("x"))
    assert not compare(before, HEADER + types + imports(*after)).only_rewritten


@pytest.mark.parametrize(
    ("before", "after", "title"),
    [
        pytest.param(
            b"\x02\x04\x00\x41\x07\x0b\x04\x00\x10\x00\x0b",
            b"\x02\x84\x00\x00\x41\x07\x0b\x04\x00\x10\x00\x0b",
            "code section",
            id="the size of a body",
        ),
        pytest.param(
            b"\x02\x04\x00\x41\x07\x0b\x04\x00\x10\x00\x0b",
            b"\x82\x00\x04\x00\x41\x07\x0b\x04\x00\x10\x00\x0b",
            "code section",
            id="the count of bodies",
        ),
        pytest.param(
            b"\x01\x01f\x00\x01", b"\x81\x00\x01f\x00\x01", "export section", id="exports"
        ),
    ],
)
def test_longer_sizes_and_counts_alone_are_a_difference(
    before: bytes, after: bytes, title: str
) -> None:
    """Adapters do not need them, and they move code."""
    module = assemble(
        '(module (func $a (result i32) i32.const 7) (func (export "f") (result i32) call $a))'
    )
    at = module.index(before)
    longer = module[: at - 1] + bytes([module[at - 1] + 1]) + after + module[at + len(before) :]
    wasm_tools.validate(longer)
    comparison = compare(module, longer)
    assert comparison.widened == ()
    assert {difference.what.partition(":")[0] for difference in comparison.differences} == {title}


def test_debug_sections_that_were_dropped_are_named() -> None:
    module = GUEST + custom(".debug_info") + custom("producers")
    comparison = compare(module, rewrite(module, RewriteOptions(drop_debug=True)))
    assert comparison.only_rewritten
    assert comparison.dropped == (".debug_info",)
