"""A model on inference servers, and its execution contexts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple, Protocol

from rewriter.abi.dialects import TensorType
from runtime_shim.backends.common.tensor_info import (
    Port,
    check_input,
    check_output,
    names_of,
    no_numbers,
    not_set,
    output_of,
)
from runtime_shim.backends.interface import (
    DescribedContext,
    Element,
    Graph,
    Output,
    elements_of,
    is_described,
)
from runtime_shim.backends.remote.answers.described import (
    check_answer,
    check_passable,
    check_same,
    ports_of,
)
from runtime_shim.backends.remote.failures import (
    NotTaken,
    before_an_inference,
    contradiction,
    inexpressible,
    unreached,
)
from runtime_shim.backends.remote.interface import Answered, Given, Metadata, Server
from runtime_shim.backends.remote.servers import Servers
from runtime_shim.backends.remote.shared_memory import SharedMemory, UnusedSegments
from runtime_shim.backends.remote.speaker import Speaker

__all__ = ["Fallback", "RemoteGraph"]


class Fallback(Protocol):
    """The local model of a graph. Both methods may be called by several threads."""

    def load(self, reason: str) -> Graph:
        """Load it, if it is not loaded, and say that it is used, and why, unless that has been
        said. Raises HostError."""

    def is_over(self) -> None:
        """A server has answered again."""


class RanOn(NamedTuple):
    """What has computed in place of a graph's server: its local model, or another server, whose URL
    is then the device."""

    graph: Graph
    device: str = ""


class Fed(NamedTuple):
    """An input that was set: its type, its shape in elements, and its bytes, which are the host's
    buffer if it was moved there."""

    type: TensorType
    shape: tuple[int, ...]
    data: bytes | memoryview


Computed = Sequence[tuple[tuple[int, ...], memoryview] | None]
"""Shape and bytes of each output; None for those that are not tensors of numbers."""

_LARGEST_MOVED = 1 << 17
"""In bytes. For a larger tensor, one more copy takes as long as the host call that it saves."""


class RemoteGraph:
    """Implements backends.interface.Graph. `server` is the one that has described the model, and
    `seconds` how long an inference may take, with all attempts."""

    def __init__(
        self,
        servers: Servers,
        server: Server,
        metadata: Metadata,
        seconds: float,
        fallback: Fallback | None,
        shares_memory: bool,
    ) -> None:
        self.servers = servers
        self.seconds = seconds
        self.fallback = fallback
        self.shares_memory = shares_memory
        self.unused = UnusedSegments()
        self.name = server.name
        self.inputs, self.outputs = _described(server, metadata)
        check_passable(server.speaker, self.inputs, self.outputs)
        self.wanted = [(port, None) for port in self.outputs if port.element is not None]
        self.input_elements = [port.element for port in self.inputs]
        self.names = names_of(self.inputs, self.outputs)
        platform = server.speaker.quoted(metadata.platform)[1:-1]
        self.device = f"{self.name} ({platform})" if platform else self.name
        servers.introduce(server, functools.partial(_meet, self.name, self.inputs, self.outputs))

    def init_execution_context(self) -> RemoteContext:
        return RemoteContext(self)

    def infer(self, fed: dict[int, Fed], shared: SharedMemory | None) -> tuple[str, Computed]:
        """The server that computed, and all outputs. Raises NotTaken and HostError."""
        given = [
            Given(self.inputs[index], fed[index].shape, bytes(fed[index].data))
            for index in sorted(fed)
        ]
        request = functools.partial(self._infer, given, shared)
        return self.servers.ask(request, monotonic() + self.seconds)

    def _infer(
        self, given: Sequence[Given], shared: SharedMemory | None, server: Server, until: float
    ) -> tuple[str, Computed]:
        if shared is None:
            answered = server.infer(given, self.wanted, until)
        else:
            answered = shared.infer(server, given, self.wanted, until)
        return server.name, self._checked(server.speaker, answered)

    def _checked(self, server: Speaker, answered: Sequence[Answered]) -> Computed:
        """The outputs in the model's order, each as the model's metadata has it."""
        found = {each.name: each for each in answered}
        if len(found) < len(answered):
            raise contradiction(server, "two outputs have the same name")
        computed: list[tuple[tuple[int, ...], memoryview] | None] = []
        for port in self.outputs:
            each = found.pop(port.name, None)
            if port.element is None:
                computed.append(None)
                continue
            if each is None or (each.data is None and each.datatype == port.described_type):
                raise contradiction(server, f"the output {port} is missing")
            data = memoryview(b"") if each.data is None else each.data
            computed.append((check_answer(server, port, each, len(data)), data))
        if found:
            raise contradiction(
                server, f"the model has no output {server.quoted(next(iter(found)))}"
            )
        return computed

    def local_context(self, reason: NotTaken) -> tuple[Graph, DescribedContext]:
        """A context of the local model. Raises HostError if there is none, or if its inputs and
        outputs are others than those of the model on the servers."""
        if self.fallback is None:
            raise unreached(str(reason))
        graph = self.fallback.load(str(reason))
        context = graph.init_execution_context()
        if not is_described(context) or not self._has_names_of(context.names):
            raise inexpressible(
                "the local model cannot stand in for the one on the server: its inputs and outputs"
                " have other names, or another order"
            )
        self._check_types_of(elements_of(context) or [None] * len(self.inputs))
        return graph, context

    def _check_types_of(self, local: Sequence[Element | None]) -> None:
        """Raise HostError if an input of the local model has another type, also one that guests
        pass as the same bytes."""
        for port, element in zip(self.inputs, local, strict=True):
            if element is None or port.element is None or element.name != port.element.name:
                found = "an unknown type" if element is None else f"the type {element.name}"
                raise inexpressible(
                    "the local model cannot stand in for the one on the server: it has"
                    f" {found} for the input {port}"
                )

    def _has_names_of(self, local: object) -> bool:
        inputs, outputs = getattr(local, "inputs", None), getattr(local, "outputs", None)
        return (inputs, outputs) == (self.names.inputs, self.names.outputs)


def _described(server: Server, metadata: Metadata) -> tuple[Sequence[Port], Sequence[Port]]:
    """The inputs and the outputs. Raises HostError."""
    return (
        ports_of(server.speaker, "input", metadata.inputs),
        ports_of(server.speaker, "output", metadata.outputs),
    )


def _meet(
    where: str, inputs: Sequence[Port], outputs: Sequence[Port], server: Server, until: float
) -> None:
    """Ask a server for its inputs and outputs. Raises NotTaken, and HostError, with NN607 unless
    they are those that the server `where` has described. Servers do not all check what they are
    sent."""
    with before_an_inference():
        metadata = server.metadata(until)
    found = _described(server, metadata)
    check_same(server.speaker, where, "input", inputs, found[0])
    check_same(server.speaker, where, "output", outputs, found[1])


class RemoteContext:
    """Implements backends.interface.MovableContext and DescribedContext. `ran_on` is None if the
    server that has described the model has computed last."""

    def __init__(self, graph: RemoteGraph) -> None:
        self._graph = graph
        self.input_elements = graph.input_elements
        self.names = graph.names
        self._fed: dict[int, Fed] = {}
        self._moved: dict[int, memoryview] = {}
        self._shared = SharedMemory(graph.unused, graph) if graph.shares_memory else None
        self._computed: Computed | None = None
        self._local: DescribedContext | None = None
        self.ran_on: RanOn | None = None

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        check_input(self._graph.inputs, index, tensor_type, shape, data)
        fed = self._fed.get(index)
        if (
            fed is not None
            and isinstance(fed.data, memoryview)
            and (fed.type, fed.shape) == (tensor_type, shape)
        ):
            fed.data[:] = data
        else:
            self._fed[index] = Fed(tensor_type, shape, bytes(data))

    def move_input(self, index: int, buffer: memoryview) -> bool:
        element = self._graph.input_elements[index]
        if len(buffer) > _LARGEST_MOVED or element is None or element.boolean:
            return False  # each new value of a boolean has to be checked
        buffer[:] = self._fed[index].data
        self._fed[index] = self._fed[index]._replace(data=buffer)
        return True

    def move_output(self, index: int, buffer: memoryview) -> bool:
        if len(buffer) > _LARGEST_MOVED:
            return False
        buffer[:] = self.get_output(index)
        self._moved[index] = buffer
        return True

    def _fill_moved(self) -> bool:
        """Copy outputs to where they were moved. Returns False, and none of them is moved any more,
        if the local model has computed, or one has another length."""
        computed = self._computed or ()
        for index, buffer in self._moved.items():
            found = computed[index] if computed else None
            if found is None or len(found[1]) != len(buffer):
                self._moved.clear()
                return False
            buffer[:] = found[1]
        return True

    def compute(self) -> bool:
        self._computed = self._local = self.ran_on = None
        graph = self._graph
        missing = not_set(graph.inputs, self._fed)
        if missing is not None:
            raise missing
        try:
            server, self._computed = graph.infer(self._fed, self._shared)
        except NotTaken as reason:
            self._compute_locally(reason)
        else:
            if server != graph.name:
                self.ran_on = RanOn(graph, server)
            if graph.fallback is not None:
                graph.fallback.is_over()
        return not self._fill_moved()

    def _compute_locally(self, reason: NotTaken) -> None:
        graph, context = self._graph.local_context(reason)
        for index, fed in self._fed.items():
            context.set_input(index, fed.type, fed.shape, memoryview(fed.data))
        context.compute()
        self._check_local(context)
        self._local, self.ran_on = context, RanOn(graph)

    def _check_local(self, context: DescribedContext) -> None:
        """Raise HostError if an output of the local model is not what the guest knows of the one on
        the servers."""
        for index, port in enumerate(self._graph.outputs):
            if port.element is None:
                continue
            element, shape, _ = context.output(index)
            if element.name != port.element.name or not port.accepts(shape):
                raise inexpressible(
                    "the local model cannot stand in for the one on the server: it gives"
                    f" {element.name} {list(shape)} for the output {port}"
                )

    def get_output(self, index: int) -> memoryview:
        if self._local is not None:
            return self._local.get_output(index)
        return self._output(index)[2]

    def output(self, index: int) -> Output:
        if self._local is not None:
            return self._local.output(index)
        return output_of(*self._output(index))

    def _output(self, index: int) -> tuple[Port, tuple[int, ...], memoryview]:
        computed = self._computed
        port = check_output(self._graph.outputs, index, computed is not None)
        found = computed[index] if computed is not None else None
        if found is None:
            raise no_numbers(index, port)
        return port, *found
