"""Core modules from components that import wasi:nn without a version: what they pass to a host."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import wasmtime
from wasmtime import Engine, Func, FuncType, Instance, Module, Store

from rewriter import RewriteOptions, rewrite
from rewriter.components.component import Component
from rewriter.rewriting.flattening.flatten import flatten
from tests.support.forms import BY_INDEX, FIVE_TYPES, FORMS, Form
from tests.support.unversioned import guest

each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)


def calls(form: Form, run: str, fails: str = "") -> Sequence[tuple[str, tuple[int, ...], bytes]]:
    """What a program calls of wasi_ephemeral_nn, with its arguments, and what set_input reads of a
    tensor. The host does nothing; the function called `fails` returns errno 6."""
    core = flatten(Component(guest(form, run=run))).data
    engine = Engine()
    store, module = Store(engine), Module(engine, core)
    seen: list[tuple[str, tuple[int, ...], bytes]] = []

    def stub(item: wasmtime.ImportType) -> Func:
        type_, name = item.type, str(item.name)
        assert isinstance(type_, FuncType)

        def call(*arguments: int) -> int | None:
            if item.module == "wasi_ephemeral_nn":
                memory = made[0].exports(store)["memory"]
                assert isinstance(memory, wasmtime.Memory)
                tensor = bytes(memory.read(store, arguments[-1], arguments[-1] + 20))
                seen.append((name, arguments, tensor if name == "set_input" else b""))
            return (6 if name == fails else 0) if type_.results else None

        return Func(store, type_, call)

    made = [Instance(store, module, [stub(item) for item in module.imports])]
    start = made[0].exports(store)["_start"]
    assert isinstance(start, Func)
    start(store)
    return seen


@each_form
def test_autodetect_has_its_number_in_witx(form: Form) -> None:
    last = 6 if "ggml" in form.last else 5
    found = calls(
        form, f"(call $load {' '.join(f'(i32.const {n})' for n in (128, 1, last, 0, 64))})"
    )
    assert [each[2] for name, each, _ in found if name == "load"] == [5]


@pytest.mark.parametrize("form", [form for form in FORMS if form.has_records], ids=str)
def test_a_records_type_has_its_number_in_witx(form: Form) -> None:
    numbers = (0, 1, None, 3, 4) if form.types == FIVE_TYPES else (0, 1, 2, None, 3, 4, 5)
    key = "(i32.const 40) (i32.const 1)" if form.is_named else "(i32.const 2)"
    for number, expected in enumerate(numbers):
        record = " ".join(f"(i32.const {n})" for n in (32, 1, number, 36, 1, 64))
        body = f"(call $set (local.get $context) {key} {record})"
        if expected is None:  # bf16, which witx does not have
            body += "(call $is (i32.load8_u (i32.const 65)) (i32.const 4))"
            assert not [name for name, *_ in calls(form, body) if name == "set_input"]
            continue
        [(_, given, tensor)] = [each for each in calls(form, body) if each[0] == "set_input"]
        assert given[1] == (0 if form.is_named else 2)
        assert int.from_bytes(tensor[8:12], "little") == expected


@pytest.mark.parametrize("form", [form for form in FORMS if form.has_numbers], ids=str)
def test_an_errno_becomes_a_number_in_one_byte(form: Form) -> None:
    body = """
      (i64.store (i32.const 64) (i64.const -1))
      (call $compute (local.get $context) (i32.const 64))
      (call $is (i32.load16_u (i32.const 64)) (i32.const 0x0401))
      (call $is (i32.load16_u (i32.const 66)) (i32.const 0xffff))"""
    assert calls(form, body, fails="compute")[-1][0] == "compute"


@pytest.mark.parametrize("form", BY_INDEX, ids=lambda form: form.title)
def test_names_are_not_needed_where_the_program_knows_indices(form: Form) -> None:
    found = flatten(Component(guest(form)))
    assert not [note.code for note in found.notes if note.code in ("NN348", "NN349", "NN350")]
    assert rewrite(guest(form), RewriteOptions(to="wasi_ephemeral_nn"))[4:8] == b"\1\0\0\0"
