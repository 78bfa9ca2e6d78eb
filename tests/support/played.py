"""A guest of one row of hosts, whose functions are those of that host as nnshim plays it."""

from __future__ import annotations

import struct

from rewriter.abi.dialects import WAMR, Encoding, Target
from rewriter.abi.structures import TENSOR, WAMR_BUILDERS, WAMR_DIMENSIONS, WAMR_TENSOR
from runtime_shim import NamedGraph, NNHost, host_dialects
from runtime_shim.testing import FakeBackend
from tests.support.guest import (
    BUILDERS,
    DATA,
    DIMS,
    HANDLE,
    OUTPUT,
    TENSOR_AT,
    WRITTEN,
    Guest,
)

__all__ = ["FILLING", "UNTOUCHED", "Played"]

BUILDER_ARRAY, DIMENSIONS = 32, 96

UNTOUCHED = 0xEEEEEEEE
FILLING = 0xEE

NAME = "letters"
"""Of a language model."""


class Played(Guest):
    """Passes what it is given in the structures of the row's ABI. Any model is what FakeBackend
    does: its outputs are its inputs."""

    def __init__(self, label: str, host: NNHost | None = None) -> None:
        ((module, dialect),) = host_dialects(label).items()
        backends = {encoding: FakeBackend() for encoding in Encoding}
        graph = NamedGraph(NAME, Encoding.GGML, "auto", (__file__,))
        there = host or NNHost(backends=backends, graphs=[graph])
        super().__init__(there, module=module, dialect=dialect)
        self.is_of_wamr = label.startswith("wamr")
        self.is_wamr = dialect.layout is WAMR.layout
        self.encodings = {meaning: number for number, meaning in dialect.encodings.items()}
        self.types = {meaning: number for number, meaning in dialect.tensor_types.items()}

    def load_model(
        self,
        model: bytes,
        encoding: int = Encoding.ONNX,
        target: int = Target.CPU,
        parts: int | None = None,
    ) -> int:
        """In so many parts, of which all but the first are empty: two for OpenVINO by default, and
        one for others."""
        if parts is None:
            parts = 2 if encoding == self.encodings.get(Encoding.OPENVINO) else 1
        self.put(DATA, model)
        self.put(BUILDERS, struct.pack("<II", DATA, len(model)) + bytes(8 * max(0, parts - 1)))
        self.put(BUILDER_ARRAY, WAMR_BUILDERS.pack(BUILDERS, parts))
        builders = (BUILDER_ARRAY,) if self.is_wamr else (BUILDERS, parts)
        return self.load(*builders, encoding, target, HANDLE)

    def context_of(self, encoding: Encoding, model: bytes = b"model") -> int:
        """A context of a model that is loaded by the row's number for an encoding, or of a language
        model, which WAMR has by its name."""
        if self.is_of_wamr and encoding is Encoding.GGML:
            self.put(DATA, NAME.encode() + b"\0")
            assert self.load_by_name(DATA, len(NAME), HANDLE) == 0
            assert self.init_execution_context(self.u32(HANDLE), HANDLE) == 0
            return self.u32(HANDLE)
        return self.context_for(model, self.encodings[encoding])

    def feed(self, context: int, index: int, kind: int, shape: tuple[int, ...], data: bytes) -> int:
        """With zeroes in the padding, unlike many guests."""
        self.put(DATA, data)
        self.put(DIMS, struct.pack(f"<{len(shape)}I", *shape))
        self.put(DIMENSIONS, WAMR_DIMENSIONS.pack(DIMS, len(shape)))
        tensor = TENSOR.pack(DIMS, len(shape), kind, DATA, len(data))
        self.put(TENSOR_AT, WAMR_TENSOR.pack(DIMENSIONS, kind, DATA) if self.is_wamr else tensor)
        return self.set_input(context, index, TENSOR_AT)

    def read(self, context: int, index: int, declared: int) -> tuple[int, int, int]:
        """The errno, the count that is stored (UNTOUCHED), and how many bytes are written. What is
        written has to begin the buffer and be without FILLING."""
        self.put(OUTPUT, bytes([FILLING]) * 4096)
        self.put(WRITTEN, struct.pack("<I", declared if self.is_wamr else UNTOUCHED))
        room = () if self.is_wamr else (declared,)
        errno = self.get_output(context, index, OUTPUT, *room, WRITTEN)
        count = self.u32(WRITTEN)
        if self.is_wamr and count == declared and errno:
            count = UNTOUCHED
        return errno, count, 4096 - self.take(OUTPUT, 4096).count(FILLING)
