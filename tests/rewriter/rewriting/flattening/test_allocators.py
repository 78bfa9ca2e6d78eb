"""What allocators have to leave alone, the guest's own and the added functions'."""

from __future__ import annotations

import pytest

from rewriter.components.component import Component
from rewriter.errors import UnsupportedModule
from rewriter.rewriting.flattening.flatten import flatten
from tests.rewriter.rewriting.flattening.test_flatten import GUEST, made, run

_TAKES_ALL = """
  (global $end (mut i32) (i32.const 0))
  (func $alloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (if (i32.eqz (global.get $end))
      (then (global.set $end (i32.shl (memory.size) (i32.const 16)))))
    (local.set $at (global.get $top))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "main") (result i32) (local $size i32)
    (call $input (i32.const 128) (i32.const 32) (i32.const 6) (i32.const 1))
    (drop (call $alloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4096)))
    (local.set $size (i32.sub (global.get $end) (global.get $top)))
    (memory.fill
      (call $alloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $size))
      (i32.const 0xee) (local.get $size))
    (global.set $top (i32.const 4096))
    (call $data (i32.load (i32.const 136)) (i32.const 64))
    (i32.load8_u (i32.load (i32.const 64))))
"""
"""An allocator that takes all memory that is there at its first call, as older C libraries do. The
guest fills it, after it has made a tensor of zeros."""


def test_a_guest_that_takes_all_memory_at_first_does_not_get_the_tensors() -> None:
    guest = GUEST.replace('(func (export "cabi_realloc")', "(func")
    assert run(made(_TAKES_ALL, guest=guest)).results == (0,)


_DOUBLES = """
  (func (export "grow")
    (if (i32.eq (memory.grow (memory.size)) (i32.const -1)) (then unreachable)))
"""


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (_DOUBLES, "TinyGo"),
        ('(@custom "producers" "TinyGo")', "TinyGo"),
        ('(@custom "producers" "Go cmd/compile")', "Go"),
        ('(@custom "go:buildid" "x")', "Go"),
    ],
)
def test_a_heap_that_takes_other_pages_is_refused(body: str, named: str) -> None:
    with pytest.raises(UnsupportedModule, match=f"heap of {named} ") as refused:
        flatten(Component(made(body)))
    assert refused.value.code == "NN373"


def test_memory_that_grows_by_a_number_is_taken() -> None:
    grows = '(func (export "grow") (drop (memory.grow (i32.const 1))) (drop (memory.size)))'
    assert flatten(Component(made(grows))).data
