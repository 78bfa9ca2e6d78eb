"""What LiteRT gets wrong in branches and loops, and where tensors share memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from runtime_shim.errors import HostError
from tests.runtime_shim.backends.litert.steps import (
    Step,
    branched,
    filled,
    ints,
    looked_up,
    looped,
    of_two_subgraphs,
    reversed_by,
    row,
    sized,
    summed,
    transposed,
)
from tests.runtime_shim.backends.litert.test_litert_operators import (
    context_of,
    draft,
    refused,
    result,
)
from tests.tools.litert_operators.draft import (
    BOOL,
    F32,
    I8,
    I16,
    I32,
    Q8,
    Q16,
    QU8,
    U8,
    Draft,
    Kind,
)

YES, NO = np.array(True), np.array(False)
ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (transposed([0, 0]), "the order .* repeats a dimension"),
        (reversed_by([1, -2, 1]), "REVERSE_SEQUENCE with the length -2"),
        (looked_up(1), "EMBEDDING_LOOKUP_SPARSE: 1 of 1"),
        (filled([2, 3], [3, 3]), "BROADCAST_ARGS of"),
        (transposed([1, 0], computed=True), "TRANSPOSE needs constants"),
    ],
)
def test_what_constants_say_is_looked_at_in_branches_when_a_model_loads(
    wrong: Step, word: str
) -> None:
    refused(branched(wrong, F32, [3, 2], [3, 2]), word)
    assert context_of(of_two_subgraphs(wrong))


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (transposed([1, 0]), ROWS.T),
        (reversed_by([2, 1, 0]), [[1, 0], [2, 3], [4, 5]]),
        (looked_up(0), ROWS[1]),
        (filled([3, 1], [3, 2]), ROWS),
        (row(2), ROWS[2]),
        (row(-1), ROWS[2]),
    ],
)
def test_branches_with_such_constants_compute(right: Step, expected: npt.ArrayLike) -> None:
    context = context_of(branched(right, F32, [3, 2], np.shape(expected)))
    for chosen in (YES, NO, YES):
        given = np.frombuffer(result(context, chosen, ROWS), np.float32)
        assert given.tolist() == np.ravel(expected).tolist()


def test_shapes_that_do_not_go_together_are_refused_before_litert_looks_at_them() -> None:
    model = draft()
    filled([2, 3], [3, 3])(model, model.given(F32, [3, 3], constant=0))
    refused(model.case().model, "BROADCAST_ARGS of")


def test_a_row_that_is_not_there_is_not_sliced_in_a_branch() -> None:
    for number in (3, 1000):
        context = context_of(branched(row(number), F32, [3, 2], [2]))
        with pytest.raises(HostError, match=f"element {number} of 3"):
            result(context, YES, ROWS)


@pytest.mark.parametrize("number", [0, -1])
def test_of_no_rows_none_is_sliced(number: int) -> None:
    nothing = np.zeros((0, 2), np.float32)
    model = draft()
    row(number)(model, model.given(F32, [3, 2], constant=0))
    context = context_of(model.case().model)
    with pytest.raises(HostError, match=f"element {number} of 0"):
        result(context, nothing)
    context = context_of(branched(row(number), F32, [3, 2], [2]))
    with pytest.raises(HostError, match=f"element {number} of 0"):
        result(context, YES, nothing)


@pytest.mark.parametrize("kind", [I8, U8, I16, Q8])
def test_a_sum_of_nothing_is_zero_beside_tensors_that_share_memory(kind: Kind) -> None:
    model = draft()
    source, other = model.given(kind, [0, 2], constant=0), model.given(kind, [64], constant=0)
    for _ in range(2):
        longer = model.made(kind, [64])
        model.add("CONCATENATION", [other, other], [longer], "Concatenation", axis=0).version = 1
        other = longer
    model.outputs = [summed(kind)(model, source), other]
    context = context_of(model.case().model)
    for value in (65, 66):
        given = result(context, np.zeros((0, 2), kind.dtype), np.full(64, value, kind.dtype))
        assert np.frombuffer(given, kind.dtype).tolist() == [kind.zero_point] * 2


@pytest.mark.parametrize("kind", [Q8, QU8, Q16])
def test_a_sum_of_what_turns_out_to_be_nothing_is_zero_or_fails(kind: Kind) -> None:
    model = draft()
    source, begin = model.given(kind, [4, 2], constant=0), model.given(I32, [2], constant=0)
    rows = model.made(kind, [0, 2], shown=False)
    model.add("SLICE", [source, begin, ints(model, [-1, 2])], [rows], "Slice").version = 1
    model.outputs = [summed(kind)(model, rows)]
    context = context_of(model.case().model)
    three = np.full((4, 2), kind.zero_point + 3, kind.dtype)
    for first in (0, 1, 4, 4, 2):
        try:
            given = result(context, three, np.array([first, 0], np.int32))
        except HostError:
            assert first == 4
            continue
        expected = kind.zero_point + 3 * (4 - first)
        assert np.frombuffer(given, kind.dtype).tolist() == [expected] * 2


@pytest.mark.parametrize("kind", [Q8, QU8, Q16])
def test_a_branch_adds_up_what_there_is(kind: Kind) -> None:
    context = context_of(branched(summed(kind), kind, [3, 2], [2]))
    given = result(context, YES, np.full((3, 2), kind.zero_point + 5, kind.dtype))
    assert np.frombuffer(given, kind.dtype).tolist() == [kind.zero_point + 15] * 2
    with pytest.raises(HostError, match="SUM over a tensor of small integers without elements"):
        result(context, YES, np.zeros((0, 2), kind.dtype))


def test_rows_are_sliced_in_a_loop_whose_shapes_stay() -> None:
    for number in (0, 2, -1):
        context = context_of(looped(row(number), [2], times=3))
        assert result(context, ROWS) == ROWS[number].tobytes()
    context = context_of(looped(row(3), [2], times=3))
    with pytest.raises(HostError, match="element 3 of 3"):
        result(context, ROWS)


def test_rows_are_not_sliced_in_a_loop_whose_shapes_change() -> None:
    """Nobody sees which shapes there were in the rounds between the first and the last."""
    for number, word in (
        (4, "element 4 of 3"),
        (2, "the shapes in its loop depend on the inference"),
    ):
        context = context_of(looped(row(number), [2], times=2, grows=True))
        with pytest.raises(HostError, match=word):
            result(context, ROWS)


def test_lengths_are_known_in_branches_and_loops() -> None:
    assert (
        result(context_of(branched(sized(1), F32, [3, 2], [3, 2])), YES, ROWS)
        == (ROWS + 2).astype(np.float32).tobytes()
    )
    for grows, rows in ((False, 3), (True, 6)):
        given = result(context_of(looped(sized(0), [3, 2], 2, grows)), ROWS)
        values = np.concatenate([ROWS] * (rows // 3)) + rows
        assert np.frombuffer(given, np.float32).tolist() == np.ravel(values).tolist()


def test_a_branch_that_gives_what_litert_computes_before_it_runs_is_refused() -> None:
    refused(branched(sized(0, shown=True), I32, [3, 2], []), "free it twice")


def test_a_call_that_does_not_say_of_what_is_refused() -> None:
    """LiteRT takes it for one of the first subgraph, and calls that until its stack is full."""
    model, inner = draft(free=False), draft(free=False)
    for each in (inner, model):
        chosen, source = each.given(BOOL, [], constant=0), each.given(F32, [3], constant=0)
        made = each.made(F32, [3], exact=True)
        if each is inner:
            each.add("IF", [chosen, chosen, source], [made]).version = 1
            called = model.graph(inner, [chosen, source])
        else:
            each.add("IF", [chosen, chosen, source], [made], "If", thenSubgraphIndex=called,
                     elseSubgraphIndex=called).version = 1  # fmt: skip
    refused(model.case().model, "does not say which subgraph it calls")


def test_a_row_is_not_sliced_in_a_branch_that_is_called_for_several_tensors() -> None:
    """Only the shape of the last one can be seen."""
    model, inner = draft(), draft()
    given = inner.given(F32, [3, 2], constant=0)
    inner.outputs = [row(2)(inner, given)]
    called, chosen = model.graph(inner, [given]), model.given(BOOL, [], constant=0)
    for _ in range(2):
        source, made = model.given(F32, [3, 2], constant=0), model.made(F32, [2], exact=True)
        model.add("IF", [chosen, source], [made], "If", thenSubgraphIndex=called,
                  elseSubgraphIndex=called).version = 1  # fmt: skip
    refused(model.case().model, "several operators call its subgraph")


def test_shapes_that_end_the_process_are_refused_in_a_branch() -> None:
    kind = Kind(np.int16, 0.25)

    def added(model: Draft, source: int) -> int:
        other, made = model.constant(kind, np.ones(2, np.int16)), model.made(kind, [3, 2])
        model.add("ADD", [source, other], [made], "Add", potScaleInt16=True).version = 1
        return made

    context = context_of(branched(added, kind, [3, 2], [3, 2]))
    with pytest.raises(HostError, match="ADD of i16 whose scales are powers of two"):
        result(context, YES, np.ones((3, 2), np.int16))
