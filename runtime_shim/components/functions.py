"""The functions that the added modules import from the host, and why they stop a guest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rewriter.abi.dialects import Encoding
from runtime_shim.components.layout import Stop

__all__ = ["ENCODINGS", "FUNCTIONS", "STOPS", "Signature"]

ENCODINGS = (
    Encoding.OPENVINO,
    Encoding.ONNX,
    Encoding.TENSORFLOW,
    Encoding.PYTORCH,
    Encoding.TENSORFLOWLITE,
    Encoding.GGML,
    Encoding.AUTODETECT,
)
"""By their numbers in wasi:nn, which added modules have checked.

https://github.com/WebAssembly/wasi-nn/blob/71320d9/wit/wasi-nn.wit (interface graph)
"""

_ARTICLES = {1: "a tensor", 2: "an error", 3: "a graph", 4: "an execution context"}

STOPS: Mapping[int, str] = {
    Stop.OUTSIDE: "{} is a pointer outside of the guest's memory, or its list ends outside",
    Stop.UNALIGNED: "{} is a pointer that is not aligned",
    Stop.ENUM: "{} is not a case of the enumeration",
    Stop.BUSY: "the guest's realloc calls wasi:nn",
    Stop.TOO_LARGE: "the tensors are larger than the memory for them",
    Stop.HANDLES: "there can be at most {} handles",
    **{Stop.HANDLE + kind: f"{{}} is not a handle of {what}" for kind, what in _ARTICLES.items()},
}


class Signature(NamedTuple):
    """A function of the host's: the number of its parameters, which are u32, and its result."""

    parameters: int
    result: str | None


FUNCTIONS: Mapping[str, Signature] = {
    "more": Signature(1, "u32"),
    "stop": Signature(2, None),
    "unload": Signature(1, None),
    "finalize": Signature(1, None),
    "mark": Signature(0, "u64"),
    "find": Signature(0, None),
    "resume": Signature(0, "u64"),
    "load": Signature(4, "u64"),
    "load-by-name": Signature(2, "u64"),
    "init": Signature(1, "u64"),
    "compute": Signature(3, "u64"),
    "again": Signature(1, "u64"),
    "set-input": Signature(4, "u64"),
    "run": Signature(1, "u64"),
    "get-output": Signature(3, "u64"),
    "check-text": Signature(2, None),
}
