"""Several modules are valid together only where each is valid alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rewriter.errors import InvalidModule
from rewriter.files import validating, wasm_tools
from rewriter.files.validating import Valid, valid_together
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.sections import COMPONENT, HEADER_SIZE
from tests.support.smith import smith
from tests.support.wasm import HEADER, TYPES, assemble, imported, imports, sized

VALID = assemble('(module (import "wasi_nn" "compute" (func (param i32) (result i32))))')

INVALID = assemble("(module (func (result i32) (i64.const 0)))")


def is_valid(module: bytes) -> bool:
    try:
        wasm_tools.validate(module)
    except InvalidModule:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "(module (memory i64 1) (func (param i64) (drop (i32.load (local.get 0)))))",
        "(module (memory 1 1 shared) (func (drop (memory.atomic.notify (i32.const 0)"
        " (i32.const 1)))))",
        "(module (rec (type $s (struct (field (ref null $s)))))"
        " (func (result (ref $s)) (struct.new_default $s)))",
        "(module (tag (param i32)) (func (throw 0 (i32.const 1))))",
        "(module (memory 1) (memory 2) (func (drop (i32.load 1 (i32.const 0)))))",
        "(module (memory 1 (pagesize 1)))",
        "(module (func (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0)))))",
        "(module (func $f) (func (return_call $f)))",
        '(module (import "" "" (func)) (export "" (func 0)))',
    ],
)
def test_a_module_of_any_proposal_is_valid_in_a_batch_too(text: str) -> None:
    module = assemble(text)
    assert is_valid(module)
    assert all(valid_together([VALID, module, VALID]))


def test_what_only_a_component_refuses_is_left_to_be_looked_at_alone() -> None:
    """A core module may import the same name twice, but not inside a component."""
    twice = assemble('(module (import "a" "b" (func)) (import "a" "b" (func)))')
    assert is_valid(twice)
    assert valid_together([VALID, twice, VALID, VALID]) == [Valid.UNKNOWN] * 2 + [Valid.YES] * 2


@pytest.mark.parametrize(
    "module",
    [
        pytest.param(INVALID, id="a body"),
        pytest.param(VALID[:-1], id="cut off"),
        pytest.param(VALID + b"\x0b", id="a byte too many"),
        pytest.param(HEADER[:7], id="cut off in the header"),
        pytest.param(b"\0asm\2\0\0\0", id="another version"),
        pytest.param(HEADER + TYPES + imports(imported("m", extern=b"\0\x01")), id="a type"),
        pytest.param(HEADER + b"\x01" + encode_u32(2**32 - 1), id="a section without an end"),
        pytest.param(VALID + VALID, id="two modules"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"(module)", id="text"),
    ],
)
def test_what_is_not_valid_alone_is_not_valid_in_a_batch(module: bytes) -> None:
    assert module == b"(module)" or not is_valid(module)
    found = valid_together([VALID, VALID, module, VALID, VALID])
    assert found[2] is Valid.UNKNOWN
    assert all(found[:2])


def test_a_component_is_validated_alone() -> None:
    """This one refers to a module of what is around it: in a batch, there would be one."""
    alias = b"\x06\x06\1\0\x11\2\1\0"
    component = COMPONENT + alias
    assert not is_valid(component)
    inside = COMPONENT + b"\1" + sized(VALID) + b"\4" + sized(component)
    assert is_valid(inside)
    assert valid_together([VALID, VALID, component]) == [Valid.IN_2, Valid.IN_2, Valid.UNKNOWN]


def test_a_batch_has_as_many_modules_as_wasm_tools_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    validate = wasm_tools.validate

    def counting(module: list[bytes], features: str) -> None:
        sizes.append(b"".join(module).count(HEADER))
        validate(module, features)

    monkeypatch.setattr(wasm_tools, "validate", counting)
    assert all(valid_together([VALID] * 250))
    assert sizes == [100, 100, 50]


def test_a_batch_is_no_larger_than_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validating, "_LARGEST", 3 * len(VALID))
    monkeypatch.setattr(
        wasm_tools, "validate", lambda pieces, _: seen.append(sum(map(len, pieces)))
    )
    large = VALID + b"\0" + encode_u32(3 * len(VALID)) + b"\0" * 3 * len(VALID)
    seen: list[int] = []
    found = valid_together([VALID, VALID, large, VALID, VALID])
    assert list(map(bool, found)) == [True, True, False, True, False]
    assert max(seen) <= HEADER_SIZE + 3 * (len(VALID) + 2)


def test_random_modules_that_are_valid_in_a_batch_are_so_alone(tmp_path: Path) -> None:
    """wasm-smith makes them, of all proposals; half of them are broken."""
    chance = random.Random(1)
    compared = {True: 0, False: 0}
    for number in range(40):
        module = smith(chance.randbytes(600), tmp_path)
        if module is None:
            continue
        if number % 2:
            where = chance.randrange(HEADER_SIZE, len(module))
            module = module[:where] + chance.randbytes(1) + module[where + 1 :]
        found = valid_together([VALID, module])[1]
        assert is_valid(module) or not found
        compared[bool(found)] += 1
    assert min(compared.values()) > 5
