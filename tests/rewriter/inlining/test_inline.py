"""Core modules in the place of wasi:nn in a component."""

from __future__ import annotations

import re
import tracemalloc

import pytest
import wasmtime
from wasmtime import component as components

from rewriter.components.component import Component
from rewriter.components.sections import SectionKind
from rewriter.errors import UnsupportedModule
from rewriter.files import wasm_tools
from rewriter.inlining.inline import HostFunction, inline
from tests.rewriter.inlining.guests import (
    GUEST,
    LOWERED,
    MAIN,
    MEMORY,
    TENSOR,
    early,
    late,
)
from tests.support.wasm import assemble, custom

HOST = "nnshim:test/host"
FUNCTIONS = [HostFunction("handle", ("u32",), "u64")]


def inlined(text: str) -> bytes:
    """With the core modules of guests.py in it, and valid."""
    data = inline(Component(assemble(text)), early(), late(), host=HOST, functions=FUNCTIONS)
    wasm_tools.validate(data)
    return data


def run(data: bytes, result: int = 3, name: str = "run") -> int:
    """What a function of the component returns, on a host whose `handle` of three bytes gives
    `result`."""
    engine = wasmtime.Engine()
    program = components.Component(engine, data)
    store = wasmtime.Store(engine)
    linker = components.Linker(engine)
    linker.define_unknown_imports_as_traps(program)
    linker.allow_shadowing = True
    with linker.root() as root, root.add_instance(HOST) as host:
        host.add_func("handle", lambda _store, number: number - 3 + result)
    instance = linker.instantiate(store, program)
    function = instance.get_func(store, name)
    assert function is not None
    return int(function(store))


def test_the_core_modules_are_called_and_wasi_nn_is_not() -> None:
    assert run(inlined(GUEST)) == 3 * 10000 + ord("c") * 10 + 1


def test_the_result_of_the_hosts_function_arrives() -> None:
    assert run(inlined(GUEST), result=2) == 2 * 10000 + 1


def test_a_component_that_lowers_nothing_of_wasi_nn_stays_as_it_is() -> None:
    data = assemble(f"(component {TENSOR} {MEMORY})")
    assert inline(Component(data), early(), late(), host=HOST, functions=FUNCTIONS) == data


def test_everything_before_and_the_core_modules_stay_byte_for_byte() -> None:
    text = f'(component {TENSOR} {MEMORY} {LOWERED} {MAIN} (@custom "a" "b"))'
    data, result = assemble(text), inlined(text)
    first = next(s for s in Component(data).sections if s.kind is SectionKind.CANONICAL_FUNCTION)
    assert result[: first.start] == data[: first.start]
    modules = [result[part.start : part.end] for part in Component(result).parts()]
    for part in Component(data).parts():
        assert data[part.start : part.end] in modules
    [custom] = [section for section in Component(result).sections if section.name == "a"]
    assert result[custom.start : custom.end] == b"\x00\x03\x01ab"


FILLING = " ".join(
    f"(type (list u{8 if number % 2 else 16})) "
    f'(alias core export $store "realloc" (core func)) (core module (func (export "{number}")))'
    for number in range(150)
)
"""Things that take indices up to where each of them takes two bytes."""

BEHIND = """
  (core module $unused)
  (type $pair (tuple u32 u32))
  (type $made (resource (rep i32) (dtor (core func $drop))))
  (core func $rep (canon resource.rep $made))
  (component $inner
    (alias outer 1 $pair (type $outer-pair))
    (alias outer 1 $number (core module $number))
    (component $deeper
      (alias outer 2 $number (core module $again))
      (core instance $again (instantiate $again))
      (func (export "number") (result u32) (canon lift (core func $again "number"))))
    (instance $deeper (instantiate $deeper))
    (type (func (param "pair" $outer-pair)))
    (export "number" (func $deeper "number")))
  (component $outer (alias outer 1 $inner (component $c)) (instance $i (instantiate $c))
    (export "number" (func $i "number")))
  (instance $inner (instantiate $outer))
  (alias export $inner "number" (func $from-inner))
  (core func $lowered-number (canon lower (func $from-inner)))
  (core module $adder
    (import "a" "number" (func $number (result i32)))
    (import "a" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "a" "memory" (memory 1))
    (import "main" "run" (func $run (result i32)))
    (func (export "run") (result i32)
      (i32.store (i32.const 512) (i32.add (call $run) (call $number))) (i32.const 512))
    (func (export "after") (param i32)))
  (core instance $a
    (export "number" (func $lowered-number)) (export "realloc" (func $realloc))
    (export "memory" (memory $memory)))
  (core instance $adder
    (instantiate $adder (with "a" (instance $a)) (with "main" (instance $main))))
  (alias core export $adder "run" (core func $adder-run))
  (alias core export $adder "after" (core func $after))
  (type $pair-function (func (result $pair)))
  (func $pair (type $pair-function)
    (canon lift (core func $adder-run) (memory $memory) (realloc $realloc) (post-return $after)))
  (export $exported "pair" (func $pair))
  (instance $exports (export "pair" (func $exported)))
  (export "test:test/exports" (instance $exports))
"""


@pytest.mark.parametrize("filling", ["", FILLING])
def test_what_stands_behind_has_new_indices(filling: str) -> None:
    number = '(core module $number (func (export "number") (result i32) i32.const 5))'
    text = f"(component {TENSOR} {MEMORY} {filling} {LOWERED} {filling} {number} {MAIN} {BEHIND})"
    data = inlined(text)
    engine = wasmtime.Engine()
    program = components.Component(engine, data)
    store = wasmtime.Store(engine)
    linker = components.Linker(engine)
    linker.define_unknown_imports_as_traps(program)
    linker.allow_shadowing = True
    with linker.root() as root, root.add_instance(HOST) as host:
        host.add_func("handle", lambda _store, length: length)
    instance = linker.instantiate(store, program)
    function = instance.get_func(store, "pair")
    assert function is not None
    assert function(store) == (3 * 10000 + ord("c") * 10 + 1 + 5, 0)


def test_names_follow_their_indices() -> None:
    def names(data: bytes) -> bytes:
        [found] = [s for s in Component(data).sections if s.name == "component-name"]
        return data[found.name_end : found.end]

    assert b"\0\x05store\x01\x07lowered\x02\x04main" in names(assemble(GUEST))
    # Instances of the core modules and of what they import stand between them.
    assert b"\0\x05store\x06\x07lowered\x07\x04main" in names(inlined(GUEST))


@pytest.mark.parametrize("names", [b"", b"\x01", b"\x01\x7f", b"\x01\x03\0\0\x05"])
def test_names_that_cannot_be_read_stay(names: bytes) -> None:
    text = f"(component {TENSOR} {MEMORY} {LOWERED} {MAIN})"
    data = assemble(text)
    section = custom("component-name", names)
    whole = [s.start for s in Component(data).sections if s.name == "component-name"]
    component = Component(data[: whole[0]] + section)
    result = inline(component, early(), late(), host=HOST, functions=FUNCTIONS)
    assert result.endswith(section)


TWICE = '(core func (canon lower (func $nn "[method]tensor.data") (memory $memory) {}))'


@pytest.mark.parametrize(
    "changed",
    [
        LOWERED + TWICE.format("(realloc $realloc)") + "(core func (canon resource.drop $handle))",
        '(alias export $nn "[constructor]tensor" (func $not-lowered))' + LOWERED,
        LOWERED.replace("(memory $memory))", "string-encoding=utf8 (memory $memory))"),
        # Those with a memory first.
        "\n".join(reversed(LOWERED.strip().replace("\n    ", " ").split("\n"))).replace(
            "(core func $drop (canon resource.drop $handle))", ""
        )
        + "(core func $drop (canon resource.drop $handle))",
    ],
    ids=["twice", "not lowered", "utf8", "reversed"],
)
def test_functions_are_replaced_in_any_order_and_number(changed: str) -> None:
    assert run(inlined(f"(component {TENSOR} {MEMORY} {changed} {MAIN})")) == 30991


def _refused(text: str) -> tuple[str | None, str]:
    component = Component(assemble(text))
    with pytest.raises(UnsupportedModule) as raised:
        inline(component, early(), late(), host=HOST, functions=FUNCTIONS)
    assert raised.value.offset is not None
    return raised.value.code, raised.value.reason


INNER = """
  (component $inner
    (import "nn" (instance (export "tensor" (type (sub resource))))))
"""


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('(export "out" (instance $nn))', "wasi:nn/tensor is exported"),
        (
            '(export "out" (type $handle))',
            "wasi:nn/tensor is exported",
        ),
        (
            INNER + '(instance (instantiate $inner (with "nn" (instance $nn))))',
            "wasi:nn/tensor is passed to a component inside",
        ),
        (
            "(component (alias outer 1 $handle (type)))",
            "wasi:nn/tensor is used in a component inside",
        ),
        (
            "(type $mine (own $handle)) (type $function (func (result $mine)))"
            '(import "other" (func (type $function)))',
            "wasi:nn/tensor has a type that another import uses",
        ),
        (
            '(import "other" (instance (alias outer 1 $handle (type $t))'
            ' (export "f" (func (param "t" (borrow $t))))))',
            "wasi:nn/tensor has a type that another import uses",
        ),
        (
            "(type $mine (list (own $handle)))"
            "(core func (canon task.return (result $mine) (memory $memory)))",
            "wasi:nn/tensor is used in another way than by lowering its functions",
        ),
    ],
)
def test_other_uses_of_wasi_nn_are_refused(more: str, reason: str) -> None:
    assert _refused(f"(component {TENSOR} {MEMORY} {LOWERED} {more})") == ("NN363", reason)


def test_what_no_core_module_uses_may_be_given_away() -> None:
    provided = """
      (component $provider (type $r (resource (rep i32))) (export "tensor" (type $r)))
      (instance $provider (instantiate $provider))
    """
    text = provided + INNER + '(instance (instantiate $inner (with "nn" (instance $provider))))'
    assert run(inlined(f"(component {TENSOR} {MEMORY} {text} {LOWERED} {MAIN})")) == 30991


SECOND = MEMORY.replace("$store", "$other").replace("$memory", "$m").replace("$realloc", "$r")


@pytest.mark.parametrize(
    ("lowered", "reason"),
    [
        (
            LOWERED.replace("(realloc", "string-encoding=utf16 (realloc"),
            "tensor#[method]tensor.data is lowered with other strings than UTF-8, or "
            "asynchronously",
        ),
        (
            LOWERED.replace("(core func $data", SECOND + "(core func $data").replace(
                "(realloc $realloc)", "(realloc $r)"
            ),
            "the realloc of wasi:nn's functions comes behind the first of them",
        ),
        (
            LOWERED.replace("(realloc $realloc)", "(realloc $mine)").replace(
                "(core func $data",
                '(import "f" (func $f (param "a" u32) (param "b" u32) (param "c" u32) '
                '(param "d" u32) (result u32))) (core func $mine (canon lower (func $f)))'
                "(core func $data",
            ),
            "the realloc is not a core module's export",
        ),
    ],
)
def test_other_memories_and_strings_are_refused(lowered: str, reason: str) -> None:
    assert _refused(f"(component {TENSOR} {MEMORY} {lowered})") == ("NN364", reason)


def test_functions_read_and_write_the_memory_that_they_are_lowered_with() -> None:
    other = SECOND + LOWERED.replace("$memory", "$m").replace("$realloc", "$r") + MAIN
    other = other.replace('"run"', '"other"').replace('"abc"', '"xyz"')
    for name in ("handle", "drop", "ty", "new", "data", "main", "lowered"):
        other = re.sub(rf"\${name}\b", f"$other-{name}", other)
    other = other.replace("(instance $store)", "(instance $other)")
    data = inlined(f"(component {TENSOR} {MEMORY} {LOWERED} {MAIN} {other})")
    assert run(data) == 30000 + ord("c") * 10 + 1
    assert run(data, name="other") == 30000 + ord("z") * 10 + 1
    assert data.count(late()) == 1


def test_each_realloc_is_called_by_an_instance_of_the_same_module() -> None:
    second = TWICE.format("(realloc $r)")
    data = inlined(f"(component {TENSOR} {MEMORY} {SECOND} {LOWERED} {second} {MAIN})")
    assert run(data) == 30991
    assert data.count(late()) == 1


def test_aliases_of_the_same_memory_are_one() -> None:
    second = """
      (alias core export $store "memory" (core memory $memory2))
      (alias core export $store "realloc" (core func $realloc2))
    """
    lowered = LOWERED + second + TWICE.format("(realloc $realloc2)").replace("y)", "y2)", 1)
    assert run(inlined(f"(component {TENSOR} {MEMORY} {lowered} {MAIN})")) == 30991


def test_a_component_without_a_realloc_gets_one_that_traps() -> None:
    lowered = LOWERED[: LOWERED.index("(core func $data")]
    main = """
      (core module $m (import "a" "new" (func $new (param i32 i32 i32 i32 i32) (result i32)))
        (func (export "run") (result i32)
          (call $new (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 3))))
      (core instance $a (export "new" (func $new)))
      (core instance $m (instantiate $m (with "a" (instance $a))))
      (func (export "run") (result u32) (canon lift (core func $m "run")))
    """
    assert run(inlined(f"(component {TENSOR} {MEMORY} {lowered} {main})"), result=9) == 9


def test_without_functions_that_take_pointers_only_one_module_is_added() -> None:
    lowered = LOWERED[: LOWERED.index("(core func $new")]
    text = f"(component {TENSOR} {lowered})"
    before = [*Component(assemble(text)).parts()]
    after = [*Component(inlined(text)).parts()]
    assert len(after) == len(before) + 1


def test_an_inlined_component_takes_other_functions_than_wasi_nns() -> None:
    data = inline(Component(assemble(GUEST)), early(), late(), host=HOST, functions=FUNCTIONS)
    assert inline(Component(data), early(), late(), host=HOST, functions=FUNCTIONS) == data


def test_inlining_takes_little_memory_besides_the_result() -> None:
    big = f'(core module (memory 1) (data "{"x" * 4_000_000}"))'
    component = Component(assemble(f"(component {big} {TENSOR} {MEMORY} {LOWERED} {MAIN})"))
    modules = early(), late()
    tracemalloc.start()
    inline(component, *modules, host=HOST, functions=FUNCTIONS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * component.size
