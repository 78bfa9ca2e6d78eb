"""What one call from the guest into the host costs.

    python -m benchmarks.hostcall [--quick]

A guest calls `compute` on a handle that does not exist in a loop, and for comparison functions
that do nothing: a bare raw callback, and one defined by wasmtime.Linker.define_func.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

import wasmtime
from wasmtime import _ffi as ffi

from benchmarks.measure import in_turn, machine, table
from runtime_shim import NNHost

_RawCallback = ctypes.CFUNCTYPE(
    ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
)
"""wasmtime_func_unchecked_callback_t with its pointers as integers."""

LOOP = """(module
  (import "wasi_nn" "compute" (func $compute (param i32) (result i32)))
  (import "test" "raw" (func $raw (param i32) (result i32)))
  (import "test" "plain" (func $plain (param i32) (result i32)))
  (import "test" "caller" (func $caller (param i32) (result i32)))
  (memory (export "memory") 1)
  {functions})"""

FUNCTION = """(func (export "{name}") (param $n i32)
  (loop $again
    (drop (call ${name} (i32.const 77)))
    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"""


def main() -> None:
    calls = 2_000 if "--quick" in sys.argv[1:] else 100_000
    rounds = 3 if "--quick" in sys.argv[1:] else 15
    names = ["compute", "raw", "plain", "caller"]
    engine = wasmtime.Engine()
    store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
    NNHost().add_to_linker(linker)
    i32 = wasmtime.ValType.i32
    func_type = wasmtime.FuncType([i32()], [i32()])
    raw = _RawCallback(_nothing)
    error = ffi.wasmtime_linker_define_func_unchecked(
        linker.ptr(),
        ctypes.create_string_buffer(b"test"),
        4,
        ctypes.create_string_buffer(b"raw"),
        3,
        func_type.ptr(),
        ctypes.cast(raw, ffi.wasmtime_func_unchecked_callback_t),
        None,
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(),
    )
    assert not error
    linker.define_func("test", "plain", func_type, lambda _: 1)
    linker.define_func("test", "caller", func_type, _memory_of_caller, access_caller=True)
    text = LOOP.format(functions="\n".join(FUNCTION.format(name=name) for name in names))
    exports = linker.instantiate(store, wasmtime.Module(engine, text)).exports(store)

    def loop(name: str) -> Callable[[], None]:
        function = exports[name]
        assert isinstance(function, wasmtime.Func)
        return lambda: function(store, calls)

    taken = dict(zip(names, in_turn(rounds, *map(loop, names)), strict=True))
    labels = {
        "compute": "`compute` of nnshim on an unknown handle",
        "raw": "a raw callback that reads its argument",
        "plain": "`Linker.define_func`",
        "caller": "`Linker.define_func`, looking up the caller's memory",
    }
    print(machine())
    print()
    print(
        table(
            ["one call", "µs", "of the raw callback"],
            [
                [
                    labels[name],
                    f"{taken[name] / calls * 1e6:.2f}",
                    f"{taken[name] / taken['raw']:.1f}",
                ]
                for name in names
            ],
        )
    )


_Words = ctypes.c_uint32 * 4


def _nothing(_env: int, _caller: int, raw: int, _length: int) -> int:
    words = _Words.from_address(raw)
    words[0] = 1
    return 0


def _memory_of_caller(caller: wasmtime.Caller, _: int) -> int:
    return int(caller.get("memory") is not None)


if __name__ == "__main__":
    main()
