"""Data that depends on a module's bytes: signatures, source maps, records, and offsets."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata

import pytest

from rewriter import RewriteOptions, UnsupportedModule, compare, rewrite
from rewriter.files import wasm_tools
from rewriter.rewriting.plan import make_plan
from rewriter.wasm.module import Module
from rewriter.wasm.sections import Section, SectionId, split
from tests.support.wasm import assemble, custom, name

EPHEMERAL, PLAIN = "wasi_ephemeral_nn", "wasi_nn"
SIGNATURE = custom("signature", b"\1\1\1\0")
DELIMITER = custom("signature_delimiter", bytes(16))
SOURCE_MAP = custom("sourceMappingURL", name("guest.wasm.map"))


def guest(*names: str) -> bytes:
    """A guest that imports a function from each module and defines one."""
    items = " ".join(f'(import "{each}" "f{at}" (func))' for at, each in enumerate(names))
    return assemble(f'(module {items} (func (export "_start") (call 0)))')


def code(module: bytes) -> Section:
    (found,) = [s for s in split(module) if s.id is SectionId.CODE]
    return found


def named(module: bytes, title: str) -> list[bytes]:
    return [module[s.content : s.end] for s in split(module) if s.name == title]


def signed(module: bytes) -> bytes:
    """A module signed as by signing tools: the signature first, then a part and its delimiter."""
    return module[:8] + SIGNATURE + module[8:] + DELIMITER


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(signed(guest(EPHEMERAL)), id="inside"),
        pytest.param(guest(EPHEMERAL) + DELIMITER, id="beside the file"),
    ],
)
def test_a_signed_module_is_changed_only_if_the_signature_is_removed(module: bytes) -> None:
    with pytest.raises(UnsupportedModule, match="signed") as caught:
        rewrite(module)
    assert caught.value.offset in {s.start for s in split(module) if s.name}
    there = rewrite(module, RewriteOptions(drop_signature=True))
    assert there == rewrite(guest(EPHEMERAL))
    assert compare(module, there).only_rewritten
    assert "signature_delimiter" in compare(module, there).dropped


def test_a_signed_module_with_nothing_to_change_stays_as_it_is() -> None:
    module = signed(guest(PLAIN))
    assert rewrite(module) == module
    assert rewrite(module, RewriteOptions(drop_signature=True)) == guest(PLAIN)


def test_a_source_map_is_outdated_if_code_has_moved_in_the_file() -> None:
    module = guest(EPHEMERAL) + SOURCE_MAP
    assert make_plan(Module(module), RewriteOptions(renames={EPHEMERAL: PLAIN})).outdated == (
        "sourceMappingURL",
    )
    assert (
        make_plan(Module(module), RewriteOptions(renames={EPHEMERAL: "wasi_ephemeral_nm"})).outdated
        == ()
    )
    assert (
        make_plan(
            Module(module), RewriteOptions(renames={EPHEMERAL: PLAIN}, keep_offsets=True)
        ).outdated
        == ()
    )
    there = make_plan(Module(module), RewriteOptions(renames={EPHEMERAL: PLAIN}, drop_debug=True))
    assert (there.outdated, there.dropped) == ((), ("sourceMappingURL",))
    assert compare(module, rewrite(module, RewriteOptions(drop_debug=True))).dropped == (
        "sourceMappingURL",
    )


def test_sections_of_one_name_are_dropped_together_and_named_once() -> None:
    module = guest(EPHEMERAL) + SOURCE_MAP * 3 + custom("x") + SOURCE_MAP
    there = make_plan(Module(module), RewriteOptions(renames={EPHEMERAL: PLAIN}, drop_debug=True))
    assert there.dropped == ("sourceMappingURL",)
    assert make_plan(Module(module), RewriteOptions(renames={EPHEMERAL: PLAIN})).outdated == (
        "sourceMappingURL",
    )
    assert rewrite(module, RewriteOptions(drop_debug=True)) == rewrite(
        guest(EPHEMERAL) + custom("x")
    )


def test_a_source_map_is_outdated_if_a_section_just_before_the_code_is_removed() -> None:
    module = guest("env")
    start = code(module).start
    before_code = module[:start] + SIGNATURE + module[start:] + SOURCE_MAP
    plan = make_plan(Module(before_code), RewriteOptions(drop_signature=True))
    assert plan.outdated == ("sourceMappingURL",)


@pytest.mark.parametrize("imports", [1, 2, 13, 14, 900])
def test_offsets_are_kept_and_there_and_back_gives_the_same_bytes(imports: int) -> None:
    module = guest(*[EPHEMERAL] * imports, "env") + custom("after")
    there = rewrite(module, RewriteOptions(keep_offsets=True))
    wasm_tools.validate(there)
    assert len(there) == len(module)
    assert there[code(module).start :] == module[code(module).start :]
    assert compare(module, there).only_rewritten
    assert compare(module, there).renames[0].imports == imports
    assert (
        make_plan(
            Module(there), RewriteOptions(renames={EPHEMERAL: PLAIN}, keep_offsets=True)
        ).edits
        == ()
    )
    assert rewrite(there, RewriteOptions(to=EPHEMERAL, keep_offsets=True)) == module


def test_part_of_a_gap_can_be_used() -> None:
    module = guest(EPHEMERAL, "env")
    there = rewrite(module, RewriteOptions(keep_offsets=True))
    grown = rewrite(there, RewriteOptions(renames={"env": "e"}, keep_offsets=True))
    assert len(grown) == len(module)
    assert compare(there, grown, renames={"env": "e"}).only_rewritten
    back = RewriteOptions(renames={"e": "env", PLAIN: EPHEMERAL}, keep_offsets=True)
    assert rewrite(grown, back) == module


@pytest.mark.parametrize(
    ("module", "old", "new", "reason"),
    [
        (guest(PLAIN), PLAIN, EPHEMERAL, "the imports need 10 more bytes"),
        (guest(PLAIN), PLAIN, "nn", "5 bytes are too few"),
        (guest("w" * 15), "w" * 15, PLAIN, "8 bytes are too few"),
        (
            rewrite(guest(EPHEMERAL), RewriteOptions(keep_offsets=True)),
            PLAIN,
            "w" * 13,
            "4 bytes are too few",
        ),
    ],
)
def test_offsets_that_cannot_be_kept_are_an_error(
    module: bytes, old: str, new: str, reason: str
) -> None:
    with pytest.raises(UnsupportedModule, match=reason):
        rewrite(module, RewriteOptions(renames={old: new}, keep_offsets=True))


def test_the_smallest_gap_has_nine_bytes() -> None:
    module = guest("w" * 16)
    there = rewrite(module, RewriteOptions(renames={"w" * 16: PLAIN}, keep_offsets=True))
    assert custom("nnshim") in there
    assert len(there) == len(module)


def test_offsets_cannot_be_kept_where_functions_are_adapted() -> None:
    load = f'(import "{EPHEMERAL}" "load" (func (param i32 i32 i32 i32 i32) (result i32)))'
    module = assemble(f'(module {load} (memory (export "memory") 1) (func))')
    with pytest.raises(UnsupportedModule, match="something other than the imports"):
        rewrite(module, RewriteOptions(abi="wamr", keep_offsets=True))
    renamed = rewrite(module, RewriteOptions(to=PLAIN, keep_offsets=True))
    assert len(renamed) == len(module)


def test_a_section_that_only_looks_like_padding_is_a_difference() -> None:
    module = guest(EPHEMERAL)
    there = rewrite(module, RewriteOptions(keep_offsets=True))
    (gap,) = [s for s in split(there) if s.name == "nnshim"]
    changed = there[: gap.end - 1] + b"x" + there[gap.end :]
    assert not compare(module, changed).only_rewritten


def entries(module: bytes) -> list[dict[str, object]]:
    (content,) = named(module, "nnshim.record")
    found: list[dict[str, object]] = json.loads(content.removeprefix(name("nnshim.record")))
    return found


def sha256(module: bytes) -> str:
    return hashlib.sha256(module).hexdigest()


def test_a_record_says_what_was_done_to_which_module() -> None:
    module = guest(EPHEMERAL)
    there = rewrite(module, RewriteOptions(record=True))
    wasm_tools.validate(there)
    tool = f"nnshim {metadata.version('nnshim')}"
    assert entries(there) == [{"tool": tool, "operation": {"to": PLAIN}, "sha256": sha256(module)}]
    assert rewrite(there, RewriteOptions(record=True)) == there
    assert compare(module, there).only_rewritten
    further = rewrite(there, RewriteOptions(renames={PLAIN: "nn"}, drop_debug=True, record=True))
    assert entries(further)[:1] == entries(there)
    assert entries(further)[1]["sha256"] == sha256(there)
    assert entries(further)[1]["operation"] == {"renames": {PLAIN: "nn"}, "drop_debug": True}
    assert compare(module, further, renames={PLAIN: "nn"}).only_rewritten
    assert compare(there, further, renames={PLAIN: "nn"}).only_rewritten


def test_a_module_that_is_not_changed_gets_no_record() -> None:
    module = guest(PLAIN)
    assert rewrite(module, RewriteOptions(record=True)) == module


@pytest.mark.parametrize(
    ("original", "rewritten", "what"),
    [
        pytest.param(
            guest(EPHEMERAL) + custom("more"),
            rewrite(guest(EPHEMERAL), RewriteOptions(record=True)) + custom("more"),
            "a different SHA-256",
            id="of another module",
        ),
        pytest.param(
            rewrite(guest(EPHEMERAL), RewriteOptions(record=True)),
            rewrite(guest(EPHEMERAL)),
            "it is missing",
            id="gone",
        ),
        pytest.param(
            guest(EPHEMERAL),
            rewrite(guest(EPHEMERAL)) + custom("nnshim.record", b"[{]"),
            "cannot be read",
            id="broken",
        ),
        pytest.param(
            guest(EPHEMERAL),
            rewrite(guest(EPHEMERAL)) + custom("nnshim.record", b"{}"),
            "cannot be read",
            id="no list",
        ),
        pytest.param(
            guest(EPHEMERAL),
            rewrite(guest(EPHEMERAL)) + custom("nnshim.record", b"[]"),
            "to another module",
            id="empty",
        ),
        pytest.param(
            guest(EPHEMERAL),
            rewrite(guest(EPHEMERAL)) + custom("nnshim.record", b"[{}]"),
            "a different SHA-256",
            id="without a digest",
        ),
        pytest.param(
            guest(EPHEMERAL),
            rewrite(guest(EPHEMERAL), RewriteOptions(record=True)) + custom("nnshim.record", b"[]"),
            "occurs twice",
            id="twice",
        ),
    ],
)
def test_a_record_that_does_not_fit_is_a_difference(
    original: bytes, rewritten: bytes, what: str
) -> None:
    (difference,) = compare(original, rewritten).differences
    assert what in difference.what


@pytest.mark.parametrize("content", [b"?", b"[1]", b"[" * 100_000])
def test_a_record_that_cannot_be_read_is_replaced(content: bytes) -> None:
    module = guest(EPHEMERAL) + custom("nnshim.record", content)
    assert len(entries(rewrite(module, RewriteOptions(record=True)))) == 1


def test_a_record_continues_that_of_the_original() -> None:
    first = rewrite(guest(EPHEMERAL), RewriteOptions(record=True))
    second = rewrite(first, RewriteOptions(to=EPHEMERAL, record=True))
    (record,) = named(second, "nnshim.record")
    forged = second.replace(record, record.replace(b'"to":"wasi_nn"', b'"to":"nothing"'))
    assert forged != second
    (difference,) = compare(first, forged).differences
    assert "to another module" in difference.what
    (difference,) = compare(first + custom("nnshim.record", b"[]"), second).differences
    assert "occurs twice" in difference.what
