"""Checks GGUF models by their headers.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from rewriter.models.protobuf import Data

__all__ = ["BLOCKS", "SIZES", "check_whole"]

SIZES: Mapping[int, int] = MappingProxyType(
    {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
)
"""The size of a value in bytes, by gguf_type: integers of 8, 16 and 32 bits (each unsigned, then
signed), float, bool, integers of 64 bits, double."""

BLOCKS: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        **dict.fromkeys((0, 26), (1, 4)),  # F32, I32
        **dict.fromkeys((1, 25, 30), (1, 2)),  # F16, I16, BF16
        **dict.fromkeys((27, 28), (1, 8)),  # I64, F64
        **dict.fromkeys((2, 20), (32, 18)),  # Q4_0, IQ4_NL
        24: (1, 1),  # I8
        3: (32, 20),  # Q4_1
        6: (32, 22),  # Q5_0
        7: (32, 24),  # Q5_1
        8: (32, 34),  # Q8_0
        9: (32, 36),  # Q8_1
        10: (256, 84),  # Q2_K
        **dict.fromkeys((11, 21), (256, 110)),  # Q3_K, IQ3_S
        12: (256, 144),  # Q4_K
        13: (256, 176),  # Q5_K
        14: (256, 210),  # Q6_K
        15: (256, 292),  # Q8_K
        **dict.fromkeys((16, 35), (256, 66)),  # IQ2_XXS, TQ2_0
        17: (256, 74),  # IQ2_XS
        18: (256, 98),  # IQ3_XXS
        19: (256, 50),  # IQ1_S
        22: (256, 82),  # IQ2_S
        23: (256, 136),  # IQ4_XS
        29: (256, 56),  # IQ1_M
        34: (256, 54),  # TQ1_0
        39: (32, 17),  # MXFP4
        40: (64, 36),  # NVFP4
        41: (128, 18),  # Q1_0
        42: (64, 18),  # Q2_0
    }
)
"""The number of elements and of bytes in a block, by ggml_type.

https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml.c (type_traits)
"""

_STRING, _ARRAY = 8, 9
_ALIGNMENT = b"general.alignment"


def check_whole(data: Data) -> bool:
    """Whether the weights are quantised. Raises ValueError for a file that is truncated or
    contradicts its header."""
    reader = _Reader(data)
    version = reader.number("I")
    if version not in (2, 3):
        raise ValueError(f"it has the unknown version {version}")
    tensors, keys = reader.number("Q"), reader.number("Q")
    alignment = 32
    for _ in range(keys):
        key, kind = reader.text(), reader.number("I")
        start = reader.pos
        reader.skip(kind, 1)
        if key == _ALIGNMENT:
            alignment = max(1, struct.unpack_from("<I", data, start)[0])
    ends, quantised = [0], False
    for _ in range(tensors):
        end, in_blocks = reader.tensor()
        ends.append(end)
        quantised = quantised or in_blocks
    if reader.pos + -reader.pos % alignment + max(ends) > len(data):
        raise ValueError("the data of its tensors extend beyond the file")
    return quantised


class _Reader:
    def __init__(self, data: Data) -> None:
        self._data = data
        self.pos = 4  # after "GGUF"

    def number(self, code: str) -> int:
        try:
            value: int = struct.unpack_from(f"<{code}", self._data, self.pos)[0]
        except struct.error as error:
            raise ValueError(f"it ends at byte {self.pos}, in its header") from error
        self.pos += struct.calcsize(f"<{code}")
        return value

    def text(self) -> bytes:
        size = self.number("Q")
        self._go(size)
        return bytes(self._data[self.pos - size : self.pos])

    def skip(self, kind: int, count: int) -> None:
        """Skip `count` values of a type."""
        if kind == _ARRAY and count == 1:
            kind, count = self.number("I"), self.number("Q")
        if kind in SIZES:
            self._go(count * SIZES[kind])
        elif kind == _STRING:
            for _ in range(count):
                self._go(self.number("Q"))
        else:
            raise ValueError(f"a value before byte {self.pos} has the unknown type {kind}")

    def tensor(self) -> tuple[int, bool]:
        """The end of a tensor's data, relative to the start of all data, and whether the tensor
        consists of blocks with a shared scale."""
        self.text()
        count = 1
        for _ in range(self.number("I")):
            count *= self.number("Q")
        kind, offset = self.number("I"), self.number("Q")
        if kind not in BLOCKS:
            raise ValueError(f"a tensor before byte {self.pos} has the unknown type {kind}")
        block, size = BLOCKS[kind]
        return offset + count // block * size, block > 1

    def _go(self, size: int) -> None:
        self.pos += size
        if self.pos > len(self._data):
            raise ValueError(f"it ends at byte {len(self._data)}, in its header")
