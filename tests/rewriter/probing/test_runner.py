"""What comes out of a command is taken for a module's answer only if it is that."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from rewriter.probing.command import Ran
from rewriter.probing.host import Host
from rewriter.probing.lines import read
from rewriter.probing.modules.text import plain_text
from rewriter.probing.runner import ProbeFailed
from tests.support.lying_host import LyingHost
from tests.support.processes import PATIENCE

Runs = Callable[[Sequence[str], str, float], Ran]

TELLS = (
    '(func (export "_start") (call $tell (i32.const "one") (i32.const 1))'
    ' (call $tell (i32.const "end") (i32.const 1)))'
)


def changed(change: Callable[[bytes], bytes], **habits: Any) -> Runs:
    """A host whose output is changed on its way."""
    host = LyingHost(**habits)

    def runs(command: Sequence[str], path: str, timeout: float) -> Ran:
        ran = host(command, path, timeout)
        return ran._replace(output=change(ran.output))

    return runs


class CopiesToOneName:
    """A host behind a script that copies each module to the same file. Of those that run at once,
    all are copied before the first runs."""

    def __init__(self, folder: Path, **habits: Any) -> None:
        self._host = LyingHost(**habits)
        self._path = folder / "m.wasm"
        self._copied: threading.Barrier | None = None

    def __call__(self, command: Sequence[str], path: str, timeout: float) -> Ran:
        shutil.copy(path, self._path)
        if self._copied is not None:
            self._copied.wait(PATIENCE)
        return self._host(command, str(self._path), timeout)

    def at_once(self, function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
        given = list(values)
        self._copied = threading.Barrier(len(given))
        with ThreadPoolExecutor(len(given)) as pool:
            return list(pool.map(function, given))


@pytest.mark.parametrize("prints", [True, False])
def test_modules_that_take_one_another_s_place_are_refused(
    prints: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = CopiesToOneName(tmp_path, prints=prints)
    with Host(["host"], jobs=2, runs=runs) as host:
        monkeypatch.setattr(host, "each", runs.at_once)
        with pytest.raises(ProbeFailed, match="Use --jobs 1"):
            host.start()


def test_one_at_a_time_may_have_one_name(tmp_path: Path) -> None:
    with Host(["host"], runs=CopiesToOneName(tmp_path)) as host:
        host.start()
    assert host.prints


def test_a_command_that_prints_what_it_printed_before_is_refused() -> None:
    log = bytearray()

    def keep(output: bytes) -> bytes:
        log.extend(output)
        return bytes(log)

    with (
        Host(["host"], runs=changed(keep)) as host,
        pytest.raises(ProbeFailed, match="an earlier module"),
    ):
        host.start()


@pytest.mark.parametrize(
    "change",
    [
        lambda output: b"".join(line * 2 for line in output.splitlines(keepends=True)),
        lambda output: output * 2,
        lambda output: output.replace(b"\n", b"\r\n"),
    ],
    ids=["each line twice", "all of it twice", "other ends of lines"],
)
def test_lines_that_come_twice_or_end_otherwise_are_one_answer(
    change: Callable[[bytes], bytes],
) -> None:
    with Host(["host"], runs=changed(change)) as host:
        host.start()
        assert host.prints
        assert host.plain(TELLS).told == (("one", 1), ("end", 1))


def test_exit_codes_are_the_answers_where_output_is_cut() -> None:
    with Host(["host"], runs=changed(lambda output: output[:60])) as host:
        host.start()
        assert not host.prints
        assert host.plain(TELLS).told == (("one", 1), ("end", 1))


def test_output_that_is_cut_is_an_error_where_exit_codes_do_not_come_through() -> None:
    runs = changed(lambda output: output[:60], code=0)
    with (
        Host(["host"], runs=runs) as host,
        pytest.raises(ProbeFailed, match="a module printed 400 lines, but only 1 arrived"),
    ):
        host.start()


def test_a_line_that_is_missing_is_an_error() -> None:
    text, _ = plain_text(TELLS)
    runs = changed(lambda output: b"".join(output.splitlines(keepends=True)[1:]))
    with Host(["host"], runs=runs) as host, pytest.raises(ProbeFailed, match="are missing"):
        host.settled(text, lambda seen: seen.has_ended)


def sometimes(fails: Callable[[int], bool]) -> Runs:
    """A host that ends with 1, and does nothing, in some of its runs, counted from 0."""
    host, numbers = LyingHost(), count()

    def runs(command: Sequence[str], path: str, timeout: float) -> Ran:
        return Ran(1, b"busy") if fails(next(numbers)) else host(command, path, timeout)

    return runs


def test_what_fails_once_is_tried_again() -> None:
    with Host(["host"], runs=sometimes(lambda number: number in (0, 7))) as host:
        host.start()
        assert host.prints
        assert host.plain(TELLS).end is None
        assert host.plain(TELLS).end is None
        assert host.plain(TELLS).end is None


def test_nothing_is_said_of_a_host_that_often_does_something_else() -> None:
    runs = sometimes(lambda number: number % 3 == 0)
    says = r"5 modules gave a different result .* exited with 1 .* busy"
    with Host(["host"], runs=runs) as host, pytest.raises(ProbeFailed, match=says):
        host.each(lambda _: host.plain(TELLS), range(10))


def test_lines_are_those_of_the_module_up_to_the_first_that_is_missing() -> None:
    first = b"[nnprobe 0000000a 0 one 1 %d]" % sum(b"0 one 1")
    third = b"[nnprobe 0000000a 2 end 1 %d]" % sum(b"2 end 1")
    other = first.replace(b"000a", b"000b")
    assert read(first, b"0000000a") == ((("one", 1),), False, False)
    assert read(first + third, b"0000000a") == ((("one", 1),), True, False)
    assert read(first + other, b"0000000a") == ((("one", 1),), False, True)
    assert read(first.replace(b"one 1", b"one 2"), b"0000000a") == ((), False, False)
