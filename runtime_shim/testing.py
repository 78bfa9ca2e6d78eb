"""A backend without an NN runtime, for tests of guests and of programs that embed the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim.backends.common.devices import choose_device
from runtime_shim.backends.common.tensor_info import not_computed
from runtime_shim.backends.interface import NO_OPTIONS, Options, Part, Place, Runtime
from runtime_shim.errors import HostError

__all__ = ["FakeBackend", "Load", "echo"]

Infer = Callable[[Sequence[bytes]], Sequence[bytes]]
"""Maps the bytes of the inputs, by index, to the bytes of the outputs."""


def echo(inputs: Sequence[bytes]) -> Sequence[bytes]:
    """Return each input as the output with the same index."""
    return inputs


@dataclass(frozen=True)
class Load:
    """One call of FakeBackend.load: the parts of the model, its place and the options."""

    parts: tuple[Part, ...]
    device: str
    options: Options


class FakeBackend:
    """Implements backends.interface.Backend. Every model runs `infer`, whatever its bytes are.
    Tensors can have any type and shape. `loads` lists the loads in order.

        NNHost(backends={Encoding.ONNX: FakeBackend()})
    """

    def __init__(
        self, infer: Infer = echo, devices: Sequence[tuple[str, Target]] = (("fake", Target.CPU),)
    ) -> None:
        self._infer = infer
        self._devices = dict(devices)
        self.loads: list[Load] = []

    def describe(self) -> Runtime:
        """One release, with the devices that were passed to the constructor."""
        return Runtime("fake 1", self._devices)

    def load(self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS) -> FakeGraph:
        """Load anything. Raises HostError for a device that was not passed to the constructor."""
        device = choose_device("fake", place, self._devices, self._devices)
        self.loads.append(Load(tuple(parts), device, options))
        return FakeGraph(self._infer, device)


class FakeGraph:
    """Implements backends.interface.Graph."""

    def __init__(self, infer: Infer, device: str) -> None:
        self.infer = infer
        self.device = device

    def init_execution_context(self) -> FakeContext:
        return FakeContext(self)


class FakeContext:
    """Implements backends.interface.ExecutionContext."""

    def __init__(self, graph: FakeGraph) -> None:
        self._graph = graph
        self._inputs: dict[int, bytes] = {}
        self._outputs: Sequence[bytes] | None = None

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        self._inputs[index] = bytes(data)

    def compute(self) -> None:
        self._outputs = None
        if sorted(self._inputs) != list(range(len(self._inputs))):
            raise HostError(Errno.RUNTIME_ERROR, f"only the inputs {sorted(self._inputs)} are set")
        self._outputs = self._graph.infer(
            [self._inputs[index] for index in range(len(self._inputs))]
        )

    def get_output(self, index: int) -> memoryview:
        if self._outputs is None:
            raise not_computed()
        if index >= len(self._outputs):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                f"no output {index}: the model has {len(self._outputs)} outputs",
            )
        return memoryview(self._outputs[index])
