"""Where a module comes from: what has no end is refused, and what is as large as allowed is not."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.errors import InputError
from rewriter.files.input import open_source
from tests.support.wasm import HEADER, custom

LARGEST = 1 << 16


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewriter.files.input.LARGEST_MODULE", LARGEST)


def endless_pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe")

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), open(folder / "pipe", "wb") as pipe:
            while True:
                pipe.write(bytes(4096))

    threading.Thread(target=write, daemon=True).start()
    return str(folder / "pipe")


class Zeros(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as it is called
        return len(buffer)


def endless_input(_folder: Path) -> str:
    sys.stdin = io.TextIOWrapper(io.BufferedReader(Zeros()))
    return "-"


def file_of(size: int, suffix: str = ".wasm") -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        path = folder / f"module{suffix}"
        path.write_bytes(HEADER + bytes(size - len(HEADER)))
        return str(path)

    return make


@pytest.mark.parametrize(
    "make",
    [
        lambda _: "/dev/zero",
        endless_pipe,
        endless_input,
        file_of(LARGEST + 1),
        file_of(LARGEST + 1, ".wat"),
    ],
    ids=["a device", "a pipe", "standard input", "a file", "text"],
)
def test_what_is_larger_than_any_module_is_refused(
    make: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", sys.stdin)  # which is put back
    with pytest.raises(InputError, match=f"has more than {LARGEST} bytes"):
        open_source(make(tmp_path)).__enter__()


def test_a_file_that_someone_writes_to_is_refused_too(tmp_path: Path) -> None:
    path = file_of(LARGEST + 1)(tmp_path)
    with open(path, "ab"), pytest.raises(InputError, match=f"has more than {LARGEST} bytes"):
        open_source(path).__enter__()


@pytest.mark.parametrize("from_standard_input", [False, True])
def test_a_module_may_be_as_large_as_engines_allow(
    from_standard_input: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "largest.wasm"
    module = HEADER + custom("a", bytes(LARGEST - 13))
    path.write_bytes(module[:LARGEST])
    if from_standard_input:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    with open_source("-" if from_standard_input else str(path)) as source:
        assert len(source.data) == LARGEST


def test_what_cannot_be_read_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="cannot read /proc/self/mem: Input/output error"):
        open_source("/proc/self/mem").__enter__()
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="cannot read <stdin>: it is closed"):
        open_source("-").__enter__()
