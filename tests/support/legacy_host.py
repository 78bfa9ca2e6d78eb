"""A model of WAMR's legacy host, after what its sources do: its structures, its checks, its counts.

It shares nothing with the runtime or the adapters, so that a mistake in the tables that both are
made from shows here. Its models are ONNX, where WAMR has TensorFlow Lite, whose rules it follows.

https://github.com/bytecodealliance/wasm-micro-runtime/tree/646b5a9/core/iwasm/libraries/wasi-nn
(src/wasi_nn.c, src/utils/wasi_nn_app_native.c, src/wasi_nn_tensorflowlite.cpp)
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime as ort
import wasmtime

SUCCESS, INVALID_ARGUMENT, INVALID_ENCODING, RUNTIME_ERROR, TOO_LARGE = 0, 1, 2, 5, 7
ONNX, CPU, FP32 = 1, 0, 1
U32 = 2**32


class LegacyHost:
    def __init__(self) -> None:
        self._handles = itertools.count(1)
        self._graphs: dict[int, bytes] = {}
        self._contexts: dict[int, _Context] = {}
        self._memory = b""
        self._write: Callable[[int, bytes], None] = lambda _address, _data: None

    def define(self, linker: wasmtime.Linker) -> None:
        i32 = wasmtime.ValType.i32
        for name, parameters in (
            ("load", 4),
            ("init_execution_context", 2),
            ("set_input", 3),
            ("compute", 1),
            ("get_output", 4),
            ("load_by_name", 3),
        ):
            kind = wasmtime.FuncType([i32()] * parameters, [i32()])
            linker.define_func("wasi_nn", name, kind, self._callback(name), access_caller=True)

    def _callback(self, name: str) -> Callable[..., int]:
        function = getattr(self, f"_{name}")

        def callback(caller: wasmtime.Caller, *arguments: int) -> int:
            memory: Any = caller["memory"]
            self._memory = bytes(memory.read(caller))
            self._write = lambda address, data: memory.write(caller, data, address)
            try:
                errno: int = function(*(argument % U32 for argument in arguments))
            except _OutOfBounds:
                return INVALID_ARGUMENT
            return errno

        return callback

    def _bytes(self, address: int, size: int) -> bytes:
        if address + size > len(self._memory):
            raise _OutOfBounds
        return self._memory[address : address + size]

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._bytes(address, 4 * count))

    def _load(self, builder_array: int, encoding: int, _target: int, graph_out: int) -> int:
        buffer, size = self._words(builder_array, 2)
        fields = self._words(buffer, 2 * size)
        builders = [self._bytes(*pair) for pair in zip(fields[::2], fields[1::2], strict=True)]
        self._bytes(graph_out, 4)
        if encoding != ONNX:
            return INVALID_ENCODING
        if len(builders) != 1:
            return INVALID_ARGUMENT
        try:
            _Context(builders[0])
        except Exception:  # noqa: BLE001 - ONNX Runtime's errors have no common class
            return INVALID_ARGUMENT
        handle = next(self._handles)
        self._graphs[handle] = builders[0]
        self._write(graph_out, struct.pack("<I", handle))
        return SUCCESS

    def _load_by_name(self, _name: int, _name_len: int, _graph_out: int) -> int:
        return RUNTIME_ERROR

    def _init_execution_context(self, graph: int, context_out: int) -> int:
        self._bytes(context_out, 4)
        if graph not in self._graphs:
            return INVALID_ARGUMENT
        handle = next(self._handles)
        self._contexts[handle] = _Context(self._graphs[graph])
        self._write(context_out, struct.pack("<I", handle))
        return SUCCESS

    def _set_input(self, context: int, index: int, tensor: int) -> int:
        dimensions_struct, _, data = self._words(tensor, 3)
        kind = self._bytes(tensor + 4, 1)[0]
        dimensions = self._words(*self._words(dimensions_struct, 2))
        elements = 1
        for dimension in dimensions:
            elements = elements * dimension % U32
        values = self._bytes(data, 4 * elements)  # whatever the type says
        if kind != FP32:
            return RUNTIME_ERROR
        if context not in self._contexts:
            return INVALID_ARGUMENT
        return self._contexts[context].set_input(index, values)

    def _compute(self, context: int) -> int:
        if context not in self._contexts:
            return INVALID_ARGUMENT
        return self._contexts[context].compute()

    def _get_output(self, context: int, index: int, buffer: int, size_inout: int) -> int:
        (room,) = self._words(size_inout, 1)
        self._bytes(buffer, room)
        if context not in self._contexts:
            return INVALID_ARGUMENT
        outputs = self._contexts[context].outputs
        if index >= len(outputs):
            return RUNTIME_ERROR
        data = outputs[index]
        if room < len(data) // 4:
            return TOO_LARGE
        if room >= len(data):  # a memcpy that takes the count of floats for a limit in bytes
            self._write(buffer, data)
        self._write(size_inout, struct.pack("<I", len(data) // 4))
        return SUCCESS


class _Context:
    def __init__(self, model: bytes) -> None:
        self._session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        self._inputs: dict[str, np.ndarray[Any, Any]] = {}
        self.outputs: list[bytes] = []

    def set_input(self, index: int, values: bytes) -> int:
        inputs = self._session.get_inputs()
        if index >= len(inputs):
            return RUNTIME_ERROR
        array = np.frombuffer(values, np.float32)
        if array.size != np.prod(inputs[index].shape):
            return INVALID_ARGUMENT
        self._inputs[inputs[index].name] = array.reshape(inputs[index].shape)
        return SUCCESS

    def compute(self) -> int:
        if len(self._inputs) < len(self._session.get_inputs()):
            return RUNTIME_ERROR
        self.outputs = [o.tobytes() for o in self._session.run(None, self._inputs)]
        return SUCCESS


class _OutOfBounds(Exception):
    """An address of the guest that is not inside its memory."""
