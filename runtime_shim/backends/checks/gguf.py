"""GGUF models: keys, arrays and tensors are inside the file.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.dialects import Errno
from rewriter.models.gguf import BLOCKS, SIZES
from runtime_shim.backends.parsing.shapes import elements
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted

__all__ = ["check_lengths"]

_VERSIONS = (2, 3)

_U32, _F32, _STRING, _ARRAY, _I32 = 4, 6, 8, 9, 5
_I8, _U8 = 1, 0

_LONGEST_NAME, _MOST_DIMS = 63, 4
"""GGML_MAX_NAME, without its final zero, and GGML_MAX_DIMS."""

_ALIGNMENT, _DEFAULT_ALIGNMENT = b"general.alignment", 32

_TOKENS = b"tokenizer.ggml.tokens"

_FOR_EACH_TOKEN: Mapping[bytes, tuple[int, ...]] = MappingProxyType(
    {b"tokenizer.ggml.scores": (_F32, _I32), b"tokenizer.ggml.token_type": (_I32,)}
)
"""Arrays with one element per token, and their element types."""

_TYPED: Mapping[bytes, tuple[int, ...]] = MappingProxyType(
    {
        _TOKENS: (_STRING,),
        b"tokenizer.ggml.merges": (_STRING,),
        b"tokenizer.ggml.suppress_tokens": (_I32,),
        b"tokenizer.ggml.precompiled_charsmap": (_I8, _U8),
        **_FOR_EACH_TOKEN,
    }
)
"""Arrays that llama.cpp reads with these element types.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp
"""


class _Array(NamedTuple):
    type: int
    length: int


def check_lengths(data: bytes) -> None:
    """Raise HostError with `invalid_argument` for a model that extends beyond its bytes."""
    _File(data).check()


class _File:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pos = 4  # after "GGUF"
        self._arrays: dict[bytes, _Array] = {}
        self._alignment = _DEFAULT_ALIGNMENT

    def check(self) -> None:
        version = self._number("I")
        if version not in _VERSIONS:
            raise self._refused(f"llama.cpp does not support version {version}")
        tensors, keys = self._number("Q"), self._number("Q")
        for _ in range(self._possible(keys, 13)):
            self._check_key()
        self._check_arrays()
        ends = [self._tensor_end() for _ in range(self._possible(tensors, 24))]
        start = self._pos + -self._pos % self._alignment
        if ends and start + max(ends) > len(self._data):
            raise self._refused("the data of a tensor extends beyond the file")

    def _check_key(self) -> None:
        key = self._text()
        kind = self._number("I")
        if kind == _ARRAY:
            kind, count = self._number("I"), self._number("Q")
            self._arrays[key] = _Array(kind, count)
            if key in _TYPED and kind not in _TYPED[key]:
                raise self._refused(
                    f"the array {quoted(key)} has elements of the wrong type {kind}"
                )
            self._skip(kind, count)
        elif key in _TYPED:
            raise self._refused(f"{quoted(key)} is not an array")
        elif key == _ALIGNMENT:
            self._alignment = self._number("I")
            if kind != _U32 or self._alignment.bit_count() != 1:
                raise self._refused(f"the alignment {self._alignment} is not a power of two")
        else:
            self._skip(kind, 1)

    def _check_arrays(self) -> None:
        tokens = self._arrays.get(_TOKENS, _Array(_STRING, 0)).length
        for key in _FOR_EACH_TOKEN:
            found = self._arrays.get(key)
            if found is not None and found.length < tokens:
                raise self._refused(
                    f"{quoted(key)} has {found.length} elements for {tokens} tokens"
                )

    def _tensor_end(self) -> int:
        """Read the description of a tensor. Returns the end of its data in bytes, counted from the
        start of all tensors' data."""
        name = self._text()
        rank = self._number("I")
        if len(name) > _LONGEST_NAME or rank > _MOST_DIMS:
            raise self._refused(
                f"the tensor {quoted(name)} has {rank} dimensions or a name that is too long"
            )
        dims = [self._number("q") for _ in range(rank)]
        kind, offset = self._number("I"), self._number("Q")
        if kind not in BLOCKS:
            raise self._refused(f"the tensor {quoted(name)} has the unknown type {kind}")
        block, size = BLOCKS[kind]
        try:
            count = elements(dims)
        except ValueError as error:
            raise self._refused(f"tensor {quoted(name)}: {error}") from error
        if (dims[0] if dims else 1) % block or offset % self._alignment:
            raise self._refused(
                f"the tensor {quoted(name)} is not aligned, or its first dimension is not a "
                "whole number of blocks"
            )
        return offset + count // block * size

    def _skip(self, kind: int, count: int) -> None:
        """Skip `count` values of a type."""
        if kind in SIZES:
            self._pos += self._possible(count, SIZES[kind]) * SIZES[kind]
            return
        if kind != _STRING:
            raise self._refused(f"a value has the unknown type {kind}")
        data, pos, length = self._data, self._pos, struct.Struct("<Q").unpack_from
        try:
            for _ in range(self._possible(count, 8)):
                pos += 8 + length(data, pos)[0]
        except (struct.error, IndexError, OverflowError) as error:
            raise self._refused(f"{count} strings extend beyond the file") from error
        self._pos = pos
        self._possible(0, 1)

    def _text(self) -> bytes:
        size = self._possible(self._number("Q"), 1)
        self._pos += size
        return self._data[self._pos - size : self._pos]

    def _number(self, code: str) -> int:
        try:
            value: int = struct.unpack_from(f"<{code}", self._data, self._pos)[0]
        except struct.error as error:
            raise self._refused("the file ends inside a number") from error
        self._pos += struct.calcsize(f"<{code}")
        return value

    def _possible(self, count: int, size: int) -> int:
        """Return the count. Raises HostError if the file is too short for it, with at least `size`
        bytes each."""
        if self._pos + count * size > len(self._data):
            raise self._refused(f"{count} items extend beyond the file")
        return count

    def _refused(self, reason: str) -> HostError:
        return HostError(Errno.INVALID_ARGUMENT, f"invalid GGUF model, byte {self._pos}: {reason}")
