"""The global that adapters keep an encoding in: put in, found again, and taken away."""

from __future__ import annotations

import subprocess

import pytest

from rewriter import RewriteOptions, UnsupportedModule, compare, inspect_module, rewrite
from rewriter.abi.dialects import WITX
from rewriter.analysis.adapted.adapter_global import GLOBAL, adapter_global
from rewriter.files.wasm_tools import find
from rewriter.wasm.module import Module
from rewriter.wasm.sections import SectionId
from tests.support.wasm import assemble

NAME = "nnshim.encoding.0"
LOAD = f'(import "wasi_ephemeral_nn" "load" (func $load {WITX.signature("load")}))'
CALL = "(func (drop (call $load" + " (i32.const 8)" * 5 + ")))"
MEMORY = '(memory (export "memory") 1)'
GLOBALS = {
    "none": "",
    "one": "(global $g (mut i32) (i32.const 7)) (func (global.set $g (i32.const 1)))",
    "one like it": "(global (mut i32) (i32.const 0))",
    "that name functions": "(global funcref (ref.func $load)) (global funcref (ref.func $load))",
    "that are exported": '(global (export "a") i32 (i32.const 1)) (global i64 (i64.const 1))',
    "that are imported": '(import "m" "g" (global i32)) (import "m" "h" (global (mut i64)))',
    "of both kinds": '(import "m" "g" (global $g i32)) (global i32 (global.get $g))',
    "200": "(global i32 (i32.const 5))" * 200,
}


def guest(more: str = "") -> bytes:
    imports, other = (more, "") if more.startswith("(import") else ("", more)
    return assemble(f"(module {LOAD} {imports} {MEMORY} {other} {CALL})")


def adapted(module: bytes, abi: str = "wamr") -> bytes:
    return rewrite(module, RewriteOptions(abi=abi))


def without_types_of_hosts(module: bytes) -> list[tuple[SectionId, bytes]]:
    """The sections but for the types, of which those of the host's functions stay."""
    return [
        (section.id, bytes(module[section.start : section.end]))
        for section in Module(module).sections
        if section.id is not SectionId.TYPE
    ]


@pytest.mark.parametrize("globals_", GLOBALS)
def test_it_is_the_last_global_and_goes_with_the_adapters(globals_: str) -> None:
    module = guest(GLOBALS[globals_])
    there = adapted(module)
    found, before = adapter_global(Module(there)), adapter_global(Module(module))
    assert (before.item, before.export) == (None, None)
    assert found.item is not None
    assert found.last
    assert found.number == before.number
    assert there[found.item.start : found.item.stop] == GLOBAL
    assert [*inspect_module(there).exports].count(NAME) == 1
    assert len(inspect_module(there).adapters) == 1
    assert adapted(there) == there
    assert compare(module, there).only_rewritten
    back = adapted(there, "witx")
    assert without_types_of_hosts(back) == without_types_of_hosts(module)
    assert compare(module, back).only_rewritten


def test_it_stays_between_hosts_that_need_it_and_goes_for_one_that_does_not() -> None:
    module = guest()
    assert NAME in inspect_module(adapted(adapted(module), "wamr-2.2")).exports
    other = adapted(adapted(module), "wasmedge-0.12")
    assert len(inspect_module(other).adapters) == 1
    assert NAME not in inspect_module(other).exports
    assert Module(other).find(SectionId.GLOBAL) is None


def changed_as_text(module: bytes, old: str, new: str) -> bytes:
    printed = subprocess.run([find(), "print", "-"], input=module, capture_output=True, check=True)
    text = printed.stdout.decode()
    assert old in text
    return assemble(text.replace(old, new))


def test_a_global_that_another_tool_has_put_behind_it_keeps_its_place() -> None:
    own = "(mut i32) i32.const 0)"
    there = changed_as_text(adapted(guest()), own, f"{own} (global i32 i32.const 9)")
    found = adapter_global(Module(there))
    assert not found.last
    assert len(inspect_module(there).adapters) == 1
    back = adapted(there, "witx")
    assert inspect_module(back).adapters == {}
    assert adapter_global(Module(back)).number == found.number
    again = adapted(back)
    assert len(inspect_module(again).adapters) == 1
    assert [*inspect_module(again).exports].count(NAME) == 1


def test_it_is_found_whatever_its_number_has_become() -> None:
    own = "(mut i32) i32.const 0)"
    text_of_one = "(global i32 i32.const 3) (global (;9;) (mut i32) i32.const 0)"
    there = adapted(guest())
    moved = changed_as_text(there, f"(global (;0;) {own}", text_of_one)
    moved = changed_as_text(moved, "(global 0)", "(global 1)")
    for instruction in ("get", "set"):
        moved = changed_as_text(moved, f"global.{instruction} 0", f"global.{instruction} 1")
    assert adapter_global(Module(moved)).number == 1
    assert len(inspect_module(moved).adapters) == 1
    back = adapted(moved, "witx")
    assert adapter_global(Module(back)).item is None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(f'(global (export "{NAME}") (mut i32) (i32.const 0))', id="a guest's own"),
        pytest.param(f'(func (export "{NAME}"))', id="a function"),
        pytest.param(f'(global (export "{NAME}") i32 (i32.const 0))', id="not mutable"),
        pytest.param(f'(global (export "{NAME}") (mut i64) (i64.const 0))', id="another type"),
        pytest.param(f'(global (export "{NAME}") (mut i32) (i32.const 1))', id="another value"),
        pytest.param(
            f'(import "m" "g" (global $g (mut i32))) (export "{NAME}" (global $g))', id="imported"
        ),
    ],
)
def test_its_name_on_something_else_is_refused(other: str) -> None:
    with pytest.raises(UnsupportedModule, match=r"'nnshim\.encoding\.0' was changed") as caught:
        adapted(guest(other))
    assert caught.value.code == "NN121"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("i32.const 7", "i32.const 8", id="another value"),
        pytest.param("i32.const 7)", "i32.const 7) (global i32 i32.const 1)", id="one more"),
    ],
)
def test_another_change_to_globals_is_found_beside_an_adaptation(old: str, new: str) -> None:
    module = guest("(global (mut i32) (i32.const 7))")
    there = adapted(module)
    assert compare(module, there).only_rewritten
    numbers = {f"{name} 1": f"{name} 2" for name in ("(global", "global.get", "global.set")}
    changed = changed_as_text(there, old, new)
    if "(global" in new:
        for before, after in numbers.items():
            changed = changed_as_text(changed, before, after)
    assert not compare(module, changed).only_rewritten
