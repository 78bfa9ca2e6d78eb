"""Components that import wasi:nn without a version, and what gives them one."""

from __future__ import annotations

import random

import pytest

from rewriter import RewriteOptions, compare, rewrite
from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER, UNVERSIONED, VERSIONED, Snapshot
from rewriter.analysis.components.described import describe_component
from rewriter.components.component import Component
from rewriter.errors import ModuleError, UnsupportedModule, UsageError
from rewriter.files import wasm_tools
from rewriter.inlining.unversioned import add_version
from rewriter.inlining.uses import uses
from rewriter.inlining.versions import change_version
from tests.rewriter.inlining.inferring import save_model
from tests.support import forms
from tests.support.components import component
from tests.support.forms import BY_INDEX, FORMS, Form, interfaces
from tests.support.native import NativeWasmtime, openvino_model
from tests.support.unversioned import guest
from tests.support.wit import made

INPUTS, OUTPUTS = {0: "a", 1: "b"}, ("s", "f")

each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)


def importing(form: Form) -> bytes:
    """A component that imports all functions of a form."""
    return made(interfaces(form), ["--dummy"], b"")


@each_form
def test_the_types_tell_each_form(form: Form) -> None:
    info = describe_component(importing(form))
    [snapshot] = info.snapshots
    assert str(snapshot) == f"wasi:nn without a version ({form.title})"
    found = [(name, text) for item in info.wasi_nn for name, text in item.types.items()]
    assert dict(found) == snapshot.types
    assert len(found) == len(snapshot.types)
    assert uses(Component(importing(form))).snapshot is snapshot


def test_each_known_form_is_here() -> None:
    assert [form.title for form in FORMS] == [snapshot.form for snapshot in UNVERSIONED]


@each_form
@pytest.mark.parametrize("to", VERSIONED, ids=str)
def test_each_form_gets_each_version(form: Form, to: Snapshot) -> None:
    changed = change_version(Component(importing(form)), to, OUTPUTS, INPUTS).data
    wasm_tools.validate(changed)
    info = describe_component(changed)
    assert {item.version for item in info.wasi_nn} == {to.version}
    [snapshot] = info.snapshots
    assert all(
        item.types[name] == snapshot.types[name] for item in info.wasi_nn for name in item.functions
    )


def test_only_names_change_where_all_functions_are_those_of_june() -> None:
    form = FORMS[-1]
    before = importing(form)
    after = rewrite(before, RewriteOptions(to=JUNE.name))
    assert len(after) - len(before) < 4 * len("@0.2.0-rc-2024-06-25") + 8
    assert len(compare(before, after).renames) == 4


@each_form
def test_verify_makes_the_shim_again(form: Form) -> None:
    inputs, outputs = (INPUTS, dict(enumerate(OUTPUTS))) if form in BY_INDEX else ({}, {})
    before = guest(form)
    after = rewrite(before, RewriteOptions(to=OCTOBER.name, inputs=inputs, outputs=outputs))
    assert compare(before, after, inputs=inputs, outputs=outputs).only_rewritten
    wrong = bytearray(after)
    wrong[len(after) // 2] ^= 1
    assert not compare(before, bytes(wrong), inputs=inputs, outputs=outputs).only_rewritten
    if inputs:
        assert not compare(before, after, inputs={0: "b"}, outputs=outputs).only_rewritten
        with pytest.raises(UsageError, match="input-name"):
            compare(before, after)


def test_what_does_not_belong_to_a_known_form_is_refused() -> None:
    text = interfaces(FORMS[1]).replace("busy", "late")
    data = made(text, ["--dummy"], b"")
    assert not describe_component(data).snapshots
    with pytest.raises(UnsupportedModule, match="no known form without a version") as raised:
        add_version(Component(data))
    assert raised.value.code == "NN362"


def test_a_function_whose_type_is_not_read_is_refused() -> None:
    aliased = """
      (type $t (instance (export "load-by-name" (func (param "name" string) (result u32)))))
      (alias outer 0 $t (type $graph))
      (import "wasi:nn/graph" (instance $nn (type $graph)))
      (core module $m (memory (export "memory") 1)) (core instance $m (instantiate $m))
      (alias core export $m "memory" (core memory $memory))
      (core func (canon lower (func $nn "load-by-name") (memory $memory)))"""
    with pytest.raises(UnsupportedModule) as raised:
        add_version(Component(component(aliased)))
    assert raised.value.code == "NN362"


def test_an_interface_that_is_given_away_is_refused() -> None:
    given = """
      (import "wasi:nn/graph" (instance $nn (type $error (enum "invalid-argument"
        "invalid-encoding" "busy" "runtime-error" "unsupported-operation" "too-large" "not-found"))
        (export "error" (type $exported (eq $error)))
        (export "load-by-name" (func (param "name" string)
          (result (result u32 (error $exported)))))))
      (export "graph" (instance $nn))"""
    with pytest.raises(UnsupportedModule, match="wasi:nn/graph is exported") as raised:
        add_version(Component(component(given)))
    assert raised.value.code == "NN363"


@pytest.mark.parametrize("form", BY_INDEX, ids=lambda form: form.title)
@pytest.mark.parametrize(
    ("to", "outputs", "inputs", "code"),
    [
        (OCTOBER, (), {}, "NN354"),
        (AUGUST, (), INPUTS, "NN366"),
        (JUNE, OUTPUTS, {}, "NN354"),
    ],
)
def test_indices_need_names(
    form: Form, to: Snapshot, outputs: tuple[str, ...], inputs: dict[int, str], code: str
) -> None:
    with pytest.raises(UnsupportedModule, match="by index") as raised:
        change_version(Component(importing(form)), to, outputs, inputs)
    assert raised.value.code == code


def test_an_index_beyond_any_model_is_refused() -> None:
    with pytest.raises(UsageError, match="under 256"):
        change_version(Component(importing(FORMS[1])), OCTOBER, (), {1 << 30: "a"})


def test_names_have_no_effect_where_the_program_has_them() -> None:
    with pytest.raises(UsageError, match="input-name"):
        rewrite(guest(FORMS[4]), RewriteOptions(to=OCTOBER.name, inputs=INPUTS))


def test_the_names_that_indices_become_are_noted() -> None:
    found = change_version(Component(importing(FORMS[1])), OCTOBER, (), {0: "a", 2: "c"})
    notes = {note.code: note.message for note in found.notes}
    assert notes["NN375"] == (
        "indices become names: inputs a, 1, c; any other becomes its decimal digits"
    )


def test_no_host_gets_a_component_without_a_version() -> None:
    data = guest(forms.OCTOBER)
    core = rewrite(data, RewriteOptions(to="wasi_ephemeral_nn"))
    assert rewrite(data, RewriteOptions(host="wasmtime@23")) == core


@each_form
def test_no_mutation_ends_in_another_exception(form: Form) -> None:
    drawn, data, errors = random.Random(22), importing(form), 0
    for _ in range(60):
        mutated = bytearray(data)
        mutated[drawn.randrange(8, len(data))] = drawn.choice((0, 1, 2, 127, 128, 255))
        try:
            change_version(Component(bytes(mutated)), OCTOBER, OUTPUTS, INPUTS)
        except ModuleError:
            errors += 1
    assert 0 < errors < 60


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> NativeWasmtime:
    """With a folder m of a model that adds a and b, and returns the sum and a."""
    folder = tmp_path_factory.mktemp("native")
    (folder / "m").mkdir()
    openvino_model(save_model(folder).read_bytes(), folder / "m")
    return NativeWasmtime(folder)


def _printed(native: NativeWasmtime, data: bytes) -> tuple[str, int]:
    path = native.command.with_name("guest.wasm")
    path.write_bytes(data)
    ended = native.run(path, graph="openvino::m")
    return ended.stdout, ended.returncode


@each_form
def test_each_form_runs_on_wasmtime_itself_as_october_does(
    native: NativeWasmtime, form: Form
) -> None:
    inputs = INPUTS if form in BY_INDEX else {}
    data = guest(form, outputs="01")
    changed = rewrite(data, RewriteOptions(to=OCTOBER.name, inputs=inputs))
    expected = _printed(native, guest(forms.OCTOBER))
    assert expected == ("06\n99\n07\n03\n", 0)
    assert _printed(native, changed) == expected
