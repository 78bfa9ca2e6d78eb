"""The interfaces of wasi:nn for components, which hosts have in one of several versions.

Source: wit/wasi-nn.wit of https://github.com/WebAssembly/wasi-nn at 917bf47, 82e9d89 and 71320d9,
and crates/wasi-nn/wit of https://github.com/bytecodealliance/wasmtime at v22.0.1 and v23.0.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = [
    "AUGUST",
    "JUNE",
    "OCTOBER",
    "PACKAGE",
    "RECORDS",
    "RESOURCES",
    "SNAPSHOTS",
    "Components",
    "Snapshot",
]

PACKAGE = "wasi:nn"


class Snapshot(NamedTuple):
    """The functions of each interface, as a component imports them. `version` is empty where the
    interfaces have none. `types` are those of the functions, as rewriter.components.shapes gives
    them; empty where they are not known."""

    version: str
    functions: Mapping[str, frozenset[str]]
    types: Mapping[str, str] = MappingProxyType({})

    @property
    def name(self) -> str:
        """`wasi:nn@0.2.0-rc-2024-10-28`"""
        return f"{PACKAGE}@{self.version}" if self.version else PACKAGE

    def __str__(self) -> str:
        return f"{PACKAGE}@{self.version}" if self.version else f"{PACKAGE} without a version"


_CONTEXT = "[method]graph-execution-context."
_TENSOR = frozenset(
    ("[constructor]tensor", *(f"[method]tensor.{name}" for name in ("dimensions", "ty", "data")))
)
_GRAPH = frozenset(("[method]graph.init-execution-context", "load", "load-by-name"))
_STEPS = frozenset(_CONTEXT + name for name in ("set-input", "compute", "get-output"))
_ERRORS = frozenset(("[method]error.code", "[method]error.data"))
_CONSTRUCTED = _ERRORS | {"[constructor]error"}

RECORDS = Snapshot(
    "",
    {
        "tensor": frozenset(),
        "graph": frozenset(("load", "load-by-name")),
        "inference": frozenset(("init-execution-context", "set-input", "compute", "get-output")),
        "errors": frozenset(),
    },
)
"""Where tensors are records, and graphs and contexts are numbers."""

RESOURCES = Snapshot(
    "", {"tensor": _TENSOR, "graph": _GRAPH, "inference": _STEPS, "errors": frozenset()}
)
"""Where errors are numbers still."""

_TENSOR_TYPE = "enum<FP16 FP32 FP64 BF16 U8 I32 I64>"
_ENCODING = "enum<openvino onnx tensorflow pytorch tensorflowlite ggml autodetect>"
_TARGET = "enum<cpu gpu tpu>"
_CODE = (
    "enum<invalid-argument invalid-encoding timeout runtime-error unsupported-operation too-large "
    "not-found security unknown>"
)
_SELF_TENSOR = "borrow<wasi:nn/tensor.tensor>"
_SELF_ERROR = "borrow<wasi:nn/errors.error>"
_SELF_CONTEXT = "borrow<wasi:nn/inference.graph-execution-context>"
_A_TENSOR = "own<wasi:nn/tensor.tensor>"
_AN_ERROR = "own<wasi:nn/errors.error>"
_A_CONTEXT = "own<wasi:nn/inference.graph-execution-context>"
_A_GRAPH = "own<wasi:nn/graph.graph>"
_NAMED_TENSORS = f"list<tuple(string, {_A_TENSOR})>"

_TYPES: Mapping[str, str] = {
    "[constructor]tensor": f"func(list<u32>, {_TENSOR_TYPE}, list<u8>) -> {_A_TENSOR}",
    "[method]tensor.dimensions": f"func({_SELF_TENSOR}) -> list<u32>",
    "[method]tensor.ty": f"func({_SELF_TENSOR}) -> {_TENSOR_TYPE}",
    "[method]tensor.data": f"func({_SELF_TENSOR}) -> list<u8>",
    "load": f"func(list<list<u8>>, {_ENCODING}, {_TARGET}) -> result<{_A_GRAPH}, {_AN_ERROR}>",
    "load-by-name": f"func(string) -> result<{_A_GRAPH}, {_AN_ERROR}>",
    "[method]graph.init-execution-context": (
        f"func(borrow<wasi:nn/graph.graph>) -> result<{_A_CONTEXT}, {_AN_ERROR}>"
    ),
    "[method]error.code": f"func({_SELF_ERROR}) -> {_CODE}",
    "[method]error.data": f"func({_SELF_ERROR}) -> string",
}
_IN_STEPS: Mapping[str, str] = {
    f"{_CONTEXT}set-input": (
        f"func({_SELF_CONTEXT}, string, {_A_TENSOR}) -> result<_, {_AN_ERROR}>"
    ),
    f"{_CONTEXT}compute": f"func({_SELF_CONTEXT}) -> result<_, {_AN_ERROR}>",
    f"{_CONTEXT}get-output": (f"func({_SELF_CONTEXT}, string) -> result<{_A_TENSOR}, {_AN_ERROR}>"),
}
_AT_ONCE: Mapping[str, str] = {
    f"{_CONTEXT}compute": (
        f"func({_SELF_CONTEXT}, {_NAMED_TENSORS}) -> result<{_NAMED_TENSORS}, {_AN_ERROR}>"
    ),
}
_MAKING_ERRORS: Mapping[str, str] = {"[constructor]error": f"func({_CODE}, string) -> {_AN_ERROR}"}

JUNE = Snapshot(
    "0.2.0-rc-2024-06-25",
    {**RESOURCES.functions, "errors": _CONSTRUCTED},
    {**_TYPES, **_IN_STEPS, **_MAKING_ERRORS},
)
AUGUST = Snapshot(
    "0.2.0-rc-2024-08-19", {**JUNE.functions, "errors": _ERRORS}, {**_TYPES, **_IN_STEPS}
)
OCTOBER = Snapshot(
    "0.2.0-rc-2024-10-28",
    {**AUGUST.functions, "inference": frozenset((f"{_CONTEXT}compute",))},
    {**_TYPES, **_AT_ONCE},
)
"""Where compute takes and returns named tensors."""

SNAPSHOTS = (RECORDS, RESOURCES, JUNE, AUGUST, OCTOBER)
"""From the oldest to the newest."""


class Components(NamedTuple):
    """What a host that runs components has for them.

    - `wasi_nn`: its snapshot of wasi:nn, the newest if it has several.
    - `wasi`: its version of WASI.
    - `any_patch`: it finds its interfaces for imports of any 0.2.x of WASI, and not only for those
      of its own version.
    - `may_have_wasi_3`: it has interfaces of WASI 0.3 too; it is not known which.
    - `also`: other snapshots of wasi:nn that it has, from the oldest to the newest.
    - `exits_with_code`: it has `exit-with-code` of wasi:cli/exit without an option. None if its
      version of WASI says that.
    - `has_options`: options switch on more interfaces, and let a user name the function to call.
    """

    wasi_nn: Snapshot
    wasi: str
    any_patch: bool = True
    may_have_wasi_3: bool = False
    also: tuple[Snapshot, ...] = ()
    exits_with_code: bool | None = None
    has_options: bool = True

    @property
    def every(self) -> tuple[Snapshot, ...]:
        """All snapshots that it has, from the oldest to the newest."""
        return (*self.also, self.wasi_nn)

    @property
    def has_exit_code(self) -> bool:
        """Whether `exit-with-code`, which is stable since 0.2.12, needs no option."""
        if self.exits_with_code is not None:
            return self.exits_with_code
        return int(self.wasi.rpartition(".")[2]) >= 12

    def snapshot(self, version: str) -> Snapshot | None:
        """The one with this version, None if the host does not have it."""
        return next((each for each in self.every if each.version == version), None)
