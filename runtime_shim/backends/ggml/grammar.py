"""Sampling of tokens that fit a grammar, in llama.cpp's GBNF or in llguidance's form, to which JSON
schemas are converted.

llama.cpp ends the process for a token that does not fit. If none fits, it picks one anyway, for
example when a grammar has ended and the vocabulary has no end token. So each token is checked
before llama.cpp accepts it.

https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
https://github.com/ggml-org/llama.cpp/blob/master/docs/llguidance.md
"""

from __future__ import annotations

import ctypes
import math
from array import array
from ctypes import Structure, c_bool, c_float, c_int64, c_size_t, c_void_p

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.c_objects import free_with
from runtime_shim.backends.ggml.llama_cpp import failure, lib
from runtime_shim.errors import HostError
from runtime_shim.views import view_of

__all__ = ["Grammar"]


class _Candidate(Structure):
    """llama_token_data."""

    _fields_ = (("id", ctypes.c_int32), ("logit", c_float), ("p", c_float))


class _Candidates(Structure):
    """llama_token_data_array."""

    _fields_ = (
        ("data", c_void_p),
        ("size", c_size_t),
        ("selected", c_int64),
        ("sorted", c_bool),
    )


class Grammar:
    """The state of a grammar in one text. GBNF starts with the rule `root`."""

    def __init__(self, vocabulary: int, text: str) -> None:
        """Raises HostError with `invalid_argument` for an invalid grammar."""
        if "\0" in text:
            raise HostError(Errno.INVALID_ARGUMENT, "the grammar contains a NUL")
        self._is_guided = text.startswith("%llguidance")
        if self._is_guided:
            self._pointer = lib.sampler_init_llg(vocabulary, b"lark", text.encode())
        else:
            self._pointer = lib.sampler_init_grammar(vocabulary, text.encode(), b"root")
        if not self._pointer:
            raise failure("cannot parse the grammar", Errno.INVALID_ARGUMENT)
        free_with(self, lib.sampler_free, self._pointer)
        size: int = lib.vocab_n_tokens(vocabulary)
        self._numbers = array("i", range(size))
        self._data = bytearray(size * ctypes.sizeof(_Candidate))
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._data))
        if self._is_guided:
            self._apply(self._candidates(bytes(4 * size)))
            if not self._has_ruled_out():
                raise HostError(Errno.INVALID_ARGUMENT, "llguidance cannot parse the grammar")

    def sample(self, samplers: int, context: int) -> int:
        """The next token that a chain of samplers picks among those that fit. Raises HostError
        with `runtime_error` if none fits."""
        logits = lib.get_logits_ith(context, -1)
        if not logits:
            raise failure("the model has computed no logits")
        size = len(self._numbers)
        found = view_of(ctypes.addressof(logits.contents), 4 * size)
        candidates = self._candidates(found)
        self._apply(candidates)
        if self._is_guided and not self._has_ruled_out():
            raise HostError(Errno.RUNTIME_ERROR, "llguidance stopped with an error in the grammar")
        lib.sampler_apply(samplers, ctypes.byref(candidates))
        if not 0 <= candidates.selected < candidates.size:
            raise HostError(Errno.RUNTIME_ERROR, "the samplers picked no token")
        place = candidates.data + candidates.selected * ctypes.sizeof(_Candidate)
        picked = _Candidate.from_address(place)
        token = int(picked.id)
        if picked.logit == -math.inf or math.isnan(picked.logit):
            raise HostError(
                Errno.RUNTIME_ERROR, "no token of the model fits the grammar at this point"
            )
        lib.sampler_accept(self._pointer, token)
        lib.sampler_accept(samplers, token)
        return token

    def _candidates(self, logits: bytes | memoryview) -> _Candidates:
        """All tokens, with their logits as 32-bit floats."""
        with memoryview(self._data) as data:
            data.cast("i")[::3] = self._numbers
            data.cast("f")[1::3] = memoryview(logits).cast("f")
        return _Candidates(self._address, len(self._numbers), -1, False)

    def _apply(self, candidates: _Candidates) -> None:
        lib.sampler_apply(self._pointer, ctypes.byref(candidates))

    def _has_ruled_out(self) -> bool:
        """Whether the grammar rules out any token. Some never fit, such as the one that starts a
        text. After an error, llguidance lets every token pass."""
        with memoryview(self._data) as data:
            return -math.inf in data.cast("f")[1::3]
