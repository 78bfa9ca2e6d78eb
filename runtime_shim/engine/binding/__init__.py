"""All use of wasmtime's private names, in one place.

The public API of wasmtime's Python package is not enough for a host:

- Linker.define_func turns every argument into a Python object, and costs 20 times as much as a
  callback that reads the raw argument array (benchmarks/hostcall.py).
- It calls back through ctypes, which loses exceptions raised before a callback's first line, where
  Python checks for signals, for exceptions from other threads and for the recursion limit. cffi
  passes those to a second function (https://cffi.readthedocs.io/en/stable/using.html#callbacks).
- It keeps the last exception of any guest and raises it for whichever guest ends next, in any
  thread.
- Func.__call__ ends the process for types of parameters and results that it does not know.

https://docs.wasmtime.dev/c-api/
"""

from runtime_shim.engine.binding.callbacks import Escape, RawCallback, StoreLife, define
from runtime_shim.engine.binding.calls import NUMBERS, call, definitions, instantiate, need_frames
from runtime_shim.engine.binding.memory import memory_finder

__all__ = [
    "NUMBERS",
    "Escape",
    "RawCallback",
    "StoreLife",
    "call",
    "define",
    "definitions",
    "instantiate",
    "memory_finder",
    "need_frames",
]
