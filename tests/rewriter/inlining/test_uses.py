"""What a component uses of wasi:nn."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from rewriter.abi.snapshots import OCTOBER
from rewriter.components.component import Component
from rewriter.errors import ModuleError, UnsupportedModule
from rewriter.inlining.inline import HostFunction, inline
from rewriter.inlining.uses import uses
from rewriter.wasm.leb128 import encode_u32
from tests.rewriter.inlining.guests import GUEST, LOWERED, MEMORY, TENSOR, early, late
from tests.support.components import COMMAND
from tests.support.wasm import assemble

HOST = "nnshim:test/host"
FUNCTIONS = [HostFunction("handle", ("u32",), "u64")]


def test_the_lowered_functions_are_found_in_order() -> None:
    found = uses(Component(assemble(GUEST)))
    assert found.snapshot is OCTOBER
    assert [*found.functions] == [
        "tensor#[resource-drop]tensor",
        "tensor#[method]tensor.ty",
        "tensor#[constructor]tensor",
        "tensor#[method]tensor.data",
    ]
    assert [use.early for use in found.functions.values()] == [True, True, False, False]
    assert found.realloc
    assert not found.others


def test_a_component_without_wasi_nn_has_no_version() -> None:
    found = uses(Component(assemble(f"(component {COMMAND})")))
    assert (found.snapshot, found.functions, found.realloc) == (None, {}, False)


def test_what_is_not_lowered_is_not_used() -> None:
    text = f'(component {TENSOR} (alias export $nn "[method]tensor.data" (func)))'
    found = uses(Component(assemble(text)))
    assert (found.snapshot, found.functions) == (OCTOBER, {})


@pytest.mark.parametrize(
    ("more", "code", "reason"),
    [
        (
            '(import "wasi:nn/errors@0.2.0-rc-2024-08-19" (instance))',
            "NN361",
            "the component imports wasi:nn more than once, or in several versions",
        ),
        (
            '(import "wasi:nn/errors@0.2.0" (instance))',
            "NN362",
            "the component imports wasi:nn/errors@0.2.0; the known versions are "
            "0.2.0-rc-2024-06-25, 0.2.0-rc-2024-08-19, 0.2.0-rc-2024-10-28",
        ),
        (
            '(import "wasi:nn/training@0.2.0-rc-2024-10-28" (instance))',
            "NN362",
            "the component imports wasi:nn/training@0.2.0-rc-2024-10-28; the known versions are "
            "0.2.0-rc-2024-06-25, 0.2.0-rc-2024-08-19, 0.2.0-rc-2024-10-28",
        ),
        (
            '(import "wasi:nn/graph@0.2.0-rc-2024-10-28" (instance $g (export "train" (func))))'
            '(core func (canon lower (func $g "train")))',
            "NN362",
            "train of wasi:nn/graph is not a function of wasi:nn@0.2.0-rc-2024-10-28",
        ),
    ],
)
def test_unknown_forms_of_wasi_nn_are_refused(more: str, code: str, reason: str) -> None:
    data = assemble(f"(component {TENSOR} {more})")
    with pytest.raises(UnsupportedModule) as raised:
        uses(Component(data))
    assert (raised.value.code, raised.value.reason) == (code, reason)
    assert raised.value.offset is not None


@pytest.mark.parametrize(
    ("section", "item", "what"),
    [
        (6, b"\x03\x00\x00\x06tensor", "aliases"),
        (7, b"\x69\x01", "types"),
        (8, b"\x03\x01", "lowered functions"),
        (11, b"\x00\x01e\x03\x01\x00", "uses"),
    ],
)
def test_more_of_wasi_nn_than_fits_in_memory_is_an_error(
    section: int, item: bytes, what: str
) -> None:
    """Each is a few bytes in the file. Type 1 is an alias of the resource tensor."""
    kind = '(type (instance (export "tensor" (type (sub resource)))))'
    imported = '(import "wasi:nn/tensor@0.2.0-rc-2024-10-28" (instance $nn (type 0)))'
    data = assemble(f'(component {kind} {imported} (alias export $nn "tensor" (type)))')
    content = encode_u32(10_001) + item * 10_001
    data += bytes([section]) + encode_u32(len(content)) + content
    with pytest.raises(UnsupportedModule, match=f"more than 10000 {what} of wasi:nn") as raised:
        uses(Component(data))
    assert raised.value.offset is not None


def _passed_on(depth: int, name: str = "wasi:nn/tensor@0.2.0-rc-2024-10-28") -> str:
    """A component that passes tensors to one inside, and so on."""
    imported = f'(import "{name}" (instance $nn (export "tensor" (type (sub resource)))))'
    if depth == 0:
        return f"(component $inner {imported})"
    given = f'(instance (instantiate $inner (with "{name}" (instance $nn))))'
    return f"(component $inner {imported} {_passed_on(depth - 1)} {given})"


def test_components_that_pass_wasi_nn_on_are_read_to_a_depth_that_fits_in_memory() -> None:
    """Each level takes a copy of what stands in it."""
    found = uses(Component(assemble(_passed_on(90))))
    depth = 0
    while found.inside:
        assert found.others == []
        depth, found = depth + 1, found.inside[0].uses
    assert depth == 4
    assert [each.what for each in found.others] == ["is passed to a component inside"]


def _inlined(data: bytes) -> bytes | ModuleError:
    try:
        return inline(Component(data), early(), late(), host=HOST, functions=FUNCTIONS)
    except ModuleError as error:
        return error


def _check(results: Sequence[bytes | ModuleError], size: int) -> None:
    """Some have to be errors, which have offsets, and some not."""
    errors = [each for each in results if isinstance(each, ModuleError)]
    assert 0 < len(errors) < len(results)
    for error in errors:
        assert error.offset is not None
        assert error.offset <= size


def test_an_index_that_does_not_exist_is_an_error() -> None:
    data = assemble(f"(component {TENSOR} {MEMORY} {LOWERED})")
    lower = data.index(b"\x01\x00\x01\x01\x03\x00")  # of function 1, with memory 0
    with pytest.raises(ModuleError, match="there is no func 9") as raised:
        uses(Component(data[: lower + 2] + b"\x09" + data[lower + 3 :]))
    assert raised.value.offset == lower + 2


def test_no_truncation_ends_in_another_exception() -> None:
    data = assemble(GUEST)
    _check([_inlined(data[:end]) for end in range(len(data))], len(data))


def test_no_mutation_ends_in_another_exception() -> None:
    data = assemble(GUEST)
    drawn = random.Random(21)
    results = []
    for _ in range(2000):
        mutated = bytearray(data)
        for _ in range(drawn.randint(1, 3)):
            mutated[drawn.randrange(8, len(data))] = drawn.choice((0, 1, 2, 3, 127, 128, 255))
        results.append(_inlined(bytes(mutated)))
    _check(results, len(data))
