"""Models of WAMR's hosts, after what its sources do: their structures, their checks, their counts.

They share nothing with the runtime or the adapters, so that a mistake in the tables that both are
made from shows here. Their models are ONNX, where WAMR has TensorFlow Lite or OpenVINO, whose rules
they follow; ONNX's own encoding counts as TensorFlow Lite's.

https://github.com/bytecodealliance/wasm-micro-runtime at WAMR-1.3.3, WAMR-2.1.1, WAMR-2.2.0,
WAMR-2.3.1, WAMR-2.4.0, WAMR-2.4.5 and 646b5a9, in core/iwasm/libraries/wasi-nn (src/wasi_nn.c,
src/utils/wasi_nn_app_native.c, src/wasi_nn_tensorflowlite.cpp, src/wasi_nn_openvino.c)
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
import onnxruntime as ort
import wasmtime

__all__ = ["RELEASES", "EphemeralHost", "HostCrash", "LegacyHost", "Release"]

SUCCESS, INVALID_ARGUMENT, INVALID_ENCODING = 0, 1, 2
OPENVINO, ONNX, TFLITE = 0, 1, 4
FP32 = 1
U32 = 2**32


class Release(NamedTuple):
    """The errnos that have other numbers from release to release, and what else differs:
    `too_small` is that for a buffer."""

    runtime_error: int
    too_small: int
    unsupported: int = -1
    bounded: bool = True
    """TensorFlow Lite's copy has the declared count for a limit in bytes, and OpenVINO's one."""
    has_openvino: bool = True
    many_graphs: bool = True
    """A load does not take the place of the one before."""
    name: str = "checked"
    """How load_by_name takes a name: it reads it "to its NUL", whatever the length, or has
    "checked" that a NUL is there, or makes a "copy" that has one."""


RELEASES: Mapping[str, Release] = {
    "1.3.3": Release(5, 3, bounded=False, has_openvino=False),
    "2.1.0": Release(5, 3, bounded=False, has_openvino=False),
    "2.1.1": Release(4, 6, 5, bounded=False, has_openvino=False, name="to its NUL"),
    "2.3.1": Release(4, 6, 5, bounded=False, many_graphs=False),
    "2.4.5": Release(5, 7, 6),
    "main": Release(5, 7, 6, name="copy"),
}


class HostCrash(Exception):
    """The host reads or writes where it may not."""


class LegacyHost:
    """Built without WASI_EPHEMERAL_NN: its module is `wasi_nn`. `named` are models by name, which
    are of OpenVINO."""

    module = "wasi_nn"
    functions: ClassVar[Mapping[str, int]] = {
        "load": 4,
        "init_execution_context": 2,
        "set_input": 3,
        "compute": 1,
        "get_output": 4,
        "load_by_name": 3,
    }

    def __init__(self, release: str = "main", named: Mapping[bytes, bytes] | None = None) -> None:
        self.release = RELEASES[release]
        self.named = {} if named is None else named
        self.crashed: HostCrash | None = None
        self._backend: int | None = None
        self._start()
        self._memory = b""
        self._write: Callable[[int, bytes], None] = lambda _address, _data: None

    @property
    def lacks_names(self) -> bool:
        return not self.release.bounded

    def _start(self) -> None:
        """A backend without models. Their handles are those of the runtime, to be compared."""
        self._handles = itertools.count(1)
        self._graphs: dict[int, bytes] = {}
        self._contexts: dict[int, _Context] = {}

    def define(self, linker: wasmtime.Linker) -> None:
        i32 = wasmtime.ValType.i32
        for name, parameters in self.functions.items():
            kind = wasmtime.FuncType([i32()] * parameters, [i32()])
            if name == "load_by_name" and self.lacks_names:
                continue
            linker.define_func(self.module, name, kind, self._callback(name), access_caller=True)

    def _callback(self, name: str) -> Callable[..., int]:
        function = getattr(self, f"_{name}")

        def callback(caller: wasmtime.Caller, *arguments: int) -> int:
            memory: Any = caller["memory"]
            self._memory = bytes(memory.read(caller))

            def write(address: int, data: bytes) -> None:
                if address + len(data) > len(self._memory):
                    raise HostCrash(f"writes {len(data)} bytes at {address:#x}")
                memory.write(caller, data, address)

            self._write = write
            try:
                errno: int = function(*(argument % U32 for argument in arguments))
            except _OutOfBounds:
                return INVALID_ARGUMENT
            except HostCrash as crash:
                self.crashed = crash
                raise
            return errno

        return callback

    def _bytes(self, address: int, size: int) -> bytes:
        if address + size > len(self._memory):
            raise _OutOfBounds
        return self._memory[address : address + size]

    def _unchecked(self, address: int, size: int) -> bytes:
        if address + size > len(self._memory):
            raise HostCrash(f"reads {size} bytes at {address:#x}")
        return self._memory[address : address + size]

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._bytes(address, 4 * count))

    def _load(self, builder_array: int, encoding: int, _target: int, graph_out: int) -> int:
        builders, count = self._words(builder_array, 2)
        return self._load_builders(builders, count, encoding, graph_out)

    def _load_builders(self, buffer: int, size: int, encoding: int, graph_out: int) -> int:
        fields = self._words(buffer, 2 * size)
        builders = [self._bytes(*pair) for pair in zip(fields[::2], fields[1::2], strict=True)]
        self._bytes(graph_out, 4)
        backend = TFLITE if encoding in (ONNX, TFLITE) else encoding
        if backend not in (TFLITE, *[OPENVINO] * self.release.has_openvino):
            return INVALID_ENCODING
        if self._backend not in (None, backend) and self.release.many_graphs:
            return self.release.unsupported
        self._backend = backend
        if not self.release.many_graphs:
            self._start()
        if len(builders) != (2 if backend == OPENVINO else 1):
            return INVALID_ARGUMENT
        try:
            _Context(builders[0])
        except Exception:  # noqa: BLE001 - ONNX Runtime's errors have no common class
            return INVALID_ARGUMENT
        return self._keep(builders[0], graph_out)

    def _keep(self, model: bytes, graph_out: int) -> int:
        handle = next(self._handles)
        self._graphs[handle] = model
        if self._backend == TFLITE or self.release.bounded:
            self._write(graph_out, struct.pack("<I", handle))
        return SUCCESS

    def _load_by_name(self, name: int, name_len: int, graph_out: int) -> int:
        self._bytes(name, name_len)
        self._bytes(graph_out, 4)
        text = self._text(name, name_len)
        if text is None:
            return INVALID_ARGUMENT
        return self._load_named(text, graph_out)

    def _text(self, address: int, length: int) -> bytes | None:
        """A name as the backend gets it, None where it is refused."""
        if self.release.name == "copy":
            text = self._bytes(address, length)
            return None if b"\0" in text else text
        if self.release.name == "checked" and (
            length == 0 or self._unchecked(address + length, 1) != b"\0"
        ):
            return None
        end = self._memory.find(b"\0", address)
        if end < 0:
            raise HostCrash("reads a name past the memory")
        return self._memory[address:end]

    def _load_named(self, name: bytes, graph_out: int) -> int:
        if self._backend not in (None, OPENVINO) and self.release.many_graphs:
            return self.release.unsupported
        self._backend = OPENVINO
        if not self.release.many_graphs:
            self._start()
        if name not in self.named:
            return self.release.runtime_error
        return self._keep(self.named[name], graph_out)

    def _init_execution_context(self, graph: int, context_out: int) -> int:
        self._bytes(context_out, 4)
        if self._backend == OPENVINO and not self.release.bounded and self._graphs:
            self._contexts = {0: _Context(*self._graphs.values())}  # whatever the handles are
            return SUCCESS
        if graph not in self._graphs:
            return self.release.runtime_error
        handle = next(self._handles)
        self._contexts[handle] = _Context(self._graphs[graph])
        self._write(context_out, struct.pack("<I", handle))
        return SUCCESS

    def _context(self, handle: int) -> _Context | None:
        if self._backend == OPENVINO and not self.release.bounded:
            handle = 0
        return self._contexts.get(handle)

    def _set_input(self, context: int, index: int, tensor: int) -> int:
        dimensions_struct, kind, data = self._words(tensor, 3)
        dimensions = self._words(*self._words(dimensions_struct, 2))
        return self._set(context, index, kind, dimensions, data)

    def _set(
        self, context: int, index: int, kind: int, dimensions: tuple[int, ...], data: int
    ) -> int:
        elements = 1
        for dimension in dimensions:
            elements = elements * dimension % U32
        self._bytes(data, elements)  # whatever the type says
        if self.release.bounded and kind & 0xFF != FP32:
            return self.release.runtime_error
        found = self._context(context)
        if found is None:
            return self.release.runtime_error
        if not found.takes(index, elements):
            return INVALID_ARGUMENT
        return found.set_input(index, self._unchecked(data, 4 * elements))

    def _compute(self, context: int) -> int:
        found = self._context(context)
        return self.release.runtime_error if found is None else found.compute()

    def _get_output(self, context: int, index: int, buffer: int, size_inout: int) -> int:
        (room,) = self._words(size_inout, 1)
        if self.release.name == "copy":
            self._bytes(buffer, room)
        errno, size = self._output(context, index, buffer, room)
        if errno == SUCCESS:
            self._write(size_inout, struct.pack("<I", size))
        return errno

    def _output(self, context: int, index: int, buffer: int, room: int) -> tuple[int, int]:
        """The errno, and what the backend makes of the room."""
        found = self._context(context)
        if found is None or index >= len(found.outputs):
            return self.release.runtime_error, room
        data = found.outputs[index]
        if self._backend == OPENVINO:
            if self.release.bounded and len(data) > room:
                return self.release.too_small, room
            self._write(buffer, data)
            return SUCCESS, len(data)
        if room < len(data) // 4:
            return self.release.too_small, room
        if found.quantised or not self.release.bounded or len(data) <= room:
            self._write(buffer, data)
        else:  # b_memcpy_s, which takes the count of floats for a limit in bytes
            self._write(buffer, bytes(room))
        return SUCCESS, len(data) // 4


class EphemeralHost(LegacyHost):
    """Built with WASI_EPHEMERAL_NN, before 2.4.0: the backends are the same, and so are units."""

    module = "wasi_ephemeral_nn"
    lacks_names = False
    functions: ClassVar[Mapping[str, int]] = {
        **LegacyHost.functions,
        "load": 5,
        "get_output": 5,
        "load_by_name_with_config": 5,
    }

    def _load(  # type: ignore[override]  # as this module has it
        self, builders: int, count: int, encoding: int, _target: int, graph_out: int
    ) -> int:
        return self._load_builders(builders, count, encoding, graph_out)

    def _load_by_name_with_config(
        self, name: int, name_len: int, config: int, config_len: int, graph_out: int
    ) -> int:
        self._bytes(name, name_len)
        self._bytes(graph_out, 4)
        texts = self._text(name, name_len), self._text(config, config_len)
        if texts[0] is None or texts[1] is None:
            return INVALID_ARGUMENT
        return self._load_named(texts[0] + b" with " + texts[1], graph_out)

    def _set_input(self, context: int, index: int, tensor: int) -> int:
        dimensions, rank, kind, data, size = self._words(tensor, 5)
        self._bytes(data, size)
        return self._set(context, index, kind, self._words(dimensions, rank), data)

    def _get_output(  # type: ignore[override]  # as this module has it
        self, context: int, index: int, buffer: int, room: int, written_out: int
    ) -> int:
        self._bytes(written_out, 4)
        errno, size = self._output(context, index, buffer, room)
        self._write(written_out, struct.pack("<I", size))
        return errno


class _Context:
    def __init__(self, model: bytes) -> None:
        self._session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        self._inputs: dict[str, np.ndarray[Any, Any]] = {}
        self.outputs: list[bytes] = []
        self.quantised = "quantised" in self._session.get_outputs()[0].name

    def takes(self, index: int, elements: int) -> bool:
        inputs = self._session.get_inputs()
        return index >= len(inputs) or elements == np.prod(inputs[index].shape)

    def set_input(self, index: int, values: bytes) -> int:
        inputs = self._session.get_inputs()
        if index >= len(inputs):
            return INVALID_ARGUMENT
        array = np.frombuffer(values, np.float32)
        self._inputs[inputs[index].name] = array.reshape(inputs[index].shape)
        return SUCCESS

    def compute(self) -> int:
        if len(self._inputs) < len(self._session.get_inputs()):
            return INVALID_ARGUMENT
        self.outputs = [o.tobytes() for o in self._session.run(None, self._inputs)]
        return SUCCESS


class _OutOfBounds(Exception):
    """An address of the guest that is not inside its memory."""
