"""What inference costs a guest here, compared with native Wasmtime and with ONNX Runtime alone.

    python -m benchmarks.native [--quick] [--plot FILE.png|FILE.svg]

One guest in C times its own calls, on native Wasmtime (Rust, with OpenVINO) and on `nnshim run`, in
turn, each in a process of its own; both use OpenVINO's default precision. ONNX Runtime, which the
native command has not, is compared with itself, called from Python with everything bound once.
The plot shows the ratio by the size of the input.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import helper

from benchmarks.measure import machine, table
from samples.build import build
from tests.models import F32, model
from tests.native import NativeWasmtime, openvino_model

GUEST = Path(__file__).with_name("guests") / "infer.c"

OPENVINO, ONNX = "0", "1"
"""Encodings."""

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
    """Medians over rounds and processes, in seconds; the load is one of the tiny model."""

    load: float
    calls: Sequence[float]
    process: float


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


def total(size: int) -> Case:
    """Adds up `size` bytes of floats: little more than reading them."""
    dims = (1, size // 4)
    node = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=1)
    made = model([node], [("x", F32, dims)], [("y", F32, (1, 1))])
    return Case(f"sum of {size} bytes", made, dims, 4, max(3, min(2000, (1 << 22) // size)))


class Bench:
    """Runs the guest, in folders below one that is given."""

    def __init__(self, folder: Path, rounds: int, repeats: int) -> None:
        self._folder = folder
        self._rounds = rounds
        self._repeats = repeats
        self._native = NativeWasmtime(folder)
        self._guest = folder / "infer.wasm"
        build(GUEST, self._guest)

    def in_turn(self, case: Case) -> tuple[Times, Times]:
        """Native Wasmtime's times, and nnshim's."""
        folder = self._folder / str(len(list(self._folder.iterdir())))
        folder.mkdir()
        parts = openvino_model(case.onnx, folder).split("+")
        guest = folder / "infer.wasm"
        guest.write_bytes(self._guest.read_bytes())
        arguments = self._arguments(case, OPENVINO, parts)
        nnshim = [sys.executable, "-m", "nnshim", "run", "--dir", ".", "--fast-math", guest.name]

        def run_nnshim(*given: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*nnshim, *given], cwd=folder, capture_output=True, text=True, check=False
            )

        runs: list[list[Times]] = [[], []]
        for _ in range(self._repeats + 1):  # the first is the warm-up
            for times, run in zip(
                runs, (lambda *g: self._native.run(guest, *g), run_nnshim), strict=True
            ):
                times.append(_times(run, arguments))
        native, ours = (_medians(times[1:]) for times in runs)
        return native, ours

    def onnx(self, case: Case) -> tuple[float, float]:
        """An inference by ONNX Runtime alone, and by a guest."""
        folder = self._folder / "onnx"
        folder.mkdir()
        (folder / "model.onnx").write_bytes(case.onnx)
        guest = folder / "infer.wasm"
        guest.write_bytes(self._guest.read_bytes())
        arguments = self._arguments(case, ONNX, ["model.onnx"])
        command = [sys.executable, "-m", "nnshim", "run", "--dir", ".", guest.name]

        def run(*given: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*command, *given], cwd=folder, capture_output=True, text=True, check=False
            )

        alone: list[float] = []
        by_guest: list[float] = []
        for _ in range(self._repeats + 1):
            alone.append(_direct(case, self._rounds))
            by_guest.append(_times(run, arguments).calls[-1])
        return statistics.median(alone[1:]), statistics.median(by_guest[1:])

    def _arguments(self, case: Case, encoding: str, parts: Sequence[str]) -> list[str]:
        dims = "x".join(map(str, case.dims))
        return [encoding, dims, str(case.output_bytes), str(self._rounds), str(case.calls), *parts]


def _times(run: Callable[..., subprocess.CompletedProcess[str]], arguments: Sequence[str]) -> Times:
    done = run(*arguments)
    if done.returncode:
        raise SystemExit(done.stderr)
    load, *rounds = done.stdout.splitlines()
    columns = zip(*(map(float, line.split()) for line in rounds), strict=True)
    once = [*arguments]
    once[3] = once[4] = "1"
    started = time.perf_counter()
    run(*once)
    process = time.perf_counter() - started
    return Times(
        float(load) / 1e9, [statistics.median(column) / 1e9 for column in columns], process
    )


def _medians(times: Sequence[Times]) -> Times:
    return Times(
        statistics.median(item.load for item in times),
        [statistics.median(column) for column in zip(*(t.calls for t in times), strict=True)],
        statistics.median(item.process for item in times),
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
        bench = Bench(Path(name), rounds=2 if quick else 9, repeats=1 if quick else 5)
        for case in (tiny(), convolution()):
            rows += _report(case, *bench.in_turn(case))
        alone, by_guest = bench.onnx(tiny())
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
            ],
        )
    )
    if plot is not None:
        _plot(plot, sizes, ratios)


if __name__ == "__main__":
    main()
