"""What the OpenVINO backend needs of OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.interface import Part

__all__ = ["UNKNOWN_OPERATOR", "BadModel", "Config", "Kind", "Library", "LoadedModel", "Request"]

Config: TypeAlias = Mapping[str, str | int | bool]


Kind: TypeAlias = Literal["input", "output"]


class BadModel(RuntimeError):
    """OpenVINO cannot read a model; the message is its own."""


UNKNOWN_OPERATOR = "OpConversionFailure"
"""Part of the message about a valid model with operators that OpenVINO lacks."""


class Request(Protocol):
    """One inference. Used by one thread at a time. If a method raises, the request must not be used
    any more."""

    def infer(self) -> None: ...

    def output(self, index: int) -> memoryview:
        """The bytes of an output. If its shape is fixed, they stay there until it is placed."""

    def output_shape(self, index: int) -> tuple[int, ...]:
        """The shape of an output after `infer`."""

    def place_input(self, index: int, shape: tuple[int, ...], buffer: memoryview) -> None:
        """Read an input from a buffer of its length, until it is placed elsewhere."""

    def place_output(self, index: int, buffer: memoryview) -> None:
        """Write an output to a buffer of its length; its shape must be fixed."""


class LoadedModel(Protocol):
    """A model on its device."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    execution_devices: list[str]

    def called(self, kind: Kind, name: str) -> str:
        """The name in `inputs` or `outputs` of the port that OpenVINO finds by `name`, because a
        port can have several; empty if there is none."""

    def create_request(self) -> Request:
        """Must not be called by two threads at once."""


class Library(Protocol):
    """OpenVINO's core. There is only one in the process, for its whole life. The CPU plugin gives
    the thread that creates it another signal stack, of about 10 KB, and restores the previous one
    in the thread that destroys it; with a second core, that one may be gone.

    All methods raise RuntimeError with OpenVINO's message.

    https://github.com/openvinotoolkit/openvino/tree/master/src/plugins/intel_cpu (SigAltStackSetup)
    """

    version: str

    def devices(self) -> list[str]:
        """The devices that exist."""

    def load(self, parts: Sequence[Part], device: str, config: Config) -> LoadedModel:
        """Read a model from one part, or from XML and weights, and compile it. Raises BadModel,
        which is a RuntimeError, if it cannot be read."""
