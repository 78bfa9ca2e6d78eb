"""A guest that passes every wasi-nn function on to the test, and a memory to put arguments in."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping
from typing import Any

import wasmtime

from rewriter.abi.dialects import WITX, Dialect, Encoding, Target
from rewriter.abi.structures import TENSOR
from rewriter.analysis.inspect import inspect_module
from runtime_shim import NNHost, guest_dialects

BUILDERS, HANDLE, DIMS, TENSOR_AT, WRITTEN, OUTPUT, DATA = 0, 64, 128, 256, 300, 1024, 65536
"""Places in the guest's memory of four pages."""

MEMORY = 4 * 65536


def text(module: str, memory: str, dialect: Dialect) -> str:
    """Imports all functions from `module` and exports them under their own names."""
    lines = []
    for name, parameters in dialect.functions.items():
        params = "i32 " * len(parameters)
        arguments = " ".join(f"(local.get {i})" for i in range(len(parameters)))
        lines.append(f'(import "{module}" "{name}" (func ${name} (param {params}) (result i32)))')
        lines.append(
            f'(func (export "{name}") (param {params}) (result i32) (call ${name} {arguments}))'
        )
    imports, functions = lines[::2], lines[1::2]
    return f"(module {' '.join(imports)} {memory} {' '.join(functions)})"


@functools.cache
def _engine() -> wasmtime.Engine:
    """One for all guests, which have stores of their own: thousands of guests are the same module,
    and what it takes to connect them is compiled once for each engine."""
    config = wasmtime.Config()
    config.shared_memory = True
    return wasmtime.Engine(config)


@functools.lru_cache(100)
def _compiled(source: bytes | str) -> wasmtime.Module:
    return wasmtime.Module(_engine(), source)


class Guest:
    """Calls the host as a guest would: every argument is a number, every result an errno.

    With `plain`, every call goes to the host: see NNHost.add_to_linker and Session.instantiate.
    A memory can be imported as "memory" from "env". A `binary` is a module made from `text`, by a
    rewrite for example, and has the ABI that its imports tell.
    """

    def __init__(
        self,
        host: NNHost | None = None,
        *,
        module: str = "wasi_nn",
        memory: str = '(memory (export "memory") 4)',
        dialect: Dialect = WITX,
        plain: bool = False,
        binary: bytes | None = None,
    ) -> None:
        engine = _engine()
        self.store = wasmtime.Store(engine)
        linker = wasmtime.Linker(engine)
        imported = wasmtime.Memory(self.store, wasmtime.MemoryType(wasmtime.Limits(4, None)))
        linker.define(self.store, "env", "memory", imported)
        host = host or NNHost()
        self.session = host.session()
        compiled = _compiled(binary or text(module, memory, dialect))
        dialects: Mapping[str, Dialect] = {module: dialect}
        if binary is not None:
            dialects = guest_dialects(inspect_module(binary))
        if plain:
            host.add_to_linker(linker, self.session, dialects=dialects)
            instance = linker.instantiate(self.store, compiled)
        else:
            instance = self.session.instantiate(linker, self.store, compiled, dialects=dialects)
        self.exports = instance.exports(self.store)
        found = self.exports.get("memory")
        self.memory = found if isinstance(found, wasmtime.Memory) else None

    def __getattr__(self, name: str) -> Callable[..., int]:
        function: Any = self.exports[name]
        return lambda *arguments: function(self.store, *map(_signed, arguments))

    def put(self, address: int, data: bytes) -> None:
        assert self.memory is not None
        self.memory.write(self.store, data, address)

    def take(self, address: int, length: int) -> bytes:
        assert self.memory is not None
        return bytes(self.memory.read(self.store, address, address + length))

    def u32(self, address: int) -> int:
        value: int = struct.unpack("<I", self.take(address, 4))[0]
        return value

    def load_model(
        self, model: bytes, encoding: int = Encoding.ONNX, target: int = Target.CPU
    ) -> int:
        self.put(DATA, model)
        self.put(BUILDERS, struct.pack("<II", DATA, len(model)))
        return self.load(BUILDERS, 1, encoding, target, HANDLE)

    def context_for(self, model: bytes, encoding: int = Encoding.ONNX) -> int:
        assert self.load_model(model, encoding) == 0
        assert self.init_execution_context(self.u32(HANDLE), HANDLE) == 0
        return self.u32(HANDLE)

    def feed(self, context: int, index: int, kind: int, shape: tuple[int, ...], data: bytes) -> int:
        self.put(DATA, data)
        self.put(DIMS, struct.pack(f"<{len(shape)}I", *shape))
        self.put(TENSOR_AT, TENSOR.pack(DIMS, len(shape), kind, DATA, len(data)))
        self.put(TENSOR_AT + 9, b"\xaa\xbb\xcc")  # guests leave anything in the padding
        return self.set_input(context, index, TENSOR_AT)

    def output(self, context: int, index: int, room: int = 4096) -> bytes:
        assert self.get_output(context, index, OUTPUT, room, WRITTEN) == 0
        return self.take(OUTPUT, self.u32(WRITTEN))


def _signed(value: int) -> int:
    return value - 2**32 if value >= 2**31 else value
