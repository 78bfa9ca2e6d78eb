"""A model in OpenVINO, and its execution contexts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache

from rewriter.abi.dialects import TensorType
from runtime_shim.backends.common.c_objects import address_of, new_buffer
from runtime_shim.backends.common.placed_inputs import PlacedInputs
from runtime_shim.backends.common.signal_stack import kept_signal_stack
from runtime_shim.backends.common.tensor_info import (
    Fed,
    check_booleans,
    check_input,
    check_output,
    no_numbers,
    not_set,
    output_of,
)
from runtime_shim.backends.interface import Names, Output
from runtime_shim.backends.openvino.interface import Kind, LoadedModel, Request

__all__ = ["OpenVinoContext", "OpenVinoGraph"]


_MOST_ALIASES = 64
"""Names that were looked up and whose ports are remembered."""


class OpenVinoGraph:
    """Implements backends.interface.Graph. `load` compiles the model again: before each inference
    if it has a loop, and for each context if it has state."""

    def __init__(
        self,
        model: LoadedModel,
        load: Callable[[], LoadedModel],
        *,
        has_loop: bool = False,
        has_state: bool = False,
    ) -> None:
        self._model = model
        self._load = load
        self.has_loop = has_loop
        self.has_state = has_state
        self.device = ", ".join(model.execution_devices)
        self.inputs = model.inputs
        self.input_elements = [port.element for port in model.inputs]
        self.outputs = model.outputs
        self.names = OpenVinoNames(model)
        self.fixed_shapes = [port.fixed_shape for port in model.outputs]
        self._is_fixed = not (has_loop or has_state) and None not in (
            *self.fixed_shapes,
            *(port.fixed_shape for port in model.inputs),
        )
        self._lock = threading.Lock()
        self.one_at_a_time = threading.Lock()
        """Held for an inference of a request that is not kept."""

    def init_execution_context(self) -> OpenVinoContext | FreeContext:
        return OpenVinoContext(self) if self._is_fixed else FreeContext(self)

    def new_request(self) -> Request:
        """A request of the model that was compiled at loading."""
        with self._lock:
            return self._model.create_request()

    def request_of_its_own(self) -> Request:
        """A request of a newly compiled model, which nothing else uses."""
        with kept_signal_stack():
            return self._load().create_request()


class OpenVinoNames(Names):
    """A port can have several names: a model lists one of them, and OpenVINO finds it by any. A
    node of TensorFlow called x is also found, although OpenVINO calls its tensor x:0.

    Components get the outputs as "0", "1" and so on, as from Wasmtime:
    https://github.com/bytecodealliance/wasmtime/blob/15339a8/crates/wasi-nn/src/backend/openvino.rs
    """

    def __init__(self, model: LoadedModel) -> None:
        outputs = [port.name for port in model.outputs]
        numbers = list(map(str, range(len(outputs))))
        super().__init__([port.name for port in model.inputs], outputs, numbers)
        self._called = lru_cache(_MOST_ALIASES)(model.called)

    def input_index(self, name: str) -> int | None:
        return self._found("input", super().input_index, name)

    def output_index(self, name: str) -> int | None:
        return self._found("output", super().output_index, name)

    def _found(self, kind: Kind, find: Callable[[str], int | None], name: str) -> int | None:
        index = find(name)
        if index is None:
            index = find(self._called(kind, name) or self._called(kind, f"{name}:0"))
        return index


class FreeContext:
    """Implements backends.interface.MovableContext and DescribedContext for a model with free
    dimensions, state, or a loop.

    Each inference has a new request, while no other request of the model runs, and its outputs are
    copied at once. If there is nothing but, for example, a conversion to the same type between an
    input and an output of free shape, OpenVINO has both in the same memory, remembers it in the
    compiled model, and writes there in the next inference of any context.

    A model with state has one request, of its own compiled model, and inputs that stay where they
    are: memory that it has seen once belongs to it for its whole life.
    """

    def __init__(self, graph: OpenVinoGraph) -> None:
        self._graph = graph
        self.input_elements = graph.input_elements
        self._fed: dict[int, Fed] = {}
        self._moved: dict[int, memoryview] = {}
        self.names = graph.names
        self._kept: dict[int, bytes] = {}
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._own: Request | None = None
        self._rooms: dict[tuple[int, int], memoryview] = {}
        self._computed = False

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        fed = self._fed.get(index)
        if fed is None or not fed.is_like(tensor_type, shape, len(data)):
            element = check_input(self._graph.inputs, index, tensor_type, shape, data)
            self._fed.pop(index, None)
            fed = Fed(tensor_type, shape, self._room(index, len(data)), element.boolean)
            self._fed[index] = fed
        elif fed.boolean:
            check_booleans(index, data)
        fed.data[:] = data

    def move_input(self, index: int, buffer: memoryview) -> bool:
        fed = self._fed[index]
        if fed.boolean or self._graph.has_state:  # booleans are checked whenever they are set
            return False
        buffer[:] = fed.data
        self._fed[index] = fed._replace(data=buffer)
        return True

    def _room(self, index: int, size: int) -> memoryview:
        """Memory for an input. With state, it is reused from an earlier input of about the same
        size, so that all together are at most twice as large as the largest."""
        if not self._graph.has_state:
            return new_buffer(size)
        room = 1 << max(size - 1, 0).bit_length()
        if (index, room) not in self._rooms:
            self._rooms[index, room] = new_buffer(room)
        return self._rooms[index, room][:size]

    def _next_request(self) -> Request:
        if self._graph.has_state:
            if self._own is None:
                self._own = self._graph.request_of_its_own()
            return self._own
        return (
            self._graph.request_of_its_own() if self._graph.has_loop else self._graph.new_request()
        )

    def move_output(self, index: int, buffer: memoryview) -> bool:
        buffer[:] = self.get_output(index)
        self._moved[index] = buffer
        return True

    def compute(self) -> bool:
        self._computed = False
        self._kept.clear()
        missing = not_set(self._graph.inputs, self._fed)
        if missing is not None:
            raise missing
        with self._graph.one_at_a_time:
            request = self._next_request()
            self._own = None  # a request in which a call fails is discarded
            for index, fed in self._fed.items():
                request.place_input(index, fed.shape, fed.data)
            request.infer()
            for index, port in enumerate(self._graph.outputs):
                if port.element is not None:
                    self._kept[index] = bytes(request.output(index))
                    shape = self._graph.fixed_shapes[index]
                    self._shapes[index] = request.output_shape(index) if shape is None else shape
            if self._graph.has_state:
                self._own = request
        self._computed = True
        for index, buffer in self._moved.items():
            if len(self._kept[index]) != len(buffer):
                self._moved.clear()
                return True
            buffer[:] = self._kept[index]
        return False

    def get_output(self, index: int) -> memoryview:
        port = check_output(self._graph.outputs, index, self._computed)
        if port.element is None:
            raise no_numbers(index, port)
        moved = self._moved.get(index)
        return memoryview(self._kept[index]) if moved is None else moved

    def output(self, index: int) -> Output:
        data = self.get_output(index)
        return output_of(self._graph.outputs[index], self._shapes[index], data)


class OpenVinoContext(PlacedInputs):
    """Implements backends.interface.MovableContext and DescribedContext for a model with fixed
    shapes only, and without state.

    Inputs are in our memory, and outputs in OpenVINO's until they are moved. A request in which a
    call has failed is discarded, because OpenVINO leaves what it was replacing in an undefined
    state. The next one reads from the same memory.
    """

    has_fixed_shapes = True

    def __init__(self, graph: OpenVinoGraph) -> None:
        super().__init__(graph.inputs)
        self._graph = graph
        self.input_elements = graph.input_elements
        self.names = graph.names
        self._request = graph.new_request()
        self._failed = False
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

    def _forget_input(self, index: int) -> None:
        self._failed = True

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
        """The outputs that are also an input, or another output. OpenVINO finds a port by its
        connection, so moving one of these moves the other."""
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
        output = self._fixed[index] = self._request.output(index)
        return output

    def output(self, index: int) -> Output:
        data = self.get_output(index)
        shape = self._graph.fixed_shapes[index] or ()
        return output_of(self._graph.outputs[index], shape, data)


def _range_of(view: memoryview) -> range:
    """The addresses of its bytes."""
    start = address_of(view)
    return range(start, start + len(view))


def _overlap(one: range, other: range) -> bool:
    return max(one.start, other.start) < min(one.stop, other.stop)
