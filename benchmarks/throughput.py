"""What two guests on two cores do together, compared with one.

    python -m benchmarks.throughput [--quick] [--device cuda]

They share one host and one graph: a convolutional network that takes a few milliseconds with one
thread an inference. Each guest feeds it and reads it in a loop.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import wasmtime
from onnx import helper

from benchmarks.measure import in_turn, machine, table
from rewriter.abi.dialects import Encoding, Target
from runtime_shim import NamedGraph, NNHost
from tests.support.models import F32, model

SIDE, CHANNELS, CLASSES = 64, 32, 10

GUEST = f"""(module
  (import "wasi_nn" "load_by_name" (func $load_by_name (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_nn" "get_output" (func $get_output (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "net")
  (data (i32.const 16) "\\01\\00\\00\\00\\03\\00\\00\\00\\40\\00\\00\\00\\40\\00\\00\\00")
  ;; the tensor: 1x3x{SIDE}x{SIDE} of f32, from byte 1024 on
  (data (i32.const 32) "\\10\\00\\00\\00\\04\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 44) "\\00\\04\\00\\00\\00\\c0\\00\\00")
  (func (export "run") (param $n i32) (result i32)
    (local $errno i32)
    (local.set $errno (call $load_by_name (i32.const 0) (i32.const 3) (i32.const 60)))
    (local.set $errno (i32.or (local.get $errno)
      (call $init (i32.load (i32.const 60)) (i32.const 64))))
    (loop $again
      (local.set $errno (i32.or (local.get $errno)
        (call $set_input (i32.load (i32.const 64)) (i32.const 0) (i32.const 32))))
      (local.set $errno (i32.or (local.get $errno)
        (call $compute (i32.load (i32.const 64)))))
      (local.set $errno (i32.or (local.get $errno)
        (call $get_output (i32.load (i32.const 64)) (i32.const 0) (i32.const 128) (i32.const 40)
          (i32.const 68))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $errno)))"""


def network() -> bytes:
    rng = np.random.default_rng(0)
    weights = {
        "first": rng.normal(size=(CHANNELS, 3, 3, 3)).astype(np.float32),
        "second": rng.normal(size=(CHANNELS, CHANNELS, 3, 3)).astype(np.float32),
        "third": rng.normal(size=(CHANNELS, CHANNELS, 3, 3)).astype(np.float32),
        "last": rng.normal(size=(CHANNELS, CLASSES)).astype(np.float32),
    }
    same = [1, 1, 1, 1]
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["c1"], pads=same),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "second"], ["c2"], pads=same),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("Conv", ["r2", "third"], ["c3"], pads=same),
        helper.make_node("GlobalAveragePool", ["c3"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "last"], ["y"]),
    ]
    inputs = [("x", F32, (1, 3, SIDE, SIDE))]
    return model(nodes, inputs, [("y", F32, (1, CLASSES))], weights)


def guest(engine: wasmtime.Engine, host: NNHost, inferences: int) -> Callable[[], None]:
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    module = wasmtime.Module(engine, GUEST)
    exports = host.session().instantiate(linker, store, module).exports(store)
    function = exports["run"]
    assert isinstance(function, wasmtime.Func)

    def run() -> None:
        assert function(store, inferences) == 0

    return run


def together(runs: list[Callable[[], None]]) -> Callable[[], None]:
    def run() -> None:
        threads = [threading.Thread(target=run) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", help="of ONNX Runtime's; instead of OpenVINO")
    options = parser.parse_args()
    inferences, rounds = (5, 2) if options.quick else (100, 9)
    engine, rows = wasmtime.Engine(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(network())
        models: list[tuple[Encoding, Target | str, list[str]]] = [
            (Encoding.ONNX, Target.CPU, ["model.onnx"])
        ]
        if options.device is None:
            from tests.support.native import (
                openvino_model,  # OpenVINO is not there beside every GPU
            )

            parts = openvino_model(network(), folder).split("+")
            models.append((Encoding.OPENVINO, Target.CPU, parts))
        else:
            models.append((Encoding.ONNX, options.device, ["model.onnx"]))
        for encoding, place, parts in models:
            graph = NamedGraph("net", encoding, place, tuple(str(folder / part) for part in parts))
            host = NNHost(graphs=[graph], threads=1)
            guests = [guest(engine, host, inferences) for _ in range(2)]
            one, two = in_turn(rounds, guests[0], together(guests))
            (row,) = host.stats()
            where = f"{encoding.name.lower()}, {row.device}"
            rows.append([where, f"{one / inferences * 1e3:.2f}", f"{2 * one / two:.2f}"])
    print(machine())
    print()
    print(table(["backend", "one inference, ms", "throughput of two guests, of one's"], rows))


if __name__ == "__main__":
    main()
