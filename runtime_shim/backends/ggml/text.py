"""Generation of a text: a prompt, tokens that are sampled one by one, and the text that they
form."""

from __future__ import annotations

import ctypes
import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.c_objects import free_with
from runtime_shim.backends.ggml.grammar import Grammar
from runtime_shim.backends.ggml.llama_cpp import RANK, Token, failure, lib
from runtime_shim.backends.ggml.model import GgmlModel
from runtime_shim.backends.ggml.options import GgmlOptions
from runtime_shim.errors import HostError

if TYPE_CHECKING:
    Tokens = ctypes.Array[Token]

__all__ = ["Text"]

_NONE = (Token * 0)()

_SPARE_TOKENS = 4
"""Tokens of the context that a prompt must leave free, as in WasmEdge."""


class Text:
    """A llama_context and its sampler, which generate one text after the other."""

    def __init__(self, graph: GgmlModel, options: GgmlOptions, halted: threading.Event) -> None:
        """If `halted` is set, the methods raise HostError after the step that is running."""
        self._graph = graph
        self._options = options
        self._halted = halted
        self._context, self._params = graph.open(options)
        free_with(self, lib.free, self._context)
        self._free_sampler: Any = lambda: None
        self._sampler = 0
        self._grammar: Grammar | None = None
        self._position = 0
        self._not_evaluated = _NONE
        self.output = bytearray()
        self.output_tokens = 0
        self.piece = b""

    def begin(self, prompt: Tokens) -> None:
        """Forget everything, and evaluate a prompt."""
        most = self._params.n_ctx - _SPARE_TOKENS
        if self._options.embedding:
            most = min(most, self._params.n_batch)
        if not prompt or len(prompt) > most:
            errno = Errno.PROMPT_TOO_LONG if prompt else Errno.INVALID_ARGUMENT
            raise HostError(
                errno, f"the prompt has {len(prompt)} tokens, but the maximum is {most}"
            )
        lib.memory_clear(lib.get_memory(self._context), True)
        self._free_sampler()
        self._sampler = self._graph.sampler(self._options)
        self._free_sampler = free_with(self, lib.sampler_free, self._sampler)
        if self._options.grammar:
            self._grammar = Grammar(self._graph.vocabulary, self._options.grammar, self._graph.text)
        self._position = self.output_tokens = 0
        self._not_evaluated = _NONE
        self.output = bytearray()
        self.piece = b""
        if self._options.embedding or not self._graph.shares_prefixes(self._context):
            self._evaluate(prompt)
            return
        with self._graph.prefixes.entered(self._params, prompt, self._check) as prefix:
            self._position = prefix.restore(self._context)
            self._evaluate(prompt, self._position, prefix.reached)

    def advance(self) -> bool:
        """Sample a token, after evaluating the one before it, and add its text to the output.
        Returns whether it ends the text."""
        self._evaluate(self._not_evaluated)
        if self._grammar is None:
            token: int = lib.sampler_sample(self._sampler, self._context, -1)
        else:
            token = self._grammar.sample(self._sampler, self._context)
        self._not_evaluated = (Token * 1)(token)
        self.output_tokens += 1
        self.piece = self._graph.text(token)
        self.output += self.piece
        ends: bool = lib.vocab_is_eog(self._graph.vocabulary.pointer, token)
        return ends

    def embedding(self) -> bytes:
        """The embedding of the whole prompt if the model pools, otherwise of its last token; its
        length is 1. In WasmEdge's JSON form."""
        if lib.pooling_type(self._context) == RANK:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION, "the model is a reranker and has no embeddings"
            )
        size = lib.model_n_embd_out(self._graph.model)
        found = lib.get_embeddings_seq(self._context, 0) or lib.get_embeddings_ith(
            self._context, -1
        )
        if not found:
            raise failure("the model has no embeddings")
        values = found[:size]
        length = sum(value * value for value in values) ** 0.5 or 1.0
        normalized = [round(value / length, 10) for value in values]
        return json.dumps({"n_embedding": size, "embedding": normalized}).encode()

    def _evaluate(
        self,
        tokens: Tokens,
        start: int = 0,
        reached: Callable[[int, int], None] = lambda context, position: None,
    ) -> None:
        """Evaluate tokens from an index on. `reached` is called after each step."""
        size = self._params.n_ctx  # llama.cpp may have rounded it up
        if self._position + len(tokens) - start > size:
            raise HostError(Errno.CONTEXT_FULL, f"the context of {size} tokens is full")
        step = self._params.n_ubatch  # llama.cpp would divide more tokens into such steps itself
        for first in range(start, len(tokens), step):
            self._check()
            count = min(step, len(tokens) - first)
            part = (Token * count).from_buffer(tokens, first * ctypes.sizeof(Token))
            if lib.decode(self._context, lib.batch_get_one(part, count)) != 0:
                raise failure("cannot evaluate the model")
            self._position += count
            reached(self._context, self._position)

    def _check(self) -> None:
        """Raise HostError if the guest has been stopped."""
        if self._halted.is_set():
            raise HostError(Errno.RUNTIME_ERROR, "the guest has been stopped")
