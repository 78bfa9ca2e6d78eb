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

_ALSO = 2 * _MIB
"""What a context has besides, whatever its sizes. A context of 8 tokens takes 2 MiB in all."""

_NODE_BYTES = 2000
"""The most for each node that a graph has room for. Three graphs have 441 bytes each (a tensor, its
places in the graph and in a hash table), which llama.cpp fills with zeros; the scheduler has 28,
and the allocator 480 for those that are used.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-graph.cpp (llm_graph_result::reset)
https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-alloc.c (node_alloc, hash_node)
"""

_MOST_NODES = 500_000
"""A GB. A step of 12,500 tokens has so many in an architecture with 40 for each token."""

_SMALL_STEP = 512
"""Tokens. Such a step is planned without asking how many nodes a smaller one has."""

_CELL_BYTES = 160
"""The most for each token that a cache of keys and values has room for: 52 bytes that describe it,
two nodes of std::set (48 bytes each from malloc) once it is used, and the prompt's tokens.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-kv-cells.h
"""

_BATCH_BYTES = 512
"""The most for each token of a step, which llama.cpp copies twice with what belongs to it.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-batch.cpp
"""

_MOST_SIZES = 1000
"""That are remembered, so that a guest cannot fill memory with them."""

_WORK = 0.5
"""The most that a processor takes for converted inputs of one operation, as a share of intermediate
values: these are 32-bit floats, and what weights are multiplied with has at most 16 bits.

https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-cpu/ggml-cpu.c (ggml_graph_plan)
"""

_THREAD_BYTES = _MIB
"""The most that each thread takes in addition, for tiles of attention and rows of weights. (Where
attention has no tiles, it also takes 4 bytes for each token of the context.)"""

_KEPT = re.compile(rb"(?:llama_kv_cache:|RS buffer) size = +([0-9.]+) MiB(?: \( *([0-9]+) cells)?")
"""Keys and values with the number of their tokens, and recurrent states. A line about a buffer of
keys and values says 0 if nothing is allocated, so the line about a whole cache counts instead.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-kv-cache.cpp
"""

_INTERMEDIATE = re.compile(rb"compute buffer size = +([0-9.]+) MiB")
"""https://github.com/ggml-org/llama.cpp/blob/master/src/llama-context.cpp"""

_SILENT = "llama.cpp does not say what a context takes"

_NODES = re.compile(rb"max_nodes = ([0-9]+)")
"""How many nodes a graph has room for."""


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
        self.has_one_result = self._has_one_result()
        """Whether a step has the results of its last token only, if no embedding is asked for. A
        model without a memory of tokens, or with attention that is not causal, has those of all,
        and llama.cpp ends the process if there is too little room for them."""
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

    def _has_one_result(self) -> bool:
        params: ContextParams = lib.context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = 8
        context: int | None = lib.init_from_model(self._model, params)
        if context is None:
            return False
        try:
            return bool(lib.get_memory(context)) and bool(lib.get_causal_attn(context))
        finally:
            lib.free(context)

    def _planned(self, params: ContextParams) -> int:
        self._check_nodes(params)
        lines = self._logged(params)
        kept = [found for found in map(_KEPT.search, lines) if found is not None]
        values = [float(found[1]) for found in map(_INTERMEDIATE.search, lines) if found]
        if not values:
            raise HostError(Errno.RUNTIME_ERROR, _SILENT)
        mib = sum(float(found[1]) for found in kept) + sum(values) * (1 + _WORK)
        cells = sum(int(found[2] or 0) for found in kept)
        results: int = params.n_batch if params.embeddings else 1  # of so many tokens
        planned: int = (
            math.ceil(mib * _MIB)
            + results * self._result
            + _nodes(lines) * _NODE_BYTES
            + cells * _CELL_BYTES
            + params.n_ubatch * _BATCH_BYTES
            + params.n_threads * (_THREAD_BYTES + 4 * params.n_ctx)
            + _ALSO
        )
        return planned

    def _check_nodes(self, params: ContextParams) -> None:
        """Planning takes memory for each node itself. In some architectures their number grows
        with the tokens of a step."""
        smaller = ContextParams.from_buffer_copy(params)
        smaller.n_ubatch, nodes = _SMALL_STEP, 0
        while smaller.n_ubatch < params.n_ubatch:
            before, nodes = nodes, _nodes(self._logged(smaller))
            if nodes > max(before, _MOST_NODES // 2):
                raise HostError(
                    Errno.TOO_LARGE,
                    f"a step of {params.n_ubatch} tokens has too many nodes; a smaller ubatch-size,"
                    " or for an embedding a smaller batch-size, has fewer",
                )
            smaller.n_ubatch *= 2

    def _logged(self, params: ContextParams) -> list[bytes]:
        """What llama.cpp says when it plans a context."""
        forget_messages()
        with heard() as lines:
            context = lib.init_from_model(self._model, params)
        if context is None:
            raise failure(f"cannot create a context of {params.n_ctx} tokens")
        lib.free(context)
        return lines


def _nodes(lines: list[bytes]) -> int:
    found = [int(found[1]) for found in map(_NODES.search, lines) if found is not None]
    if not found:
        raise HostError(Errno.RUNTIME_ERROR, _SILENT)
    return max(found)
