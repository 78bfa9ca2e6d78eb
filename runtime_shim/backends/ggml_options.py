"""What a language model can be configured with, by WasmEdge's names for it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from rewriter.dialects import Errno
from runtime_shim.backends.base import Options
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted
from runtime_shim.numbers import MOST_THREADS

__all__ = ["LARGEST_CONTEXT", "GgmlOptions", "parse_options"]

LARGEST_CONTEXT = 1 << 20
"""Tokens that can be asked for."""


@dataclass(frozen=True)
class GgmlOptions:
    """With hyphens for underscores, the keys of the JSON object. Sizes count tokens.

    Sampling has llama.cpp's defaults, but for the seed, which is fixed: 4294967295 asks for a
    random one. `n_predict` below zero has no limit but the context, whose size is cut to what the
    model was trained with. `n_gpu_layers` below zero are all of them. Where `embedding` is set,
    the output is a vector instead of text.

    https://github.com/ggml-org/llama.cpp/blob/master/common/common.h (common_params_sampling)
    """

    ctx_size: int = 4096
    batch_size: int = 2048
    ubatch_size: int = 512
    threads: int = 1
    n_gpu_layers: int = -1
    embedding: bool = False
    n_predict: int = -1
    reverse_prompt: str = ""
    stream_stdout: bool = False
    temp: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    last_n_penalty: int = 64
    seed: int = 0


_RANGES = {
    "ctx_size": (8, LARGEST_CONTEXT),
    "batch_size": (1, 1 << 16),
    "ubatch_size": (1, 1 << 16),
    "threads": (1, MOST_THREADS),
    "n_gpu_layers": (-1, 1 << 16),
    "n_predict": (-(1 << 31), 1 << 31),
    "top_k": (-(1 << 31), (1 << 31) - 1),
    "repeat_penalty": (1e-6, 1e6),
    "last_n_penalty": (0, 1 << 16),
    "seed": (-1, 0xFFFFFFFF),
}
"""Lowest and highest; of others, every finite number is fine."""

_SILENT = ("enable-log", "enable-debug-log")
"""What guests set for WasmEdge, and means nothing here."""

_NAMES = {field.name.replace("_", "-"): field.name for field in fields(GgmlOptions)}


def parse_options(given: Options, before: GgmlOptions) -> tuple[GgmlOptions, tuple[str, ...]]:
    """`before`, with what is given changed; and the names that are not known.

    Raises HostError with `invalid_argument` for a value of another type, or out of range.
    """
    changes: dict[str, object] = {}
    ignored = []
    for key, value in given.items():
        name = _NAMES.get(key)
        if name is not None:
            changes[name] = _checked(key, value, name, getattr(before, name))
        elif key not in _SILENT:
            ignored.append(key)
    changed = replace(before, **changes)  # type: ignore[arg-type] # _checked has seen to the types
    return changed, tuple(ignored)


def _checked(key: str, value: object, name: str, example: object) -> object:
    low, high = _RANGES.get(name, (-1e9, 1e9))
    fits = low <= value <= high if isinstance(value, (int, float)) else _is_text(value)
    if fits and isinstance(example, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(example) or not fits:
        raise HostError(Errno.INVALID_ARGUMENT, f"the option {key} cannot be {quoted(value)}")
    return value & 0xFFFFFFFF if name == "seed" and isinstance(value, int) else value


def _is_text(value: object) -> bool:
    """JSON can have halves of characters, which no text has."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
