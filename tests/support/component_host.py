"""A host of wasi:nn in its lowered form, for the core module of an adapter, with both habits of
Wasmtime's backends.

Source: crates/wasi-nn/src/backend/onnx.rs and openvino.rs of
https://github.com/bytecodealliance/wasmtime at 1c2686a
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import wasmtime
from wasmtime import Func, FuncType, Instance, Module, Store, ValType

from rewriter.rewriting.making.adapter import NO_NAMES, Names, adapter_text
from tests.support.components import OCTOBER
from tests.support.wasm import assemble

__all__ = ["Adapted", "Tensor"]

I32 = ValType.i32()
GRAPH, CONTEXT = "graph", "context"


class Tensor(NamedTuple):
    """The type is as wasi:nn numbers it."""

    dims: tuple[int, ...]
    type: int
    data: bytes


class Adapted:
    """The adapter, with a memory of `pages` that may grow to `most`.

    `inputs` are the names of the model's inputs. Its outputs are `outputs`, and the inputs in their
    order. `empties`: inputs are gone after compute, as ONNX's are; otherwise they stay, as
    OpenVINO's do. `fails` is an error code that every call returns from then on.
    """

    def __init__(
        self,
        inputs: Sequence[str] = ("0",),
        names: Names = NO_NAMES,
        *,
        empties: bool = False,
        outputs: Mapping[str, Tensor] | None = None,
        pages: int = 2,
        most: int = 4096,
    ) -> None:
        self.inputs, self.empties, self.outputs = inputs, empties, dict(outputs or {})
        self.fails: int | None = None
        self.loaded: list[tuple[Any, ...]] = []
        self.live: dict[int, Any] = {}
        self.set: dict[str, Tensor] = {}
        self.seen: list[dict[str, Tensor]] = []
        self.last = 4  # numbers that differ from those of the guest
        self.store = Store()
        limits = wasmtime.Limits(pages, most)
        self.memory = wasmtime.Memory(self.store, wasmtime.MemoryType(limits))
        module = Module(self.store.engine, assemble(adapter_text(names)))
        self.exports = Instance(self.store, module, [*map(self._import, module.imports)]).exports(
            self.store
        )

    def call(self, name: str, *arguments: int) -> int:
        """A function of wasi_ephemeral_nn."""
        function = self.exports[name]
        assert isinstance(function, Func)
        result: int = function(self.store, *arguments)
        return result

    def write(self, address: int, data: bytes) -> int:
        self.memory.write(self.store, data, address)
        return address

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.memory.read(self.store, address, address + size))

    def number(self, address: int) -> int:
        return int(struct.unpack("<I", self.read(address, 4))[0])

    def set_input(self, context: int, index: int, tensor: Tensor) -> int:
        """`tensor` has a type of witx. What the call reads is overwritten afterwards."""
        dims = self.write(0x100, struct.pack(f"<{len(tensor.dims)}I", *tensor.dims))
        data = self.write(0x400, tensor.data)
        parts = (dims, len(tensor.dims), tensor.type, data, len(tensor.data))
        errno = self.call("set_input", context, index, self.write(0x80, struct.pack("<5I", *parts)))
        self.write(0x80, b"\xee" * (0x380 + len(tensor.data)))
        return errno

    def output(self, context: int, index: int, room: int = 256) -> tuple[int, bytes, int]:
        """The errno, the buffer, and the length that was written."""
        self.write(0x1000, b"\xee" * room)
        errno = self.call("get_output", context, index, 0x1000, room, 0x40)
        return errno, self.read(0x1000, room), self.number(0x40)

    def start(self) -> int:
        """A context."""
        assert self.call("load_by_name", self.write(0, b"model"), 5, 0x40) == 0
        assert self.call("init_execution_context", self.number(0x40), 0x44) == 0
        return self.number(0x44)

    def _import(self, item: wasmtime.ImportType) -> Func | wasmtime.Memory:
        if item.module == "env":
            return self.memory
        assert item.module.startswith("wasi:nn/")
        assert item.module.endswith(OCTOBER)
        functions: Mapping[str, Callable[..., int | None]] = {
            "[constructor]tensor": self._tensor,
            "[method]tensor.data": self._data,
            "[resource-drop]tensor": self._drop(Tensor),
            "load": self._load,
            "load-by-name": self._load_by_name,
            "[method]graph.init-execution-context": self._init,
            "[resource-drop]graph": self._drop(GRAPH),
            "[method]graph-execution-context.compute": self._compute,
            "[resource-drop]graph-execution-context": self._drop(CONTEXT),
            "[method]error.code": lambda error: self.live[error],
            "[resource-drop]error": self._drop(int),
        }
        type_ = item.type
        assert isinstance(type_, FuncType)
        assert item.name is not None
        return Func(self.store, type_, functions[item.name])

    def _new(self, what: object) -> int:
        self.last += 1
        self.live[self.last] = what
        return self.last

    def _drop(self, kind: object) -> Callable[[int], None]:
        def drop(handle: int) -> None:
            found = self.live.pop(handle)
            assert found == kind or (isinstance(kind, type) and isinstance(found, kind))

        return drop

    def _answer(self, area: int, *values: int) -> None:
        if self.fails is not None:
            values = (self._new(self.fails),)
        words = struct.pack(f"<B3x{len(values)}I", self.fails is not None, *values)
        self.write(area, words)

    def _tensor(self, dims: int, rank: int, kind: int, data: int, size: int) -> int:
        shape = struct.unpack(f"<{rank}I", self.read(dims, 4 * rank))
        return self._new(Tensor(shape, kind, self.read(data, size)))

    def _allocate(self, size: int, align: int) -> int:
        return self.call("cabi_import_realloc", 0, 0, align, size)

    def _data(self, tensor: int, area: int) -> None:
        data = self.live[tensor].data
        self.write(
            area, struct.pack("<II", self.write(self._allocate(len(data), 1), data), len(data))
        )

    def _load(self, parts: int, count: int, encoding: int, target: int, area: int) -> None:
        spans = struct.iter_unpack("<II", self.read(parts, 8 * count))
        self.loaded.append(([self.read(*span) for span in spans], encoding, target))
        self._answer(area, self._new(GRAPH) if self.fails is None else 0)

    def _load_by_name(self, name: int, length: int, area: int) -> None:
        self.loaded.append((self.read(name, length),))
        self._answer(area, self._new(GRAPH) if self.fails is None else 0)

    def _init(self, graph: int, area: int) -> None:
        assert self.live[graph] == GRAPH
        self._answer(area, self._new(CONTEXT) if self.fails is None else 0)

    def _compute(self, context: int, inputs: int, count: int, area: int) -> None:
        """A name that the model does not have, or an input that is missing, is a runtime error."""
        assert self.live[context] == CONTEXT
        given = {}
        for name, length, tensor in struct.iter_unpack("<III", self.read(inputs, 12 * count)):
            given[self.read(name, length).decode()] = self.live.pop(tensor)
        self.seen.append(given)
        self.set = given if self.empties else {**self.set, **given}
        fails = self.fails
        if fails is None and self.set.keys() != set(self.inputs):
            self.fails = 3
        self._answer(area, *(self._results() if self.fails is None else ()))
        self.fails = fails

    def _results(self) -> tuple[int, int]:
        results = {**self.outputs, **{name: self.set[name] for name in self.inputs}}
        words = b""
        for name, tensor in results.items():
            text = name.encode()
            at = self.write(self._allocate(len(text), 1), text)
            words += struct.pack("<III", at, len(text), self._new(tensor))
        return self.write(self._allocate(len(words), 4), words), len(results)
