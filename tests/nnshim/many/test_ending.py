"""What a signal asks for is not lost where Python drops exceptions."""

from __future__ import annotations

import os
import signal
import time
import weakref

import pytest

from nnshim.many.ending import ended_by_signals


class Thing:
    pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_callback_of_a_weak_reference_ends_the_work(
    number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    thing = Thing()
    kept = weakref.ref(thing, lambda _: os.kill(os.getpid(), number))

    def work() -> None:
        nonlocal thing
        with ended_by_signals():
            del thing
            time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert kept() is None
    assert capfd.readouterr().err == ""
