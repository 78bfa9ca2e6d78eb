"""What inference costs a guest here, compared with native Wasmtime and with ONNX Runtime alone.

    python -m benchmarks.native [--quick] [--plot FILE.png|FILE.svg]

One guest in C times its own calls, on native Wasmtime (Rust, with OpenVINO) and on `nnshim run`, in
turn, each in a process of its own; both use OpenVINO's default precision. ONNX Runtime, which the
native command has not, is compared with itself, called from Python with everything bound once.
Peak memory is measured with a model of 64 MiB, loaded by the guest and as a named graph.
The plot shows the ratio by the size of the input.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from onnx import helper

from benchmarks.measure import NNSHIM, installed, machine, table
from samples.build import build
from tests.support.models import F32, model
from tests.support.native import NativeWasmtime, openvino_model

GUEST = Path(__file__).with_name("guests") / "infer.c"

OPENVINO, ONNX = "0", "1"
"""Encodings."""

LARGE = 1 << 26

WATCH = """
import os, sys, time
started = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
print(time.perf_counter() - started, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a command. A process of its own, as Linux counts the memory of the one that starts another
among the other's."""

CALLS = ("set_input", "compute", "get_output", "all three")


@dataclass(frozen=True)
class Case:
    """A model, and how often to call it."""

    name: str
    onnx: bytes
    dims: tuple[int, ...]
    output_bytes: int
    calls: int


@dataclass(frozen=True)
class Times:
    """Medians over rounds and processes, in seconds; the process has one inference. A model is
    loaded twice for each of the others."""

    loads: Sequence[float]
    calls: Sequence[float]
    process: float
    peak: float
    """Of the resident memory, in bytes."""

    @property
    def load(self) -> float:
        return statistics.median(self.loads)


def tiny() -> Case:
    weights = {"w": np.random.default_rng(0).normal(size=(10, 10)).astype(np.float32)}
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    made = model([node], [("x", F32, (1, 10))], [("y", F32, (1, 10))], weights)
    return Case("tiny model, 40 bytes", made, (1, 10), 40, 2000)


def convolution() -> Case:
    weights = {"k": np.random.default_rng(0).normal(size=(8, 3, 4, 4)).astype(np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], strides=[4, 4]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    dims = (1, 3, 224, 224)
    made = model(nodes, [("x", F32, dims)], [("y", F32, (1, 8))], weights)
    return Case("small convolution, 602 KB", made, dims, 32, 200)


def large() -> Case:
    """LARGE bytes of weights."""
    side = int((LARGE / 4) ** 0.5)
    weights = {"w": np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)}
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    made = model([node], [("x", F32, (1, side))], [("y", F32, (1, side))], weights)
    return Case("large model", made, (1, side), 4 * side, 1)


def total(size: int) -> Case:
    """Adds up `size` bytes of floats: little more than reading them."""
    dims = (1, size // 4)
    node = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=1)
    made = model([node], [("x", F32, dims)], [("y", F32, (1, 1))])
    return Case(f"sum of {size} bytes", made, dims, 4, max(3, min(2000, (1 << 22) // size)))


class Command(NamedTuple):
    """A host's command as far as the guest, and its environment."""

    prefix: Sequence[str]
    env: Mapping[str, str]


class Bench:
    """Runs the guest, in folders below one that is given."""

    def __init__(self, folder: Path, rounds: int, repeats: int) -> None:
        self._folder = folder
        self._rounds = rounds
        self._repeats = repeats
        self._native = NativeWasmtime(folder)
        self._guest = folder / "infer.wasm"
        build(GUEST, self._guest)

    def in_turn(
        self, case: Case, *, by_name: bool = False, kept: bool = False
    ) -> tuple[Times, Times]:
        """Native Wasmtime's times, and nnshim's. `by_name`, the model is a named graph; `kept`,
        nnshim finds it compiled in its model cache, which the warm-up fills."""
        folder = self._new_folder()
        graph = f"openvino::{folder}" if by_name else None
        parts = openvino_model(case.onnx, folder).split("+")
        hosts = (
            Command(self._native.prefix(graph), self._native.env),
            _nnshim(
                "--fast-math",
                *(("-S", f"nn-graph={graph}") if graph else ()),
                *(("--model-cache", str(folder / "kept")) if kept else ()),
            ),
        )
        model = ["name", folder.name] if by_name else [OPENVINO, *parts]
        arguments = self._arguments(case, *model)
        runs: list[list[Times]] = [[], []]
        for _ in range(self._repeats + 1):  # the first is the warm-up
            for times, host in zip(runs, hosts, strict=True):
                times.append(_times(host, folder, arguments))
        native, ours = (_medians(times[1:]) for times in runs)
        return native, ours

    def onnx(self, case: Case) -> tuple[float, float, float]:
        """An inference by ONNX Runtime alone, by a guest, and by one whose model is in another
        process."""
        folder = self._new_folder()
        (folder / "model.onnx").write_bytes(case.onnx)
        arguments = self._arguments(case, ONNX, "model.onnx")
        alone: list[float] = []
        by_guest: list[float] = []
        isolated: list[float] = []
        for _ in range(self._repeats + 1):
            alone.append(_direct(case, self._rounds))
            by_guest.append(_times(_nnshim(), folder, arguments).calls[-1])
            isolated.append(_times(_nnshim("--isolate"), folder, arguments).calls[-1])
        in_turn = (statistics.median(times[1:]) for times in (alone, by_guest, isolated))
        return next(in_turn), next(in_turn), next(in_turn)

    def _new_folder(self) -> Path:
        """One with the guest in it."""
        folder = self._folder / str(len(list(self._folder.iterdir())))
        folder.mkdir()
        shutil.copy(self._guest, folder)
        return folder

    def _arguments(self, case: Case, *model: str) -> list[str]:
        encoding, *parts = model
        dims = "x".join(map(str, case.dims))
        return [encoding, dims, str(case.output_bytes), str(self._rounds), str(case.calls), *parts]


def _nnshim(*options: str) -> Command:
    return Command([NNSHIM, "run", "--dir", ".", *options], installed())


def _times(host: Command, folder: Path, arguments: Sequence[str]) -> Times:
    output, _, _ = _finish(host, folder, arguments)
    first, *rounds = output.splitlines()
    columns = zip(*(map(float, line.split()) for line in rounds), strict=True)
    once = [*arguments]
    once[3] = once[4] = "1"
    output, seconds, peak = _finish(host, folder, once)
    loads = [float(load) / 1e9 for load in (first, output.splitlines()[0])]
    calls = [statistics.median(column) / 1e9 for column in columns]
    return Times(loads, calls, seconds, peak)


def _finish(host: Command, folder: Path, arguments: Sequence[str]) -> tuple[str, float, int]:
    """What a process prints, the seconds it takes, and the bytes of resident memory at its peak."""
    command = [*host.prefix, "infer.wasm", *arguments]
    done = subprocess.run(
        [sys.executable, "-S", "-c", WATCH, *command],
        cwd=folder,
        env=host.env,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}")
    *output, watched = done.stdout.splitlines()
    seconds, peak = watched.split()
    return "\n".join(output), float(seconds), int(peak) * 1024


def _medians(times: Sequence[Times]) -> Times:
    return Times(
        [load for item in times for load in item.loads],
        [statistics.median(column) for column in zip(*(t.calls for t in times), strict=True)],
        statistics.median(item.process for item in times),
        statistics.median(item.peak for item in times),
    )


def _direct(case: Case, rounds: int) -> float:
    """Seconds an inference, with input and output bound once, and the input filled each time."""
    session = ort.InferenceSession(case.onnx, providers=["CPUExecutionProvider"])
    x, y = np.zeros(case.dims, np.float32), np.zeros(case.output_bytes // 4, np.float32)
    data = np.random.default_rng(0).random(prod(case.dims), np.float32).reshape(case.dims)
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, np.float32, (1, y.size), y.ctypes.data)
    means = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        for _ in range(case.calls):
            x[...] = data
            session.run_with_iobinding(binding)
        means.append((time.perf_counter() - started) / case.calls)
    return statistics.median(means[1:])


def _report(case: Case, native: Times, ours: Times) -> list[list[str]]:
    rows = [
        [f"{case.name}: {call}", f"{a * 1e6:.2f} µs", f"{b * 1e6:.2f} µs", f"{b / a:.2f}"]
        for call, a, b in zip(CALLS, native.calls, ours.calls, strict=True)
    ]
    for name, a, b in (
        ("load", native.load, ours.load),
        ("whole process, one inference", native.process, ours.process),
    ):
        ratio = f"{b / a:.2f}"
        rows.append([f"{case.name}: {name}", f"{a * 1e3:.1f} ms", f"{b * 1e3:.1f} ms", ratio])
    return rows


def _report_load(case: Case, native: Times, ours: Times) -> list[str]:
    times = [f"{item.load * 1e3:.1f} ms" for item in (native, ours)]
    return [f"{case.name}: load, with --model-cache", *times, f"{ours.load / native.load:.2f}"]


def _report_memory(name: str, small: tuple[Times, Times], big: tuple[Times, Times]) -> list[str]:
    """The peaks with the big model, and how many times its size they are above the tiny one's."""
    cells = [f"{LARGE >> 20} MiB, {name}"]
    for before, after in zip(small, big, strict=True):
        more = (after.peak - before.peak) / LARGE
        cells += [f"{after.peak / 2**20:.0f} MiB", f"{more:.2f}"]
    return cells


def _plot(path: str, sizes: Sequence[int], ratios: Sequence[float]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.semilogx(sizes, ratios, "o-", base=2)
    axes.axhline(1, color="#bbbbbb")
    axes.set_xlabel("bytes of input")
    axes.set_ylabel("an inference here, of native Wasmtime")
    axes.set_ylim(bottom=0)
    figure.savefig(path)


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    plot = sys.argv[sys.argv.index("--plot") + 1] if "--plot" in sys.argv else None
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), rounds=2 if quick else 9, repeats=1 if quick else 11)
        small = bench.in_turn(tiny())
        rows += _report(tiny(), *small)
        rows.append(_report_load(tiny(), *bench.in_turn(tiny(), kept=True)))
        rows += _report(convolution(), *bench.in_turn(convolution()))
        rows.append(_report_load(convolution(), *bench.in_turn(convolution(), kept=True)))
        memory = [
            _report_memory(name, small, bench.in_turn(large(), by_name=by_name))
            for name, by_name in (("loaded by the guest", False), ("a named graph", True))
        ]
        alone, by_guest, isolated = bench.onnx(tiny())
        sizes = [4 << (2 * step) for step in range(12)] if plot is not None else []
        ratios = []
        for size in sizes:
            native, ours = bench.in_turn(total(size))
            ratios.append(ours.calls[-1] / native.calls[-1])
    print(machine())
    print()
    print(table(["", "native Wasmtime", "nnshim", "ratio"], rows))
    print()
    print(
        table(
            ["ONNX Runtime, tiny model, one inference", "µs"],
            [
                ["run_with_iobinding from Python", f"{alone * 1e6:.2f}"],
                ["a guest", f"{by_guest * 1e6:.2f}"],
                ["more", f"{(by_guest - alone) * 1e6:.2f}"],
                ["a guest, with --isolate", f"{isolated * 1e6:.2f}"],
            ],
        )
    )
    print()
    heads = ["peak memory", "native Wasmtime", "more, of its size", "nnshim", "more, of its size"]
    print(table(heads, memory))
    if plot is not None:
        _plot(plot, sizes, ratios)


if __name__ == "__main__":
    main()
