"""Models in their own processes. If a model crashes its NN runtime, the host survives, and if it
reads memory out of bounds, it finds nothing of another guest.

Each IsolatedBackend has one process, which it starts when something is loaded. NNHost has one
backend for each guest and encoding, for models that the guest loads from its own memory; its
process ends with the session. For named graphs it has one for each encoding, which all guests
share: that process holds the tensors of every guest that uses one of them. If a named graph should
not see the tensors of several guests, give each guest its own host.

When a process crashes, everything loaded in it is lost. Its guests get `runtime_error` from then
on, and the next load starts another process. A process is not a sandbox: it may do whatever the
host may.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim.backends.common.c_objects import free_with
from runtime_shim.backends.common.tensor_info import element_of
from runtime_shim.backends.interface import (
    DEFAULTS,
    NO_OPTIONS,
    Element,
    Names,
    Options,
    Output,
    Part,
    Place,
    Quantization,
    Runtime,
    Settings,
)
from runtime_shim.backends.isolated.calls import Patience, Process
from runtime_shim.errors import HostError

__all__ = ["IsolatedBackend"]

_ENDLESS = Patience()


class IsolatedBackend:
    """Implements backends.interface.Backend: the backend of an encoding, in another process. The
    process is killed if a call takes longer than `patience` allows."""

    def __init__(
        self,
        encoding: Encoding,
        settings: Settings = DEFAULTS,
        patience: Patience = _ENDLESS,
    ) -> None:
        self._encoding = encoding
        self._settings = settings
        self._patience = patience
        self._process: Process | None = None
        self._lock = threading.Lock()

    def describe(self) -> Runtime:
        version, devices = self.running().call("describe")
        return Runtime(version, {name: Target(target) for name, target in devices.items()})

    def load(
        self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS
    ) -> IsolatedGraph:
        process = self.running()
        content = [_spelled(options), *(part for part in parts if isinstance(part, bytes))]
        told = [len(part) if isinstance(part, bytes) else os.path.abspath(part) for part in parts]
        where = int(place) if isinstance(place, Target) else place
        number, device, shared, inputs, outputs = process.call(
            "load", where, len(content[0]), told, data=content
        )
        if shared is True:
            return IsolatedSharedGraph(process, number, str(device))
        if inputs is None:
            return IsolatedGraph(process, number, str(device))
        graph = IsolatedQuantizedGraph(process, number, str(device))
        graph.input_quantization = [_quantization(item) for item in inputs]
        graph.output_quantization = [_quantization(item) for item in outputs]
        return graph

    def running(self) -> Process:
        """The process, started if there is none."""
        with self._lock:
            if self._process is None or self._process.has_ended():
                self._process = Process(self._encoding, self._settings, self._patience)
            return self._process

    def close(self) -> None:
        """End the process, if there is one. Its models are lost, and the next load starts
        another."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()


class IsolatedGraph:
    """Implements backends.interface.Graph. `lost` says whether it was lost with its process."""

    def __init__(self, process: Process, number: int, device: str) -> None:
        self._process = process
        self._number = number
        self.device = device
        free_with(self, process.forget, number)

    @property
    def lost(self) -> bool:
        return self._process.has_ended()

    def init_execution_context(self) -> IsolatedContext:
        number, streams, elements, configured_by, described, bf16 = self._process.call(
            "init_execution_context", self._number
        )
        kinds = _DESCRIBED if described else _CONTEXTS
        context = kinds[bool(streams)](self._process, number, configured_by)
        context.takes_bf16 = bf16 is True
        if elements is not None:
            context.input_elements = [element_of(str(name)) for name in elements]
        return context


class IsolatedSharedGraph(IsolatedGraph):
    """Implements backends.interface.SharedGraph."""

    def with_options(self, options: Options) -> IsolatedSharedGraph:
        content = _spelled(options)
        number = self._process.call("with_options", self._number, len(content), data=[content])
        return IsolatedSharedGraph(self._process, number, self.device)


class IsolatedQuantizedGraph(IsolatedGraph):
    """Implements backends.interface.QuantizedGraph."""

    input_quantization: Sequence[Quantization | None]
    output_quantization: Sequence[Quantization | None]


class IsolatedContext:
    """Implements backends.interface.ExecutionContext, and Bf16Context with `takes_bf16`."""

    input_elements: Sequence[Element | None] | None = None
    takes_bf16 = False

    def __init__(self, process: Process, number: int, configured_by: object) -> None:
        self._process = process
        self._number = number
        self.configured_by = configured_by if isinstance(configured_by, int) else None
        free_with(self, process.forget, number)

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        arguments = self._number, index, int(tensor_type), shape, len(data)
        self._process.call("set_input", *arguments, data=[data])

    def set_bf16_input(self, index: int, shape: tuple[int, ...], data: memoryview) -> None:
        arguments = self._number, index, shape, len(data)
        self._process.call("set_bf16_input", *arguments, data=[data])

    def compute(self) -> None:
        self._process.call("compute", self._number)

    def get_output(self, index: int) -> memoryview:
        return self._process.read("get_output", self._number, index)


class IsolatedStream(IsolatedContext):
    """Implements backends.interface.StreamingContext."""

    def compute_single(self) -> None:
        self._process.call("compute_single", self._number)

    def get_output_single(self, index: int) -> memoryview:
        return self._process.read("get_output_single", self._number, index)

    def fini_single(self) -> None:
        self._process.call("fini_single", self._number)

    def allow(self, most: int) -> None:
        """See backends.common.working."""
        self._process.call("allow", self._number, most)

    def working_bytes(self) -> int:
        """See backends.common.working. A process that has ended has no memory."""
        try:
            size = self._process.call("working_bytes", self._number)
        except HostError:
            return 0
        return size if isinstance(size, int) and size > 0 else 0


class _Described(IsolatedContext):
    """Implements backends.interface.DescribedContext. Names are read when they are first asked for,
    and again after each compute if they vary."""

    _names: _Names | None = None

    @property
    def names(self) -> Names:
        if self._names is None:
            self._names = _Names(self._process, self._number)
        return self._names

    def compute(self) -> None:
        if self._names is not None and self._names.vary:
            self._names = None
        super().compute()

    def output(self, index: int) -> Output:
        name, shape, data = self._process.read_output(self._number, index)
        return Output(element_of(name) or Element(TensorType.U8, 1, name=name), shape, data)


class _DescribedStream(_Described, IsolatedStream):
    """Implements backends.interface.DescribedContext and StreamingContext."""


_CONTEXTS = IsolatedContext, IsolatedStream
_DESCRIBED = _Described, _DescribedStream

_MOST_ASKED = 64
"""Names that the other process was asked for and that are remembered."""


class _Names(Names):
    """The names of a context in the other process. That is asked for any other name, because a
    backend may know more of them: see openvino.graph.OpenVinoNames."""

    def __init__(self, process: Process, context: int) -> None:
        inputs, outputs, shown, vary = json.loads(bytes(process.read("names", context)))
        known = None if outputs is None else list(map(str, outputs))
        super().__init__(list(map(str, inputs)), known, list(map(str, shown)))
        self.vary = vary is True

        @lru_cache(_MOST_ASKED)
        def ask(operation: str, name: str) -> int | None:
            data = name.encode("utf-8", "surrogatepass")
            index = process.call(operation, context, len(data), data=[data])
            return index if isinstance(index, int) else None

        self._ask = ask

    def input_index(self, name: str) -> int | None:
        index = super().input_index(name)
        return self._ask("input_index", name) if index is None else index

    def output_index(self, name: str) -> int | None:
        index = super().output_index(name)
        return self._ask("output_index", name) if index is None else index


def _spelled(options: Options) -> bytes:
    return json.dumps(dict(options)).encode()


def _quantization(item: Any) -> Quantization | None:
    if item is None:
        return None
    kind, scales, zero_points = item
    return Quantization(
        None if kind is None else TensorType(kind), tuple(scales), tuple(zero_points)
    )
