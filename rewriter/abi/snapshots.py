"""The interfaces of wasi:nn for components, which hosts have in one of several versions.

Source: wit/wasi-nn.wit of https://github.com/WebAssembly/wasi-nn at c1f8b87 (as in Wasmtime 13 and
14), e2310b8 (15 to 22), 8bd40e2, ac355f3, 06c30c0, c0840c2, 917bf47, 82e9d89 and 71320d9, and
crates/wasi-nn/wit of https://github.com/bytecodealliance/wasmtime at v23.0.3, which takes from
c0840c2 all but its errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = [
    "AUGUST",
    "ERRORS_WITHOUT_GGML",
    "FIRST_RESOURCES",
    "FIVE_TYPES",
    "JUNE",
    "LAST_UNVERSIONED",
    "NAMED_RECORDS",
    "OCTOBER",
    "PACKAGE",
    "RECORDS",
    "RESOURCES",
    "SNAPSHOTS",
    "UNVERSIONED",
    "VERSIONED",
    "WITH_INDICES",
    "Components",
    "Snapshot",
    "unversioned_form",
]

PACKAGE = "wasi:nn"


class Snapshot(NamedTuple):
    """The functions of each interface, as a component imports them. `version` is empty where the
    interfaces have none; `form` then says which of several it is. `types` are those of the
    functions, as rewriter.components.shapes gives them; empty where they are not known."""

    version: str
    functions: Mapping[str, frozenset[str]]
    types: Mapping[str, str] = MappingProxyType({})
    form: str = ""

    @property
    def name(self) -> str:
        """`wasi:nn@0.2.0-rc-2024-10-28`"""
        return f"{PACKAGE}@{self.version}" if self.version else PACKAGE

    def __str__(self) -> str:
        if self.version:
            return f"{PACKAGE}@{self.version}"
        return f"{PACKAGE} without a version" + (f" ({self.form})" if self.form else "")


_CONTEXT = "[method]graph-execution-context."
_TENSOR = frozenset(
    ("[constructor]tensor", *(f"[method]tensor.{name}" for name in ("dimensions", "ty", "data")))
)
_GRAPH = frozenset(("[method]graph.init-execution-context", "load", "load-by-name"))
_STEPS = frozenset(_CONTEXT + name for name in ("set-input", "compute", "get-output"))
_ERRORS = frozenset(("[method]error.code", "[method]error.data"))
_CONSTRUCTED = _ERRORS | {"[constructor]error"}

_TENSOR_TYPE = "enum<FP16 FP32 FP64 BF16 U8 I32 I64>"
_FIVE_TYPES = "enum<FP16 FP32 BF16 U8 I32>"
_ENCODING = "enum<openvino onnx tensorflow pytorch tensorflowlite ggml autodetect>"
_NO_GGML = _ENCODING.replace(" ggml", "")
_TARGET = "enum<cpu gpu tpu>"
_CODE = (
    "enum<invalid-argument invalid-encoding timeout runtime-error unsupported-operation too-large "
    "not-found security unknown>"
)
_SEVEN_CODES = _CODE.replace(" security unknown", "")
_BUSY = _SEVEN_CODES.replace("timeout", "busy")
_SELF_TENSOR = "borrow<wasi:nn/tensor.tensor>"
_SELF_ERROR = "borrow<wasi:nn/errors.error>"
_SELF_CONTEXT = "borrow<wasi:nn/inference.graph-execution-context>"
_A_TENSOR = "own<wasi:nn/tensor.tensor>"
_AN_ERROR = "own<wasi:nn/errors.error>"
_A_CONTEXT = "own<wasi:nn/inference.graph-execution-context>"
_A_GRAPH = "own<wasi:nn/graph.graph>"
_NAMED_TENSORS = f"list<tuple(string, {_A_TENSOR})>"


def _loads(graph: str, encoding: str, error: str) -> Mapping[str, str]:
    return {
        "load": f"func(list<list<u8>>, {encoding}, {_TARGET}) -> result<{graph}, {error}>",
        "load-by-name": f"func(string) -> result<{graph}, {error}>",
    }


def _tensors_and_graphs(encoding: str, error: str) -> Mapping[str, str]:
    return {
        "[constructor]tensor": f"func(list<u32>, {_TENSOR_TYPE}, list<u8>) -> {_A_TENSOR}",
        "[method]tensor.dimensions": f"func({_SELF_TENSOR}) -> list<u32>",
        "[method]tensor.ty": f"func({_SELF_TENSOR}) -> {_TENSOR_TYPE}",
        "[method]tensor.data": f"func({_SELF_TENSOR}) -> list<u8>",
        **_loads(_A_GRAPH, encoding, error),
        "[method]graph.init-execution-context": (
            f"func(borrow<wasi:nn/graph.graph>) -> result<{_A_CONTEXT}, {error}>"
        ),
    }


def _in_steps(error: str) -> Mapping[str, str]:
    return {
        f"{_CONTEXT}set-input": f"func({_SELF_CONTEXT}, string, {_A_TENSOR}) -> result<_, {error}>",
        f"{_CONTEXT}compute": f"func({_SELF_CONTEXT}) -> result<_, {error}>",
        f"{_CONTEXT}get-output": f"func({_SELF_CONTEXT}, string) -> result<{_A_TENSOR}, {error}>",
    }


def _with_records(tensor_type: str, key: str) -> Mapping[str, str]:
    tensor = f"record(dimensions: list<u32>, tensor-type: {tensor_type}, data: list<u8>)"
    return {
        **_loads("u32", _NO_GGML, _BUSY),
        "init-execution-context": f"func(u32) -> result<u32, {_BUSY}>",
        "set-input": f"func(u32, {key}, {tensor}) -> result<_, {_BUSY}>",
        "compute": f"func(u32) -> result<_, {_BUSY}>",
        "get-output": f"func(u32, {key}) -> result<list<u8>, {_BUSY}>",
    }


_AT_ONCE: Mapping[str, str] = {
    f"{_CONTEXT}compute": (
        f"func({_SELF_CONTEXT}, {_NAMED_TENSORS}) -> result<{_NAMED_TENSORS}, {_AN_ERROR}>"
    ),
}
_READING_ERRORS: Mapping[str, str] = {
    "[method]error.code": f"func({_SELF_ERROR}) -> {_CODE}",
    "[method]error.data": f"func({_SELF_ERROR}) -> string",
}
_MAKING_ERRORS: Mapping[str, str] = {"[constructor]error": f"func({_CODE}, string) -> {_AN_ERROR}"}

_RECORD_FUNCTIONS = {
    "tensor": frozenset[str](),
    "graph": frozenset(("load", "load-by-name")),
    "inference": frozenset(("init-execution-context", "set-input", "compute", "get-output")),
    "errors": frozenset[str](),
}
_RESOURCE_FUNCTIONS = {
    "tensor": _TENSOR,
    "graph": _GRAPH,
    "inference": _STEPS,
    "errors": frozenset[str](),
}
_ERROR_FUNCTIONS = {**_RESOURCE_FUNCTIONS, "errors": _CONSTRUCTED}

FIVE_TYPES = Snapshot(
    "", _RECORD_FUNCTIONS, _with_records(_FIVE_TYPES, "u32"), "as in Wasmtime 13 and 14"
)
"""Tensors are records, and graphs and contexts are numbers. There are neither FP64 nor I64."""

RECORDS = Snapshot(
    "", _RECORD_FUNCTIONS, _with_records(_TENSOR_TYPE, "u32"), "as in Wasmtime 15 to 22"
)

NAMED_RECORDS = Snapshot(
    "", _RECORD_FUNCTIONS, _with_records(_TENSOR_TYPE, "string"), "wasi-nn at 8bd40e2"
)
"""Where inputs and outputs have names instead of indices."""

FIRST_RESOURCES = Snapshot(
    "",
    _RESOURCE_FUNCTIONS,
    {**_tensors_and_graphs(_NO_GGML, _BUSY), **_in_steps(_BUSY)},
    "wasi-nn at ac355f3",
)

RESOURCES = Snapshot(
    "",
    _RESOURCE_FUNCTIONS,
    {**_tensors_and_graphs(_ENCODING, _SEVEN_CODES), **_in_steps(_SEVEN_CODES)},
    "as in Wasmtime 23",
)
"""Where errors are numbers still."""

ERRORS_WITHOUT_GGML = Snapshot(
    "",
    _ERROR_FUNCTIONS,
    {
        **_tensors_and_graphs(_NO_GGML, _AN_ERROR),
        **_in_steps(_AN_ERROR),
        **_READING_ERRORS,
        **_MAKING_ERRORS,
    },
    "wasi-nn at 06c30c0",
)

_OF_JUNE: Mapping[str, str] = {
    **_tensors_and_graphs(_ENCODING, _AN_ERROR),
    **_in_steps(_AN_ERROR),
    **_READING_ERRORS,
    **_MAKING_ERRORS,
}
LAST_UNVERSIONED = Snapshot("", _ERROR_FUNCTIONS, _OF_JUNE, "wasi-nn at c0840c2")
"""The same as JUNE."""

JUNE = Snapshot("0.2.0-rc-2024-06-25", _ERROR_FUNCTIONS, _OF_JUNE)
AUGUST = Snapshot(
    "0.2.0-rc-2024-08-19",
    {**_RESOURCE_FUNCTIONS, "errors": _ERRORS},
    {**_tensors_and_graphs(_ENCODING, _AN_ERROR), **_in_steps(_AN_ERROR), **_READING_ERRORS},
)
OCTOBER = Snapshot(
    "0.2.0-rc-2024-10-28",
    {**AUGUST.functions, "inference": frozenset((f"{_CONTEXT}compute",))},
    {**_tensors_and_graphs(_ENCODING, _AN_ERROR), **_AT_ONCE, **_READING_ERRORS},
)
"""Where compute takes and returns named tensors."""

UNVERSIONED = (
    FIVE_TYPES,
    RECORDS,
    NAMED_RECORDS,
    FIRST_RESOURCES,
    RESOURCES,
    ERRORS_WITHOUT_GGML,
    LAST_UNVERSIONED,
)
"""The forms that interfaces without a version have had. The types of the functions tell them."""

WITH_INDICES = (FIVE_TYPES, RECORDS)
"""Those where inputs and outputs have indices."""

VERSIONED = (JUNE, AUGUST, OCTOBER)

SNAPSHOTS = (*UNVERSIONED, *VERSIONED)
"""From the oldest to the newest, but that Wasmtime 23 came after all of wasi-nn's without a
version."""


def unversioned_form(
    functions: Mapping[str, Iterable[str]], types: Mapping[str, str]
) -> Snapshot | None:
    """The form of interfaces without a version that has these functions of each interface with
    these types: of several that have them, the last. None if none has."""
    for form in reversed(UNVERSIONED):
        if all(
            name in form.functions.get(interface, ()) and types.get(name) == form.types[name]
            for interface, names in functions.items()
            for name in names
        ):
            return form
    return None


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

    def snapshot(self, version: str, own: Iterable[Snapshot] = ()) -> Snapshot | None:
        """The one with this version, None if the host does not have it. Of several without a
        version, it is one of a component's `own`, or the newest."""
        found = [each for each in self.every if each.version == version]
        return next((each for each in found if each in own), found[-1] if found else None)
