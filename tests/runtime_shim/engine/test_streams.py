"""A guest's standard streams: inherited, captured, bytes, or files of Python's."""

from __future__ import annotations

import gc
import io
import os
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rewriter.errors import UsageError
from runtime_shim import (
    CAPTURED,
    GuestTrap,
    Limits,
    NNHost,
    Outcome,
    Reason,
    RunOptions,
    run,
)
from tests.support.processes import wait_for
from tests.support.time_limits import with_enough_time
from tests.support.wasm import assemble

WRITES = """(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "{text}")
  (func $put (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (drop (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "say") (param $fd i32) (param $length i32) (param $times i32)
    (loop $again
      (call $put (local.get $fd) (i32.const 64) (local.get $length))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
  (func (export "both") (param $times i32)
    (loop $again
      (call $put (i32.const 1) (i32.const 64) (i32.const 1))
      (call $put (i32.const 2) (i32.const 65) (i32.const 1))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
  (func (export "forever") (loop $again
    (call $put (i32.const 1) (i32.const 64) (i32.const 1000)) (br $again)))
  (func (export "trap") (call $put (i32.const 1) (i32.const 64) (i32.const 5)) unreachable)
  (func (export "echo") (result i32)
    (loop $again
      (i32.store (i32.const 0) (i32.const 8192)) (i32.store (i32.const 4) (i32.const 50000))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (return (i32.const -1))))
      (call $put (i32.const 1) (i32.const 8192) (i32.load (i32.const 8)))
      (br_if $again (i32.load (i32.const 8))))
    (i32.const 0))
  (func (export "read_a_little") (result i32)
    (i32.store (i32.const 0) (i32.const 8192)) (i32.store (i32.const 4) (i32.const 10))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8))))"""
TEXT = "".join(chr(97 + index % 26) for index in range(1000))
GUEST = assemble(WRITES.format(text=TEXT))
MIB = 1 << 20


def runs(invoke: str, *arguments: int, limits: Limits | None = None, **options: Any) -> Outcome:
    given = RunOptions(invoke=invoke, invoke_args=list(map(str, arguments)), **options)
    return run(GUEST, NNHost(limits=limits or Limits()), given)


def test_unless_asked_for_streams_are_those_of_the_process(
    capfd: pytest.CaptureFixture[str],
) -> None:
    outcome = runs("both", 2)
    assert (outcome.stdout, outcome.stderr) == (None, None)
    assert capfd.readouterr() == ("aa", "bb")


def test_each_output_is_captured_by_itself(capfd: pytest.CaptureFixture[str]) -> None:
    outcome = runs("both", 3, stdout=CAPTURED, stderr=CAPTURED)
    assert (outcome.stdout, outcome.stderr) == (b"aaa", b"bbb")
    outcome = runs("both", 3, stderr=CAPTURED)
    assert (outcome.stdout, outcome.stderr) == (None, b"bbb")
    assert capfd.readouterr() == ("aaa", "")


def test_megabytes_are_captured_whole() -> None:
    outcome = runs("say", 1, 1000, 20_000, stdout=CAPTURED, stderr=CAPTURED)
    assert outcome.stdout == TEXT.encode() * 20_000
    assert outcome.stderr == b""


def test_a_guest_that_says_nothing_has_an_output_without_bytes() -> None:
    assert runs("say", 1, 0, 1, stdout=CAPTURED).stdout == b""


def test_a_limit_of_one_byte_is_said_in_the_singular() -> None:
    outcome = runs("say", 1, 1000, 1, limits=Limits(output=1), **BOTH)
    assert outcome.lines == ("its standard output exceeds the limit output of 1 byte",)


@pytest.mark.parametrize("fd", [1, 2])
def test_a_guest_that_writes_more_than_the_limit_is_stopped(fd: int) -> None:
    outcome = runs("say", fd, 1000, 1 << 30, limits=Limits(output=MIB + 7), **BOTH)
    kept = (outcome.stdout, outcome.stderr)[fd - 1]
    assert kept == (TEXT.encode() * 1100)[: MIB + 7]
    assert outcome.reason is Reason.TOO_MUCH_OUTPUT
    name = {1: "output", 2: "error"}[fd]
    assert outcome.lines == (f"its standard {name} exceeds the limit output of {MIB + 7} bytes",)
    assert outcome.exit_code == 134
    with pytest.raises(GuestTrap, match="the limit output"):
        outcome.check()


BOTH = {"stdout": CAPTURED, "stderr": CAPTURED}


def test_the_limit_is_kept_to_the_byte_where_the_guest_has_ended_already() -> None:
    exactly = runs("say", 1, 10, 1, limits=Limits(output=10), stdout=CAPTURED)
    assert (exactly.reason, exactly.stdout) == (Reason.EXITED, TEXT[:10].encode())
    more = runs("say", 1, 11, 1, limits=Limits(output=10), stdout=CAPTURED)
    assert (more.reason, more.stdout) == (Reason.TOO_MUCH_OUTPUT, TEXT[:10].encode())
    assert runs("say", 1, 11, 1, limits=Limits(output=None), stdout=CAPTURED).stdout is not None


def test_what_was_captured_is_there_however_the_guest_ends() -> None:
    trapped = runs("trap", stdout=CAPTURED)
    assert (trapped.reason, trapped.stdout) == (Reason.TRAPPED, b"abcde")


def test_what_was_captured_is_there_when_time_is_over() -> None:
    def check(timeout: float) -> None:
        late = runs("forever", limits=Limits(timeout=timeout, output=None), stdout=CAPTURED)
        assert late.reason is Reason.TIMED_OUT
        assert late.stdout
        assert late.stdout.startswith(TEXT.encode())

    with_enough_time(check)


def test_runs_in_threads_have_their_own_captures() -> None:
    def captured(number: int) -> bool:
        text = chr(ord("A") + number) * 1000
        module = assemble(WRITES.format(text=text))
        options = RunOptions(
            invoke="say", invoke_args=["1", "1000", "500"], stdout=CAPTURED, stderr=CAPTURED
        )
        return run(module, host, options).stdout == text.encode() * 500

    host = NNHost()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(captured, range(16)))


def test_a_file_without_a_descriptor_is_written_to_and_both_outputs_keep_their_order() -> None:
    file = io.BytesIO()
    outcome = runs("both", 500, stdout=file, stderr=file)
    assert file.getvalue() == b"ab" * 500
    assert (outcome.stdout, outcome.stderr) == (None, None)


def test_a_file_is_written_to_where_it_stands_and_is_flushed(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as file:
        file.write(b"before ")
        runs("say", 1, 3, 1, stdout=file)
        assert (tmp_path / "out").read_bytes() == b"before abc"
        file.write(b" after")
    assert (tmp_path / "out").read_bytes() == b"before abc after"


def test_a_file_that_takes_a_part_at_a_time_gets_all() -> None:
    class Slow(io.RawIOBase):
        taken = b""

        def write(self, data: bytes) -> int:  # type: ignore[override]  # as it is called
            self.taken += data[:7]
            return len(data[:7])

    slow = Slow()
    runs("say", 1, 1000, 3, stdout=slow)
    assert slow.taken == TEXT.encode() * 3


class Broken:
    def write(self, _: bytes) -> int:
        raise OSError(28, "No space left on device")

    def read(self, _: int) -> bytes:
        raise OSError(5, "Input/output error")


class Full(io.RawIOBase):
    def write(self, _: object) -> None:
        return None

    def read(self, _: int = -1) -> None:
        return None


def test_what_a_file_raises_stops_the_guest_and_is_raised() -> None:
    with pytest.raises(OSError, match="No space left"):
        runs("forever", stdout=Broken())
    with pytest.raises(BlockingIOError, match="accepts no more"):
        runs("forever", stdout=Full())
    with pytest.raises(OSError, match="No space left"):  # though it has ended by itself
        runs("say", 1, 1, 1, stdout=Broken())
    with pytest.raises(OSError, match="Input/output error"):
        runs("echo", stdin=Broken(), stdout=CAPTURED)
    with pytest.raises(BlockingIOError, match="no data at present"):
        runs("echo", stdin=Full(), stdout=CAPTURED)


LONG = os.urandom(3 * MIB + 5)


@pytest.mark.parametrize("given", [b"", b"a line\n", LONG], ids=len)
def test_an_input_is_bytes_or_a_file(given: bytes, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"skipped" + given)
    with open(tmp_path / "in", "rb") as file:
        assert file.read(7) == b"skipped"
        for stdin in (given, io.BytesIO(given), file):
            outcome = runs("echo", stdin=stdin, stdout=CAPTURED)
            assert (outcome.results, outcome.stdout) == ((0,), given)


def test_a_guest_need_not_read_all_of_its_input() -> None:
    before = threading.active_count()
    for stdin in (LONG, io.BytesIO(LONG)):
        assert runs("read_a_little", stdin=stdin).results == (10,)
    wait_for(lambda: threading.active_count() <= before)


def test_an_input_may_be_larger_than_the_files_that_the_process_may_write() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, most))
    try:
        assert runs("echo", stdin=LONG, stdout=CAPTURED).stdout == LONG
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_nothing_stays_open() -> None:
    def use() -> None:
        runs("echo", stdin=io.BytesIO(b"abc"), stdout=CAPTURED, stderr=io.BytesIO())
        runs("echo", stdin=b"abc", stdout=CAPTURED)
        with pytest.raises(OSError, match="No space left"):
            runs("forever", stdout=Broken())

    def open_now() -> int:
        gc.collect()  # what other tests have left, and frames of the errors here
        return len(os.listdir("/proc/self/fd"))

    def is_as_before() -> bool:
        return open_now() <= before

    use()
    before = open_now()
    for _ in range(5):
        use()
    wait_for(is_as_before)  # threads are about to end


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stdout": io.StringIO()}, "stdout is open in text mode"),
        ({"stdin": io.StringIO()}, "stdin is open in text mode"),
        ({"stdin": "text"}, "stdin cannot be 'text': expected None, bytes, or a file"),
        ({"stderr": b"bytes"}, "stderr cannot be b'bytes': expected None, CAPTURED, or a file"),
        ({"stdin": CAPTURED}, "stdin cannot be"),
        ({"argv": "guest.wasm"}, "argv cannot be 'guest.wasm': expected a sequence of strings"),
        ({"argv": ["a", 1]}, "argv: expected a str, but 1 is of type int"),
        ({"argv": ["a\0b"]}, "contains a NUL"),
        ({"env": {"A": "\udcff"}}, "is not UTF-8"),
        ({"env": {"A=B": "1"}}, "invalid variable name 'A=B'"),
        ({"invoke_args": ["1"]}, "no effect without invoke"),
        ({"guest_abi": "wytx"}, "'wytx'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        RunOptions(**options)


@pytest.mark.parametrize("invoke", ["say", "forever"])
def test_a_file_that_takes_nothing_any_more_is_not_waited_for_after_the_timeout(
    invoke: str,
) -> None:
    """Neither by the end of a guest nor by one for whom there is no more room."""
    is_over = threading.Event()

    class Stuck:
        def write(self, data: bytes) -> int:
            is_over.wait()
            return len(data)

    arguments = (1, 5, 1) if invoke == "say" else ()
    before = threading.active_count()
    outcome = runs(invoke, *arguments, limits=Limits(timeout=0.1), stdout=Stuck())
    assert outcome.reason is Reason.TIMED_OUT
    is_over.set()
    wait_for(lambda: threading.active_count() <= before)


@pytest.mark.parametrize("returned", [True, False, -1, 6, "5", 5.0])
def test_a_write_that_returns_what_is_not_a_count_is_an_error(returned: object) -> None:
    class Odd:
        def write(self, _: bytes) -> object:
            return returned

    with pytest.raises(UsageError, match=f"write of Odd returned {returned!r} for 5 bytes"):
        runs("say", 1, 5, 1, stdout=Odd())


def test_a_write_that_takes_nothing_is_an_error() -> None:
    class Zero:
        def write(self, _: bytes) -> int:
            return 0

    with pytest.raises(BlockingIOError, match="accepts no more"):
        runs("say", 1, 5, 1, stdout=Zero())
