from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewriter.errors import MalformedModule
from rewriter.files import wasm_tools
from rewriter.wasm.imports import ExternKind, groups
from rewriter.wasm.sections import SectionId, split
from rewriter.wasm.types import MemoryType
from tests.support.wasm import HEADER, TYPES, assemble, imported, imports, name, section, vector

Flat = list[tuple[str, list[tuple[str, ExternKind]]]]


def read(module: bytes) -> Flat:
    (found,) = [s for s in split(module) if s.id is SectionId.IMPORT]
    return [
        (group.module.text, [(item.name.text, item.extern.kind) for item in group.imports])
        for group in groups(found)
    ]


EXTERNS = {
    ExternKind.FUNC: b"\x00\x07",
    ExternKind.TABLE: b"\x01\x70\x01\x02\x03",
    ExternKind.MEMORY: b"\x02\x00\x01",
    ExternKind.GLOBAL: b"\x03\x7f\x01",
    ExternKind.TAG: b"\x04\x00\x03",
    ExternKind.FUNC_EXACT: b"\x20\x80\x01",
}
names = st.text(max_size=10)
kinds = st.sampled_from(list(EXTERNS))
singles = st.tuples(names, names.filter(bool), kinds).map(
    lambda t: ((t[0], [(t[1], t[2])]), name(t[0]) + name(t[1]) + EXTERNS[t[2]])
)
by_module = st.tuples(names, st.lists(st.tuples(names, kinds))).map(
    lambda t: (
        (t[0], list(t[1])),
        name(t[0]) + b"\0\x7f" + vector(*(name(field) + EXTERNS[kind] for field, kind in t[1])),
    )
)
by_module_and_type = st.tuples(names, kinds, st.lists(names)).map(
    lambda t: (
        (t[0], [(field, t[1]) for field in t[2]]),
        name(t[0]) + b"\0\x7e" + EXTERNS[t[1]] + vector(*map(name, t[2])),
    )
)


@given(st.lists(singles | by_module | by_module_and_type))
def test_groups_of_every_form_are_read_as_written(
    items: list[tuple[tuple[str, list[tuple[str, ExternKind]]], bytes]],
) -> None:
    module = HEADER + imports(*(encoded for _, encoded in items))
    assert read(module) == [expected for expected, _ in items]


def test_groups_can_be_skipped_unread() -> None:
    grouped = name("env") + b"\0\x7f" + vector(*(name(c) + b"\0\0" for c in "abc"))
    module = HEADER + imports(grouped, imported("wasi_nn"))
    (found,) = [s for s in split(module) if s.id is SectionId.IMPORT]
    assert [group.module.text for group in groups(found)] == ["env", "wasi_nn"]


def test_a_single_import_with_an_empty_name_is_not_a_group() -> None:
    assert read(HEADER + imports(imported("env", ""))) == [("env", [("", ExternKind.FUNC)])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(memory 1)", MemoryType(1, None, False, False, 65536)),
        ("(memory i64 1 2 shared)", MemoryType(1, 2, True, True, 65536)),
        ("(memory 3 (pagesize 1))", MemoryType(3, None, False, False, 1)),
        ("(memory i64 0x1000000000000)", MemoryType(2**48, None, False, True, 65536)),
    ],
)
def test_memories_are_read_with_their_limits(text: str, expected: MemoryType) -> None:
    module = assemble(f'(module (import "env" "m" {text}))')
    (found,) = [s for s in split(module) if s.id is SectionId.IMPORT]
    group = next(groups(found))
    assert [item.extern.memory for item in group.imports] == [expected]


@pytest.mark.parametrize(
    "extern",
    [
        "(table 1 funcref)",
        "(table i64 1 externref)",
        "(table 1 2 (ref null $struct))",
        "(table shared 1 (ref null (shared any)))",
        "(global (mut i64))",
        "(global (shared mut i32))",
        "(global (ref $struct))",
        "(global (ref null (exact $struct)))",
        "(global nullexnref)",
        "(global v128)",
        "(tag (param i32))",
        "(func (exact (type $f)))",
    ],
)
def test_types_of_proposals_are_skipped(extern: str) -> None:
    module = assemble(
        f'(module (type $f (func)) (type $struct (struct)) (import "a" "b" {extern})'
        ' (import "wasi_nn" "load" (func)))'
    )
    assert [(module_name, items[0][0]) for module_name, items in read(module)] == [
        ("a", "b"),
        ("wasi_nn", "load"),
    ]


@pytest.mark.parametrize(
    ("content", "offset", "words"),
    [
        pytest.param(b"\x05", 10, "5 imports are declared", id="more imports than bytes"),
        pytest.param(b"\xff\xff\xff\xff\x0f", 10, "declared", id="4 billion imports"),
        pytest.param(vector(imported("a")) + b"\0", 17, "unread", id="bytes left over"),
        pytest.param(b"\x01\x05a", 11, "name", id="module name too long"),
        pytest.param(b"\x01\x01\xff\0\0\0", 12, "UTF-8", id="module name not UTF-8"),
        pytest.param(b"\x01\x01a\x01f\x05\0", 15, "kind 0x05", id="unknown kind"),
        pytest.param(b"\x01\x01a\x01f\x02\x10\0", 16, "flags 0x10", id="unknown limits"),
        pytest.param(b"\x01\x01a\x01f\x03\x10\0", 16, "value type 0x10", id="unknown type"),
        pytest.param(b"\x01\x01a\0\x7f\xff\x7f", 15, "declared", id="huge group"),
        pytest.param(b"\x01\x01a\x01f\x03" + b"\x65" * 9, 16, "0x65", id="shared of shared"),
        pytest.param(b"\x01\x01a\x01f\x02\x08\x01\x40", 18, "64 KiB", id="huge page size"),
    ],
)
def test_a_broken_import_section_is_refused_with_the_offset(
    content: bytes, offset: int, words: str
) -> None:
    with pytest.raises(MalformedModule, match=words) as caught:
        read(HEADER + section(SectionId.IMPORT, content))
    assert caught.value.offset == offset


def test_every_truncation_of_the_section_is_refused() -> None:
    items = vector(
        *(imported("env", "x", extern) for extern in EXTERNS.values()),
        name("g") + b"\0\x7f" + vector(imported("", "")[1:]),
    )
    for end in range(len(items)):
        with pytest.raises(MalformedModule):
            read(HEADER + TYPES + section(SectionId.IMPORT, items[:end]))


@pytest.mark.parametrize("kind", [b"\x02", b"\x01\x70"], ids=["memory", "table"])
def test_sizes_may_be_written_in_more_bytes_than_32_bits_take(kind: bytes) -> None:
    module = HEADER + imports(imported("a", "b", kind + b"\x00\x82\x80\x80\x80\x80\x00"))
    wasm_tools.validate(module)
    ((_, [(_, found)]),) = read(module)
    assert found is (ExternKind.MEMORY if kind == b"\x02" else ExternKind.TABLE)
    beyond = HEADER + imports(imported("a", "b", kind + b"\x00\x80\x80\x80\x80\x10"))
    with pytest.raises(MalformedModule, match="4294967296 does not fit 32-bit addresses"):
        read(beyond)
