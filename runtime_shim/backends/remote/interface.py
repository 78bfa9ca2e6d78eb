"""What a connection to an inference server can do, whatever it is made of."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Mapping, Sequence
from time import monotonic
from types import MappingProxyType
from typing import NamedTuple, Protocol

from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.speaker import Speaker

__all__ = [
    "ID_BEGINNING",
    "Answered",
    "Given",
    "Layout",
    "Metadata",
    "Region",
    "Server",
    "Tensors",
    "layout_of",
    "left",
    "place_of",
    "request_id",
]


ID_BEGINNING = "nnshim-"

_RANDOM = secrets.token_hex(8)
"""Different in all programs that ask the same servers, but the same in forks of this process."""

_numbers = itertools.count()


class Region(NamedTuple):
    """A tensor's place in shared memory that the server knows by a name. In bytes."""

    name: str
    offset: int
    size: int


class Given(NamedTuple):
    """An input: its port, its shape in elements, and its bytes, or where they are."""

    port: Port
    shape: tuple[int, ...]
    data: bytes | Region


class Answered(NamedTuple):
    """An output as a server describes it. `data` is None if it is in shared memory. `told` is what
    else the server says, such as where it is there (see `place_of`). Nothing of it has been
    compared with the model's metadata."""

    name: str
    datatype: str
    shape: Sequence[object]
    data: memoryview | None
    told: Mapping[str, object] = MappingProxyType({})


class Tensors(NamedTuple):
    """What a server says of an input or output of a model. `shape` has -1 for free dimensions.
    Nothing of it has been checked, except that these are texts and a list."""

    name: str
    datatype: str
    shape: Sequence[object]


class Metadata(NamedTuple):
    """What a server says of a model. `platform` is the NN runtime in the server's words."""

    platform: str
    inputs: Sequence[Tensors]
    outputs: Sequence[Tensors]


class Server(Protocol):
    """A model on one server. May be shared by threads. `until` is a time of time.monotonic, by
    which each call ends. Every method raises NotTaken if the server has certainly not begun with
    the request, and ServerError."""

    name: str
    speaker: Speaker

    def extensions(self, until: float) -> Sequence[str]:
        """The protocol's extensions that the server has."""

    def metadata(self, until: float) -> Metadata: ...

    def check_ready(self, until: float) -> None:
        """Raise NotTaken unless the server says that the model is ready."""

    def infer(
        self,
        inputs: Sequence[Given],
        outputs: Sequence[tuple[Port, Region | None]],
        until: float,
    ) -> Sequence[Answered]:
        """Run the model, and return these of its outputs, as far as the server tells the truth."""

    def register(self, region: str, key: str, size: int, until: float) -> None:
        """Let the server map a POSIX shared memory object of `size` bytes."""

    def unregister(self, region: str, until: float) -> None:
        """Let the server unmap it."""

    def has_lost_connection(self) -> bool:
        """Whether a connection that was kept is known to have ended since this was asked last."""

    def close(self) -> None: ...


def place_of(region: Region) -> dict[str, str | int]:
    """The protocol's parameters of a tensor that is in shared memory."""
    return {
        "shared_memory_region": region.name,
        "shared_memory_byte_size": region.size,
        "shared_memory_offset": region.offset,
    }


Layout = Sequence[tuple[tuple[int, ...], Region | None] | Region | None]
"""The shape of each input and its place in shared memory, and the places of outputs."""


def layout_of(inputs: Sequence[Given], outputs: Sequence[tuple[Port, Region | None]]) -> Layout:
    """All that two requests for the same inputs and outputs of a model can differ in, beside their
    ids and what is in their tensors."""
    return [
        *[(shape, data if isinstance(data, Region) else None) for _, shape, data in inputs],
        *[region for _, region in outputs],
    ]


def left(until: float) -> float:
    """Seconds until then, more than 0. Raises TimeoutError if it is over."""
    seconds = until - monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def request_id() -> str:
    """An id that no other request has. Servers repeat it."""
    return f"{ID_BEGINNING}{_RANDOM}-{os.getpid()}-{next(_numbers)}"
