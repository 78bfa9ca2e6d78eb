"""What is done about an inference on LiteRT's interpreter, for operators that need care."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from rewriter.dialects import Errno
from runtime_shim.backends.litert_shapes import Guard, Shape
from runtime_shim.backends.litert_tensors import Sum, Tensors
from runtime_shim.backends.litert_values import Known
from runtime_shim.errors import HostError

__all__ = ["after_inference", "before_inference", "when_allocated"]


def when_allocated(interpreter: Interpreter, tensors: Tensors) -> None:
    """Raises HostError with `invalid_argument` for shapes that LiteRT cannot compute. What is in
    other subgraphs, or depends on what is computed, has no shape yet."""
    for guard in tensors.guards:
        if guard.subgraph == 0:
            _check(guard, interpreter, computed=False)
    _check_values(interpreter, tensors, Known.LOADED)
    for each in tensors.variables.assigned:
        if 0 in _shape(interpreter, each.place, each.subgraph):
            raise HostError(Errno.INVALID_ARGUMENT, "a variable is assigned no elements")


def before_inference(interpreter: Interpreter, tensors: Tensors) -> None:
    """Zeroes what LiteRT leaves as it was: sums of small integers of no elements, and what it
    writes in part, which has memory of its own. Raises HostError with `invalid_argument` for
    values that LiteRT cannot compute with."""
    _check_values(interpreter, tensors, Known.FED)
    _clear_sums(interpreter, tensors.sums)
    for place in tensors.partial:
        _clear(interpreter, place)


def after_inference(interpreter: Interpreter, tensors: Tensors) -> None:
    """Raises HostError with `invalid_argument` if LiteRT has left something unwritten."""
    for guard in tensors.guards:
        if guard.after:
            _check(guard, interpreter, computed=True)
    _check_values(interpreter, tensors, Known.COMPUTED)
    reason = tensors.variables.refusal(lambda subgraph, place: _shape(interpreter, place, subgraph))
    if reason is not None:
        raise HostError(Errno.INVALID_ARGUMENT, reason)


def _check(guard: Guard, interpreter: Interpreter, computed: bool) -> None:
    def shape_of(place: int) -> Shape:
        shape = _shape(interpreter, place, guard.subgraph)
        known = computed or 0 in shape or _has_elements(interpreter, place)
        return shape if known else None

    reason = guard.refusal(shape_of)
    if reason is not None:
        raise HostError(Errno.INVALID_ARGUMENT, reason)


def _check_values(interpreter: Interpreter, tensors: Tensors, known: Known) -> None:
    def values_of(place: int) -> Sequence[int]:
        return [int(number) for number in np.ravel(interpreter.get_tensor(place))]

    for each in tensors.values:
        if each.subgraph == 0 and each.known is known:
            with contextlib.suppress(ValueError):  # it has no values, or is in XNNPACK's own memory
                reason = each.refusal(_shape(interpreter, each.source, 0), values_of)
                if reason is not None:
                    raise HostError(Errno.INVALID_ARGUMENT, reason)


def _shape(interpreter: Interpreter, place: int, subgraph: int) -> tuple[int, ...]:
    shape = interpreter._get_tensor_details(place, subgraph)["shape"]
    return tuple(int(dim) for dim in shape)


def _clear_sums(interpreter: Interpreter, sums: Sequence[Sum]) -> None:
    for each in sums:
        if not _has_elements(interpreter, each.of):
            _clear(interpreter, each.sums)


def _clear(interpreter: Interpreter, place: int) -> None:
    with contextlib.suppress(ValueError):  # it has no elements
        view = interpreter.tensor(place)()
        if np.ndim(view):
            view[...] = 0
        else:  # a copy, and no view
            interpreter.set_tensor(place, np.zeros_like(view))


def _has_elements(interpreter: Interpreter, place: int) -> bool:
    try:
        return bool(np.size(interpreter.tensor(place)()))
    except ValueError:
        return False
