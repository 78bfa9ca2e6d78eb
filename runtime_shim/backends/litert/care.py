"""Checks and repairs around an inference on LiteRT's interpreter, for operators that need them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from rewriter.abi.dialects import Errno
from runtime_shim.backends.litert.calls import Loop
from runtime_shim.backends.litert.shapes import Guard, Shape
from runtime_shim.backends.litert.tensors import Tensors
from runtime_shim.backends.litert.values import Known
from runtime_shim.errors import HostError

__all__ = ["after_inference", "before_inference", "when_allocated"]


def when_allocated(interpreter: Interpreter, tensors: Tensors) -> None:
    """Raise HostError with `invalid_argument` for shapes that LiteRT cannot compute. A tensor whose
    shape depends on computed values has no shape yet, and a tensor that is passed to another
    subgraph has no memory."""
    for guard in tensors.guards:
        _check(guard, interpreter, computed=False)
    for loop in tensors.loops:
        _check_loop(loop, interpreter)
    for each in tensors.variables.assigned:
        if 0 in _shape(interpreter, each.place, each.subgraph):
            raise HostError(
                Errno.INVALID_ARGUMENT, "a variable is assigned a tensor without elements"
            )


def before_inference(interpreter: Interpreter, tensors: Tensors) -> None:
    """Zero the tensors that LiteRT does not write, or writes in part, and that have their own
    memory: sums of small integers over no elements, and partial results. Raises HostError with
    `invalid_argument` for values that LiteRT cannot compute with."""
    _check_values(interpreter, tensors, Known.FED)
    for each in tensors.sums:
        _fill(interpreter, each.sums, _zero(interpreter, each.sums))
    for place in tensors.partial:
        _fill(interpreter, place, 0)


def after_inference(interpreter: Interpreter, tensors: Tensors) -> None:
    """Raise HostError with `invalid_argument` if LiteRT has not written something."""
    for guard in tensors.guards:
        if guard.after:
            _check(guard, interpreter, computed=True)
    _check_values(interpreter, tensors, Known.COMPUTED)
    for each in tensors.sums:
        if 0 in _shape(interpreter, each.of, 0):
            _check_zero(interpreter, each.sums)
    reason = tensors.variables.refusal(lambda subgraph, place: _shape(interpreter, place, subgraph))
    if reason is not None:
        raise HostError(Errno.INVALID_ARGUMENT, reason)


def _check(guard: Guard, interpreter: Interpreter, computed: bool) -> None:
    """Check one guard. A tensor that is passed to a called subgraph has no memory yet, but it has a
    shape, if the last result has."""
    result, called = guard.places[-1], guard.subgraph
    computed = computed or (called > 0 and _has_elements(interpreter, result, called))

    def shape_of(place: int) -> Shape:
        shape = _shape(interpreter, place, guard.subgraph)
        known = computed or 0 in shape or _has_elements(interpreter, place, guard.subgraph)
        return shape if known or (guard.subgraph and not shape) else None

    reason = guard.refusal(shape_of)
    if reason is not None:
        raise HostError(Errno.INVALID_ARGUMENT, reason)


def _check_loop(loop: Loop, interpreter: Interpreter) -> None:
    """Raise HostError if the shapes in a loop may change. Only if they do not, LiteRT allocates the
    loop's results, and it does not report the shapes before the last iteration."""
    fixed = any(_has_elements(interpreter, place, loop.subgraph) for place in loop.results)
    for guard in loop.guards:
        if not fixed and not guard.by_rank:
            raise guard.table.refused(
                "the shapes in its loop depend on the inference, and for some shapes "
                "LiteRT would return uninitialised memory"
            )
        if fixed:
            _check(guard, interpreter, computed=True)


def _check_values(interpreter: Interpreter, tensors: Tensors, known: Known) -> None:
    def values_of(place: int) -> Sequence[int]:
        return [int(number) for number in np.ravel(interpreter.get_tensor(place))]

    for each in tensors.values:
        if each.known is known:
            with contextlib.suppress(ValueError):  # it has no values, or is in XNNPACK's own memory
                reason = each.refusal(_shape(interpreter, each.source, 0), values_of)
                if reason is not None:
                    raise HostError(Errno.INVALID_ARGUMENT, reason)


def _shape(interpreter: Interpreter, place: int, subgraph: int) -> tuple[int, ...]:
    shape = interpreter._get_tensor_details(place, subgraph)["shape"]
    return tuple(int(dim) for dim in shape)


def _fill(interpreter: Interpreter, place: int, value: int) -> None:
    with contextlib.suppress(
        ValueError
    ):  # it has no elements, or gets memory while LiteRT computes
        view = interpreter.tensor(place)()
        if np.ndim(view):
            view[...] = value
        else:  # a copy, not a view
            interpreter.set_tensor(place, np.full_like(view, value))


def _check_zero(interpreter: Interpreter, place: int) -> None:
    """Raise HostError for sums over no elements that LiteRT allocated during the inference."""
    with contextlib.suppress(ValueError):  # it has no elements, or is in XNNPACK's own memory
        if np.any(interpreter.get_tensor(place) != _zero(interpreter, place)):
            reason = (
                "LiteRT did not write a sum over no elements, because its shape depends on "
                "the inference"
            )
            raise HostError(Errno.INVALID_ARGUMENT, reason)


def _zero(interpreter: Interpreter, place: int) -> int:
    """The value that stands for zero in a tensor that may be quantised."""
    return int(interpreter._get_tensor_details(place, 0)["quantization"][1])


def _has_elements(interpreter: Interpreter, place: int, subgraph: int) -> bool:
    try:
        if subgraph == 0:
            return bool(np.size(interpreter.tensor(place)()))
        return bool(np.size(interpreter.get_tensor(place, subgraph)))
    except ValueError:
        return False
