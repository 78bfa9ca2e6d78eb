"""The limits of the NN host hold for components."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from runtime_shim import (
    Limits,
    LinkError,
    Reason,
)
from tests.runtime_shim.components.computing import COMPUTE, succeeds
from tests.runtime_shim.components.guest import outcome
from tests.support.models import F32, model

LOOP = "(loop $forever (br $forever))"


def test_a_component_is_stopped_by_its_limits() -> None:
    assert outcome(LOOP, limits=Limits(timeout=0.5)).reason is Reason.TIMED_OUT
    assert outcome(LOOP, limits=Limits(fuel=1000)).reason is Reason.OUT_OF_FUEL


def test_memories_together_stay_within_the_limit() -> None:
    """The guest has two pages, and the memory for its tensors does not count."""
    grows = "(call $is (memory.grow (i32.const 1)) (i32.const {}))".format
    pages = 1 << 16
    succeeds(outcome(grows(2) + grows(-1), limits=Limits(memory=3 * pages + 4096)))
    succeeds(outcome(COMPUTE, limits=Limits(memory=16 * pages)))
    with pytest.raises(LinkError, match=r"need 131072 bytes.*--max-memory"):
        outcome("", limits=Limits(memory=2 * pages - 1))


def test_tensors_stay_within_the_limits() -> None:
    """Each too large one is refused by the call that can refuse it."""
    failed = f"{COMPUTE.replace('(call $is (i32.load8_u (i32.const 160)) (i32.const 0))', '')}"
    is_too_large = """(call $is (i32.load8_u (i32.const 160)) (i32.const 1))
      (call $is (call $code (i32.load (i32.const 164))) (i32.const 5))"""
    succeeds(outcome(failed + is_too_large, limits=Limits(tensors=15)))
    kept = "(loop $more (drop (call $tensor)) (br $more))"
    ended = outcome(kept, limits=Limits(total=1 << 22))
    assert ended.reason is Reason.TRAPPED
    assert ended.lines[-1].endswith("exceeds the limit of 4194304")
    assert ended.refused is not None


def test_outputs_beyond_the_limit_are_an_error() -> None:
    """The input has one float, and the output two million floats."""
    node = helper.make_node("Expand", ["x", "n"], ["y"])
    size = {"n": np.array([1 << 21], np.int64)}
    big = model([node], [("x", F32, (1,))], [("y", F32, (1 << 21,))], size)
    body = """(i32.store (i32.const 200) (i32.const 1))
      (call $named (i32.const 64) (i32.const 1) (call $new
        (i32.const 200) (i32.const 1) (i32.const 1) (i32.const 32) (i32.const 4)))
      (call $compute (call $context) (i32.const 144) (i32.const 1) (i32.const 128))"""
    succeeds(
        outcome(f"{body} (call $failed (i32.const 5))", limits=Limits(total=1 << 22), model=big)
    )
    succeeds(outcome(f"{body} (call $is (i32.load8_u (i32.const 128)) (i32.const 0))", model=big))


def test_contexts_and_graphs_stay_within_their_limits() -> None:
    two_contexts = """(local.set $a (call $graph))
      (call $init (local.get $a) (i32.const 128)) (call $init (local.get $a) (i32.const 128))
      (call $failed (i32.const 5))"""
    succeeds(outcome(two_contexts, limits=Limits(contexts=1)))
    two_graphs = """(drop (call $graph))
      (call $load (i32.const 96) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 128))
      (call $failed (i32.const 5))"""
    succeeds(outcome(two_graphs, limits=Limits(graphs=1)))


def test_tensors_and_contexts_that_are_dropped_leave_nothing() -> None:
    """Tensors have room for less than two at a time, and contexts one."""
    tensors = """(local.set $a (i32.const 100000))
      (loop $next
        (call $drop_tensor (call $new (i32.const 16) (i32.const 2) (i32.const 1) (i32.const 0)
          (i32.const 100000)))
        (br_if $next (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))"""
    contexts = """(local.set $b (call $graph)) (local.set $a (i32.const 20000))
      (loop $next
        (call $init (local.get $b) (i32.const 128))
        (call $is (i32.load8_u (i32.const 128)) (i32.const 0))
        (call $drop_context (i32.load (i32.const 132)))
        (br_if $next (local.tee $a (i32.sub (local.get $a) (i32.const 1)))))"""
    succeeds(outcome(tensors + contexts, limits=Limits(total=200_000, contexts=1)))
