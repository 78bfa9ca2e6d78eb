"""Fleets of processes on this machine."""

from __future__ import annotations

import os
import signal
from multiprocessing import active_children

import nnshim
from tests.support.fleets import GUEST, Fleets
from tests.support.processes import ends
from tests.support.wasm import assemble


class TestProcesses(Fleets):
    """What holds for every kind of worker."""

    workers = 2


def test_a_process_that_is_killed_costs_no_input() -> None:
    found = []
    for result in nnshim.map(assemble(GUEST), [b"%d" % n for n in range(200)], workers=2):
        assert result.error is None
        found.append(result.number)
        if len(found) in (20, 100):
            pid = active_children()[0].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
    assert sorted(found) == list(range(200))


def test_the_processes_end_with_an_iterator_that_is_closed_early() -> None:
    results = nnshim.map(assemble(GUEST), [b"one", *[b"@"] * 10], workers=2)
    assert next(results).number == 0
    pids = [process.pid for process in active_children()]
    assert len(pids) == 2
    results.close()
    assert all(pid is not None and ends(pid) for pid in pids)


def test_no_process_is_started_before_the_first_result_is_wanted() -> None:
    results = nnshim.map(assemble(GUEST), [b"one"], workers=2)
    assert active_children() == []
    results.close()
