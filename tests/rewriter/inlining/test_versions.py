"""Programs of one version of wasi:nn on hosts of another one."""

from __future__ import annotations

import random

import pytest
import wasmtime

from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER, Snapshot
from rewriter.components.component import Component
from rewriter.errors import ModuleError, UnsupportedModule
from rewriter.files import wasm_tools
from rewriter.inlining.uses import uses
from rewriter.inlining.versions import Changed, change_version
from tests.rewriter.inlining import inferring
from tests.rewriter.inlining.guests import MEMORY
from tests.rewriter.inlining.host import Host, Program
from tests.rewriter.inlining.inferring import (
    ADDED,
    FINE,
    STAYED,
    got,
    program,
    save_model,
)
from tests.support.native import NativeWasmtime, openvino_model
from tests.support.wasm import assemble


def changed(data: bytes, to: Snapshot, outputs: str = "") -> bytes:
    """With the imports of another version, and valid."""
    result = change_version(Component(data), to, [*outputs]).data
    wasm_tools.validate(result)
    assert uses(Component(result)).snapshot is to
    return result


def started(
    snapshot: Snapshot, to: Snapshot, names: str = "sf", outputs: str = ""
) -> tuple[Program, Host, int]:
    """A program of a version on a host of another one, and a context."""
    host = Host(to, names)
    running = Program(changed(program(snapshot), to, outputs), host)
    context = running.call("context")
    assert isinstance(context, int)
    return running, host, context


@pytest.mark.parametrize("snapshot", [AUGUST, OCTOBER], ids=str)
def test_the_program_and_the_host_of_these_tests_fit_each_other(snapshot: Snapshot) -> None:
    host = Host(snapshot, "sf")
    running = Program(program(snapshot), host)
    context = running.call("context")
    assert isinstance(context, int)
    assert running.call("set", context, "a", 3) == FINE
    assert running.call("set", context, "b", 4) == FINE
    assert running.call("compute", context) == FINE
    assert running.call("get", context, "s") == 1007
    assert running.call("get", context, "f") == 1003
    assert host.tensors() == 0


@pytest.mark.parametrize("snapshot", [AUGUST, JUNE], ids=str)
def test_an_older_program_runs_on_a_host_of_october(snapshot: Snapshot) -> None:
    running, host, context = started(snapshot, OCTOBER)
    assert running.call("set", context, "a", 3) == FINE
    assert running.call("set", context, "b", 4) == FINE
    assert running.call("compute", context) == FINE
    assert running.call("get", context, "s") == 1007
    assert running.call("get", context, "f") == 1003
    assert host.tensors() == 0


def test_inputs_stay_set_and_outputs_can_be_had_again() -> None:
    running, _, context = started(AUGUST, OCTOBER)
    running.call("set", context, "a", 3)
    running.call("set", context, "b", 4)
    for value in (5, 6):
        assert running.call("set", context, "b", value) == FINE
        assert running.call("compute", context) == FINE
        assert running.call("get", context, "s") == 1003 + value
        assert running.call("get", context, "s") == 1003 + value


def test_contexts_have_inputs_and_outputs_of_their_own() -> None:
    running, _, first = started(AUGUST, OCTOBER)
    second = running.call("context")
    assert isinstance(second, int)
    for context, value in ((first, 1), (second, 10)):
        running.call("set", context, "a", value)
        running.call("set", context, "b", value)
    assert running.call("compute", first) == FINE
    assert running.call("compute", second) == FINE
    assert running.call("get", first, "s") == 1002
    running.call("drop", first)
    assert running.call("get", second, "s") == 1020


def test_the_only_output_has_any_name() -> None:
    running, _, context = started(AUGUST, OCTOBER, names="0")
    running.call("set", context, "a", 3)
    running.call("set", context, "b", 4)
    running.call("compute", context)
    assert running.call("get", context, "s") == 1007


def test_an_output_of_another_name_among_several_is_an_error() -> None:
    running, host, context = started(AUGUST, OCTOBER, names="01")
    running.call("set", context, "a", 3)
    running.call("set", context, "b", 4)
    running.call("compute", context)
    assert running.call("get", context, "s") == 3
    assert running.call("text") == "there is no output of this name, or compute was not called"
    assert running.call("get", context, "1") == 1003
    assert not any(isinstance(each, list) for each in host.objects.values())


def test_an_output_before_compute_is_an_error() -> None:
    running, _, context = started(AUGUST, OCTOBER)
    assert running.call("get", context, "s") == 3


def test_the_hosts_error_of_compute_is_the_programs() -> None:
    running, host, context = started(AUGUST, OCTOBER)
    assert running.call("set", context, "x", 1) == FINE
    assert running.call("compute", context) == 0
    assert running.call("text") == "inputs x"
    assert running.call("get", context, "s") == 3
    running.call("drop", context)
    assert host.tensors() == 0
    assert not any(isinstance(each, list) for each in host.objects.values())


@pytest.mark.parametrize("step", ["set", "compute", "get", "drop"])
def test_a_context_that_was_dropped_stops_the_program(step: str) -> None:
    running, _, context = started(AUGUST, OCTOBER)
    running.call("drop", context)
    arguments = {"set": ("a", 1), "get": ("s",)}.get(step, ())
    with pytest.raises(wasmtime.WasmtimeError, match="unreachable"):
        running.call(step, context, *arguments)


@pytest.mark.parametrize("to", [AUGUST, OCTOBER], ids=str)
def test_a_program_of_june_makes_errors_of_its_own(to: Snapshot) -> None:
    running, _, _ = started(JUNE, to)
    assert running.call("made", 6) == 6
    assert running.call("text") == "made"
    assert running.call("made", 2) == 2
    with pytest.raises(wasmtime.WasmtimeError, match="unreachable"):
        running.call("made", 9)


@pytest.mark.parametrize("to", [AUGUST], ids=str)
def test_a_program_of_october_runs_on_an_older_host(to: Snapshot) -> None:
    running, host, context = started(OCTOBER, to, outputs="fs")
    running.call("set", context, "b", 4)
    running.call("set", context, "a", 3)
    assert running.call("compute", context) == FINE
    assert running.call("get", context, "f") == 1003
    assert running.call("get", context, "s") == 1007
    assert running.call("get", context, "x") == 99
    assert host.tensors() == 0


def test_a_wrong_input_on_an_older_host_ends_compute() -> None:
    running, host, context = started(OCTOBER, AUGUST, outputs="s")
    running.call("set", context, "x", 1)
    running.call("set", context, "a", 2)
    assert running.call("compute", context) == 0
    assert running.call("text") == "no input x"
    assert host.tensors() == 0


def test_a_missing_input_on_an_older_host_ends_compute() -> None:
    running, _, context = started(OCTOBER, AUGUST, outputs="s")
    running.call("set", context, "a", 2)
    assert running.call("compute", context) == 3
    assert running.call("text") == "inputs a"


def test_an_output_that_an_older_host_does_not_have_ends_compute() -> None:
    running, host, context = started(OCTOBER, AUGUST, outputs="sx")
    running.call("set", context, "a", 2)
    running.call("set", context, "b", 2)
    assert running.call("compute", context) == 3
    assert running.call("text") == "no output x"
    assert host.tensors() == 0


@pytest.mark.parametrize("via", [AUGUST, JUNE], ids=str)
def test_a_program_comes_back_to_its_version(via: Snapshot) -> None:
    host = Host(OCTOBER, "sf")
    there = changed(program(OCTOBER), via, "sf")
    running = Program(changed(there, OCTOBER), host)
    context = running.call("context")
    assert isinstance(context, int)
    running.call("set", context, "a", 3)
    running.call("set", context, "b", 4)
    assert running.call("compute", context) == FINE
    assert running.call("get", context, "s") == 1007
    assert running.call("get", context, "f") == 1003


def test_many_steps_take_no_more_than_a_page_of_memory() -> None:
    running, host, context = started(AUGUST, OCTOBER)
    for value in range(400):
        running.call("set", context, "a", value % 100)
        running.call("set", context, "b", 1)
        assert running.call("compute", context) == FINE
    assert running.call("get", context, "s") == 1000 + 399 % 100 + 1
    assert host.tensors() == 0


def test_the_same_version_changes_nothing() -> None:
    data = program(AUGUST)
    assert change_version(Component(data), AUGUST) == Changed(data, ())


def test_where_no_function_differs_only_names_change() -> None:
    data = program(AUGUST)
    there = changed(data, JUNE)
    assert len(there) == len(data)
    assert changed(there, AUGUST) == data


def test_october_to_older_needs_the_names_of_outputs() -> None:
    with pytest.raises(UnsupportedModule, match="the names of the model's outputs") as raised:
        change_version(Component(program(OCTOBER)), AUGUST)
    assert raised.value.code == "NN366"


def test_what_is_lost_is_noted() -> None:
    forth = change_version(Component(program(AUGUST)), OCTOBER)
    assert [note.code for note in forth.notes] == ["NN367", "NN368"]
    back = change_version(Component(program(OCTOBER)), AUGUST, ["s", "f"])
    assert [note.code for note in back.notes] == ["NN369"]


def _without(snapshot: Snapshot, function: str) -> bytes:
    """A program that lowers one function of wasi:nn only."""
    text = inferring.imports(snapshot)
    return assemble(
        f"(component {text} {MEMORY} (core func (canon lower (func {function}) (memory $memory))))"
    )


def test_steps_without_a_context_are_refused() -> None:
    function = '$inference "[method]graph-execution-context.compute"'
    with pytest.raises(UnsupportedModule, match="does not call init-execution-context") as raised:
        change_version(Component(_without(AUGUST, function)), OCTOBER)
    assert raised.value.code == "NN365"
    assert raised.value.reason.startswith("inference#[method]graph-execution-context.compute")


def test_an_interface_that_is_given_away_is_refused() -> None:
    data = assemble(f'(component {inferring.imports(AUGUST)} (export "i" (instance $inference)))')
    with pytest.raises(UnsupportedModule, match="wasi:nn/inference is exported") as raised:
        change_version(Component(data), OCTOBER)
    assert raised.value.code == "NN363"


def test_a_type_that_only_october_has_is_refused() -> None:
    alias = '(alias export $inference "named-tensor" (type))'
    data = assemble(f"(component {inferring.imports(OCTOBER)} {alias})")
    with pytest.raises(UnsupportedModule, match="the type named-tensor") as raised:
        change_version(Component(data), AUGUST, ["s"])
    assert raised.value.code == "NN365"


def test_a_component_without_wasi_nn_stays_as_it_is() -> None:
    data = assemble(f"(component {MEMORY})")
    assert change_version(Component(data), OCTOBER) == Changed(data, ())


def test_no_mutation_ends_in_another_exception() -> None:
    drawn = random.Random(22)
    errors = 0
    for data, to in ((program(AUGUST), OCTOBER), (program(OCTOBER), AUGUST)):
        for _ in range(150):
            mutated = bytearray(data)
            mutated[drawn.randrange(8, len(data))] = drawn.choice((0, 1, 2, 127, 128, 255))
            try:
                change_version(Component(bytes(mutated)), to, ["s"])
            except ModuleError:
                errors += 1
    assert 0 < errors < 300


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> NativeWasmtime:
    """With a folder m of a model that adds a and b, and returns the sum and a."""
    folder = tmp_path_factory.mktemp("native")
    (folder / "m").mkdir()
    openvino_model(save_model(folder).read_bytes(), folder / "m")
    return NativeWasmtime(folder)


def _ends(native: NativeWasmtime, data: bytes) -> tuple[int, str]:
    guest = native.command.with_name("guest.wasm")
    guest.write_bytes(data)
    ended = native.run(guest, graph="openvino::m")
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (ADDED + got("0", 1007), 0),
        (ADDED + got("1", 1003), 0),
        (STAYED + got("0", 1008), 0),
        (ADDED + got("s", 3), 0),
        (ADDED + got("0", 1008), 1),
    ],
)
def test_a_program_of_august_runs_on_wasmtime_itself(
    native: NativeWasmtime, run: str, code: int
) -> None:
    assert _ends(native, changed(program(AUGUST, run), OCTOBER)) == (code, "")


def test_there_and_back_runs_on_wasmtime_itself(native: NativeWasmtime) -> None:
    there = changed(program(OCTOBER, ADDED + got("f", 1003)), AUGUST, "sf")
    code, _ = _ends(native, changed(there, OCTOBER))
    assert code != 0  # hosts of August know the model's names, this one does not
    there = changed(program(OCTOBER, ADDED + got("1", 1003)), AUGUST, "01")
    assert _ends(native, changed(there, OCTOBER)) == (0, "")
