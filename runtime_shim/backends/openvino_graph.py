"""A model on OpenVINO, and inferences with it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rewriter.dialects import TensorType
from runtime_shim.backends.native import address_of, new_buffer
from runtime_shim.backends.openvino_library import LoadedModel, Request
from runtime_shim.backends.ports import (
    Fed,
    check_booleans,
    check_input,
    check_output,
    no_numbers,
    not_set,
)
from runtime_shim.backends.signal_stack import kept_signal_stack

__all__ = ["OpenVinoContext", "OpenVinoGraph"]


class OpenVinoGraph:
    """Implements backends.base.Graph. One that remembers what it computed is compiled anew, by
    `load_anew`, for each inference."""

    def __init__(
        self, model: LoadedModel, load_anew: Callable[[], LoadedModel] | None = None
    ) -> None:
        self.model = model
        self.load_anew = load_anew
        self.device = ", ".join(model.execution_devices)
        self.inputs = model.inputs
        self.outputs = model.outputs
        self._lock = threading.Lock()

    def init_execution_context(self) -> OpenVinoContext:
        return OpenVinoContext(self)

    def new_request(self) -> Request:
        """A request of one context."""
        if self.load_anew is not None:
            with kept_signal_stack():
                return self.load_anew().create_request()
        with self._lock:
            return self.model.create_request()


class OpenVinoContext:
    """Implements backends.base.MovableContext.

    Inputs are in memory of ours, and outputs in OpenVINO's until they are moved. A request in which
    a call has failed is not used any more: OpenVINO leaves what it was about to replace in any
    state. The next one reads from the same memory.
    """

    takes_any_length = True

    def __init__(self, graph: OpenVinoGraph) -> None:
        self._graph = graph
        self._request = graph.new_request()
        self._failed = False
        self._fed: dict[int, Fed] = {}
        self._fixed: dict[int, memoryview] = {}
        self._placed: dict[int, memoryview] = {}
        self._shared: list[int] | None = None
        self._kept: dict[int, bytes] = {}
        self._computed = False

    def _ready(self) -> Request:
        """A request in which no call has failed, with all tensors in their places."""
        if self._failed:
            request = self._graph.new_request()
            for index, fed in self._fed.items():
                request.place_input(index, fed.shape, fed.data)
            for index, buffer in self._placed.items():
                request.place_output(index, buffer)
            self._request = request
            self._fixed = dict(self._placed)
            self._computed = self._failed = False
        return self._request

    def _place_input(self, index: int, fed: Fed) -> None:
        request = self._ready()
        self._failed = True
        request.place_input(index, fed.shape, fed.data)
        self._failed = False
        self._fed[index] = fed

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        fed = self._fed.get(index)
        if fed is None or not fed.is_like(tensor_type, shape, len(data)):
            port = check_input(self._graph.inputs, index, tensor_type, shape, len(data))
            boolean = port.element is not None and port.element.boolean
            if boolean:
                check_booleans(index, data)
            try:
                fed = Fed(tensor_type, shape, new_buffer(len(data)), boolean)
                self._place_input(index, fed)
            except Exception:
                self._fed.pop(index, None)
                self._failed = True
                raise
        elif fed.boolean:
            check_booleans(index, data)
        fed.data[:] = data

    def move_input(self, index: int, buffer: memoryview) -> bool:
        fed = self._fed[index]
        if fed.boolean:  # which has to be looked at whenever it is set
            return False
        buffer[:] = fed.data
        self._place_input(index, fed._replace(data=buffer))
        return True

    def move_output(self, index: int, buffer: memoryview) -> bool:
        if index not in self._fixed or self._failed:
            return False
        buffer[:] = self._fixed[index]
        self._failed = True
        self._request.place_output(index, buffer)
        self._failed = False
        self._fixed[index] = self._placed[index] = buffer
        return True

    def compute(self) -> None:
        if len(self._fed) < len(self._graph.inputs):
            missing = not_set(self._graph.inputs, self._fed)
            if missing is not None:
                self._computed = False
                raise missing
        if self._computed and self._graph.load_anew is not None:
            self._failed = True
        self._computed = False
        request = self._ready()
        self._failed = True
        request.infer()
        if self._shared is None:
            self._shared = self._find_shared(request)
        if self._shared:
            self._kept = {index: bytes(request.output(index)) for index in self._shared}
        self._failed = False
        self._computed = True

    def _find_shared(self, request: Request) -> list[int]:
        """The outputs that are an input too, or another output. OpenVINO finds a port by what it
        is connected to: whoever moves one of these, moves the other."""
        names = {port.name for port in self._graph.inputs} - {""}
        inputs = [_range_of(fed.data) for fed in self._fed.values()]
        seen: dict[int, int] = {}
        shared = set()
        for index, port in enumerate(self._graph.outputs):
            if port.element is None:
                continue
            place = _range_of(request.output(index))
            if port.name in names or any(_overlap(place, other) for other in inputs):
                shared.add(index)
            if len(place):
                shared |= {index, seen[place.start]} if place.start in seen else set()
                seen.setdefault(place.start, index)
        return sorted(shared)

    def get_output(self, index: int) -> memoryview:
        there = self._computed and not self._failed
        if there and index in self._fixed:
            return self._fixed[index]
        port = check_output(self._graph.outputs, index, there)
        if port.element is None:
            raise no_numbers(index, port)
        if index in self._kept:
            return memoryview(self._kept[index])
        output = self._request.output(index)
        if port.fixed_shape is not None:
            self._fixed[index] = output
        return output


def _range_of(view: memoryview) -> range:
    """Where its bytes are."""
    start = address_of(view)
    return range(start, start + len(view))


def _overlap(one: range, other: range) -> bool:
    return max(one.start, other.start) < min(one.stop, other.stop)
