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


@pytest.mark.parametrize(
    ("number", "raised"),
    [
        (signal.SIGINT, KeyboardInterrupt),
        (signal.SIGTERM, KeyboardInterrupt),
        (signal.SIGHUP, SystemExit),
    ],
)
def test_a_signal_in_the_callback_of_a_weak_reference_ends_the_work(
    number: int, raised: type[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    thing = Thing()
    kept = weakref.ref(thing, lambda _: os.kill(os.getpid(), number))

    def work() -> None:
        nonlocal thing
        with ended_by_signals():
            del thing
            time.sleep(60)

    with pytest.raises(raised):
        work()
    assert kept() is None
    assert capfd.readouterr().err == ""


def test_a_hangup_that_is_sent_twice_does_not_disturb_what_ends() -> None:
    tidied = False

    def work() -> None:
        nonlocal tidied
        try:
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
            tidied = True

    with pytest.raises(SystemExit) as caught, ended_by_signals():
        work()
    assert caught.value.code == 129
    assert tidied
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_a_hangup_that_is_ignored_stays_so() -> None:
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.01)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, old)
