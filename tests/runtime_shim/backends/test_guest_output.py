"""What a model prints for its guest: all of it arrives, or it is lost without harm."""

from __future__ import annotations

import ctypes
import os
import threading

import pytest

from runtime_shim.backends.common import guest_output


def test_it_goes_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    guest_output.write(b"a word")
    assert capfd.readouterr().out == "a word"


def test_each_thread_writes_for_its_own_guest(capfd: pytest.CaptureFixture[str]) -> None:
    taken: dict[str, list[bytes]] = {"a": [], "b": []}
    both = threading.Barrier(2)

    def run(name: str) -> None:
        with guest_output.goes_to(taken[name].append):
            both.wait()
            guest_output.write(name.encode())
            both.wait()
        guest_output.write(b"|")

    threads = [threading.Thread(target=run, args=(name,)) for name in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == {"a": [b"a"], "b": [b"b"]}
    assert capfd.readouterr().out == "||"


@pytest.mark.parametrize("blocking", [True, False])
def test_all_of_a_long_text_arrives_where_the_reader_is_slow(blocking: bool) -> None:
    text = os.urandom(1 << 20)
    reader, writer = os.pipe()
    os.set_blocking(writer, blocking)

    def write() -> None:
        guest_output.write_to(writer, text)
        os.close(writer)

    thread = threading.Thread(target=write)
    thread.start()
    with open(reader, "rb") as file:
        assert file.read() == text
    thread.join()


def test_a_closed_or_full_output_harms_nobody() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    guest_output.write_to(writer, b"to a pipe that nobody reads")
    os.close(writer)
    guest_output.write_to(writer, b"to a descriptor that is closed")
    full = os.open("/dev/full", os.O_WRONLY)
    guest_output.write_to(full, b"to a full disk")
    os.close(full)


def test_what_a_library_prints_while_output_is_left_alone_is_no_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    library = ctypes.CDLL(None)
    os.write(1, b"before ")
    with guest_output.left_alone():
        library.puts(b"a library's")
    os.write(1, b"after")
    assert capfd.readouterr() == ("before after", "a library's\n")


def test_a_closed_output_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    kept = os.dup(1)
    os.close(1)
    try:
        with guest_output.left_alone():
            pass
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    os.write(1, b"after")
    assert capfd.readouterr().out == "after"
