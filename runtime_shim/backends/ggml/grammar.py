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
from collections.abc import Callable
from ctypes import Structure, c_bool, c_float, c_int64, c_size_t, c_void_p

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.c_objects import free_with
from runtime_shim.backends.ggml.gbnf.rules import parse_gbnf
from runtime_shim.backends.ggml.gbnf.stacks import Stacks, stacks_bytes
from runtime_shim.backends.ggml.guided import guided_sampler
from runtime_shim.backends.ggml.llama_cpp import failure, lib
from runtime_shim.backends.ggml.prompt import Vocabulary
from runtime_shim.backends.ggml.schemas import GUIDED
from runtime_shim.errors import HostError
from runtime_shim.views import view_of

__all__ = ["Grammar", "grammar_bytes"]

_GUIDED_BYTES = 16 << 20
"""llguidance stops at limits of its own. It took 2 MiB at most, for schemas made to be large."""

_CANDIDATE_BYTES = 128
"""The most for each token of a vocabulary: a candidate here (16 bytes), its characters in llama.cpp
(a pair of 40 bytes and a vector), and its place in a list (32 bytes)."""

_CHARACTER_BYTES = 32
"""The most for each byte of all tokens' texts: a candidate's place in the list of those that fit up
to this character."""

_MOST_CHARACTERS = 1000
"""In a token. llama.cpp follows them recursively."""


def grammar_bytes(text: str, vocabulary: Vocabulary) -> int:
    """The most memory that a grammar takes. Raises HostError as Grammar does."""
    if text.startswith(GUIDED):
        return _GUIDED_BYTES + _CANDIDATE_BYTES * vocabulary.size
    rules = parse_gbnf(text)
    texts = vocabulary.texts
    listed = _CANDIDATE_BYTES * vocabulary.size + _CHARACTER_BYTES * texts.total
    return rules.size + listed + (3 + texts.longest) * stacks_bytes(rules)


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

    def __init__(self, vocabulary: Vocabulary, text: str, piece: Callable[[int], bytes]) -> None:
        """`piece` gives a token's text. Raises HostError: `invalid_argument` for an invalid
        grammar, or one in llguidance's form that no token can begin, `too_large` for one that would
        be too large in memory, `unsupported_operation` for a vocabulary with tokens of too many
        characters, or one that llguidance cannot be used with."""
        if "\0" in text:
            raise HostError(Errno.INVALID_ARGUMENT, "the grammar contains a NUL")
        self._vocabulary, self._piece = vocabulary.pointer, piece
        self._is_guided = text.startswith(GUIDED)
        self._named = "schema in the option json-schema" if self._is_guided else "grammar"
        self._stacks: Stacks | None = None
        if self._is_guided:
            self._pointer = guided_sampler(vocabulary, text.encode())
        else:
            self._stacks = Stacks(parse_gbnf(text))
            _check_characters(vocabulary.texts.longest)
            self._pointer = lib.sampler_init_grammar(self._vocabulary, text.encode(), b"root")
        if not self._pointer:
            raise failure(f"cannot parse the {self._named}", Errno.INVALID_ARGUMENT)
        free_with(self, lib.sampler_free, self._pointer)
        self._numbers = array("i", range(vocabulary.size))
        self._data = bytearray(vocabulary.size * ctypes.sizeof(_Candidate))
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._data))
        if self._is_guided:
            self._apply(self._candidates(bytes(4 * vocabulary.size)))
            if not self._has_ruled_out():
                raise HostError(
                    Errno.INVALID_ARGUMENT,
                    f"llguidance cannot use the {self._named}: it is not valid, or no token of the"
                    " model can begin a text that fits it",
                )

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
            raise HostError(
                Errno.RUNTIME_ERROR,
                f"llguidance stopped with an error: no token of the model fits the {self._named} at"
                " this point, or it takes too much work to find one",
            )
        lib.sampler_apply(samplers, ctypes.byref(candidates))
        if not 0 <= candidates.selected < candidates.size:
            raise HostError(Errno.RUNTIME_ERROR, "the samplers picked no token")
        place = candidates.data + candidates.selected * ctypes.sizeof(_Candidate)
        picked = _Candidate.from_address(place)
        token = int(picked.id)
        if picked.logit == -math.inf or math.isnan(picked.logit):
            raise HostError(
                Errno.RUNTIME_ERROR, f"no token of the model fits the {self._named} at this point"
            )
        if self._stacks is not None and not lib.vocab_is_eog(self._vocabulary, token):
            self._stacks.accept(token, self._piece(token))
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


def _check_characters(longest: int) -> None:
    if longest > _MOST_CHARACTERS:
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            f"a token of the model has {longest} characters, but with a grammar the maximum is"
            f" {_MOST_CHARACTERS}",
        )
