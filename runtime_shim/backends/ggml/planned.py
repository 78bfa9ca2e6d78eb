"""What llama.cpp would allocate for a context, asked of a model without weights."""

from __future__ import annotations

import ctypes
import math
import re
import threading

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.c_objects import free_with
from runtime_shim.backends.ggml.llama_cpp import (
    ContextParams,
    ModelParams,
    Override,
    failure,
    forget_messages,
    heard,
    lib,
)
from runtime_shim.errors import HostError

__all__ = ["PlannedModel"]

_NO_ALLOC = 4
"""Where `no_alloc` is among the flags of llama_model_params: llama.cpp reads no weights, and only
computes what it would allocate for them and for contexts."""

_LOAD_MODE_NONE = 0
"""LLAMA_LOAD_MODE_NONE: do not map the file, which `no_alloc` needs."""

_MIB = 1 << 20

_ALSO = 4 * _MIB
"""What a context has besides: descriptions of tensors, of which most pages are never touched, and a
sampler. Contexts of 8 tokens take 2 MiB."""

_MOST_SIZES = 1000
"""That are remembered, so that a guest cannot fill memory with them."""

_SIZE = re.compile(rb"(?:llama_kv_cache:|compute buffer|RS buffer) size = +([0-9.]+) MiB")
"""Keys and values, intermediate values, and recurrent states. A line about a buffer of keys and
values says 0 if nothing is allocated, so the line about a whole cache counts instead.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-kv-cache.cpp
https://github.com/ggml-org/llama.cpp/blob/master/src/llama-context.cpp
"""


class PlannedModel:
    """A model of which llama.cpp has read the hyperparameters only; that takes almost no memory,
    and less time than to load it, because its vocabulary is not read."""

    def __init__(self, path: bytes, params: ModelParams, architecture: str, tokens: int) -> None:
        """The parameters are those of the model itself, and `tokens` is the size of its vocabulary.
        Raises HostError if llama.cpp refuses it."""
        self._sizes: dict[bytes, int] = {}
        self._lock = threading.Lock()
        plan = ModelParams.from_buffer_copy(params)
        plan.flags[_NO_ALLOC] = True
        plan.load_mode = _LOAD_MODE_NONE
        overrides = (Override * 3)()  # the last one, which is empty, ends them
        overrides[0].set_text("tokenizer.ggml.model", "none")
        overrides[1].set_number(f"{architecture}.vocab_size", tokens)
        plan.kv_overrides = ctypes.addressof(overrides)
        self._model = lib.model_load_from_file(path, plan)
        if self._model is None:  # an architecture that needs its vocabulary
            forget_messages()
            plan.kv_overrides = None
            self._model = lib.model_load_from_file(path, plan)
        if self._model is None:
            raise failure("cannot plan the memory of contexts", Errno.INVALID_ARGUMENT)
        free_with(self, lib.model_free, self._model)
        self._result: int = 4 * (tokens + lib.model_n_embd_out(self._model))

    def context_bytes(self, params: ContextParams) -> int:
        """The memory of a context with these parameters, on all devices. Raises HostError."""
        key = bytes(params)
        with self._lock:
            if key not in self._sizes:
                if len(self._sizes) == _MOST_SIZES:
                    self._sizes.clear()
                self._sizes[key] = self._planned(params)
            return self._sizes[key]

    def _planned(self, params: ContextParams) -> int:
        forget_messages()
        with heard() as lines:
            context = lib.init_from_model(self._model, params)
        if context is None:
            raise failure(f"cannot create a context of {params.n_ctx} tokens")
        lib.free(context)
        sizes = [float(found[1]) for found in map(_SIZE.search, lines) if found is not None]
        if not sizes:
            raise HostError(Errno.RUNTIME_ERROR, "llama.cpp does not say what a context takes")
        results: int = params.n_batch if params.embeddings else 1  # of so many tokens
        return math.ceil(sum(sizes) * _MIB) + results * self._result + _ALSO
