"""A language model in llama.cpp: its vocabulary, and its contexts and samplers."""

from __future__ import annotations

import ctypes
import threading

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.c_objects import free_with
from runtime_shim.backends.ggml.grammar import grammar_bytes
from runtime_shim.backends.ggml.llama_cpp import (
    ContextParams,
    ModelParams,
    failure,
    forget_messages,
    lib,
    offloads,
)
from runtime_shim.backends.ggml.options import LARGEST_CONTEXT, GgmlOptions
from runtime_shim.backends.ggml.planned import PlannedModel
from runtime_shim.backends.ggml.prefixes import Prefixes
from runtime_shim.backends.ggml.prompt import Vocabulary
from runtime_shim.errors import HostError

__all__ = ["GgmlModel"]

_LOADING = threading.Lock()
"""Held while a model is loaded, so that what llama.cpp logs in that time is about this model."""

_CANDIDATE_BYTES = 28
"""The most that samplers take for each token of a vocabulary: two candidates of 12 bytes, and where
one is among those sorted.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-sampler.cpp
"""

_PENALTY_BYTES = 64
"""The most for each token that penalties look back at: its number, and its entry in a map."""


class GgmlModel:
    """A model and the options of its contexts. llama.cpp maps the weights from their file."""

    def __init__(self, path: bytes, device: str, options: GgmlOptions, most_threads: int) -> None:
        self.options = options
        self.most_threads = most_threads
        params = lib.model_default_params()
        no_devices = (ctypes.c_void_p * 1)(None)
        if device == "cpu":
            params.n_gpu_layers = 0
            params.devices = ctypes.addressof(no_devices)
        else:
            params.n_gpu_layers = options.n_gpu_layers
        with _LOADING:
            offloads.clear()
            forget_messages()
            self.model: int | None = lib.model_load_from_file(path, params)
            if self.model is None:
                raise failure("cannot load the model", Errno.INVALID_ARGUMENT)
            free_with(self, lib.model_free, self.model)
            on_gpu, layers = offloads[-1] if offloads else (0, 0)
            self._planned = self._plan(path, params)
        if device == "gpu" and on_gpu == 0 and params.n_gpu_layers != 0:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                "the model should run on a GPU, but none of its layers is on one",
            )
        self.device = f"gpu, {on_gpu} of {layers} layers" if on_gpu else "cpu"
        self.vocabulary = Vocabulary(self.model)
        self.prefixes = Prefixes()

    def _plan(self, path: bytes, params: ModelParams) -> PlannedModel:
        architecture = ctypes.create_string_buffer(128)
        lib.model_meta_val_str(self.model, b"general.architecture", architecture, 128)
        tokens = lib.vocab_n_tokens(lib.model_get_vocab(self.model))
        return PlannedModel(path, params, architecture.value.decode(errors="replace"), tokens)

    def text(self, token: int) -> bytes:
        """The text of a token, which may end in the middle of a character."""
        buffer = ctypes.create_string_buffer(64)
        size = lib.token_to_piece(self.vocabulary.pointer, token, buffer, len(buffer), 0, True)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = lib.token_to_piece(self.vocabulary.pointer, token, buffer, len(buffer), 0, True)
        return buffer.raw[:size]

    def context_size(self, options: GgmlOptions) -> int:
        """The size of a context in tokens."""
        return min(options.ctx_size or LARGEST_CONTEXT, self.vocabulary.most_tokens)

    def context_bytes(self, options: GgmlOptions) -> int:
        """The most memory that a context takes, without its text. Raises HostError."""
        size = self._planned.context_bytes(self._context_params(options))
        if options.embedding:
            return size
        if options.grammar:
            size += grammar_bytes(options.grammar, self.vocabulary)
        last = self.context_size(options) if options.last_n_penalty < 0 else options.last_n_penalty
        return size + _CANDIDATE_BYTES * self.vocabulary.size + _PENALTY_BYTES * last

    def open(self, options: GgmlOptions) -> tuple[int, ContextParams]:
        """A new llama_context, and its parameters."""
        params = self._context_params(options)
        context: int | None = lib.init_from_model(self.model, params)
        if context is None:
            raise failure(f"cannot create a context of {params.n_ctx} tokens")
        return context, params

    def _context_params(self, options: GgmlOptions) -> ContextParams:
        params: ContextParams = lib.context_default_params()
        params.n_ctx = self.context_size(options)
        params.n_batch = params.n_ubatch = min(options.batch_size, params.n_ctx)
        if not options.embedding:
            params.n_ubatch = min(options.ubatch_size or params.n_batch, params.n_batch)
        params.n_threads = params.n_threads_batch = (
            options.threads if options.threads > 0 else self.most_threads
        )
        params.embeddings = options.embedding
        if not options.embedding and self._planned.has_one_result:
            params.n_outputs_max = 1
        return params

    def shares_prefixes(self, context: int) -> bool:
        """Whether a llama_context goes on with the same bits after its state has been set. It does
        not if the model forgets what is outside of the window of its attention, or has no state
        that can be cut back; the last condition is for models that do not say so."""
        return not (
            lib.model_is_recurrent(self.model)
            or lib.model_is_hybrid(self.model)
            or lib.model_n_swa(self.model)
            or not lib.memory_can_shift(lib.get_memory(context))
        )

    def sampler(self, options: GgmlOptions) -> int:
        """A new chain of samplers, in llama.cpp's default order."""
        chain: int = lib.sampler_chain_init(True)
        links = []
        repeat = options.repeat_penalty or 1.0
        penalties = (repeat, options.frequency_penalty, options.presence_penalty)
        if penalties != (1.0, 0.0, 0.0):
            size = lib.vocab_n_tokens(self.vocabulary.pointer)
            last = options.last_n_penalty
            last = self.context_size(options) if last < 0 else last
            links.append(lib.sampler_init_penalties(size, last, *penalties))
        if options.temp <= 0:
            links.append(lib.sampler_init_greedy())
        else:
            links += [
                lib.sampler_init_top_k(options.top_k),
                lib.sampler_init_top_p(options.top_p, 1),
                lib.sampler_init_min_p(options.min_p, 1),
                lib.sampler_init_temp(options.temp),
                lib.sampler_init_dist(options.seed),
            ]
        for link in links:
            lib.sampler_chain_add(chain, link)
        return chain
