"""Compositions: a component passes wasi:nn on to components inside."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER, Snapshot
from rewriter.components.component import Component
from rewriter.errors import ModuleError, UnsupportedModule
from rewriter.files import wasm_tools
from rewriter.inlining.inline import inline
from rewriter.inlining.uses import uses
from rewriter.inlining.versions import change_version
from tests.rewriter.inlining.guests import GUEST, LOWERED, MAIN, MEMORY, TENSOR, early, late
from tests.rewriter.inlining.guests import OCTOBER as VERSION
from tests.rewriter.inlining.host import Host, Program
from tests.rewriter.inlining.inferring import ADDED, FINE, composed, got, save_model
from tests.rewriter.inlining.test_inline import FILLING, FUNCTIONS, HOST, inlined, run
from tests.support.native import NativeWasmtime, openvino_model
from tests.support.wasm import assemble

GIVEN = f'(with "wasi:nn/tensor@{VERSION}" (instance $nn))'
ANSWER = 3 * 10000 + ord("c") * 10 + 1
"""What GUEST returns."""


def inside(guest: str, name: str, given: str = GIVEN) -> str:
    """A component inside, of which there is one instance with that name."""
    text = guest.replace("(component", f"(component ${name}", 1)
    return f"{text} (instance ${name} (instantiate ${name} {given}))"


EXPORT = '(export "run" (func $guest "run"))'
COMPOSED = f"(component {TENSOR} {inside(GUEST, 'guest')} {EXPORT})"


def test_the_component_inside_gets_the_core_modules() -> None:
    assert run(inlined(COMPOSED)) == ANSWER


def test_the_uses_of_a_component_inside_are_its_own() -> None:
    found = uses(Component(assemble(COMPOSED)))
    assert (found.snapshot, found.functions, found.others) == (OCTOBER, {}, [])
    [inner] = found.inside
    assert len(inner.uses.functions) == 4
    assert found.instances == 1


def test_a_component_deeper_inside_gets_them_too() -> None:
    assert run(inlined(f"(component {TENSOR} {inside(COMPOSED, 'guest')} {EXPORT})")) == ANSWER


def test_each_component_has_modules_and_a_state_of_its_own() -> None:
    """A tensor's type is the number of tensors that were dropped: one in each."""
    other = GUEST.replace('"abc"', '"xyz"')
    data = inlined(f"""(component {TENSOR} {inside(GUEST, "guest")} {inside(other, "other")}
      (instance $again (instantiate $guest {GIVEN})) {MEMORY} {LOWERED} {MAIN}
      (export "inner" (func $guest "run"))
      (export "other" (func $other "run")) (export "again" (func $again "run")))""")
    assert [run(data, name=name) for name in ("run", "inner", "again", "other")] == [
        ANSWER,
        ANSWER,
        ANSWER,
        ANSWER + 10 * (ord("z") - ord("c")),
    ]


@pytest.mark.parametrize("filling", ["", FILLING])
def test_what_stands_behind_and_what_is_inside_have_new_indices(filling: str) -> None:
    number = '(core module $number (func (export "number") (result i32) i32.const 5))'
    store = MEMORY if filling else ""
    more = """
      (alias outer 1 $number (core module $n)) (core instance $n (instantiate $n))
      (func (export "number") (result u32) (canon lift (core func $n "number")))"""
    guest = GUEST[: GUEST.rindex(")")] + more + ")"
    data = inlined(f"""(component {TENSOR} {store} {filling} {number}
      (instance $unused (export "nothing" (core module $number)))
      {inside(guest, "guest")} {filling} {EXPORT} (export "number" (func $guest "number")))""")
    assert run(data) == ANSWER
    assert run(data, name="number") == 5


def test_what_else_is_passed_to_a_component_inside_has_new_indices() -> None:
    five = """
      (core module $five (func (export "number") (result i32) i32.const 5))
      (core instance $five (instantiate $five))
      (func $five (result u32) (canon lift (core func $five "number")))"""
    guest = GUEST.replace(TENSOR, f'{TENSOR} (import "five" (func $f (result u32)))')
    guest = guest[: guest.rindex(")")] + '(export "five" (func $f)))'
    given = f'{GIVEN} (with "five" (func $five))'
    data = inlined(f"""(component {TENSOR} {MEMORY} {LOWERED} {MAIN} {five}
      {inside(guest, "guest", given)} (export "five" (func $guest "five")))""")
    assert run(data, name="five") == 5
    assert run(data) == ANSWER


def test_a_component_inside_that_lowers_nothing_stays_as_it_is() -> None:
    inner = inside(f"(component {TENSOR})", "guest")
    data = assemble(f"(component {TENSOR} {inner})")
    assert inline(Component(data), early(), late(), host=HOST, functions=FUNCTIONS) == data


PROVIDER = """
  (component $provider (type $r (resource (rep i32))) (export "tensor" (type $r)))
  (instance $provider (instantiate $provider))
"""
ONLY_TYPE = f"""(component
  (import "wasi:nn/tensor@{VERSION}" (instance $t (export "tensor" (type (sub resource)))))
  (alias export $t "tensor" (type $h)) (core func (canon resource.drop $h)))"""
FROM_PROVIDER = f'(with "wasi:nn/tensor@{VERSION}" (instance $provider))'


def test_a_component_with_another_wasi_nn_keeps_it() -> None:
    text = f"(component {TENSOR} {PROVIDER} {inside(ONLY_TYPE, 'p', FROM_PROVIDER)}"
    data = assemble(f"{text} {inside(GUEST, 'guest')} {EXPORT})")
    assert [len(each.instances) for each in uses(Component(data)).inside] == [1]
    result = inlined(f"{text} {inside(GUEST, 'guest')} {EXPORT})")
    assert run(result) == ANSWER
    kept = next(part for part in Component(data).parts() if part.is_component and part.size < 100)
    assert data[kept.start : kept.end] in result


_CROSSING = """
  (type $made (own $handle))
  (type $make (func (result $made)))
  (core module $maker (func (export "f") (result i32) i32.const 1))
  (core instance $maker (instantiate $maker))
  (func $f (type $make) (canon lift (core func $maker "f")))
"""
_WITH_TYPE = f"""(component {TENSOR} {MEMORY} {LOWERED} (export "handle" (type $handle)))"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            inside(f"(component {TENSOR} {MEMORY} {LOWERED} {_CROSSING})", "guest"),
            "wasi:nn/tensor has a type that an exported function uses",
        ),
        (inside(_WITH_TYPE, "guest"), "wasi:nn/tensor is exported"),
        (
            f"{PROVIDER} {inside(ONLY_TYPE, 'p', FROM_PROVIDER)} "
            f"(instance (instantiate $p {GIVEN}))",
            "wasi:nn/tensor is passed to a component inside, which is also used with another "
            "wasi:nn",
        ),
        (
            f'{inside(GUEST, "guest")} (export "guest" (component $guest))',
            "wasi:nn/tensor is passed to a component inside, which is also used with another "
            "wasi:nn",
        ),
        (
            inside(
                ONLY_TYPE.replace("wasi:nn/tensor", "test:nn/tensor"),
                "p",
                GIVEN.replace("wasi:nn/tensor", "test:nn/tensor"),
            ),
            "wasi:nn/tensor is passed to a component inside",
        ),
    ],
    ids=["function", "type", "two sources", "exported component", "another name"],
)
def test_resources_that_cross_between_components_are_refused(text: str, reason: str) -> None:
    data = assemble(f"(component {TENSOR} {text})")
    with pytest.raises(UnsupportedModule) as raised:
        inline(Component(data), early(), late(), host=HOST, functions=FUNCTIONS)
    assert (raised.value.code, raised.value.reason) == ("NN363", reason)
    assert raised.value.offset is not None


def test_an_error_inside_has_its_offset_in_the_whole_file() -> None:
    lowered = LOWERED.replace("(realloc", "string-encoding=utf16 (realloc")
    data = assemble(f"(component {TENSOR} {inside(GUEST.replace(LOWERED, lowered), 'guest')})")
    with pytest.raises(UnsupportedModule) as raised:
        inline(Component(data), early(), late(), host=HOST, functions=FUNCTIONS)
    assert raised.value.code == "NN364"
    assert raised.value.offset is not None
    assert data[raised.value.offset : raised.value.offset + 2] == b"\x01\x00"  # canon lower


def test_no_mutation_ends_in_another_exception() -> None:
    data = assemble(f"(component {TENSOR} {inside(COMPOSED, 'guest')} {EXPORT})")
    drawn = random.Random(23)
    errors = []
    for _ in range(1000):
        mutated = bytearray(data)
        mutated[drawn.randrange(8, len(data))] = drawn.choice((0, 1, 2, 5, 127, 128, 255))
        try:
            inline(Component(bytes(mutated)), early(), late(), host=HOST, functions=FUNCTIONS)
        except ModuleError as error:
            errors.append(error)
    assert 0 < len(errors) < 1000
    assert all(each.offset is not None and each.offset <= len(data) for each in errors)


def changed(data: bytes, to: Snapshot, outputs: str = "") -> bytes:
    """With the imports of another version, and valid."""
    result = change_version(Component(data), to, [*outputs]).data
    wasm_tools.validate(result)
    return result


@pytest.mark.parametrize(
    ("snapshot", "to"), [(AUGUST, OCTOBER), (JUNE, OCTOBER), (OCTOBER, AUGUST)]
)
def test_a_composition_gets_another_version(snapshot: Snapshot, to: Snapshot) -> None:
    data = changed(composed(snapshot), to, "sf")
    running = Program(data, Host(to, "sf"))
    context = running.call("context")
    assert isinstance(context, int)
    running.call("set", context, "a", 3)
    running.call("set", context, "b", 4)
    assert running.call("compute", context) == FINE
    assert running.call("get", context, "s") == 1007
    found = uses(Component(data))
    assert found.snapshot is to
    assert [each.uses.snapshot for each in found.inside] == [to]


def test_names_change_alone_where_no_function_differs() -> None:
    data = composed(AUGUST)
    there = changed(data, JUNE)
    assert changed(there, AUGUST) == data


def test_a_composition_runs_on_wasmtime_itself(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    openvino_model(save_model(tmp_path).read_bytes(), tmp_path / "m")
    native = NativeWasmtime(tmp_path)
    guest = native.command.with_name("guest.wasm")
    for value, code in ((1007, 0), (1008, 1)):
        guest.write_bytes(changed(composed(AUGUST, ADDED + got("0", value)), OCTOBER))
        ended = native.run(guest, graph="openvino::m")
        assert (ended.returncode, ended.stderr) == (code, "")
