"""What the OpenVINO backend needs of OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.interface import Part

__all__ = ["UNKNOWN_OPERATOR", "BadModel", "Config", "Library", "LoadedModel", "Request"]

Config: TypeAlias = Mapping[str, str | int | bool]


class BadModel(RuntimeError):
    """OpenVINO cannot read a model; the message is its own."""


UNKNOWN_OPERATOR = "OpConversionFailure"
"""In the message about a model that is whole, and has operators that OpenVINO lacks."""


class Request(Protocol):
    """One inference in the making. Used by one thread at a time. Where a method raises, the request
    is not to be used any more."""

    def infer(self) -> None: ...

    def output(self, index: int) -> memoryview:
        """The bytes of an output; where its shape is fixed, they stay there until it is placed."""

    def place_input(self, index: int, shape: tuple[int, ...], buffer: memoryview) -> None:
        """Have an input read from a buffer, which has its length, until it is placed elsewhere."""

    def place_output(self, index: int, buffer: memoryview) -> None:
        """Have an output written to a buffer, which has its length; its shape must be fixed."""


class LoadedModel(Protocol):
    """A model on its device."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    execution_devices: list[str]

    def create_request(self) -> Request:
        """Not to be called by two threads at once."""


class Library(Protocol):
    """OpenVINO's core. There is one in the process, which lives as long as it: the CPU plugin
    gives the thread that creates it another signal stack, of about 10 KB, and the one that destroys
    it whichever was there before; with a second core, that may be gone.

    All methods raise RuntimeError with what OpenVINO says.

    https://github.com/openvinotoolkit/openvino/tree/master/src/plugins/intel_cpu (SigAltStackSetup)
    """

    version: str

    def devices(self) -> list[str]:
        """Those that are there."""

    def load(self, parts: Sequence[Part], device: str, config: Config) -> LoadedModel:
        """Read a model from one part, or from XML and weights, and compile it. Raises BadModel,
        which is a RuntimeError, where the first of the two fails."""
