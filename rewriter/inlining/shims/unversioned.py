"""The shims for programs that import wasi:nn without a version, by form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rewriter.abi.snapshots import (
    ERRORS_WITHOUT_GGML,
    FIRST_RESOURCES,
    FIVE_TYPES,
    NAMED_RECORDS,
    RECORDS,
    RESOURCES,
    Snapshot,
)
from rewriter.errors import UsageError
from rewriter.inlining.shims.shim import HostCall, Piece, Shim, make_shim

__all__ = ["indexed_names", "make_unversioned", "pieces_of"]

_CONTEXT = "[method]graph-execution-context."

_ENCODINGS = Piece((), {}, {}, ("encodings.late.wat",), {}, {})

_LOAD = Piece(
    early_files=(),
    early_calls={},
    early_exports={},
    late_files=("load.late.wat",),
    late_calls={"$host_load": HostCall("graph", "load", 5, False, "guest")},
    late_exports={"graph#load": "$load"},
)

_CODES = Piece(
    early_files=("codes.early.wat",),
    early_calls={
        "$host_error_code": HostCall("errors", "[method]error.code", 1, True),
        "$host_error_drop": HostCall("errors", "[resource-drop]error", 1),
    },
    early_exports={},
    late_files=("codes.late.wat",),
    late_calls={
        "$host_load": HostCall("graph", "load", 5, False, "guest"),
        "$host_load_by_name": HostCall("graph", "load-by-name", 3, False, "guest"),
        "$host_init": HostCall("graph", "[method]graph.init-execution-context", 2, False, "guest"),
        "$host_compute": HostCall("inference", f"{_CONTEXT}compute", 2, False, "early"),
    },
    late_exports={"graph#load": "$load", "graph#load-by-name": "$load_by_name"},
)
"""Errors are numbers."""

_SET_INPUT = HostCall("inference", f"{_CONTEXT}set-input", 5, False, "early")

_RESOURCES = Piece(
    early_files=(),
    early_calls={},
    early_exports={},
    late_files=("resources.late.wat",),
    late_calls={
        "$host_set_input": _SET_INPUT,
        "$host_get_output": HostCall("inference", f"{_CONTEXT}get-output", 4, False, "guest"),
    },
    late_exports={
        "graph#[method]graph.init-execution-context": "$init",
        f"inference#{_CONTEXT}set-input": "$set_input",
        f"inference#{_CONTEXT}compute": "$compute",
        f"inference#{_CONTEXT}get-output": "$get_output",
    },
)
"""Tensors are resources."""


def _records(file: str) -> Piece:
    return Piece(
        early_files=(),
        early_calls={},
        early_exports={},
        late_files=("records.late.wat", file),
        late_calls={
            "$host_set_input": _SET_INPUT,
            "$host_get_output": HostCall("inference", f"{_CONTEXT}get-output", 4, False, "early"),
            "$host_tensor_new": HostCall("tensor", "[constructor]tensor", 5, True, "guest"),
            "$host_tensor_data": HostCall(
                "tensor", "[method]tensor.data", 2, False, "guest", allocates=True
            ),
            "$host_tensor_drop": HostCall("tensor", "[resource-drop]tensor", 1),
        },
        late_exports={
            "inference#init-execution-context": "$init",
            "inference#set-input": "$set_input",
            "inference#compute": "$compute",
            "inference#get-output": "$get_output",
        },
    )


_BY_INDEX = (_CODES, _ENCODINGS, _records("indices.late.wat"))

_PIECES: Sequence[tuple[Snapshot, Sequence[Piece]]] = (
    (FIVE_TYPES, _BY_INDEX),
    (RECORDS, _BY_INDEX),
    (NAMED_RECORDS, (_CODES, _ENCODINGS, _records("named.late.wat"))),
    (FIRST_RESOURCES, (_CODES, _ENCODINGS, _RESOURCES)),
    (RESOURCES, (_CODES, _ENCODINGS, _RESOURCES)),
    (ERRORS_WITHOUT_GGML, (_ENCODINGS, _LOAD)),
)


def pieces_of(form: Snapshot) -> Sequence[Piece]:
    """What a shim has between this form and a version with set-input and get-output; nothing where
    names are all that differs."""
    return next((pieces for each, pieces in _PIECES if each is form), ())


def make_unversioned(form: Snapshot, inputs: Mapping[int, str], outputs: Mapping[int, str]) -> Shim:
    """The core modules for a form. `inputs` and `outputs` are the names that its indices stand for;
    an index without one is the name."""
    lacks_ggml = form is not RESOURCES
    lacks_types = form is FIVE_TYPES
    values = {
        "GGML": 5,
        "LACKS_GGML": int(lacks_ggml),
        "LAST_ENCODING": 6 - lacks_ggml,
        "LAST_NUMBER": 6,
        "LACKS_TYPES": int(lacks_types),
        "LAST_TYPE": 4 if lacks_types else 6,
    }
    names = indexed_names(inputs), indexed_names(outputs)
    return make_shim(pieces_of(form), values=values, indexed=names)


_MOST_NAMES = 256
"""More than models have inputs or outputs. Each makes the shim larger."""


def indexed_names(names: Mapping[int, str]) -> Sequence[str]:
    """The names of all indices up to the last that has one. Raises UsageError for too many."""
    count = max(names, default=-1) + 1
    if count > _MOST_NAMES:
        raise UsageError(
            f"names of inputs and outputs (--input-name, --output-name): an index is under "
            f"{_MOST_NAMES} for a component that knows indices"
        )
    return [names.get(index, str(index)) for index in range(count)]
