"""An inference in a guest, and what it has to end like."""

from __future__ import annotations

from runtime_shim import (
    Outcome,
)

__all__ = ["COMPUTE", "IS_FOUR_FLOATS", "ONCE", "five_times", "succeeds"]

COMPUTE = """
  (call $named (i32.const 64) (i32.const 1) (call $tensor))
  (local.set $a (call $context))
  (call $compute (local.get $a) (i32.const 144) (i32.const 1) (i32.const 160))
  (call $is (i32.load8_u (i32.const 160)) (i32.const 0))
"""
"""Computes with the input x. The result is at 160."""

IS_FOUR_FLOATS = """
  (call $data (local.get $b) (i32.const 176))
  (call $is (i32.load (i32.const 180)) (i32.const 16))
  (call $is (i32.load (i32.load (i32.const 176))) (i32.const 0x3f800000))
  (call $is (i32.load offset=12 (i32.load (i32.const 176))) (i32.const 0x40800000))
  (call $is (call $ty (local.get $b)) (i32.const 1))
  (call $dims (local.get $b) (i32.const 184))
  (call $is (i32.load (i32.const 188)) (i32.const 2))
  (call $is (i32.load (i32.load (i32.const 184))) (i32.const 1))
  (call $is (i32.load offset=4 (i32.load (i32.const 184))) (i32.const 4))
"""
"""The tensor $b is what $tensor makes."""


ONCE = """
  (f32.store (i32.const 32) (f32.convert_i32_s (local.get $b)))
  (call $named (i32.const {name}) (i32.const 1)
    (call $new (i32.const {dims}) (i32.const 2) (i32.const 1) (i32.const 32) (i32.const {size})))
  (call $compute (local.get $a) (i32.const 144) (i32.const 1) (i32.const 160))
  (call $is (i32.load8_u (i32.const 160)) (i32.const 0))
  (call $is (i32.load (i32.const 168)) (i32.const 1))
  (call $data (i32.load offset=8 (i32.load (i32.const 164))) (i32.const 176))
  (call $is (i32.load (i32.const 180)) (i32.const {size}))
  (call $is (i32.load (i32.load (i32.const 176)))
    (i32.reinterpret_f32 (f32.convert_i32_s (local.get $b))))
  (call $dims (i32.load offset=8 (i32.load (i32.const 164))) (i32.const 176))
  (call $is (i32.load offset=4 (i32.load (i32.const 176)))
    (i32.load offset=4 (i32.const {dims})))
"""
"""Computes a copy of the input, whose first number is $b."""


def five_times(once: str) -> str:
    """With $b from 1 to 5."""
    return f"""(local.set $b (i32.const 1))
      (loop $next {once} (br_if $next (i32.lt_s
        (local.tee $b (i32.add (local.get $b) (i32.const 1))) (i32.const 6))))"""


def succeeds(ended: Outcome) -> None:
    assert ended.lines == ()
    assert ended.exit_code == 0
