"""The order of operators: every tensor is written before it is read, and only writable tensors are
written.

LiteRT runs operators in the order of the file, and checks only whether the tensors that they read
have memory. All have: it comes from one allocation with whatever was there before.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/core/subgraph.cc
"""

from __future__ import annotations

from rewriter.models.flatbuffer import Table

__all__ = ["check_order"]

_TENSORS, _INPUTS, _OUTPUTS, _OPERATORS = 4, 6, 8, 10
"""Fields of SubGraph."""

_SHAPE, _IS_VARIABLE = 4, 14
"""Fields of Tensor."""

_OPERANDS, _RESULTS = 6, 8
"""Fields of Operator."""


def check_order(subgraph: Table, constant: set[int], is_called: bool) -> None:
    """Check a subgraph. `constant` are the indices of constants. The outputs of a subgraph that
    `is_called` are copied, whether they were written or not.

    Raises HostError with `invalid_argument` for a tensor that is read before it is written, and for
    one that would be written in the model itself: guests would see each other's inputs in it, and
    could change what was checked.
    """
    tensors = list(subgraph.tables(_TENSORS))
    given = set(subgraph.numbers(_INPUTS, "i"))
    given.update(place for place, each in enumerate(tensors) if each.number(_IS_VARIABLE, "?"))
    if given & constant:
        raise tensors[min(given & constant)].refused(
            "an input or a variable has constant data, which LiteRT would overwrite"
        )
    operators = list(subgraph.tables(_OPERATORS))
    results = [set(operator.numbers(_RESULTS, "i")) for operator in operators]
    outputs = {place for place in subgraph.numbers(_OUTPUTS, "i") if place >= 0}
    outputs -= {place for place in outputs if 0 in tensors[place].numbers(_SHAPE, "i")}
    awaited = outputs.union(*results) - given - constant
    for operator, made in zip(operators, results, strict=True):
        early = awaited.intersection(operator.numbers(_OPERANDS, "i"))
        if early:
            place = min(early)
            raise operator.refused(f"it reads tensor {place}, which is written later or never")
        if made & constant:
            raise operator.refused(
                f"it writes tensor {min(made & constant)}, which has constant data"
            )
        awaited -= made
    if is_called and awaited:
        raise subgraph.refused(f"its output tensor {min(awaited)} is never written")
