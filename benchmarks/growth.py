"""What grows with the size of tensors, the number of guests, and time.

    python -m benchmarks.growth [--quick]

Copies of tensors into and out of a model are held against a plain memmove of as many bytes. Memory
is this process's resident set, after everything has been used once.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import wasmtime

from benchmarks.measure import in_turn, machine, table
from rewriter.abi.dialects import WASMEDGE, WITX, Encoding, Target, TensorType
from rewriter.abi.structures import TENSOR
from runtime_shim import NamedGraph, NNHost
from tests.support.guest import DIMS, HANDLE, TENSOR_AT, WRITTEN, Guest, text
from tests.support.models import identity

BACKENDS = (Encoding.ONNX, Encoding.OPENVINO)

PAGE = 65536

_U32 = struct.Struct("<I")

LOOPS = f"""(module
  (import "wasi_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "get_output" (func $get_output (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") {{pages}})
  (func (export "set_input") (param $n i32) (result i32) (local $errno i32)
    (loop $again
      (local.set $errno (i32.or (local.get $errno)
        (call $set_input (i32.const {{context}}) (i32.const 0) (i32.const {TENSOR_AT}))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $errno))
  (func (export "get_output") (param $n i32) (result i32) (local $errno i32)
    (loop $again
      (local.set $errno (i32.or (local.get $errno)
        (call $get_output (i32.const {{context}}) (i32.const 0) (i32.const {{out}})
          (i32.const {{size}}) (i32.const {WRITTEN}))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $errno)))"""


def resident() -> int:
    """Bytes."""
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["VmRSS"].split()[0]) * 1024


def copies(encoding: Encoding, size: int, rounds: int) -> tuple[float, float, float]:
    """Seconds of set_input, of get_output, and of a memmove, of `size` bytes. The guest calls in a
    loop: to be called from Python costs more than a small tensor."""
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    session = NNHost().session()
    context = 2  # the handle after the model's
    input_at, output_at = PAGE, PAGE + size
    source = LOOPS.format(pages=2 + 2 * size // PAGE, context=context, out=output_at, size=size)
    module = wasmtime.Module(engine, source)
    exports = session.instantiate(linker, store, module).exports(store)
    graph = session.load([identity(dims=(size // 4,))], encoding, Target.CPU)
    assert session.init_execution_context(graph) == context
    memory, put, get = (exports[name] for name in ("memory", "set_input", "get_output"))
    assert isinstance(memory, wasmtime.Memory)
    assert isinstance(put, wasmtime.Func)
    assert isinstance(get, wasmtime.Func)
    memory.write(store, _U32.pack(size // 4), DIMS)
    memory.write(store, TENSOR.pack(DIMS, 1, TensorType.F32, input_at, size), TENSOR_AT)
    calls = max(1, (1 << 24) // size)
    assert put(store, 2) == 0
    session.compute(context)
    assert get(store, 2) == 0
    pages = [mmap.mmap(-1, size) for _ in range(2)]  # begin where pages do, as guest memory does
    from_, to = (ctypes.addressof(ctypes.c_char.from_buffer(page)) for page in pages)
    ctypes.memset(from_, 1, size)

    def move() -> None:
        for _ in range(calls):
            ctypes.memmove(to, from_, size)

    times = in_turn(rounds, lambda: put(store, calls), lambda: get(store, calls), move)
    return times[0] / calls, times[1] / calls, times[2] / calls


def guests(encoding: Encoding, count: int) -> float:
    """Bytes that one guest adds, with an instance of 64 KB of memory and a context it has used."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(identity(dims=(1,)))
        host = NNHost(graphs=[NamedGraph("one", encoding, Target.CPU, (str(path),))])
        engine = wasmtime.Engine()
        module = wasmtime.Module(engine, text("wasi_nn", '(memory (export "memory") 1)', WITX))
        kept: list[object] = []

        def add() -> None:
            store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
            session = host.session()
            instance = session.instantiate(linker, store, module)
            context = session.init_execution_context(session.load_by_name("one"))
            for _ in range(3):
                session.set_input(context, 0, TensorType.F32, (1,), memoryview(bytes(4)))
                session.compute(context)
                session.get_output(context, 0)
            kept.extend((store, linker, session, instance))

        for _ in range(20):
            add()
        before = resident()
        for _ in range(count):
            add()
        return (resident() - before) / count


def cycles(encoding: Encoding, count: int) -> int:
    """Bytes that are left over after loading, using and unloading a model so often."""
    guest, model = Guest(dialect=WASMEDGE), identity(dims=(1,))

    def once() -> None:
        context = guest.context_for(model, encoding)
        assert guest.feed(context, 0, TensorType.F32, (1,), bytes(4)) == 0
        assert guest.compute(context) == 0
        assert guest.finalize_execution_context(context) == 0
        assert guest.unload(context - 1) == 0

    return left_over(once, count)


def contexts(encoding: Encoding, count: int) -> int:
    """The same for execution contexts of one graph."""
    guest = Guest(dialect=WASMEDGE)
    graph = guest.context_for(identity(dims=(1,)), encoding) - 1

    def once() -> None:
        assert guest.init_execution_context(graph, HANDLE) == 0
        assert guest.finalize_execution_context(guest.u32(HANDLE)) == 0

    return left_over(once, count)


def left_over(once: Callable[[], None], count: int) -> int:
    for _ in range(max(20, count // 10)):
        once()
    gc.collect()
    before = resident()
    for _ in range(count):
        once()
    gc.collect()
    return resident() - before


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    rounds, many = (3, 20) if quick else (15, 1000)
    rows, counted = [], []
    for encoding in BACKENDS:
        name = encoding.name.lower()
        for size in (1 << 16, 1 << 20, 1 << 24):
            put, get, move = copies(encoding, size, rounds)
            rows.append(
                [
                    f"{name}, {size >> 10} KiB",
                    *(f"{size / seconds / 1e9:.1f}" for seconds in (put, get, move)),
                    f"{move / put:.2f}",
                    f"{move / get:.2f}",
                ]
            )
        loads = many * (100 if encoding is Encoding.ONNX else 10)  # compiling takes OpenVINO 20 ms
        counted += [
            [f"{name}: one guest more, of {many}", f"{guests(encoding, many) / 1024:.0f}"],
            [f"{name}: {loads} loads and unloads", f"{cycles(encoding, loads) / 1024:.0f}"],
            [f"{name}: {100 * many} contexts", f"{contexts(encoding, 100 * many) / 1024:.0f}"],
        ]
    print(machine())
    print()
    heads = ["tensor", "set_input GB/s", "get_output GB/s", "memmove GB/s"]
    print(table([*heads, "set_input, of memmove", "get_output, of memmove"], rows))
    print()
    print(table(["added", "KiB"], counted))


if __name__ == "__main__":
    main()
