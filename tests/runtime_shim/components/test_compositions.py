"""Compositions on the NN host, as `wasm-tools compose` makes them."""

from __future__ import annotations

import pytest

from rewriter.abi.snapshots import SNAPSHOTS
from rewriter.components.component import Component
from rewriter.inlining.versions import change_version
from runtime_shim import CAPTURED, Limits, NNHost, Outcome, Reason, RunOptions, run
from runtime_shim.components.places import Form, Places
from tests.runtime_shim.components.computing import ONCE, succeeds
from tests.runtime_shim.components.guest import core
from tests.support.wit import AUGUST, OCTOBER, composed

RUN = '(func (export "wasi:cli/run@0.2.0#run") (result i32)'


def library(body: str, version: str = OCTOBER) -> str:
    """A core module whose function without a result is `body`. It may use $kept."""
    text = core(body, version)
    assert RUN in text
    text = text.replace(RUN, RUN.removesuffix(" (result i32)"))
    return text.removesuffix("(i32.const 0)))") + "))"


def infers(first: int) -> str:
    """Copies a number by the model, which is one more each time. The context stays."""
    return f"""
      (if (i32.eqz (global.get $kept)) (then (global.set $kept (call $context))))
      (local.set $a (global.get $kept))
      (local.set $b (i32.add (i32.load (i32.const 240)) (i32.const 1)))
      (i32.store (i32.const 240) (local.get $b))
      (local.set $b (i32.add (local.get $b) (i32.const {first})))
      {ONCE.format(name=64, dims=16, size=16)}"""


def outcome(data: bytes, limits: Limits = Limits()) -> Outcome:  # noqa: B008 - it cannot be changed
    options = RunOptions(cache=False, stdout=CAPTURED, stderr=CAPTURED)
    return run(data, NNHost(limits=limits), options)


def test_a_library_infers_for_a_command_that_does_not_know_wasi_nn() -> None:
    ended = outcome(composed([library(infers(0))], OCTOBER))
    succeeds(ended)
    assert ended.stats[0].inferences == 1


def test_several_libraries_keep_contexts_and_tensors_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They take turns. From the third turn on, each input is copied to its place."""
    take = Places.take
    in_place: list[int] = []

    def counted(self: Places, context: int, name: bytes, form: Form, data: memoryview) -> bool:
        taken = take(self, context, name, form, data)
        in_place.extend([context] * taken)
        return taken

    monkeypatch.setattr(Places, "take", counted)
    libraries = [library(infers(first)) for first in (100, 200, 300)]
    ended = outcome(composed(libraries, OCTOBER, times=6))
    succeeds(ended)
    assert sum(row.inferences for row in ended.stats) == 18
    assert [in_place.count(context) for context in set(in_place)] == [4, 4, 4]


def test_a_handle_is_valid_only_in_the_component_that_has_it() -> None:
    drops = "(call $drop_tensor (i32.load (i32.const 240)))"
    makes = "(i32.store (i32.const 240) (call $tensor))"
    succeeds(outcome(composed([library(makes + drops)], OCTOBER)))
    finds = "(local.set $a (i32.const 1)) (loop $next (call $drop_tensor (local.get $a)))"
    ended = outcome(composed([library(makes), library(finds)], OCTOBER))
    assert ended.reason is Reason.TRAPPED
    assert "is not a handle of a tensor" in "".join(ended.lines)


@pytest.mark.parametrize(("number", "reason"), [(1, Reason.EXITED), (2, Reason.TRAPPED)])
def test_the_tensors_of_all_libraries_stay_within_one_limit(number: int, reason: Reason) -> None:
    tensor = """(drop (call $new
      (i32.const 16) (i32.const 2) (i32.const 1) (i32.const 0) (i32.const 100000)))"""
    ended = outcome(composed([library(tensor * 28)] * number, OCTOBER), Limits(total=1 << 22))
    assert ended.reason is reason
    assert (ended.refused is None) == (reason is Reason.EXITED)


def test_a_composition_with_another_version_of_wasi_nn_runs() -> None:
    """Steps in place of one function, and back: there are two shims in the library then."""
    older, newer = (
        next(each for each in SNAPSHOTS if each.version == version) for version in (AUGUST, OCTOBER)
    )
    there = change_version(Component(composed([library(infers(0))], OCTOBER, 3)), older, ["y"])
    succeeds(outcome(there.data))
    succeeds(outcome(change_version(Component(there.data), newer).data))
