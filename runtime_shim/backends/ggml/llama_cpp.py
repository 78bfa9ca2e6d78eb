"""llama.cpp's C interface, in xllamacpp's extension module.

The functions below are called directly, because xllamacpp's Python class `Server` opens a network
port, starts threads and replaces signal handlers. The types are those of llama.h in xllamacpp's
source distribution. That header changes from month to month, so other releases than the ones it was
compared with are refused.

https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h
"""

from __future__ import annotations

import ctypes
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import (
    POINTER,
    Structure,
    c_bool,
    c_char,
    c_char_p,
    c_float,
    c_int,
    c_int8,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
)
from typing import Any

import xllamacpp

from rewriter.abi.dialects import Errno
from runtime_shim.backends.common.c_objects import finished_before_exit
from runtime_shim.errors import HostError

__all__ = [
    "RANK",
    "RELEASES",
    "ContextParams",
    "ModelParams",
    "Override",
    "Token",
    "failure",
    "forget_messages",
    "heard",
    "lib",
    "offloads",
]

RELEASES = "2026.10."
"""Prefix of the versions of xllamacpp whose llama.h was checked."""

log = logging.getLogger("runtime_shim")

os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # otherwise it starts a debugger when it aborts
os.environ.setdefault("LLGUIDANCE_LOG_LEVEL", "0")  # or it writes tokens to standard error

Token = c_int32


class ModelParams(Structure):
    """llama_model_params. Fields that are not set keep llama.cpp's defaults."""

    _fields_ = (
        ("devices", c_void_p),
        ("tensor_buft_overrides", c_void_p),
        ("n_gpu_layers", c_int32),
        ("split_mode", c_int),
        ("load_mode", c_int),
        ("lazy_mode", c_int),
        ("main_gpu", c_int32),
        ("tensor_split", c_void_p),
        ("progress_callback", c_void_p),
        ("progress_callback_user_data", c_void_p),
        ("kv_overrides", c_void_p),
        ("flags", c_bool * 6),
    )


class _Value(ctypes.Union):
    _fields_ = (("number", c_int64), ("text", c_char * 128))


class Override(Structure):
    """llama_model_kv_override: what to take instead of a value in a model's file. One without a key
    ends an array of them."""

    _fields_ = (("tag", c_int), ("key", c_char * 128), ("value", _Value))

    def set_number(self, key: str, value: int) -> None:
        self.tag, self.key, self.value.number = 0, key.encode(), value

    def set_text(self, key: str, value: str) -> None:
        self.tag, self.key, self.value.text = 3, key.encode(), value.encode()


class ContextParams(Structure):
    """llama_context_params. Fields that are not set keep llama.cpp's defaults."""

    _fields_ = (
        ("n_ctx", c_uint32),
        ("n_batch", c_uint32),
        ("n_ubatch", c_uint32),
        ("n_seq_max", c_uint32),
        ("n_rs_seq", c_uint32),
        ("n_outputs_max", c_uint32),
        ("n_outputs_max_per_seq", c_uint32),
        ("n_threads", c_int32),
        ("n_threads_batch", c_int32),
        ("kinds", c_int * 5),
        ("rope", c_float * 6),
        ("yarn_orig_ctx", c_uint32),
        ("defrag_thold", c_float),
        ("cb_eval", c_void_p),
        ("cb_eval_user_data", c_void_p),
        ("type_k", c_int),
        ("type_v", c_int),
        ("moe_cache_size", c_size_t),
        ("abort_callback", c_void_p),
        ("abort_callback_data", c_void_p),
        ("embeddings", c_bool),
        ("flags", c_bool * 5),
        ("samplers", c_void_p),
        ("n_samplers", c_size_t),
        ("ctx_other", c_void_p),
    )


class Batch(Structure):
    """llama_batch."""

    _fields_ = (
        ("n_tokens", c_int32),
        ("token", POINTER(Token)),
        ("embd", c_void_p),
        ("pos", c_void_p),
        ("n_seq_id", c_void_p),
        ("seq_id", c_void_p),
        ("logits", POINTER(c_int8)),
    )


_Log = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_void_p)

_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "llama_backend_init": (None, ()),
    "llama_log_set": (None, (_Log, c_void_p)),
    "llama_supports_gpu_offload": (c_bool, ()),
    "llama_model_default_params": (ModelParams, ()),
    "llama_model_load_from_file": (c_void_p, (c_char_p, ModelParams)),
    "llama_model_free": (None, (c_void_p,)),
    "llama_model_get_vocab": (c_void_p, (c_void_p,)),
    "llama_model_meta_val_str": (c_int32, (c_void_p, c_char_p, c_char_p, c_size_t)),
    "llama_model_is_recurrent": (c_bool, (c_void_p,)),
    "llama_model_is_hybrid": (c_bool, (c_void_p,)),
    "llama_model_n_swa": (c_int32, (c_void_p,)),
    "llama_model_n_ctx_train": (c_int32, (c_void_p,)),
    "llama_model_n_embd_out": (c_int32, (c_void_p,)),
    "llama_context_default_params": (ContextParams, ()),
    "llama_init_from_model": (c_void_p, (c_void_p, ContextParams)),
    "llama_free": (None, (c_void_p,)),
    "llama_get_memory": (c_void_p, (c_void_p,)),
    "llama_get_causal_attn": (c_bool, (c_void_p,)),
    "llama_memory_clear": (None, (c_void_p, c_bool)),
    "llama_memory_can_shift": (c_bool, (c_void_p,)),
    "llama_memory_seq_rm": (c_bool, (c_void_p, c_int32, c_int32, c_int32)),
    "llama_state_get_size": (c_size_t, (c_void_p,)),
    "llama_state_get_data": (c_size_t, (c_void_p, c_void_p, c_size_t)),
    "llama_state_set_data": (c_size_t, (c_void_p, c_void_p, c_size_t)),
    "llama_decode": (c_int32, (c_void_p, Batch)),
    "llama_batch_get_one": (Batch, (POINTER(Token), c_int32)),
    "llama_pooling_type": (c_int, (c_void_p,)),
    "llama_get_logits_ith": (POINTER(c_float), (c_void_p, c_int32)),
    "llama_get_embeddings_ith": (POINTER(c_float), (c_void_p, c_int32)),
    "llama_get_embeddings_seq": (POINTER(c_float), (c_void_p, c_int32)),
    "llama_vocab_type": (c_int, (c_void_p,)),
    "llama_vocab_n_tokens": (c_int32, (c_void_p,)),
    "llama_vocab_get_text": (c_char_p, (c_void_p, Token)),
    "llama_vocab_get_attr": (c_int, (c_void_p, Token)),
    "llama_vocab_is_eog": (c_bool, (c_void_p, Token)),
    "llama_vocab_bos": (Token, (c_void_p,)),
    "llama_vocab_eos": (Token, (c_void_p,)),
    "llama_vocab_sep": (Token, (c_void_p,)),
    "llama_vocab_get_add_bos": (c_bool, (c_void_p,)),
    "llama_vocab_get_add_eos": (c_bool, (c_void_p,)),
    "llama_tokenize": (
        c_int32,
        (c_void_p, c_char_p, c_int32, POINTER(Token), c_int32, c_bool, c_bool),
    ),
    "llama_token_to_piece": (c_int32, (c_void_p, Token, c_char_p, c_int32, c_int32, c_bool)),
    "llama_sampler_chain_init": (c_void_p, (c_bool,)),
    "llama_sampler_chain_add": (None, (c_void_p, c_void_p)),
    "llama_sampler_init_greedy": (c_void_p, ()),
    "llama_sampler_init_dist": (c_void_p, (c_uint32,)),
    "llama_sampler_init_top_k": (c_void_p, (c_int32,)),
    "llama_sampler_init_top_p": (c_void_p, (c_float, c_size_t)),
    "llama_sampler_init_min_p": (c_void_p, (c_float, c_size_t)),
    "llama_sampler_init_temp": (c_void_p, (c_float,)),
    "llama_sampler_init_penalties": (c_void_p, (c_int32, c_int32, c_float, c_float, c_float)),
    "llama_sampler_init_grammar": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "llama_sampler_apply": (None, (c_void_p, c_void_p)),
    "llama_sampler_accept": (None, (c_void_p, Token)),
    "llama_sampler_sample": (Token, (c_void_p, c_void_p, c_int32)),
    "llama_sampler_free": (None, (c_void_p,)),
}
"""Result and arguments of each function. llama_sampler_chain_params is passed as its only field, a
bool."""


_INIT_LLG = "_Z22llama_sampler_init_llgPK11llama_vocabPKcS3_"
"""llama_sampler_init_llg(vocabulary, kind of grammar, grammar), a C++ function:
https://github.com/ggml-org/llama.cpp/blob/master/common/sampling.h"""

_COMMON_LOG, _COMMON_LOG_PAUSE = "_Z15common_log_mainv", "_Z16common_log_pauseP10common_log"
"""https://github.com/ggml-org/llama.cpp/blob/master/common/log.h"""

_TAKE_LONG = ("llama_model_load_from_file", "llama_init_from_model", "llama_decode")


class _Library:
    """The functions of llama.h, without the prefix `llama_`. A call releases the GIL."""

    def __init__(self) -> None:
        if not xllamacpp.__version__.startswith(RELEASES):
            raise ImportError(
                f"xllamacpp {xllamacpp.__version__} is installed, but nnshim supports only "
                f"{RELEASES}*"
            )
        loaded = ctypes.CDLL(xllamacpp.xllamacpp.__file__)
        for name, (returned, taken) in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = returned, taken
            takes_long = name in _TAKE_LONG
            found = finished_before_exit(function) if takes_long else function
            setattr(self, name.removeprefix("llama_"), found)
        self.sampler_init_llg = getattr(loaded, _INIT_LLG)
        self.sampler_init_llg.restype = c_void_p
        self.sampler_init_llg.argtypes = (c_void_p, c_char_p, c_char_p)
        model, context = loaded.llama_model_default_params(), loaded.llama_context_default_params()
        found = (model.n_gpu_layers, context.n_ctx, context.n_batch, context.n_ubatch)
        if found != _DEFAULTS or any((context.samplers, context.n_samplers, context.ctx_other)):
            raise ImportError(f"xllamacpp's defaults are {found}, expected {_DEFAULTS}")

        self._common_log = getattr(loaded, _COMMON_LOG)
        self._common_log.restype = c_void_p
        self._common_log_pause = getattr(loaded, _COMMON_LOG_PAUSE)
        self._common_log_pause.argtypes = (c_void_p,)

    def quiet(self) -> None:
        """Turn off llama.cpp's other log, which writes what guests say to standard error."""
        self._common_log_pause(self._common_log())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(name)


_DEFAULTS = (-1, 512, 2048, 512)
"""n_gpu_layers, n_ctx, n_batch and n_ubatch. These values show that the fields are where they are
expected."""

RANK = 4
"""LLAMA_POOLING_TYPE_RANK: the output has fewer numbers than an embedding."""

_ERROR = 4
"""GGML_LOG_LEVEL_ERROR."""

_said = threading.local()
"""The last errors that llama.cpp has logged, by the calling thread, because one guest must not read
messages about another."""

_MOST_MESSAGES = 10

offloads: list[tuple[int, int]] = []
"""How many layers each model has on GPUs, and how many in total, in the order of loading. llama.cpp
reports that only in its log."""

_OFFLOADED = re.compile(rb"offloaded (\d+)/(\d+) layers to GPU")


def _keep_errors(level: int, text: bytes, _: object) -> None:
    found = _OFFLOADED.search(text)
    if found is not None:
        offloads.append((int(found[1]), int(found[2])))
    _said.__dict__.get("heard", []).append(text)
    line = text.decode("utf-8", "replace").strip()
    if level == _ERROR and line:
        messages = _messages()
        messages.append(line)
        del messages[:-_MOST_MESSAGES]
    elif line:
        log.debug("llama.cpp: %s", line)


def _messages() -> list[str]:
    found: list[str] = _said.__dict__.setdefault("messages", [])
    return found


@contextmanager
def heard() -> Iterator[list[bytes]]:
    """All that llama.cpp logs in this thread, while the context lasts."""
    lines: list[bytes] = []
    _said.heard = lines
    try:
        yield lines
    finally:
        del _said.heard


def forget_messages() -> None:
    """Clear the messages of earlier calls in this thread."""
    _messages().clear()


def failure(what: str, errno: Errno = Errno.RUNTIME_ERROR) -> HostError:
    """An error with what llama.cpp has logged in this thread."""
    said = "; ".join(_messages())
    forget_messages()
    return HostError(errno, f"{what}: {said or 'llama.cpp gives no reason'}")


_callback = _Log(_keep_errors)

lib = _Library()
lib.log_set(_callback, None)
lib.quiet()
lib.backend_init()
