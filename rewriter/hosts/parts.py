"""How many builders a model has for the backends of hosts.

Source, at tags across the range of each row in the table: Wasmtime's crates/wasi-nn/src, WAMR's
core/iwasm/libraries/wasi-nn/src, WasmEdge's plugins/wasi_nn, where `load` of each backend counts
its builders, or goes on with the first one without looking at how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rewriter.abi.numbers import Encoding
from rewriter.hosts.host import Backend

__all__ = ["ONE", "TWO", "in_words", "usual_parts", "with_parts"]

_MOST = 1 << 32
"""More than a guest can pass."""

ONE = range(1, 2)
TWO = range(2, 3)
_SOME = range(1, _MOST)


_USUAL: Mapping[Encoding, range] = {
    Encoding.OPENVINO: TWO,
    Encoding.ONNX: _SOME,
    Encoding.PYTORCH: ONE,
    Encoding.TENSORFLOWLITE: ONE,
    Encoding.GGML: _SOME,
    Encoding.WHISPER: _SOME,
    Encoding.BITNET: _SOME,
    Encoding.PIPER: ONE,
    Encoding.MLX: range(2, _MOST),
    Encoding.OPENVINOGENAI: range(3, 4),
}
"""What backends take of which nothing else is said. OpenVINO's second part may be empty; those of
language and speech models take a configuration behind the model, and MLX needs one."""


def usual_parts(encoding: Encoding) -> range | None:
    """What backends for an encoding take of which nothing else is known."""
    return _USUAL.get(encoding)


def with_parts(backends: Iterable[Backend]) -> tuple[Backend, ...]:
    """Backends with the numbers of builders that they take, where these are known."""
    return tuple(
        one if one.parts is not None else one._replace(parts=usual_parts(one.encoding))
        for one in backends
    )


def in_words(parts: range) -> str:
    """For people: "2", "1 or 2", "1 or more"."""
    if parts.stop == _MOST:
        return f"{parts.start} or more"
    return " or ".join(map(str, parts))
