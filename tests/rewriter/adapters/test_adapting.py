"""The effects of adapting on the bytes of a module."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rewriter import RewriteOptions, compare, inspect_module, rewrite, rewrite_file
from rewriter.abi.dialects import WAMR, WASMEDGE, WITX
from rewriter.errors import MalformedModule, UnsupportedModule
from rewriter.files import wasm_tools
from rewriter.rewriting.plan import make_plan
from rewriter.rewriting.values import NOT_ADAPTING
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.names import function_names
from rewriter.wasm.sections import Section, SectionId, split
from tests.support.smith import smith_guest
from tests.support.wasm import HEADER, assemble, custom, imported, imports, name, section, vector

EPHEMERAL = "wasi_ephemeral_nn"
LOAD = f'(import "{EPHEMERAL}" "load" (func $load {WITX.signature("load")}))'
COMPUTE = f'(import "{EPHEMERAL}" "compute" (func $compute {WITX.signature("compute")}))'
MEMORY = '(memory (export "memory") 1)'
ARGUMENTS = "(i32.const 0) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 8)"


def part(module: bytes, section_id: SectionId) -> Section:
    (found,) = [s for s in split(module) if s.id is section_id]
    return found


def content(module: bytes, section_id: SectionId) -> bytes:
    found = part(module, section_id)
    return module[found.content : found.end]


def with_calls(*bodies: bytes, types: int = 1) -> bytes:
    """A module that imports load as function 0, and defines functions without parameters with these
    bodies."""
    load, nothing = b"\x60\x05" + b"\x7f" * 5 + b"\x01\x7f", b"\x60\x00\x00"
    return (
        HEADER
        + section(SectionId.TYPE, vector(load, *[nothing] * types))
        + imports(imported(EPHEMERAL, "load", b"\0\0"))
        + section(SectionId.FUNCTION, vector(*[b"\x01"] * len(bodies)))
        + section(SectionId.MEMORY, vector(b"\0\1"))
        + section(SectionId.EXPORT, vector(name("memory") + b"\2\0"))
        + section(SectionId.CODE, vector(*(encode_u32(len(b)) + b for b in bodies)))
    )


def call(width: int) -> bytes:
    """A body that calls load, with a function index of this width in bytes."""
    return b"\0" + b"\x41\x00" * 5 + b"\x10" + encode_u32(0, width) + b"\x1a\x0b"


NOTHING = b"\0\x0b"


def test_code_does_not_move_if_the_indices_of_calls_are_padded() -> None:
    module = with_calls(NOTHING, call(5), NOTHING, call(5))
    there = rewrite(module, RewriteOptions(abi="wamr"))
    before, after = content(module, SectionId.CODE), content(there, SectionId.CODE)
    adapter = encode_u32(5, 5)
    assert after[1 : len(before)] == before[1:].replace(encode_u32(0, 5), adapter)
    assert after[0] == before[0] + 1


def test_a_call_without_padding_grows_and_its_body_with_it() -> None:
    functions = 200
    module = with_calls(*[NOTHING] * functions, call(1), call(2), NOTHING)
    there = rewrite(module, RewriteOptions(abi="wamr"))
    adapter = encode_u32(functions + 4)
    assert len(adapter) == 2
    bodies = content(there, SectionId.CODE)
    for width in (2, 2):
        body = call(5).replace(encode_u32(0, 5), encode_u32(functions + 4, width))
        assert encode_u32(len(body)) + body in bodies
    assert compare(module, there).only_rewritten


def test_sections_that_are_outdated_by_moved_code_are_reported(tmp_path: Path) -> None:
    debug = custom(".debug_line") + custom("metadata.code.branch_hint") + custom("producers")
    narrow, wide = tmp_path / "narrow.wasm", tmp_path / "wide.wasm"
    narrow.write_bytes(with_calls(*[NOTHING] * 200, call(1)) + debug)
    wide.write_bytes(with_calls(*[NOTHING] * 200, call(5)) + debug)
    moved = rewrite_file(
        str(narrow), str(tmp_path / "out.wasm"), RewriteOptions(abi="wamr", validate=False)
    )
    assert moved.plan.outdated == (".debug_line", "metadata.code.branch_hint")
    assert ".debug_line, metadata.code.branch_hint" in moved.notes[-1].message
    assert moved.notes[-1].code == "NN311"
    stayed = rewrite_file(
        str(wide), str(tmp_path / "out.wasm"), RewriteOptions(abi="wamr", validate=False)
    )
    assert (stayed.plan.outdated, stayed.notes) == ((), ())


def test_debug_sections_are_removed_on_request() -> None:
    module = with_calls(call(1)) + custom(".debug_line") + custom("producers")
    there = rewrite(module, RewriteOptions(abi="wamr", drop_debug=True))
    assert [s.name for s in split(there) if s.name] == ["producers", "name"]
    assert rewrite(there, RewriteOptions(abi="wamr", drop_debug=True)) == there


def test_a_count_that_needs_another_byte_moves_the_code(tmp_path: Path) -> None:
    module = with_calls(*[NOTHING] * 126, call(5)) + custom(".debug_line")
    assert len(encode_u32(127)) != len(encode_u32(128))
    there = rewrite(module, RewriteOptions(abi="wamr"))
    assert compare(module, there).only_rewritten
    path = tmp_path / "m.wasm"
    path.write_bytes(module)
    assert rewrite_file(str(path), None, RewriteOptions(abi="wamr")).plan.outdated == (
        ".debug_line",
    )


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(f"(func (drop (call $load {ARGUMENTS})))", id="call"),
        pytest.param(f"(func (result i32) (return_call $load {ARGUMENTS}))", id="return_call"),
        pytest.param("(elem declare func $load) (func (drop (ref.func $load)))", id="ref.func"),
        pytest.param("(table 2 funcref) (elem (i32.const 0) $load)", id="active segment"),
        pytest.param("(table $u 2 funcref) (elem (table $u) (i32.const 0) func $load)", id="table"),
        pytest.param("(elem func $load)", id="passive segment"),
        pytest.param("(elem declare func $load)", id="declarative segment"),
        pytest.param("(elem funcref (ref.func $load) (ref.null func))", id="expressions"),
        pytest.param(
            "(table 2 funcref) (elem (offset i32.const 0) funcref (ref.func $load))",
            id="active expressions",
        ),
        pytest.param('(export "load" (func $load))', id="export"),
        pytest.param("(global funcref (ref.func $load))", id="global"),
        pytest.param("(table 2 (ref func) (ref.func $load))", id="table's value"),
    ],
)
def test_every_form_of_reference_is_redirected(form: str) -> None:
    module = assemble(f"(module {LOAD} {COMPUTE} {MEMORY} {form})")
    there = rewrite(module, RewriteOptions(abi="wamr"))
    comparison = compare(module, there)
    assert comparison.only_rewritten
    assert comparison.adapters == ("nnshim.load.witx-to-wamr",)
    assert rewrite(there, RewriteOptions(abi="wamr")) == there
    assert compare(module, rewrite(there, RewriteOptions(abi="witx"))).adapters == ()


def test_adapters_have_names_after_those_of_the_module() -> None:
    module = assemble(f"(module $m {LOAD} {MEMORY} (func $f (local $x i32)))")
    there = rewrite(module, RewriteOptions(abi="wamr"))
    (names,) = [s for s in split(there) if s.name == "name"]
    functions, others = function_names(names)
    assert dict(functions) == {0: b"load", 1: b"f", 2: b"nnshim.load.witx-to-wamr"}
    (before,) = [s for s in split(module) if s.name == "name"]
    assert function_names(before)[1] == others


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(b"", id="none"),
        pytest.param(custom("name", b"\0\2\1m"), id="module name only"),
        pytest.param(custom("name", b"\2\1\0"), id="local names only"),
        pytest.param(custom("name", b"\1\4\1\0\1f"), id="function names"),
    ],
)
def test_there_and_back_gives_the_same_bytes(names: bytes) -> None:
    module = with_calls(NOTHING, call(5)) + names
    there = rewrite(module, RewriteOptions(abi="wamr", validate=False))
    wasm_tools.validate(there)
    back = rewrite(there, RewriteOptions(abi="witx"))
    before, after = ([m[s.content : s.end] for s in split(m)] for m in (module, back))
    assert after[1:] == before[1:]
    assert after[0][1:].startswith(before[0][1:])  # the type of the host's function remains
    assert rewrite(back, RewriteOptions(abi="wamr")) == there


def test_function_names_are_added_in_the_right_place() -> None:
    local_names = custom("name", b"\2\1\0")
    there = rewrite(with_calls(call(5)) + local_names, RewriteOptions(abi="wamr", validate=False))
    (found,) = [s for s in split(there) if s.name == "name"]
    assert there[found.content : found.end].startswith(name("name") + b"\1")
    assert there[found.content : found.end].endswith(b"\2\1\0")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\1\x7f\5", id="longer than its section"),
        pytest.param(b"\1\4\1\0\1\xff", id="a name that is not UTF-8"),
        pytest.param(b"\1\7\2\1\1f\0\1g", id="names out of order"),
        pytest.param(b"\1\5\1\0\1fx", id="a byte too many"),
        pytest.param(b"\2\1\0\1\4\1\0\1f", id="subsections out of order"),
        pytest.param(b"\1\1\0\1\1\0", id="names twice"),
    ],
)
def test_a_name_section_that_cannot_be_read_is_left_alone(content: bytes) -> None:
    broken = custom("name", content)
    module = with_calls(call(5)) + broken
    there = rewrite(module, RewriteOptions(abi="wamr", validate=False))
    assert there.endswith(broken)
    assert compare(module, there).only_rewritten


def test_a_name_for_a_missing_function_is_removed() -> None:
    module = with_calls(call(5)) + custom("name", b"\1\7\2\0\1f\2\1g")
    there = rewrite(module, RewriteOptions(abi="wamr"))
    (found,) = [s for s in split(there) if s.name == "name"]
    assert dict(function_names(found)[0]) == {0: b"f", 2: b"nnshim.load.witx-to-wamr"}
    assert compare(module, there).only_rewritten


def test_a_function_without_a_body_is_refused() -> None:
    module = with_calls(call(5))
    declared = section(SectionId.FUNCTION, vector(b"\1"))
    more = module.replace(declared, section(SectionId.FUNCTION, vector(b"\1", b"\1")))
    with pytest.raises(MalformedModule, match="2 functions are declared, but 1 have a body"):
        rewrite(more, RewriteOptions(abi="wamr", validate=False))


MAY_NOT_BE_NAMED = r"function \d is referenced, but the rewrite would give its index"


def test_a_reference_to_a_missing_function_is_refused() -> None:
    module = with_calls(call(5).replace(encode_u32(0, 5), encode_u32(2, 5)))
    with pytest.raises(UnsupportedModule, match=MAY_NOT_BE_NAMED):
        rewrite(module, RewriteOptions(abi="wamr", validate=False))


def test_a_reference_to_an_adapted_import_is_refused() -> None:
    adapted = rewrite(with_calls(call(5)), RewriteOptions(abi="wamr"))
    past = adapted.replace(encode_u32(2, 5), encode_u32(0, 5))
    with pytest.raises(UnsupportedModule, match=MAY_NOT_BE_NAMED):
        rewrite(past, RewriteOptions(abi="witx", validate=False))


def test_a_group_that_shares_a_type_gets_one_for_each_import() -> None:
    load = b"\x60\x05" + b"\x7f" * 5 + b"\x01\x7f"
    group = name(EPHEMERAL) + b"\0\x7e\0\0" + vector(name("load"), name("get_output"))
    module = (
        HEADER
        + section(SectionId.TYPE, vector(load))
        + imports(group)
        + section(SectionId.MEMORY, vector(b"\0\1"))
        + section(SectionId.EXPORT, vector(name("memory") + b"\2\0"))
    )
    there = rewrite(module, RewriteOptions(abi="wamr"))
    info = inspect_module(there)
    assert [(f.name, f.module, str(f.type)) for f in info.wasi_nn.values()] == [
        ("load", "wasi_nn", "(param i32 i32 i32 i32) (result i32)"),
        ("get_output", "wasi_nn", "(param i32 i32 i32 i32) (result i32)"),
    ]
    assert compare(module, there).only_rewritten


def test_functions_that_a_host_lacks_keep_their_places_among_the_imports() -> None:
    names = ("compute", "unload", "load_by_name_with_config", "finalize_execution_context")
    items = " ".join(f'(import "{EPHEMERAL}" "{n}" (func {WASMEDGE.signature(n)}))' for n in names)
    module = assemble(f'(module {items} {MEMORY} (export "u" (func 1)))')
    there = rewrite(module, RewriteOptions(abi="witx"))
    assert [f.name for f in inspect_module(there).wasi_nn.values()] == [
        "compute",
        "compute",
        "load_by_name",
        "compute",
    ]
    assert rewrite(there, RewriteOptions(abi="witx")) == there
    back = inspect_module(rewrite(there, RewriteOptions(abi="wasmedge")))
    assert tuple(f.name for f in back.wasi_nn.values()) == names


def test_adapters_change_with_the_host() -> None:
    module = assemble(f"(module {LOAD} {COMPUTE} {MEMORY})")
    legacy = rewrite(module, RewriteOptions(host="wamr-legacy"))
    assert rewrite(legacy, RewriteOptions(host="wasmtime")) == rewrite(
        legacy, RewriteOptions(abi="witx")
    )
    assert inspect_module(rewrite(legacy, RewriteOptions(host="wasmtime"))).adapters == {}
    wamr = rewrite(module, RewriteOptions(host="wasmtime", built_for="wamr"))
    (standing,) = inspect_module(wamr).adapters.values()
    assert standing.adapter.name == "nnshim.load.wamr-ephemeral-to-witx"
    assert rewrite(wamr, RewriteOptions(host="wasmtime")) == wamr
    assert inspect_module(rewrite(wamr, RewriteOptions(host="wamr"))).adapters == {}


def test_a_guest_with_both_module_names_is_adapted_where_necessary() -> None:
    other = f'(import "wasi_nn" "load" (func {WAMR.signature("load")}))'
    module = assemble(f"(module {LOAD} {other} {COMPUTE} {MEMORY})")
    there = inspect_module(rewrite(module, RewriteOptions(host="wasmtime")))
    assert there.import_modules == (EPHEMERAL,)
    assert {slot: s.adapter.name for slot, s in there.adapters.items()} == {
        1: "nnshim.load.wamr-to-witx"
    }


def test_an_adapter_that_replaces_another_has_the_type_that_the_guest_calls() -> None:
    legacy = rewrite(assemble(f"(module {LOAD} {MEMORY})"), RewriteOptions(host="wamr-legacy"))
    there = inspect_module(rewrite(legacy, RewriteOptions(host="wamr", built_for="wasmtime")))
    ((slot, standing),) = there.adapters.items()
    assert standing.adapter.name == "nnshim.load.witx-to-wamr-ephemeral"
    assert there.module.types[standing.type_index] == WITX.signature("load")
    assert there.wasi_nn[slot].type == WITX.signature("load")


def test_the_bytes_of_an_adapter_in_a_function_of_another_type_are_not_an_adapter() -> None:
    there = bytearray(rewrite(with_calls(call(5)), RewriteOptions(abi="wamr")))
    assert inspect_module(bytes(there)).adapters
    functions = part(bytes(there), SectionId.FUNCTION)
    assert there[functions.end - 1] == 0  # load's type
    there[functions.end - 1] = 1
    assert inspect_module(bytes(there)).adapters == {}


def test_adapters_use_the_exported_memory() -> None:
    second = '(memory 1) (memory (export "memory") 1 (pagesize 1))'
    there = rewrite(assemble(f"(module {LOAD} {second})"), RewriteOptions(abi="wamr"))
    (standing,) = inspect_module(there).adapters.values()
    assert standing.function_index == 1


def test_without_anything_to_adapt_nothing_is_planned(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(assemble(f"(module {LOAD} {MEMORY})"))
    result = rewrite_file(str(path), None, RewriteOptions(abi="witx"))
    assert result.plan.adapting == NOT_ADAPTING
    assert result.plan.edits == ()


MODULES, BATCHES = 1000, 10


@pytest.mark.parametrize("batch", range(BATCHES))
def test_smith_modules_are_adapted_there_and_back(batch: int, tmp_path: Path) -> None:
    seeds = random.Random(batch)
    redirected = 0
    for _ in range(MODULES // BATCHES):
        module = smith_guest(seeds, tmp_path)
        there = rewrite(module, RewriteOptions(abi="wamr", validate=False))
        wasm_tools.validate(there)
        assert compare(module, there).differences == ()
        assert rewrite(there, RewriteOptions(abi="wamr", validate=False)) == there
        back = rewrite(there, RewriteOptions(abi="witx", validate=False))
        returned = compare(module, back)
        assert (returned.adapters, returned.differences) == ((), ())
        plan = make_plan(Module(module), RewriteOptions(abi="wamr"))
        redirected += plan.adapting.references
    assert redirected > 6 * MODULES // BATCHES
