"""The options of a language model, with WasmEdge's names.

https://github.com/WasmEdge/WasmEdge/blob/0351857/plugins/wasi_nn/GGML/metadata/metadata_parser.cpp
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from rewriter.abi.dialects import Errno
from runtime_shim.backends.ggml.schemas import GUIDED, grammar_of
from runtime_shim.backends.interface import Options
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted
from runtime_shim.numbers import MOST_THREADS

__all__ = ["LARGEST_CONTEXT", "OPTION_NAMES", "GgmlOptions", "parse_options"]

LARGEST_CONTEXT = 1 << 20
"""Maximum number of tokens of a context."""


@dataclass(frozen=True)
class GgmlOptions:
    """The keys of the JSON object, with hyphens instead of underscores. Sizes count tokens.

    Sampling has llama.cpp's defaults, except for a fixed seed; 4294967295 asks for a random one. A
    `ctx_size` of 0 is what the model was trained with, which is also the maximum. A `ubatch_size`
    of 0 means `batch_size`. `threads` below 1 means the host's setting. A `last_n_penalty` of -1
    means the whole context. A negative `n_predict` has no limit but the context. A negative
    `n_gpu_layers` means all layers. A `repeat_penalty` of 0, which llama.cpp refuses, means none.
    With `embedding`, the output is a vector instead of text. `grammar` is in llama.cpp's GBNF; a
    JSON schema is converted to one.

    https://github.com/ggml-org/llama.cpp/blob/master/common/common.h (common_params_sampling)
    """

    ctx_size: int = 4096
    batch_size: int = 2048
    ubatch_size: int = 512
    threads: int = 1
    n_gpu_layers: int = -1
    embedding: bool = False
    n_predict: int = -1
    reverse_prompt: tuple[str, ...] = ()
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
    grammar: str = ""


_RANGES = {
    "ctx_size": (0, LARGEST_CONTEXT),
    "batch_size": (1, 1 << 16),
    "ubatch_size": (0, 1 << 16),
    "threads": (-1, MOST_THREADS),
    "n_gpu_layers": (-1, 1 << 16),
    "n_predict": (-(1 << 31), 1 << 31),
    "top_k": (-(1 << 31), (1 << 31) - 1),
    "repeat_penalty": (0, 1e6),
    "last_n_penalty": (-1, 1 << 16),
    "seed": (-1, 0xFFFFFFFF),
}
"""Lowest and highest value. For options that are not listed, every finite number is valid."""

_SMALLEST_CONTEXT = 8

_SILENT = frozenset(
    [
        *(
            "enable-log",
            "enable-debug-log",
            "log-enable",
            "log-json",
            "verbosity",
            "verbose-prompt",
        ),
        *(
            "no-perf",
            "no-perf-sampling",
            "timing-per-token",
            "display-prompt",
            "use-color",
            "usage",
        ),
        *("main-gpu", "tensor-split", "split-mode", "cpu-moe", "n-cpu-moe", "no-kv-offload"),
        *("threads-batch", "mask-valid", "mask-valid-batch", "priority", "priority-batch"),
        *("strict-cpu", "strict-cpu-batch", "poll", "poll-batch", "numa", "warmup"),
        *("use-mmap", "use-mlock", "load-mode", "check-tensors", "flash-attn"),
        *("model-alias", "hf-token", "hf-repo", "hf-file", "model-url", "n-print", "n-prev"),
        *("n-probs", "n-parallel", "n-sequences", "n-chunks", "n-keep", "cont-batching"),
        *("n-max-speculative", "n-min-speculative", "n-gpu-layers-speculative"),
        *("n-ctx-speculative", "p-split-speculative", "p-min-speculative"),
        *("model-vocoder", "hf-repo-vocoder", "hf-file-vocoder", "model-url-vocoder"),
        *("tts-output-file", "tts-speaker-file", "always-regenerate-image-embd"),
        *("include-usage",),
    ]
)
"""Options of WasmEdge and LlamaEdge that cannot change an answer: what is logged, where and how
fast the model computes, and details of features that are refused or that WasmEdge does not use."""

_REFUSED: Mapping[str, object] = MappingProxyType(
    {
        **dict.fromkeys(("image", "mmproj", "chat-template", "input-prefix", "input-suffix"), ""),
        **dict.fromkeys(("tts", "reranking", "ignore-eos", "ctx-shift"), False),
        **dict.fromkeys(("rope-freq-base", "rope-freq-scale", "yarn-orig-ctx"), 0),
        **dict.fromkeys(("yarn-ext-factor", "yarn-attn-factor"), -1),
        **dict.fromkeys(("yarn-beta-fast", "yarn-beta-slow"), -1),
        **dict.fromkeys(("rope-scaling-type", "pooling-type", "attention-type"), -1),
        **dict.fromkeys(("cache-type-k", "cache-type-v", "grp-attn-n", "typ-p"), 1),
        "grp-attn-w": 512,
        **dict.fromkeys(("min-keep", "xtc-probability", "dynatemp-range", "mirostat"), 0),
        **dict.fromkeys(("dry-multipier", "dry-multiplier"), 0),
        "embd-normalize": 2,
    }
)
"""Options that would change an answer but are not supported, with the value that changes nothing.
Options that depend on them, such as dynatemp-exponent, change nothing without them."""

_GOES_WITH_REFUSED = frozenset(
    [
        *("xtc-threshold", "dynatemp-exponent", "mirostat-eta", "mirostat-tau", "dry-base"),
        *("dry-allowed-length", "dry-last-n-penalty"),
    ]
)

_NAMES = {field.name.replace("_", "-"): field.name for field in fields(GgmlOptions)}

_JSON_SCHEMA = "json-schema"

OPTION_NAMES = (*_NAMES, _JSON_SCHEMA)
"""The options that are supported."""


def parse_options(given: Options, before: GgmlOptions) -> tuple[GgmlOptions, tuple[str, ...]]:
    """`before`, changed by the given options; and the names that are unknown.

    Raises HostError: `invalid_argument` for a value of a wrong type or out of range, and
    `unsupported_operation` for an option that is not supported and would change the answer.
    """
    changes: dict[str, object] = {}
    ignored = []
    for key, value in given.items():
        name = _NAMES.get(key)
        if name == "reverse_prompt":
            changes[name] = _texts(key, value)
        elif name is not None:
            changes[name] = _checked(key, value, name, getattr(before, name))
        elif key in _REFUSED:
            if value not in (None, "", _REFUSED[key]):
                raise HostError(
                    Errno.UNSUPPORTED_OPERATION,
                    f"the option {key} is not supported (its value is {quoted(value)})",
                )
        elif key not in _SILENT and key not in _GOES_WITH_REFUSED and key != _JSON_SCHEMA:
            ignored.append(key)
    if str(changes.get("grammar", "")).startswith(GUIDED):
        raise HostError(
            Errno.UNSUPPORTED_OPERATION,
            "the option grammar has to be in GBNF, not in llguidance's form",
        )
    if given.get(_JSON_SCHEMA) not in (
        None,
        "",
    ):  # it takes precedence over a grammar, as on WasmEdge
        changes["grammar"] = grammar_of(given[_JSON_SCHEMA])
    changed = replace(before, **changes)  # type: ignore[arg-type] # _checked has seen to the types
    return changed, tuple(ignored)


def _checked(key: str, value: object, name: str, example: object) -> object:
    low, high = _RANGES.get(name, (-1e9, 1e9))
    fits = low <= value <= high if isinstance(value, (int, float)) else _is_text(value)
    if name == "ctx_size" and isinstance(value, int) and 0 < value < _SMALLEST_CONTEXT:
        fits = False
    if fits and isinstance(example, float) and type(value) is int:
        value = float(value)
    if name == "grammar" and value is None:
        return ""
    if type(value) is not type(example) or not fits:
        raise HostError(Errno.INVALID_ARGUMENT, f"the option {key} cannot be {quoted(value)}")
    return value & 0xFFFFFFFF if name == "seed" and isinstance(value, int) else value


def _texts(key: str, value: object) -> tuple[str, ...]:
    """A string or a list of strings, without empty ones."""
    if value is None:
        return ()
    texts = value if isinstance(value, (list, tuple)) else [value]
    if not all(map(_is_text, texts)):
        raise HostError(Errno.INVALID_ARGUMENT, f"the option {key} cannot be {quoted(value)}")
    return tuple(filter(None, texts))


def _is_text(value: object) -> bool:
    """JSON can contain lone surrogates, which UTF-8 cannot, and a zero ends a string in C."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
