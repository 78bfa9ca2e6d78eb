"""When inputs are taken, and how many go to a worker at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import nnshim
from nnshim.fleets.pace import Pace
from nnshim.fleets.values import GuestInput, Item
from tests.support.fleets import GUEST
from tests.support.wasm import assemble


def test_with_chunks_of_one_an_input_may_depend_on_the_result_before() -> None:
    known = [b"0"]

    def inputs() -> Iterator[bytes]:
        for number in range(5):
            assert len(known) > number, "an input is taken before the result that it depends on"
            yield known[number] + b"x"

    for result in nnshim.map(assemble(GUEST), inputs(), workers=1, chunksize=1):
        assert result.outcome is not None
        assert result.outcome.stdout is not None
        known.append(result.outcome.stdout)
    assert known[-1] == b"0xxxxx"


def items(count: int, seconds: float) -> Iterator[Item]:
    for number in range(count):
        time.sleep(seconds)
        yield Item(number, GuestInput(b"", ()))


def test_inputs_that_come_slowly_do_not_wait_for_others() -> None:
    pace = Pace()
    pace.took(0.001)
    assert [len(chunk) for chunk in pace.chunks(items(5, 0.02))] == [1] * 5


def test_short_inputs_that_are_there_go_together() -> None:
    pace = Pace()
    pace.took(0.001)
    assert [len(chunk) for chunk in pace.chunks(items(100, 0))] == [64, 36]
