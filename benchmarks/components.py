"""What wasi:nn costs a component here, compared with native Wasmtime.

    python -m benchmarks.components [--quick]

One guest in text times its own calls, on native Wasmtime (Rust, with OpenVINO) and on
`nnshim run --fast-math`, in turn, each in a process of its own; both use OpenVINO's default
precision. Peak memory is measured with a model of 100 MiB that the guest reads and loads. The first
start compiles the guest; the second finds it in wasmtime's cache.
"""

from __future__ import annotations

import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from onnx import helper

from benchmarks.measure import NNSHIM, installed, machine, table
from benchmarks.native import WATCH, Case, convolution, tiny
from tests.support.models import F32, model
from tests.support.native import NativeWasmtime, openvino_model
from tests.support.wit import OCTOBER, command

GUEST = Path(__file__).with_name("guests") / "component.wat"

SIDE, QUICK_SIDE = 5120, 512
"""Rows and columns of a matrix of 100 MiB, and of one of 1 MiB."""

CALLS = ("an input", "an inference", "an output")


class Times(NamedTuple):
    """Medians over processes: of an input, an inference and an output in seconds, and of the peak
    of resident memory of a process with one inference, in bytes."""

    calls: Sequence[float]
    peak: float


class Command(NamedTuple):
    """A host's command as far as the guest, and its environment."""

    prefix: Sequence[str]
    env: Mapping[str, str]


def large(side: int) -> Case:
    """A matrix of this many rows and columns."""
    weights = {"w": np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)}
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    made = model([node], [("x", F32, (1, side))], [("y", F32, (1, side))], weights)
    return Case("large model", made, (1, side), 4 * side, 1)


class Bench:
    """Runs the guest, in a folder."""

    def __init__(self, folder: Path, repeats: int) -> None:
        self._folder = folder
        self._repeats = repeats
        self._native = NativeWasmtime(folder)
        self._guest = folder / "guest.wasm"
        self._guest.write_bytes(command(GUEST.read_text(), OCTOBER))

    @property
    def hosts(self) -> tuple[Command, Command]:
        native = [str(self._native.command), "run", "-S", "nn"]
        quiet = {**self._native.env, "RUST_BACKTRACE": "0"}
        return Command(native, quiet), Command([NNSHIM, "run", "--fast-math"], installed())

    def in_turn(self, case: Case, calls: int) -> tuple[Times, Times]:
        """Native Wasmtime's times, and nnshim's."""
        runs: list[list[Times]] = [[], []]
        given = self._input(case, calls)
        for _ in range(self._repeats + 1):  # the first is the warm-up
            for times, host in zip(runs, self.hosts, strict=True):
                output, peak = self._finish(host, given)
                times.append(Times([total / 1e9 / calls for total in output], peak))
        native, ours = (_medians(times[1:]) for times in runs)
        return native, ours

    def starts(self) -> tuple[float, float]:
        """The seconds until the guest has begun, if it is compiled first and if it is not."""
        with tempfile.TemporaryDirectory() as cache:
            env = {**installed(), "XDG_CACHE_HOME": cache}
            host = Command([NNSHIM, "run"], env)
            taken = []
            for _ in range(2):
                started = time.perf_counter()
                self._finish(host, self._input(tiny(), 1))
                taken.append(time.perf_counter() - started)
        return taken[0], taken[1]

    def _input(self, case: Case, calls: int) -> bytes:
        xml, weights = openvino_model(case.onnx, self._folder).split("+")
        parts = [(self._folder / name).read_bytes() for name in (xml, weights)]
        size = 4 * int(np.prod(case.dims))
        header = struct.pack("<5I", *map(len, parts), size, calls, len(case.dims))
        dims = struct.pack(f"<{len(case.dims)}I", *case.dims)
        return b"".join(((header + dims).ljust(48, b"\0"), *parts))

    def _finish(self, host: Command, given: bytes) -> tuple[tuple[int, ...], int]:
        """What the guest measures in nanoseconds, and the peak of its process in bytes."""
        command = [*host.prefix, str(self._guest)]
        with tempfile.TemporaryFile() as file:
            file.write(given)
            file.seek(0)
            done = subprocess.run(
                [sys.executable, "-S", "-c", WATCH, *command],
                cwd=self._folder,
                env=host.env,
                stdin=file,
                stdout=subprocess.PIPE,
                check=False,
            )
        if done.returncode:
            raise SystemExit(f"{command} ended with {done.returncode}")
        _, peak = done.stdout[24:].split()
        return struct.unpack("<3Q", done.stdout[:24]), int(peak) * 1024


def _medians(times: Sequence[Times]) -> Times:
    calls = zip(*(each.calls for each in times), strict=True)
    peak = statistics.median(each.peak for each in times)
    return Times([statistics.median(column) for column in calls], peak)


def _rows(name: str, native: Times, ours: Times) -> list[list[str]]:
    return [
        [f"{name}: {call}", f"{a * 1e6:.2f} µs", f"{b * 1e6:.2f} µs", f"{b / a:.2f}"]
        for call, a, b in zip(CALLS, native.calls, ours.calls, strict=True)
    ]


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    calls = 20 if quick else 1
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), 1 if quick else 11)
        rows = _rows("40 bytes, tiny model", *bench.in_turn(tiny(), 10_000 // calls))
        rows += _rows("602 KB, convolution", *bench.in_turn(convolution(), 500 // calls))
        native, ours = bench.in_turn(large(QUICK_SIDE if quick else SIDE), 1)
        peaks = [f"{each.peak / 2**20:.0f} MiB" for each in (native, ours)]
        rows.append(
            [f"model of {1 if quick else 100} MiB: peak", *peaks, f"{ours.peak / native.peak:.2f}"]
        )
        first, second = bench.starts()
    print(machine())
    print()
    print(table(["", "native Wasmtime", "nnshim", "ratio"], rows))
    print()
    print(
        table(
            ["start of the guest", "s"],
            [["compiled", f"{first:.2f}"], ["from the cache", f"{second:.2f}"]],
        )
    )


if __name__ == "__main__":
    main()
