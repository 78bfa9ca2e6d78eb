"""The types of the interfaces of wasi:nn that a shim calls, with all of their functions.

Source: wit/wasi-nn.wit of https://github.com/WebAssembly/wasi-nn at 917bf47, 82e9d89 and 71320d9
"""

from __future__ import annotations

from collections.abc import Sequence

from rewriter.abi.snapshots import JUNE, OCTOBER, Snapshot
from rewriter.inlining.encoding import vector
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.names import encode_name

__all__ = [
    "ERROR_CODES",
    "EXPORTED_TYPES",
    "errors_type",
    "graph_type",
    "inference_type",
    "tensor_type",
]

_U8, _U32, _STRING = b"\x7d", b"\x79", b"\x73"

_TENSOR_TYPES = ("FP16", "FP32", "FP64", "BF16", "U8", "I32", "I64")
_ENCODINGS = ("openvino", "onnx", "tensorflow", "pytorch", "tensorflowlite", "ggml", "autodetect")
_TARGETS = ("cpu", "gpu", "tpu")
ERROR_CODES = (
    "invalid-argument",
    "invalid-encoding",
    "timeout",
    "runtime-error",
    "unsupported-operation",
    "too-large",
    "not-found",
    "security",
    "unknown",
)

EXPORTED_TYPES = {
    "tensor": frozenset(("tensor-dimensions", "tensor-type", "tensor-data", "tensor")),
    "errors": frozenset(("error-code", "error")),
    "inference": frozenset(("graph-execution-context", "tensor", "error")),
}
"""The types that these interfaces have in every version."""


class _Declared:
    """The declarations of an instance type."""

    def __init__(self) -> None:
        self._items: list[bytes] = []
        self._types = 0

    def done(self) -> bytes:
        return b"\x42" + vector(self._items)

    def _add(self, item: bytes) -> int:
        self._items.append(item)
        self._types += 1
        return self._types - 1

    def type(self, item: bytes) -> int:
        return self._add(b"\x01" + item)

    def outer(self, index: int) -> int:
        """A type of the component around."""
        return self._add(b"\x02\x03\x02\x01" + encode_u32(index))

    def export(self, name: str, index: int | None) -> int:
        """Export a type, or a new resource where there is no index."""
        bound = b"\x01" if index is None else b"\x00" + encode_u32(index)
        return self._add(b"\x04\x00" + encode_name(name) + b"\x03" + bound)

    def function(
        self, name: str, parameters: Sequence[tuple[str, bytes]], result: bytes | None
    ) -> None:
        labelled = [encode_name(label) + kind for label, kind in parameters]
        results = b"\x01\x00" if result is None else b"\x00" + result
        index = self.type(b"\x40" + vector(labelled) + results)
        self._items.append(b"\x04\x00" + encode_name(name) + b"\x01" + encode_u32(index))

    def own(self, resource: int) -> bytes:
        return _type(self.type(b"\x69" + encode_u32(resource)))

    def borrow(self, resource: int) -> bytes:
        return _type(self.type(b"\x68" + encode_u32(resource)))

    def result(self, ok: bytes | None, error: bytes) -> bytes:
        good = b"\x00" if ok is None else b"\x01" + ok
        return _type(self.type(b"\x6a" + good + b"\x01" + error))


def _type(index: int) -> bytes:
    """A type of values by its index, which is less than 64 and so one byte as a signed number."""
    return encode_u32(index)


def _enum(cases: Sequence[str]) -> bytes:
    return b"\x6d" + vector([encode_name(case) for case in cases])


def tensor_type() -> bytes:
    declared = _Declared()
    dimensions = _type(declared.export("tensor-dimensions", declared.type(b"\x70" + _U32)))
    kind = _type(declared.export("tensor-type", declared.type(_enum(_TENSOR_TYPES))))
    data = _type(declared.export("tensor-data", declared.type(b"\x70" + _U8)))
    tensor = declared.export("tensor", None)
    parameters = (("dimensions", dimensions), ("ty", kind), ("data", data))
    declared.function("[constructor]tensor", parameters, declared.own(tensor))
    me = (("self", declared.borrow(tensor)),)
    declared.function("[method]tensor.dimensions", me, dimensions)
    declared.function("[method]tensor.ty", me, kind)
    declared.function("[method]tensor.data", me, data)
    return declared.done()


def errors_type(snapshot: Snapshot) -> bytes:
    declared = _Declared()
    code = _type(declared.export("error-code", declared.type(_enum(ERROR_CODES))))
    error = declared.export("error", None)
    if snapshot is JUNE:
        parameters = (("code", code), ("data", _STRING))
        declared.function("[constructor]error", parameters, declared.own(error))
    me = (("self", declared.borrow(error)),)
    declared.function("[method]error.code", me, code)
    declared.function("[method]error.data", me, _STRING)
    return declared.done()


def inference_type(snapshot: Snapshot, tensor: int, error: int) -> bytes:
    """`tensor` and `error` are the indices of these resources in the component around."""
    declared = _Declared()
    context = declared.export("graph-execution-context", None)
    own_tensor = declared.own(declared.export("tensor", declared.outer(tensor)))
    own_error = declared.own(declared.export("error", declared.outer(error)))
    me = ("self", declared.borrow(context))
    method = "[method]graph-execution-context."
    if snapshot is OCTOBER:
        pair = declared.type(b"\x6f" + vector([_STRING, own_tensor]))
        named = _type(declared.export("named-tensor", pair))
        several = _type(declared.type(b"\x70" + named))
        result = declared.result(several, own_error)
        declared.function(f"{method}compute", (me, ("inputs", several)), result)
        return declared.done()
    nothing = declared.result(None, own_error)
    parameters = (me, ("name", _STRING), ("tensor", own_tensor))
    declared.function(f"{method}set-input", parameters, nothing)
    declared.function(f"{method}compute", (me,), nothing)
    result = declared.result(own_tensor, own_error)
    declared.function(f"{method}get-output", (me, ("name", _STRING)), result)
    return declared.done()


def graph_type(context: int, error: int) -> bytes:
    """`context` and `error` are the indices of these resources in the component around."""
    declared = _Declared()
    graph = declared.export("graph", None)
    encoding = _type(declared.export("graph-encoding", declared.type(_enum(_ENCODINGS))))
    target = _type(declared.export("execution-target", declared.type(_enum(_TARGETS))))
    builder = _type(declared.export("graph-builder", declared.type(b"\x70" + _U8)))
    own_context = declared.own(declared.export("graph-execution-context", declared.outer(context)))
    own_error = declared.own(declared.export("error", declared.outer(error)))
    loaded = declared.result(declared.own(graph), own_error)
    me = (("self", declared.borrow(graph)),)
    started = declared.result(own_context, own_error)
    declared.function("[method]graph.init-execution-context", me, started)
    builders = _type(declared.type(b"\x70" + builder))
    parameters = (("builder", builders), ("encoding", encoding), ("target", target))
    declared.function("load", parameters, loaded)
    declared.function("load-by-name", (("name", _STRING),), loaded)
    return declared.done()
