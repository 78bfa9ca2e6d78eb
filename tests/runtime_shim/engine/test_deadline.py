"""The deadline of a guest, for what cannot be interrupted."""

from __future__ import annotations

import time

import pytest

from runtime_shim.engine.deadline import Deadline
from runtime_shim.engine.outcome import Reason, Stopped


def test_what_takes_too_long_is_stopped_at_the_deadline() -> None:
    with pytest.raises(Stopped) as caught:
        Deadline(0.01).within(time.sleep, 60)
    assert caught.value.reason is Reason.TIMED_OUT


def test_a_timeout_of_something_else_is_not_the_deadline() -> None:
    def fails() -> None:
        raise TimeoutError("the file did not answer")

    with pytest.raises(TimeoutError, match="the file did not answer"):
        Deadline(60).within(fails)
