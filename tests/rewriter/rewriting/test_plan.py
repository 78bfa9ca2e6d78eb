from __future__ import annotations

import pytest

from rewriter import compare, inspect_module, rewrite
from rewriter.abi.dialects import MODULE_NAMES
from rewriter.analysis.compatibility import Runs, assess
from rewriter.errors import MalformedModule, UnsupportedModule
from rewriter.hosts.table import HOSTS
from rewriter.options import RewriteOptions
from rewriter.rewriting.plan import make_plan
from rewriter.rewriting.values import Plan, Rename
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from tests.support.wasm import (
    HEADER,
    TYPES,
    assemble,
    custom,
    import_module,
    imported,
    imports,
    name,
)

TO_WASI_NN = RewriteOptions(to="wasi_nn")


def apply(plan: Plan, module: bytes) -> bytes:
    return b"".join(
        piece if isinstance(piece, bytes) else module[piece.start : piece.stop]
        for piece in plan.pieces
    )


def test_the_plan_counts_imports_by_old_and_new_name() -> None:
    module = import_module("wasi_ephemeral_nn", "env", "wasi_ephemeral_nn", "wasi_nn")
    plan = make_plan(Module(module), TO_WASI_NN)
    assert plan.renames == (Rename("wasi_ephemeral_nn", "wasi_nn", 2),)
    assert plan.output_size == plan.input_size - 2 * len("_ephemeral")


def test_a_group_counts_all_of_its_imports() -> None:
    group = name("wasi_ephemeral_nn") + b"\0\x7e\0\0\x03" + name("a") + name("b") + name("c")
    plan = make_plan(Module(HEADER + TYPES + imports(group)), TO_WASI_NN)
    assert plan.renames == (Rename("wasi_ephemeral_nn", "wasi_nn", 3),)


@pytest.mark.parametrize("modules", [(), ("env",), ("wasi_nn", "wasi_nn2", "wasi_ephemeral")])
def test_without_such_an_import_there_is_nothing_to_do(modules: tuple[str, ...]) -> None:
    module = import_module(*modules)
    plan = make_plan(Module(module), TO_WASI_NN)
    assert plan.renames == ()
    assert plan.output_size == len(module)


def test_the_pieces_cover_everything_but_the_import_section() -> None:
    before, section, after = HEADER + TYPES, imports(imported("wasi_ephemeral_nn")), custom("x")
    plan = make_plan(Module(before + section + after), TO_WASI_NN)
    module = before + section + after
    assert [piece for piece in plan.pieces if isinstance(piece, range)] == [
        range(len(before) + 1),  # with the section's id
        range(len(before + section), len(module)),
    ]
    assert apply(plan, module) == before + imports(imported("wasi_nn")) + after


@pytest.mark.parametrize("title", ["linking", "reloc.CODE", "reloc..debug_info"])
def test_an_object_file_is_refused_at_its_linker_section(title: str) -> None:
    module = assemble('(module (import "env" "__linear_memory" (memory 0)))')
    for options in (TO_WASI_NN, RewriteOptions(drop_linking=True)):
        with pytest.raises(UnsupportedModule, match=r"object file.*link it first") as caught:
            make_plan(Module(module + custom(title)), options)
        assert caught.value.offset == len(module)


@pytest.mark.parametrize("title", ["linking", "reloc.CODE", "reloc..debug_info"])
def test_a_linked_module_is_changed_only_if_its_linker_sections_are_removed(title: str) -> None:
    module = import_module("wasi_ephemeral_nn")
    kept = module + custom("about") + custom(title, b"\xff") + custom(title)
    with pytest.raises(UnsupportedModule, match=r"--drop-linking") as caught:
        make_plan(Module(kept), TO_WASI_NN)
    assert (caught.value.code, caught.value.offset) == ("NN106", len(module + custom("about")))
    options = RewriteOptions(to="wasi_nn", drop_linking=True, validate=False)
    there = rewrite(kept, options)
    assert there == rewrite(module + custom("about"), TO_WASI_NN)
    assert compare(kept, there).only_rewritten
    assert compare(kept, there).dropped == (title, title)


def test_a_linked_module_with_nothing_to_change_keeps_its_linker_sections() -> None:
    module = import_module("wasi_nn") + custom("linking", b"\2")
    assert rewrite(module, TO_WASI_NN) == module


def test_a_broken_import_section_is_refused() -> None:
    module = HEADER + bytes([SectionId.IMPORT]) + b"\x02\x01\x05"
    with pytest.raises(MalformedModule):
        make_plan(Module(module), TO_WASI_NN)


def test_names_can_be_swapped_because_all_renames_happen_at_once() -> None:
    module = import_module("a", "b")
    plan = make_plan(Module(module), RewriteOptions(renames={"a": "b", "b": "a"}))
    assert apply(plan, module) == import_module("b", "a")


def test_imports_of_every_kind_keep_everything_but_the_name() -> None:
    text = """(module
      (import "{0}" "f" (func (param i32)))
      (import "{0}" "t" (table 1 2 funcref))
      (import "{0}" "m" (memory i64 1 2 shared))
      (import "{0}" "g" (global (mut i64)))
      (import "{0}" "e" (tag (param i32)))
      (import "{0}" "r" (global (ref null any)))
      (func (export "go") (call 0 (i32.const 1))))"""
    module = assemble(text.format("wasi_ephemeral_nn"))
    plan = make_plan(Module(module), TO_WASI_NN)
    assert apply(plan, module) == assemble(text.format("wasi_nn"))
    assert plan.output_size == len(apply(plan, module))


OF_TWO_ABIS = """(module
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
  (import "{0}" "compute" (func (param i32) (result i32)))
  (import "{0}" "get_output" (func (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1))"""


@pytest.mark.parametrize(
    ("module", "options"),
    [
        pytest.param("wasi_nn", RewriteOptions(), id="default"),
        pytest.param("wasi_nn", RewriteOptions(to="wasi_ephemeral_nn"), id="to the other"),
        pytest.param("wamr", RewriteOptions(renames={"wamr": "wasi_ephemeral_nn"}), id="one more"),
        pytest.param(
            "wasi_nn", RewriteOptions(renames=dict.fromkeys(MODULE_NAMES, "nn")), id="neither"
        ),
    ],
)
def test_functions_of_two_abis_do_not_get_one_name(module: str, options: RewriteOptions) -> None:
    data = assemble(OF_TWO_ABIS.format(module))
    with pytest.raises(UnsupportedModule, match="those of wasi_ephemeral_nn are witx") as caught:
        make_plan(Module(data), options)
    assert (caught.value.code, caught.value.offset) == ("NN324", data.index(b"\4load"))
    assert "--for HOST" in str(caught.value)


def test_the_remedy_for_two_abis_under_one_name_works() -> None:
    module = assemble(OF_TWO_ABIS.format("wasi_nn"))
    for host in ("wasmtime", "wamr-legacy"):
        there = rewrite(module, RewriteOptions(host=host))
        assert assess(inspect_module(there), HOSTS[host]).runs is Runs.AS_IT_IS


@pytest.mark.parametrize(
    "imported",
    [
        pytest.param('"get_output" (func (param i32 i32 i32 i32 i32) (result i32))', id="the same"),
        pytest.param('"set_input" (func (param i32 i32 i32) (result i32))', id="either"),
        pytest.param('"load" (func (param i64))', id="none that is known"),
    ],
)
def test_imports_that_may_have_one_abi_get_one_name(imported: str) -> None:
    module = assemble(
        f"""(module (import "wasi_nn" {imported})
          (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32))))"""
    )
    assert make_plan(Module(module), TO_WASI_NN).renames == (
        Rename("wasi_ephemeral_nn", "wasi_nn", 1),
    )


WITX_LOAD = '"load" (func (param i32 i32 i32 i32 i32) (result i32))'
WAMR_LOAD = '"load" (func (param i32 i32 i32 i32) (result i32))'


@pytest.mark.parametrize(
    ("old", "load", "to", "named"),
    [
        pytest.param("wasi_ephemeral_nn", WITX_LOAD, "wasi_nn", "wamr-legacy", id="witx"),
        pytest.param("wasi_nn", WAMR_LOAD, "wasi_ephemeral_nn", "wasmtime", id="wamr"),
        pytest.param("wasi_nn", WITX_LOAD, "wasi_nn", "wamr-legacy", id="nothing to change"),
    ],
)
def test_a_rename_that_no_host_runs_is_a_warning_that_names_hosts_to_adapt_for(
    old: str, load: str, to: str, named: str
) -> None:
    module = assemble(f'(module (import "{old}" {load}) (memory (export "memory") 1))')
    (warning,) = make_plan(Module(module), RewriteOptions(to=to)).notes
    assert warning.code == "NN334"
    assert warning.help is not None
    assert named in warning.help
    adapted = rewrite(module, RewriteOptions(host=named))
    assert assess(inspect_module(adapted), HOSTS[named]).runs is Runs.AS_IT_IS


@pytest.mark.parametrize(
    ("old", "load", "to"),
    [
        pytest.param("wasi_nn", WITX_LOAD, "wasi_ephemeral_nn", id="witx"),
        pytest.param("wasi_ephemeral_nn", WAMR_LOAD, "wasi_nn", id="wamr"),
        pytest.param("wasi_ephemeral_nn", '"compute" (func (param i32) (result i32))', "wasi_nn",
                     id="a function that all ABIs have"),
        pytest.param("wasi_nn", '"load" (func (param i64))', "wasi_ephemeral_nn", id="no ABI"),
    ],
)  # fmt: skip
def test_a_rename_that_may_be_enough_is_not_a_warning(old: str, load: str, to: str) -> None:
    module = assemble(f'(module (import "{old}" {load}) (memory (export "memory") 1))')
    assert make_plan(Module(module), RewriteOptions(to=to)).notes == ()


def test_other_modules_than_wasi_nns_may_get_one_name() -> None:
    text = OF_TWO_ABIS.replace("wasi_ephemeral_nn", "game").format("engine")
    plan = make_plan(Module(assemble(text)), RewriteOptions(renames={"game": "engine"}))
    assert plan.renames == (Rename("game", "engine", 2),)
