"""Custom sections that a rewrite makes outdated are updated or reported."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rewriter import Diagnostic, RewriteOptions, rewrite
from rewriter.files import wasm_tools
from rewriter.rewriting.plan import make_plan
from rewriter.rewriting.values import Plan
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.sections import Section, SectionId, split
from tests.support.wasm import (
    HEADER,
    assemble,
    custom,
    import_module,
    imported,
    name,
    sized,
    vector,
    with_code,
)

EPHEMERAL, PLAIN = "wasi_ephemeral_nn", "wasi_nn"
NOTHING = b"\0\x0b"
OF_UNLOAD = b"\x60\1\x7f\1\x7f"


def plan(module: bytes, options: RewriteOptions | None = None) -> Plan:
    return make_plan(Module(module), options or RewriteOptions())


def said(module: bytes, options: RewriteOptions | None = None) -> list[Diagnostic]:
    """The messages about custom sections."""
    about = ("NN311", "NN313", "NN314", "NN315", "NN316")
    return [found for found in plan(module, options).notes if found.code in about]


def codes(module: bytes, options: RewriteOptions | None = None) -> list[str]:
    return [found.code for found in said(module, options)]


def calling(width: int) -> bytes:
    """A body that calls load, with a function index of this width in bytes."""
    return b"\0" + b"\x41\x00" * 5 + b"\x10" + encode_u32(0, width) + b"\x1a\x0b"


def dylink(*imports: tuple[str, str]) -> bytes:
    """The section as linkers write it: memory, a needed library, exports and imports with flags."""
    info = vector(*(name(module) + name(field) + b"\x12" for module, field in imports))
    return custom(
        "dylink.0",
        b"\1\4\x10\2\0\0"
        + b"\2"
        + sized(vector(name("libwasi_nn.so"), name(EPHEMERAL)))
        + b"\3"
        + sized(vector(name(EPHEMERAL) + b"\4"))
        + b"\4"
        + sized(info),
    )


def library(section: bytes, *modules: str) -> bytes:
    return HEADER + section + import_module(*modules)[len(HEADER) :]


def test_imports_are_renamed_in_a_dynamic_librarys_section_too() -> None:
    imports = ("env", "f"), (EPHEMERAL, "f"), (EPHEMERAL, "g"), (EPHEMERAL + "_", "f")
    renamed = ("env", "f"), (PLAIN, "f"), (PLAIN, "g"), (EPHEMERAL + "_", "f")
    module = library(dylink(*imports), "env", EPHEMERAL)
    there = rewrite(module)
    assert there == library(dylink(*renamed), "env", PLAIN)
    assert rewrite(there, RewriteOptions(to=EPHEMERAL)) == module
    assert codes(module) == []


def test_a_long_list_of_imports_keeps_its_sizes_right() -> None:
    imports = [(EPHEMERAL, f"function{number}") for number in range(1000)]
    module = library(dylink(*imports), EPHEMERAL)
    there = rewrite(module)
    assert there == library(dylink(*[(PLAIN, field) for _, field in imports]), PLAIN)
    assert rewrite(there, RewriteOptions(to=EPHEMERAL)) == module


def test_names_that_no_import_has_stay_in_a_dynamic_library() -> None:
    section = dylink((EPHEMERAL, "f"), ("other", "f"))
    module = library(section, "env")
    assert rewrite(module, RewriteOptions(renames={"env": "e"})) == library(section, "e")
    assert rewrite(module) == module


def test_a_function_that_an_adapter_imports_under_another_name_is_described_by_that() -> None:
    module = with_code(NOTHING, types=[OF_UNLOAD], others=[imported(EPHEMERAL, "unload", b"\0\2")])
    module = HEADER + dylink((EPHEMERAL, "unload"), (EPHEMERAL, "load")) + module[len(HEADER) :]
    there = rewrite(module, RewriteOptions(host="wasmtime"))
    assert dylink((EPHEMERAL, "compute"), (EPHEMERAL, "load")) in there
    assert codes(module, RewriteOptions(host="wasmtime")) == []


@pytest.mark.parametrize("fields", [("unload", "compute"), ("compute", "unload")])
def test_an_entry_for_imports_that_get_different_names_keeps_the_old_name(
    fields: tuple[str, str],
) -> None:
    others = [imported(EPHEMERAL, field, b"\0\2") for field in fields]
    module = with_code(NOTHING, types=[OF_UNLOAD], others=others)
    there = rewrite(module, RewriteOptions(host="wasmtime"))
    assert there.count(name("compute")) == 2
    described = HEADER + dylink((EPHEMERAL, "compute")) + there[len(HEADER) :]
    back = rewrite(described, RewriteOptions(host="wasmedge"))
    assert dylink((EPHEMERAL, "compute")) in back
    assert name("unload") in back


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"\4\x20" + vector(name(EPHEMERAL)), id="a size too large"),
        pytest.param(b"\4" + sized(b"\5" + name(EPHEMERAL) + b"\0\0"), id="a count too large"),
        pytest.param(b"\4" + sized(vector(name(EPHEMERAL) + b"\0\0") + b"\0"), id="more behind it"),
    ],
)
def test_a_dynamic_librarys_section_that_cannot_be_read_is_left_and_reported(
    broken: bytes,
) -> None:
    module = library(custom("dylink.0", broken), EPHEMERAL)
    assert rewrite(module) == library(custom("dylink.0", broken), PLAIN)
    (found,) = said(module)
    assert (found.code, found.severity) == ("NN313", "warning")
    assert "dylink.0" in found.message
    assert codes(module.replace(name(EPHEMERAL), name("wasi_ephemeral_xx"), 1)) == []


def test_offsets_are_kept_where_a_dynamic_library_names_imports() -> None:
    module = library(dylink((EPHEMERAL, "f")), EPHEMERAL)
    there = rewrite(module, RewriteOptions(keep_offsets=True))
    assert len(there) == len(module)
    assert dylink((PLAIN, "f")) in there


WIT = """package ex:app;
interface log { say: func(text: string); }
world guest { import log; import now: func() -> u32; }"""
EMBEDDED = """(module
  (import "ex:app/log" "say" (func (param i32 i32)))
  (import "$root" "now" (func (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32))))"""


def embedded(folder: Path, text: str) -> bytes:
    """A module with the type of a component, embedded by wasm-tools."""
    (folder / "guest.wit").write_text(WIT)
    (folder / "guest.wat").write_text(text)
    tool = [wasm_tools.find(), "component", "embed", "guest.wit", "guest.wat", "-o", "out.wasm"]
    subprocess.run(tool, cwd=folder, check=True)
    return (folder / "out.wasm").read_bytes()


@pytest.mark.parametrize("interface", ["ex:app/log", "$root"])
def test_a_component_type_with_the_old_name_of_an_import_is_reported(
    interface: str, tmp_path: Path
) -> None:
    module = embedded(tmp_path, EMBEDDED)
    assert codes(module) == []  # wasi-nn is not in it
    (found,) = said(module, RewriteOptions(renames={interface: "other"}))
    assert (found.code, found.severity) == ("NN313", "warning")
    assert found.message.endswith(": component-type")
    assert "component embed" in (found.help or "")


@pytest.mark.parametrize("module_name", ["cm32p2|ex:app/log@1", "cm32p2", "[export]ex:app/log@1.2"])
def test_names_that_import_from_an_interface_are_looked_for_as_component_types_have_them(
    module_name: str,
) -> None:
    in_type = name("ex:app/log@1.2")
    module = import_module(module_name)
    options = RewriteOptions(renames={module_name: "other"})
    assert codes(module + custom("component-type:guest", in_type), options) == ["NN313"]
    others = custom("component-type:guest", name("ex:app/logs@1.2"))
    assert codes(module + others, options) == (["NN313"] if module_name == "cm32p2" else [])


def test_a_longer_name_in_a_component_type_is_a_different_name() -> None:
    module = import_module("x:y/z") + custom("component-type", name("x:y/z-more"))
    assert codes(module, RewriteOptions(renames={"x:y/z": "other"})) == []


def test_several_sections_of_one_name_are_named_once() -> None:
    section = custom("component-type:a", name("x:y/z"))
    module = import_module("x:y/z") + section * 3 + custom("component-type:b", name("x:y/z"))
    (found,) = said(module, RewriteOptions(renames={"x:y/z": "other"}))
    assert found.message.endswith(": component-type:a, component-type:b")


HINTS = custom("metadata.code.branch_hint", vector(b"\1\1\5\1\1"))


def test_branch_hints_hold_where_code_has_moved_but_not_in_its_function() -> None:
    functions = [NOTHING] * 126
    roomy = with_code(*functions, calling(5), after=HINTS + custom(".debug_line"))
    found = plan(roomy, RewriteOptions(abi="wamr"))
    assert found.adapting.moved  # the number of functions takes another byte
    assert found.outdated == (".debug_line",)
    tight = with_code(*functions, *[NOTHING] * 10, calling(1), after=HINTS)
    assert plan(tight, RewriteOptions(abi="wamr")).outdated == ("metadata.code.branch_hint",)


def sets_input(nops: int) -> bytes:
    """A guest that calls nothing, adapted for the tensor types of 2022."""
    set_input = imported(EPHEMERAL, "set_input", b"\0\2")
    body = b"\0" + b"\1" * nops + b"\x0b"
    other = imported("env", "f", b"\0\2")
    module = with_code(body, types=[b"\x60\3\x7f\x7f\x7f\1\x7f"], others=[set_input, other])
    return rewrite(module, RewriteOptions(abi="witx-2022"))


def code(module: bytes) -> Section:
    (found,) = [s for s in split(module) if s.id is SectionId.CODE]
    return found


@pytest.mark.parametrize("full", [False, True])
def test_a_shorter_size_field_of_the_code_section_counts(full: bool) -> None:
    """Without its adapter, the size field of the code section takes one byte less if it was almost
    `full`. A longer import name makes up for that and for the adapter's export, so that a source
    map stays valid."""
    nops = 16_000 + (1 << 14 if full else 1 << 13) - code(sets_input(16_000)).size
    module = sets_input(nops)
    held = []
    for longer in range(30, 60):
        options = RewriteOptions(abi="witx", renames={"env": "e" * longer})
        found = plan(module + custom("sourceMappingURL", name("x")), options)
        stays = code(module).content == code(rewrite(module, options)).content
        assert found.outdated == (() if stays else ("sourceMappingURL",))
        held += [longer] if stays else []
    (longer,) = held
    assert longer == len("env") + (43 if full else 42)


NATIVE = custom("wasmedge", bytes(100))
"""Whatever native code is in it."""

SETS_INPUT = """(module
  (import "wasi_ephemeral_nn" "set_input" (func $set (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "run") (drop (call $set (i32.const 0) (i32.const 0) (i32.const 0)))))"""


def test_native_code_stays_valid_after_a_rename() -> None:
    (found,) = said(assemble(SETS_INPUT) + NATIVE)
    assert (found.code, found.severity) == ("NN316", "note")


def test_native_code_is_not_run_if_functions_are_added_or_removed() -> None:
    module = assemble(SETS_INPUT)
    there = rewrite(module, RewriteOptions(host="wamr-2.1"))
    for built, options in (
        (module, RewriteOptions(host="wamr-2.1")),
        (there, RewriteOptions(host="wamr")),
    ):
        (found,) = said(built + NATIVE, options)
        assert (found.code, found.severity) == ("NN314", "warning")
        assert "interprets the module" in found.message
        assert "wasmedge compile" in (found.help or "")


def test_native_code_of_old_adapters_is_run_if_their_number_is_the_same() -> None:
    module = rewrite(assemble(SETS_INPUT), RewriteOptions(host="wamr-2.1"))
    options = RewriteOptions(host="wamr-legacy")
    assert len(plan(module, options).adapting.adapted) == 1
    (found,) = said(module + NATIVE, options)
    assert found.code == "NN314"
    assert "WasmEdge runs it" in found.message


def test_an_unknown_section_is_reported_if_something_changes() -> None:
    module = import_module(EPHEMERAL) + custom("x", b"1") + custom("y") + custom("x", b"2")
    (found,) = said(module)
    assert (found.code, found.severity) == ("NN315", "note")
    assert found.message.endswith(": x")
    assert codes(rewrite(module)) == []


def test_ten_of_many_unknown_sections_are_named() -> None:
    module = import_module(EPHEMERAL) + b"".join(custom(f"x{n}", b"1") for n in range(12))
    (found,) = said(module)
    assert found.message.endswith(": x0, x1, x2, x3, x4, x5, x6, x7, x8, x9 and more")


@pytest.mark.parametrize(
    "title",
    [
        *("name", "producers", "target_features", "build_id", "go:buildid", "dylink", ".dep-v0"),
        *("authors", "description", "homepage", "licenses", "revision", "source", "version"),
        *(".debug_info", "external_debug_info", "metadata.code.branch_hint", "nnshim.record"),
        *("dylink.0", "component-type"),
    ],
)
def test_sections_that_a_rename_leaves_valid_are_not_reported(title: str) -> None:
    assert codes(import_module(EPHEMERAL) + custom(title, b"\0\0")) == []
