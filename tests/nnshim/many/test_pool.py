"""Work on many items: in order, in bounded memory, and with an answer for each."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from nnshim.many.engines.interface import Answer, Ready
from nnshim.many.order import in_order
from nnshim.many.pool import Workers
from nnshim.many.work import Work
from rewriter.errors import DependencyMissing, ToolError
from tests.support.processes import PATIENCE, started, wait_for

FATAL = 13


def squares(items: Sequence[int]) -> list[int | str]:
    """The first items take longest."""
    time.sleep(0.05 if items[0] < 4 else 0)
    return [item * item for item in items]


def kills_itself(items: Sequence[int]) -> list[int | str]:
    if FATAL in items:
        os.kill(os.getpid(), signal.SIGKILL)
    return squares(items)


def lacks_something(_: Sequence[int]) -> list[int | str]:
    raise DependencyMissing("wasm-tools is not installed")


def has_a_bug(_: Sequence[int]) -> list[int | str]:
    raise IndexError("out of range")


def takes_long(folder: Path, items: Sequence[int]) -> list[int | str]:
    """Leaves a file when it is done with any items but the first ones."""
    if 0 in items:
        return list(items)
    time.sleep(PATIENCE)
    (folder / "done").touch()
    return list(items)


def processes(folder: Path, count: int, items: Sequence[int]) -> list[int | str]:
    """Leave a file for the process that does this, and wait until so many have done that."""
    (folder / str(os.getpid())).touch()
    wait_for(lambda: len(list(folder.iterdir())) >= count)
    return list(items)


class EndsAtStart:
    """Kills the processes that receive it, so many of them, before they can say that they are
    ready."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count

    def __call__(self, items: Sequence[int]) -> list[int | str]:
        return squares(items)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for number in range(self.count):
            try:
                (self.folder / str(number)).touch(exist_ok=False)
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)


def lost(item: int, how: str) -> int | str:
    return f"{item} {how}"


def nowhere(_: int) -> bool:
    return False


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 8, 9, 200])
def test_what_is_found_comes_in_the_order_of_the_items(jobs: int, count: int) -> None:
    found = in_order(Work(squares, lost, nowhere), range(count), jobs)
    assert list(found) == [number * number for number in range(count)]


def test_a_few_items_start_no_process() -> None:
    with started() as new:
        assert len(list(in_order(Work(squares, lost, nowhere), range(8), 3))) == 8
    assert new == []


def test_the_work_is_shared(tmp_path: Path) -> None:
    list(in_order(Work(partial(processes, tmp_path, 3), lost, nowhere), range(100), 3))
    assert len(list(tmp_path.iterdir())) == 3


def test_a_process_that_is_killed_costs_only_the_item_that_did_that() -> None:
    found = list(in_order(Work(kills_itself, lost, nowhere), range(100), 3))
    expected: list[int | str] = [number * number for number in range(100)]
    expected[FATAL] = f"{FATAL} was killed by signal SIGKILL"
    assert found == expected


def test_a_process_that_is_killed_while_it_starts_costs_no_item(tmp_path: Path) -> None:
    found = list(in_order(Work(EndsAtStart(tmp_path, 2), lost, nowhere), range(100), 2))
    assert len(list(tmp_path.iterdir())) == 2
    assert found == [number * number for number in range(100)]


def test_where_no_process_starts_the_work_ends(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be started: it was killed by signal SIGKILL"):
        list(in_order(Work(EndsAtStart(tmp_path, 100), lost, nowhere), range(100), 2))
    assert len(list(tmp_path.iterdir())) < 10


def test_a_process_that_ends_before_it_gets_its_work_does_not_hold_up_its_starter(
    tmp_path: Path,
) -> None:
    """Which has both ends of the pipe that the command line goes through."""
    (tmp_path / "program.py").write_text(ENDS_WHERE_IT_IS_IMPORTED)
    done = subprocess.run(
        [sys.executable, "program.py", *["x" * 1000] * 200],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stdout == b"a process that shares the work cannot be started: it ended with status"
    assert done.returncode == 0, done.stderr


ENDS_WHERE_IT_IS_IMPORTED = """import os
if __name__ != "__main__":
    os._exit(5)
import sys
sys.path.append(os.getcwd())
from nnshim.many.engines.interface import Answer, Ready
from nnshim.many.order import in_order
from nnshim.many.pool import Workers
from nnshim.many.work import Work
from rewriter.errors import ToolError
try:
    list(in_order(Work(len, len, bool), [0] * 100, 2))
except ToolError as error:
    print(str(error).removesuffix(" 5"), end="")
"""


def test_what_only_this_process_can_do_is_done_here(tmp_path: Path) -> None:
    work = Work(partial(processes, tmp_path, 1), lost, lambda item: item == FATAL)
    assert list(in_order(work, range(100), 2)) == list(range(100))
    assert (tmp_path / str(os.getpid())).exists()
    assert len(list(tmp_path.iterdir())) > 1


def test_an_error_about_all_of_it_ends_it() -> None:
    with pytest.raises(DependencyMissing, match="wasm-tools is not installed"):
        list(in_order(Work(lacks_something, lost, nowhere), range(100), 3))
    assert active_children() == []


def test_a_bug_is_told_with_its_place() -> None:
    with pytest.raises(RuntimeError, match=r"IndexError: out of range \(.*test_pool.py:\d+\)"):
        list(in_order(Work(has_a_bug, lost, nowhere), range(100), 3))


def test_who_takes_no_more_ends_the_processes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of themselves, and not by SIGKILL after they were waited for."""
    monkeypatch.setattr("nnshim.many.engines.processes._PATIENCE", PATIENCE)
    found = in_order(Work(partial(takes_long, tmp_path), lost, nowhere), range(100), 3)
    assert next(found) == 0
    working = active_children()
    assert len(working) == 3
    found.close()
    assert active_children() == []
    assert {each.exitcode for each in working} <= {128 + signal.SIGTERM, -signal.SIGTERM}
    assert not list(tmp_path.iterdir())


def test_items_are_taken_no_further_ahead_than_they_are_needed() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(100_000):
            taken = number
            yield number

    ahead = []
    for number, _ in enumerate(in_order(Work(squares, lost, nowhere), items(), 2)):
        ahead.append(taken - number)
        if number > 2000:
            break
    assert max(ahead) <= 2 * 4 * 16 + 16


class AtOnce:
    """An engine of many workers, which have done what they are given at once. It is its only
    hand."""

    most = 1000

    def __init__(self) -> None:
        self.said: list[tuple[AtOnce, Answer]] = []

    def start(self) -> AtOnce:
        hand = AtOnce()
        hand.said = self.said
        self.said.append((hand, Ready()))
        return hand

    def give(self, items: Sequence[int]) -> None:
        self.said.append((self, list(items)))

    def wait(self, *, at_most: float | None = None) -> Sequence[tuple[AtOnce, Answer]]:
        found, self.said[:] = list(self.said), []
        return found

    def close(self) -> None:
        pass


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(("seconds", "first"), [(0.02, 2), (0, 20)])
def test_what_is_found_waits_for_other_items_only_if_these_come_fast(
    ordered: bool, seconds: float, first: int
) -> None:
    taken = 0

    def items() -> Iterator[Sequence[int]]:
        nonlocal taken
        for taken in range(1, 21):
            time.sleep(seconds)
            yield [taken]

    work = Work(squares, lost, nowhere)
    with Workers(work, AtOnce(), ordered=ordered) as workers:
        found = workers.go_through(items())
        assert next(found) == [1]
        assert taken == first
        assert [each[0] for each in found] == list(range(2, 21))


@pytest.mark.parametrize("ordered", [True, False])
def test_what_is_found_comes_before_what_taking_items_raises(ordered: bool) -> None:
    def items() -> Iterator[Sequence[int]]:
        for number in (1, 2):
            time.sleep(0.02)
            yield [number]
        raise LookupError("no third one")

    work = Work(squares, lost, nowhere)
    with Workers(work, AtOnce(), ordered=ordered) as workers:
        found = workers.go_through(items())
        assert [next(found), next(found)] == [[1], [2]]
        with pytest.raises(LookupError, match="no third one"):
            next(found)


class Ring:
    """What only the garbage collector removes."""

    def __init__(self) -> None:
        self.itself = self


def test_one_process_removes_what_it_no_longer_needs() -> None:
    """The command starts without the garbage collector."""
    made: weakref.WeakSet[Ring] = weakref.WeakSet()

    def rings(items: Sequence[int]) -> list[int | str]:
        for _ in items:
            made.add(Ring())
        return list(items)

    gc.disable()
    try:
        assert len(list(in_order(Work(rings, lost, nowhere), range(20_000), 1))) == 20_000
        assert len(made) < 5_000
    finally:
        gc.enable()
        gc.unfreeze()
