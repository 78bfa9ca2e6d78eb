"""One run of a module on tests.support.lying_host: WASI's functions and those of wasi-nn."""

from __future__ import annotations

import struct
from math import prod
from typing import TYPE_CHECKING, Any

import wasmtime

from rewriter.components.component import Component
from rewriter.components.sections import is_component
from rewriter.probing.modules.models import SHAPES, TYPES
from tests.support.lying_engine import ENDS, FUNCTIONS, OTHERS, Crash, Exit, compiled, engine
from tests.support.lying_models import (
    FORMS,
    KNOWN,
    PORTS,
    Port,
    computed,
    converted,
    pixels_to_planes,
)

if TYPE_CHECKING:
    from tests.support.lying_host import LyingHost

__all__ = ["Run"]


class Run:
    def __init__(self, host: LyingHost) -> None:
        self.host = host
        self.output = bytearray()
        self.graphs: list[tuple[str, str, str]] = []
        self.first: int | None = None
        self.contexts: list[dict[str, Any]] = []

    def run(self, content: bytes) -> int | None:
        if is_component(content):
            return self._component(content)
        store = wasmtime.Store(engine(tuple(self.host.features)))
        try:
            module = compiled(tuple(self.host.features), content)
            functions = [self._function(store, each) for each in module.imports]
            instance = wasmtime.Instance(store, module, functions)
        except wasmtime.WasmtimeError as error:
            self.output += f"cannot link: {error}\n".encode()
            return 1
        exports = instance.exports(store)
        self.store = store
        memory = exports.get("first" if self.host.in_first and "first" in exports else "memory")
        self.memory = memory if isinstance(memory, wasmtime.Memory) else None
        try:
            if self.host.initializes and "_initialize" in exports:
                first = exports["_initialize"]
                assert isinstance(first, wasmtime.Func)
                if not first.type(store).params:
                    first(store)
                elif not self.host.odd_initialize:
                    return 1
            for name in self.host.calls:
                if name in exports:
                    called = exports[name]
                    assert isinstance(called, wasmtime.Func)
                    called(store)
                    return 0
        except Exit as error:
            return int(error.args[0])
        except wasmtime.Trap:
            return 1
        return 1

    def _component(self, content: bytes) -> int:
        if self.host.any_component:
            return 0
        if self.host.components is None:
            return 1
        has = tuple(self.host.components)
        links = all(item.name.text.startswith(has) for item in Component(content).imports)
        fails = b"\x41\x01\x0b" in content  # (i32.const 1)
        return int(fails or not links)

    def _function(self, store: wasmtime.Store, each: wasmtime.ImportType) -> wasmtime.Func:
        """A function that has the type of the import, where it is to be linked all the same."""
        module, name, kind = each.module, each.name or "", each.type
        assert isinstance(kind, wasmtime.FuncType)
        known = self._known(module, name)
        wanted = ["i32"] * (known or 0)
        if name == "fd_pwrite":
            wanted[3:4] = ["i64"]
        fits = known is not None and [str(p) for p in kind.params] == wanted
        result = bool(kind.results)

        def call(*arguments: int) -> int | None:
            if known is None and self.host.unknown == "answers":
                return 0
            if known is None or not (fits or self.host.signatures == "never"):
                raise wasmtime.Trap("not linked")
            filled = [each & 0xFFFFFFFF for each in (*arguments, *(0,) * known)[:known]]
            given = getattr(self, name)(*filled)
            if given in ENDS:
                raise ENDS[given]
            return int(given) if result else None

        if known is None and self.host.unknown == "refused":
            raise wasmtime.WasmtimeError(f"unknown import {module}.{name}")
        if known is not None and not fits and self.host.signatures == "at link":
            raise wasmtime.WasmtimeError(f"incompatible import type of {module}.{name}")
        return wasmtime.Func(store, kind, call)

    def _known(self, module: str, name: str) -> int | None:
        """How many parameters a function takes, all i32."""
        if module == "wasi_snapshot_preview1" and name not in self.host.no_wasi:
            return {"fd_write": 4, "fd_pwrite": 5, "proc_exit": 1, "sched_yield": 0}.get(name)
        if module != self.host.module or name in self.host.missing:
            return None
        layout = getattr(self.host, name) if name in ("load", "set_input", "get_output") else None
        return OTHERS.get(name) if layout is None else FUNCTIONS[layout][name]

    def _read(self, at: int, count: int) -> bytes:
        if self.memory is None or at + count > self.memory.data_len(self.store):
            raise wasmtime.Trap("outside of the memory")
        return bytes(self.memory.read(self.store, at, at + count))

    def _words(self, at: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}I", self._read(at, 4 * count))

    def _write(self, at: int, data: bytes) -> None:
        self._read(at, len(data))
        assert self.memory is not None
        self.memory.write(self.store, data, at)

    def _fault(self, kind: str) -> int | str:
        return self.host.errnos[kind]

    def fd_write(self, fd: int, vectors: int, count: int, written: int) -> int:
        for index in range(count):
            at, length = self._words(vectors + 8 * index, 2)
            data = self._read(at, length)
            if self.host.noise:
                self.output += b"[host] calling\n[nnprobe right 1 9]\nno newline"
            if self.host.prints:
                self.output += data
        self._write(written, struct.pack("<I", 1))
        return 0

    def fd_pwrite(self, fd: int, vectors: int, count: int, offset: int, written: int) -> int:
        return self.host.placed if fd == 1 else 8

    def proc_exit(self, code: int) -> int:
        raise Exit(code)

    def sched_yield(self) -> int:
        return 0

    def load(self, *arguments: int) -> int | str:
        if self.host.load == "wamr":
            at, encoding, target, result = arguments
            builders, count = self._words(at, 2)
        else:
            builders, count, encoding, target, result = arguments
        if encoding not in self.host.encodings.values():
            return self._fault("encoding")
        self.first = encoding if self.first is None else self.first
        if self.host.one_backend and encoding != self.first:
            return self._fault("encoding")
        if target > 2:
            return self._fault("argument")
        pairs = [self._words(builders + 8 * index, 2) for index in range(count)]
        contents = tuple(self._read(*pair) for pair in pairs)
        model = KNOWN.get(contents)
        if "onnx_too" in self.host.habits and contents[-1] == b"":
            model = ("openvino", *KNOWN[contents[:-1]][1:])
        known = {self.host.encodings.get(model[0]), self.host.also.get(model[0])} if model else {}
        if model is None or encoding not in known or model[1] in self.host.broken:
            return self._fault("runtime")
        return self._opened(model, result)

    def _opened(self, model: tuple[str, str, str], result: int) -> int:
        self.graphs.append(model)
        if self.host.one_model:
            for context in self.contexts:
                context["model"] = model
        self._write(result, struct.pack("<I", len(self.graphs) - 1))
        return 0

    def load_by_name(self, at: int, length: int, result: int) -> int | str:
        name = self._read(at, length)
        if self.host.name_end == "nul needed" and self._read(at + length, 1) != b"\0":
            return self._fault("argument")
        if self.host.name_end == "nul":
            name = self._read(at, 256).partition(b"\0")[0]
        if name != self.host.names:
            return self._fault("name")
        return self._opened(("onnx", "f32", ""), result)

    def load_by_name_with_config(
        self, at: int, length: int, config: int, size: int, result: int
    ) -> int | str:
        if "configured_ends" in self.host.habits:
            raise Crash
        if size and "unconfigured" in self.host.habits:
            return self._fault("argument")
        return self.load_by_name(at, length, result)

    def init_execution_context(self, graph: int, result: int) -> int | str:
        if graph >= len(self.graphs):
            return self._fault("argument")
        self.contexts.append({"model": self.graphs[graph], "inputs": {}})
        self._write(result, struct.pack("<I", len(self.contexts) - 1))
        return 0

    def unload(self, graph: int) -> int | str:
        return 0 if graph < len(self.graphs) else self._fault("argument")

    def set_input(self, context: int, index: int, tensor: int) -> int | str:
        if context >= len(self.contexts):
            return self._fault("argument")
        found, habits = self.contexts[context], self.host.habits
        _, name, shape = found["model"]
        ports = PORTS[name]
        if index >= len(ports) or ("colour_images" in habits and len(ports) > 1):
            return self._fault("argument")
        port = self._port(ports[index], name, shape)
        if port is None:
            raise Crash
        size = prod(port.dims) * struct.calcsize(FORMS[port.type])
        if self.host.set_input == "wamr":
            dimensions, type_, data = self._words(tensor, 3)
            dims, rank = self._words(dimensions, 2)
        else:
            dims, rank, type_, data, length = self._words(tensor, 5)
            type_ &= 0xFF if self.host.type_bits == 8 else 0xFFFFFFFF
            if length != size:
                return self._fault("argument")
        if rank != 4 or self._words(dims, 4) != port.dims:
            return self._fault("argument")
        if "colour_images" in habits and port.dims[1] != 3:
            return self._fault("argument")
        kind = "u8" if port.type == "i8" and "as_bytes" in habits else port.type
        known = (self.host.types.get(kind, -1), self.host.older_types.get(kind))
        if not self.host.ignores_types and type_ not in known:
            return self._fault("argument")
        content = self._read(data, size)
        if not {"channels_last", "colour_images"}.isdisjoint(habits):
            content = pixels_to_planes(content, port.dims)
        if "last_input" in habits:
            found["inputs"] = {each: bytes(len(content)) for each in range(len(ports))}
        found["inputs"][index] = content
        return 0

    def _port(self, port: Port, name: str, shape: str) -> Port | None:
        """An input as this host has it; None where it ends."""
        habits = self.host.habits
        if port.quantised and "quantised_as_floats" in habits:
            return Port("f32", port.dims) if port.type == "u8" else None
        if "converts" in habits:
            port = port._replace(type="f32")
        if name == "free" and "held_shapes" in habits:
            return port._replace(dims=(1, 1, 1, 1))
        return port._replace(dims=SHAPES[shape]) if shape else port

    def compute(self, context: int) -> int | str:
        if context >= len(self.contexts):
            return self._fault("argument")
        found = self.contexts[context]
        name = found["model"][1]
        if len(found["inputs"]) < len(PORTS[name]):
            return self._fault("argument")
        inputs = [found["inputs"][index] for index in range(len(PORTS[name]))]
        if PORTS[name][0].quantised and "quantised_as_floats" in self.host.habits:
            found["outputs"] = inputs
        elif "converts" in self.host.habits and name in (*TYPES, "bytes"):
            found["outputs"] = converted(name, inputs)
        else:
            found["outputs"] = computed(name, inputs)
        return 0

    def get_output(self, context: int, index: int, out: int, *others: int) -> int | str:
        legacy = self.host.get_output == "wamr"
        room, at = (self._words(others[0], 1)[0], others[0]) if legacy else others
        if context >= len(self.contexts) or "outputs" not in self.contexts[context]:
            return self._fault("argument")
        found = self.contexts[context]
        name = found["model"][1]
        if index >= len(found["outputs"]):
            return self._fault("argument")
        if name == "scalar" and "no_scalars" in self.host.habits:
            return self._fault("runtime")
        data: bytes = found["outputs"][index]
        if name.removeprefix("to_") not in (*self.host.gives, name):
            data = bytes(len(data))
        size = len(data) // self.host.unit
        if room < size and self.host.bounds == "refused":
            if self.host.size_needed:
                self._write(at, struct.pack("<I", size))
            return self._fault("large")
        if room < size and self.host.bounds == "aborts":
            raise Crash
        if room < size and self.host.bounds == "cut":
            data, size = data[:room], room
        if room < size and self.host.bounds == "forgotten":
            data = b""
        self._write(out, data)
        self._write(at, struct.pack("<I", size))
        return 0
