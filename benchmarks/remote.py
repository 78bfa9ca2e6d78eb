"""What a model on an inference server costs a guest, compared with tritonclient called directly.

    python -m benchmarks.remote TRITON [--quick]

TRITON is a virtual environment with nvidia-pytriton's Triton, which is started on 127.0.0.1 with a
model that returns its input; this Python needs tritonclient. A guest sets the input, computes and
reads the output, in a loop. tritonclient makes its InferInput from an array, infers, and makes an
array of the output, in a loop, too.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
import wasmtime

from benchmarks.measure import in_turn, machine, table
from rewriter.abi.dialects import Encoding
from runtime_shim import NamedGraph, NNHost
from runtime_shim.backends.common.devices import AUTO
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.model import RemoteModel
from tests.heavy.inference_servers import triton

SIZES = (40, 100 << 10, 1 << 20, 16 << 20)
"""In bytes."""

GUEST = """(module
  (import "wasi_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_nn" "get_output" (func $get_output (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") {pages})
  (data (i32.const 0) "m")
  (global $context (mut i32) (i32.const 0))
  (func $check (param i32) (if (local.get 0) (then (unreachable))))
  (func (export "load")
    (call $check (call $load (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $check (call $init (i32.load (i32.const 8)) (i32.const 8)))
    (global.set $context (i32.load (i32.const 8)))
    (i32.store (i32.const 16) (i32.const {elements}))   ;; the shape
    (i32.store (i32.const 32) (i32.const 16)) (i32.store (i32.const 36) (i32.const 1))
    (i32.store (i32.const 40) (i32.const 1))
    (i32.store (i32.const 44) (i32.const 1024)) (i32.store (i32.const 48) (i32.const {size})))
  (func (export "infer") (param $times i32)
    (loop $again
      (call $check (call $set_input (global.get $context) (i32.const 0) (i32.const 32)))
      (call $check (call $compute (global.get $context)))
      (call $check (call $get_output (global.get $context) (i32.const 0)
        (i32.const {output}) (i32.const {size}) (i32.const 8)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))"""


def main() -> None:
    arguments = [each for each in sys.argv[1:] if each != "--quick"]
    if len(arguments) != 1:
        sys.exit("usage: python -m benchmarks.remote TRITON [--quick]")
    is_quick = "--quick" in sys.argv[1:]
    print(machine())
    print()
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        triton(Path(arguments[0]).absolute(), Path(folder), {"FP32": "-1"}) as server,
    ):
        for protocol, port in (("grpc", server.grpc), ("http", server.http)):
            url = f"{protocol}://127.0.0.1:{port}/echo_FP32"
            for size in SIZES[:-1] if is_quick else SIZES:
                times = max(1, min(50, (5 << 20) // size))
                guest = _guest(url, size, times)
                direct = _direct(protocol, port, size, times)
                in_memory = _guest(url, size, times, shared_memory=True)
                taken = in_turn(3 if is_quick else 20, guest, direct, in_memory)
                rows.append([protocol, f"{size:,}", *_compared(*(each / times for each in taken))])
    header = ["protocol", "bytes", "guest, ms", "tritonclient, ms", "ratio", "more, µs"]
    print(table([*header, "with shared memory, ms"], rows))


def _compared(guest: float, direct: float, in_memory: float) -> list[str]:
    return [
        f"{guest * 1e3:.3f}",
        f"{direct * 1e3:.3f}",
        f"{guest / direct:.2f}",
        f"{(guest - direct) * 1e6:+.0f}",
        f"{in_memory * 1e3:.3f}",
    ]


def _guest(url: str, size: int, times: int, *, shared_memory: bool = False) -> Callable[[], object]:
    remote = RemoteModel((parse_endpoint(url),), shared_memory=shared_memory)
    host = NNHost(graphs=[NamedGraph("m", Encoding.AUTODETECT, AUTO, (), remote=remote)])
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    output = 1024 + size
    text = GUEST.format(
        elements=size // 4, size=size, output=output, pages=(output + size) // 65536 + 1
    )
    module = wasmtime.Module(engine, text)
    exports = host.session().instantiate(linker, store, module).exports(store)
    load, infer = exports["load"], exports["infer"]
    assert isinstance(load, wasmtime.Func)
    assert isinstance(infer, wasmtime.Func)
    load(store)
    return lambda: infer(store, times)


def _direct(protocol: str, port: int, size: int, times: int) -> Callable[[], object]:
    library: Any = tritonclient.grpc if protocol == "grpc" else tritonclient.http
    client = library.InferenceServerClient(f"127.0.0.1:{port}")
    array = np.zeros(size // 4, np.float32)

    def infer() -> None:
        for _ in range(times):
            given = library.InferInput("in", array.shape, "FP32")
            given.set_data_from_numpy(array)
            client.infer("echo_FP32", [given]).as_numpy("out")

    return infer


if __name__ == "__main__":
    main()
