"""How many builders each backend of a host expects for a model.

Source, at tags across the range of each row in the table: Wasmtime's crates/wasi-nn/src, WAMR's
core/iwasm/libraries/wasi-nn/src, WasmEdge's plugins/wasi_nn. There, `load` of each backend counts
the builders, or uses the first one without counting them.
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
"""The usual numbers of builders. OpenVINO's second part may be empty. Backends of language and
speech models accept a configuration after the model, and MLX needs one."""


def usual_parts(encoding: Encoding) -> range | None:
    """The usual numbers of builders for an encoding; None if they are not known."""
    return _USUAL.get(encoding)


def with_parts(backends: Iterable[Backend]) -> tuple[Backend, ...]:
    """The backends, with the usual numbers of builders filled in where the row says nothing."""
    return tuple(
        one if one.parts is not None else one._replace(parts=usual_parts(one.encoding))
        for one in backends
    )


def in_words(parts: range) -> str:
    """For people: "2", "1 or 2", "1 or more"."""
    if parts.stop == _MOST:
        return f"{parts.start} or more"
    return " or ".join(map(str, parts))
