"""Samplers of llguidance, each with a tokenizer that llama.cpp makes from a model's vocabulary.

llama.cpp keeps the last tokenizer, and takes it again for a vocabulary at the same address. After a
model has been freed, another one can be at its address. So the tokenizer of a small model, which is
never freed, comes between those of two vocabularies. What llama.cpp does not check is checked here,
because it ends the process for a vocabulary that it cannot make a tokenizer of.

https://github.com/ggml-org/llama.cpp/blob/master/common/llguidance.cpp
"""

from __future__ import annotations

import functools
import os
import threading
import weakref

from rewriter.abi.dialects import Encoding, Errno
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.ggml.llama_cpp import failure, lib
from runtime_shim.backends.ggml.prompt import Vocabulary
from runtime_shim.backends.parsing.model_parts import as_file
from runtime_shim.errors import HostError

__all__ = ["guided_sampler"]

_MOST_BYTES = 1023
"""That a token stands for: 1024 with the one more that a special token takes."""

_ROOM_BYTES, _ROOM_BYTES_A_TOKEN = (1 << 20) - 1024, 16
"""What all tokens have to fit into, without the 1024 bytes that have to be left for the last one. A
special token takes one byte more than it stands for."""

_VOCAB_ONLY = 0
"""Where `vocab_only` is among the flags of llama_model_params."""

_KIND = b"lark"

_making = threading.Lock()
"""Held while a sampler is made: llama.cpp does not lock the tokenizer that it keeps."""

_last: weakref.ref[Vocabulary] | None = None
"""The vocabulary of the tokenizer that llama.cpp may have kept."""


def guided_sampler(vocabulary: Vocabulary, grammar: bytes) -> int | None:
    """A new sampler of llguidance for a grammar in its own form. It lets every token pass if the
    grammar is not valid. Raises HostError with `unsupported_operation` for a vocabulary that
    llama.cpp ends the process for."""
    global _last
    _check(vocabulary)
    with _making:
        if _last is None or _last() is not vocabulary:
            _last = None
            lib.sampler_free(lib.sampler_init_llg(_lasting_vocabulary(), _KIND, b'start: "a"'))
            _last = weakref.ref(vocabulary)
        sampler: int | None = lib.sampler_init_llg(vocabulary.pointer, _KIND, grammar)
        return sampler


@functools.cache
def _lasting_vocabulary() -> int:
    params = lib.model_default_params()
    params.n_gpu_layers = 0
    params.flags[_VOCAB_ONLY] = True
    with as_file(FORMATS[Encoding.GGML].trial.model()) as path:
        model: int | None = lib.model_load_from_file(os.fsencode(path), params)
    if model is None:
        raise failure("cannot load the vocabulary of a small model")
    pointer: int = lib.model_get_vocab(model)
    return pointer


def _check(vocabulary: Vocabulary) -> None:
    if vocabulary.missing_bytes:
        raise _unsupported(f"has no token for {len(vocabulary.missing_bytes)} of the 256 bytes")
    most = _ROOM_BYTES + (_ROOM_BYTES_A_TOKEN - 1) * vocabulary.size
    longest, total = vocabulary.texts.most_bytes, vocabulary.texts.total
    if longest > _MOST_BYTES or total > most:
        sizes = vocabulary.pieces()  # white space in them is shorter than in texts
        longest, total = max(sizes), sum(sizes)
    if longest > _MOST_BYTES:
        raise _unsupported(f"has a token of {longest} bytes, and the maximum is {_MOST_BYTES}")
    if total > most:
        raise _unsupported(f"has tokens of {total} bytes, and the maximum is {most}")


def _unsupported(why: str) -> HostError:
    return HostError(
        Errno.UNSUPPORTED_OPERATION,
        f"the option json-schema is not supported with this model, because its vocabulary {why}",
    )
