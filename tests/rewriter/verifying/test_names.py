"""The names of modules and adapters that may differ, and those that must not."""

from __future__ import annotations

import pytest

from rewriter import RewriteOptions, UsageError, compare, inspect_module, rewrite
from rewriter.files import wasm_tools
from rewriter.wasm.sections import SectionId, split
from tests.rewriter.adapters.unmarked import unmarked
from tests.support.wasm import (
    HEADER,
    assemble,
    custom,
    import_module,
    name,
    section,
    sized,
    vector,
)

EPHEMERAL, PLAIN, WASI = "wasi_ephemeral_nn", "wasi_nn", "wasi_snapshot_preview1"


def differences(
    original: bytes, rewritten: bytes, renames: dict[str, str] | None = None
) -> list[tuple[str, str]]:
    found = compare(original, rewritten, renames=renames).differences
    return [(difference.code, difference.what) for difference in found]


def test_the_name_of_another_module_may_differ_only_if_it_is_given() -> None:
    before, after = import_module(WASI, EPHEMERAL), import_module("other", PLAIN)
    (found,) = compare(before, after).differences
    assert (found.code, found.what) == ("NN416", f"import section: {WASI} became other")
    assert found.help == f"--rename {WASI}=other allows it"
    assert found.original_offset == before.index(name("f"))
    assert compare(before, after, renames={WASI: "other"}).only_rewritten
    assert not compare(before, after, renames={WASI: "another"}).only_rewritten
    assert not compare(before, after, renames={"other": WASI}).only_rewritten


def test_a_hint_is_as_a_shell_reads_it() -> None:
    (found,) = compare(import_module("$root"), import_module("a b")).differences
    assert found.help == "--rename '$root=a b' allows it"


@pytest.mark.parametrize(
    ("before", "after", "renames", "may"),
    [
        (PLAIN, EPHEMERAL, {}, True),
        (EPHEMERAL, PLAIN, {}, True),
        (PLAIN, "nn", {}, False),
        ("nn", PLAIN, {}, False),
        (PLAIN, "nn", {PLAIN: "nn"}, True),
        (EPHEMERAL, "nn", {PLAIN: "nn"}, True),  # by way of wasi_nn
        ("nn", PLAIN, {"nn": PLAIN}, True),
        ("nn", EPHEMERAL, {"nn": PLAIN}, True),
        ("nn", "mm", {"nn": PLAIN}, False),
        ("nn", "nn", {"nn": PLAIN}, True),
    ],
)
def test_wasi_nns_names_become_each_other_before_and_after_a_rename(
    before: str, after: str, renames: dict[str, str], may: bool
) -> None:
    found = compare(import_module(before), import_module(after), renames=renames)
    assert found.only_rewritten == may


def test_each_change_of_a_name_is_reported_once() -> None:
    before, after = import_module("a", "b", "a", "b"), import_module("x", "y", "x", "y")
    assert differences(before, after) == [
        ("NN416", "import section: a became x"),
        ("NN416", "import section: b became y"),
    ]


def test_a_rewrite_renames_all_imports_of_a_module() -> None:
    before = import_module(EPHEMERAL, EPHEMERAL, EPHEMERAL)
    after = import_module(EPHEMERAL, PLAIN, PLAIN)
    assert differences(before, after) == [
        (
            "NN416",
            f"import section: {EPHEMERAL} became {EPHEMERAL} for some imports, and {PLAIN} for"
            " others",
        )
    ]


@pytest.mark.parametrize("renames", [{"a": ""}, {"": "a"}, {"a": "a"}, {"a": 1}])
def test_a_rename_that_a_rewrite_cannot_do_is_refused(renames: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="rename"):
        compare(import_module("a"), import_module("a"), renames=renames)


GUEST = assemble(
    """(module
      (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
      (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
      (memory (export "memory") 1)
      (func $run (export "run") (param i32) (result i32)
        (call $load (i32.const 8) (i32.const 1) (i32.const 1) (i32.const 0) (local.get 0))))"""
)
ADAPTED = rewrite(GUEST, RewriteOptions(abi="wamr"))
EXPORT, NAME = b"nnshim.load.witx-to-wamr.0.0", b"nnshim.load.witx-to-wamr"
WRONG_EXPORT = (
    "NN417",
    "export section: adapters are not exported under the names that a rewrite gives",
)
WRONG_NAME = ("NN417", "custom section 'name': adapters do not have the names that a rewrite gives")


def test_the_export_of_an_adapter_has_the_index_of_its_import() -> None:
    changed = ADAPTED.replace(EXPORT, EXPORT[:-1] + b"1")
    assert differences(GUEST, changed) == [WRONG_EXPORT]


def without_exports(module: bytes) -> bytes:
    """Remove all exports except the memory and $run, which come first."""
    (exports,) = [s for s in split(module) if s.id is SectionId.EXPORT]
    kept = vector(name("memory") + b"\2\0", name("run") + b"\0\2")
    return module[: exports.start] + section(SectionId.EXPORT, kept) + module[exports.end :]


def test_an_adapter_is_exported() -> None:
    changed = without_exports(ADAPTED)
    wasm_tools.validate(changed)
    assert inspect_module(changed).adapters == {}
    assert len(inspect_module(changed).traces) == 1
    assert not compare(GUEST, changed).only_rewritten


@pytest.mark.parametrize("other", [b"nnshim.load.witx-to-wamx", b"nnshim.lead.witx-to-wamr"])
def test_an_adapter_has_its_own_name_in_the_name_section(other: bytes) -> None:
    place = ADAPTED.rindex(NAME)
    changed = ADAPTED[:place] + other + ADAPTED[place + len(NAME) :]
    assert WRONG_NAME in differences(GUEST, changed)


def with_names(module: bytes, content: bytes | None) -> bytes:
    """The module with a different name section, or none."""
    (names,) = [s for s in split(module) if s.name == "name"]
    return module[: names.start] + (b"" if content is None else custom("name", content))


def test_an_adapter_has_a_name_where_there_is_a_name_section() -> None:
    other = b"\1" + sized(vector(b"\2" + name("run")))
    assert with_names(GUEST, other) != GUEST
    before, after = with_names(GUEST, other), with_names(ADAPTED, other)
    assert compare(before, rewrite(before, RewriteOptions(abi="wamr"))).only_rewritten
    assert differences(before, after) == [WRONG_NAME]
    assert compare(with_names(GUEST, None), with_names(ADAPTED, None)).only_rewritten


def test_a_name_section_that_cannot_be_read_names_no_adapter() -> None:
    before = with_names(GUEST, b"\1\4\2\2\0\0")
    there = rewrite(before, RewriteOptions(abi="wamr"))
    assert NAME + b"\0" not in there
    assert compare(before, there).only_rewritten


def test_adapters_may_have_the_names_that_they_had_before() -> None:
    """Another tool has moved imports and removed names. Then the imports are renamed."""
    moved = with_names(ADAPTED.replace(EXPORT, EXPORT[:-1] + b"7"), b"\1" + sized(vector()))
    there = rewrite(moved, RewriteOptions(to=EPHEMERAL))
    assert there != moved
    assert compare(moved, there).only_rewritten


def test_adapters_of_the_generation_before_exports_have_names_alone() -> None:
    there = unmarked("witx-to-wamr")
    assert b"witx-to-wamr.0" not in there
    back = rewrite(there, RewriteOptions(abi="witx"))
    assert compare(back, there).only_rewritten
    assert NAME in there
    changed = there.replace(NAME, b"nnshim.load.wamr-to-witx")
    assert WRONG_NAME in differences(back, changed)


def dylink(module: str, flags: bytes = b"\0") -> bytes:
    return custom("dylink.0", b"\4" + sized(vector(name(module) + name("f") + flags)))


def library(described: str, module: str, flags: bytes = b"\0") -> bytes:
    return HEADER + dylink(described, flags) + import_module(module)[len(HEADER) :]


def test_a_dynamic_library_describes_imports_by_the_names_that_they_have() -> None:
    before = library(EPHEMERAL, EPHEMERAL)
    assert compare(before, library(PLAIN, PLAIN)).only_rewritten
    what = "custom section 'dylink.0': the names of imports differ from those in the import section"
    assert differences(before, library(EPHEMERAL, PLAIN)) == [("NN418", what)]
    assert compare(before, library(PLAIN, PLAIN)).sections == 1


def test_other_differences_in_a_dynamic_librarys_section_are_found() -> None:
    before = library(EPHEMERAL, EPHEMERAL)
    for after in (library(PLAIN, PLAIN, b"\1"), library("other", PLAIN)):
        assert [code for code, _ in differences(before, after)] == ["NN402"]
    after = library(PLAIN, PLAIN)
    wider = after[:9] + bytes([after[9] | 0x80, 0]) + after[10:]
    what = "custom section 'dylink.0': the width of the size field differs"
    assert differences(before, wider) == [("NN405", what)]


def test_a_dynamic_librarys_section_that_cannot_be_read_stays_as_it_is() -> None:
    broken = custom("dylink.0", b"\4\x20" + name(EPHEMERAL))
    before, after = (
        HEADER + broken + import_module(module)[len(HEADER) :] for module in (EPHEMERAL, PLAIN)
    )
    assert compare(before, after).only_rewritten
