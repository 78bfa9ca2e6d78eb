"""Operators that LiteRT leaves unwritten, reads beside their tensors in, or ends the process in."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim.backends.litert.backend import LiteRtBackend, LiteRtContext
from runtime_shim.errors import HostError
from tests.support.tflite_models import Operator, Tensor, build, schema
from tests.tools.litert_operators.draft import (
    BOOL,
    F32,
    F64,
    I8,
    I16,
    I32,
    Q8,
    Q16,
    U8,
    Draft,
    Kind,
)  # fmt: skip
from tests.tools.litert_operators.layers import detection
from tests.tools.unwritten import KINDS

CODE = schema.BuiltinOperator


def draft(free: bool = True) -> Draft:
    made = Draft(np.random.default_rng(1))
    made.free = free
    return made


def context_of(model: bytes) -> LiteRtContext:
    return LiteRtBackend().load([model], Target.CPU).init_execution_context()


def result(context: LiteRtContext, *arrays: npt.NDArray[Any]) -> bytes:
    """The first output, for these inputs."""
    for index, array in enumerate(arrays):
        kind = KINDS.get(array.dtype, TensorType.U8)
        context.set_input(index, kind, array.shape, memoryview(array.tobytes()))
    context.compute()
    return bytes(context.get_output(0))


def refused(model: bytes, word: str) -> None:
    with pytest.raises(HostError, match=word) as caught:
        LiteRtBackend().load([model], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def made_of(name: str, kinds: Sequence[Kind], given: Kind, options: str = "") -> bytes:
    """A model of one operator, with inputs of [2, 2]."""
    model = draft(free=False)
    inputs = [model.given(kind, [2, 2], constant=0) for kind in kinds]
    operator = model.add(name, inputs, [model.made(given, [2, 2], exact=True)], options)
    operator.version = 1
    return model.case().model


def test_random_models_of_every_operator_give_memory_that_was_written_and_end_no_process() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.tools.litert_operators", "--seeds", "1"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[4],
    )
    assert run.returncode == 0, run.stdout + run.stderr
    computed = int(run.stdout.splitlines()[-1].partition("of which ")[2].partition(" ")[0])
    assert computed > 100, run.stdout


def test_a_tensor_that_is_read_before_it_is_written_is_refused() -> None:
    tensors = [Tensor(np.float32, [4]) for _ in range(3)]
    first, second = Operator(CODE.COS, [1], [2]), Operator(CODE.SIN, [0], [1])
    refused(build(tensors, [first, second], [0], [2]), "written later")
    values = np.ones(4, np.float32)
    right = result(context_of(build(tensors, [second, first], [0], [2])), values)
    assert np.allclose(np.frombuffer(right, np.float32), np.cos(np.sin(values)))


def test_a_branch_whose_output_nothing_writes_is_refused() -> None:
    model = draft(free=False)
    branches = []
    for step in ("COS", ""):
        inner = draft(free=False)
        given, made = inner.given(F32, [4], constant=0), inner.made(F32, [4], exact=True)
        if step:
            inner.add(step, [given], [made]).version = 1
        branches.append(model.graph(inner, [given]))
    inputs = [model.given(BOOL, [], constant=0), model.given(F32, [4], constant=0)]
    made = model.made(F32, [4], exact=True)
    called = model.add("IF", inputs, [made], "If", thenSubgraphIndex=branches[0],
                       elseSubgraphIndex=branches[1])  # fmt: skip
    called.version = 1
    refused(model.case().model, "is never written")
    called.options.elseSubgraphIndex = branches[0]  # type: ignore[attr-defined]  # IfOptions
    model.graphs.pop()
    assert context_of(model.case().model)


def test_a_constant_that_an_operator_would_write_is_refused() -> None:
    tensors = [Tensor(np.float32, [2]), Tensor(np.float32, [2], np.zeros(2, np.float32))]
    refused(build(tensors, [Operator(CODE.COS, [0], [1])], [0], [1]), "it writes tensor 1")


def test_a_missing_operand_is_refused_where_it_is_needed() -> None:
    tensors = [Tensor(np.float32, [2]), Tensor(np.float32, [2])]
    refused(build(tensors, [Operator(CODE.COS, [-1], [1])], [0], [1]), "lacks a required operand")


@pytest.mark.parametrize(
    ("name", "kinds", "given", "options"),
    [
        ("NOT_EQUAL", [I16, I16], BOOL, "NotEqual"),
        ("NOT_EQUAL", [U8, U8], BOOL, "NotEqual"),
        ("EQUAL", [I8, I8], BOOL, "Equal"),
        ("ADD", [U8, U8], U8, "Add"),
        ("SUB", [I16, I16], I16, "Sub"),
        ("SQUARED_DIFFERENCE", [I8, I8], I8, "SquaredDifference"),
        ("RSQRT", [I16], I16, ""),
        ("LOG", [I8], I8, ""),
        ("MATRIX_DIAG", [F64], F64, "MatrixDiag"),
        ("MATRIX_SET_DIAG", [BOOL, BOOL], BOOL, "MatrixSetDiag"),
    ],
)
def test_types_that_litert_does_not_compute_are_refused(
    name: str, kinds: list[Kind], given: Kind, options: str
) -> None:
    refused(made_of(name, kinds, given, options), name)


@pytest.mark.parametrize(
    ("name", "kinds", "given", "options"),
    [
        ("NOT_EQUAL", [I32, I32], BOOL, "NotEqual"),
        ("EQUAL", [Q8, Q8], BOOL, "Equal"),
        ("ADD", [Q16, Q16], Q16, "Add"),
        ("RSQRT", [F32], F32, ""),
        ("MATRIX_DIAG", [I32], I32, "MatrixDiag"),
    ],
)
def test_types_that_litert_does_compute_load(
    name: str, kinds: list[Kind], given: Kind, options: str
) -> None:
    assert context_of(made_of(name, kinds, given, options))


@pytest.mark.parametrize(
    ("name", "operands", "word"),
    [
        ("ATAN2", ((2, 3), (2, 1)), "ATAN2 with the shapes"),
        ("STABLEHLO_SHIFT_LEFT", ((4, 2), (1, 2)), "STABLEHLO_SHIFT_LEFT with the shapes"),
        ("LOG_SOFTMAX", ((),), "LOG_SOFTMAX of a scalar"),
        ("LOG_SOFTMAX", ((2, 0),), "LOG_SOFTMAX of no classes"),
        ("SOFTMAX", ((2, 0),), "SOFTMAX of no classes"),
        ("PRELU", ((1, 1, 0, 0), (1, 0, 0)), "PRELU with a tensor without elements"),
    ],
)
def test_shapes_that_litert_does_not_compute_are_refused_as_soon_as_they_are_known(
    name: str, operands: tuple[tuple[int, ...], ...], word: str
) -> None:
    kind = I32 if name == "STABLEHLO_SHIFT_LEFT" else F32
    options = {"SOFTMAX": "Softmax", "LOG_SOFTMAX": "LogSoftmax"}.get(name, "")
    for free in (False, True):
        model = draft(free)
        inputs = [model.given(kind, shape, constant=0) for shape in operands]
        made = model.made(kind, operands[0], exact=True)
        model.add(name, inputs, [made], options).version = 1
        if not free or operands[0] == ():
            refused(model.case().model, word)
            continue
        context = context_of(model.case().model)
        with pytest.raises(HostError, match=word) as caught:
            result(context, *(np.zeros(shape, kind.dtype) for shape in operands))
        assert caught.value.errno is Errno.INVALID_ARGUMENT
        ones = [np.ones([max(length, 1) for length in operands[0]], kind.dtype)] * len(operands)
        if name != "PRELU":
            assert len(result(context, *ones)) == ones[0].nbytes


def test_quantised_i16_of_two_shapes_are_added_unless_their_scales_are_powers_of_two() -> None:
    for scale, shifted, right in ((0.25, True, False), (0.25, False, True), (0.3, True, True)):
        model, kind = draft(), Kind(np.int16, scale)
        inputs = [model.given(kind, shape, constant=0) for shape in ([3, 2], [1, 2])]
        made = model.made(kind, [3, 2], exact=True)
        model.add("ADD", inputs, [made], "Add", potScaleInt16=shifted).version = 1
        context = context_of(model.case().model)
        ones = [np.ones(shape, np.int16) for shape in ((3, 2), (1, 2))]
        if right:
            assert np.frombuffer(result(context, *ones), np.int16).tolist() == [2] * 6
        else:
            with pytest.raises(HostError, match="ADD of i16 whose scales are powers of two"):
                result(context, *ones)


def resized() -> bytes:
    model = draft()
    image = model.given(F32, [1, 2, 2, 1], constant=0)
    size = model.constant(I32, np.array([4, 4], np.int32))
    made = model.made(F32, [1, 4, 4, 1], exact=True)
    model.add("RESIZE_BILINEAR", [image, size], [made], "ResizeBilinear").version = 1
    return model.case().model


def test_an_empty_image_is_not_resized() -> None:
    context = context_of(resized())
    with pytest.raises(HostError, match="RESIZE_BILINEAR") as caught:
        result(context, np.zeros((1, 0, 2, 1), np.float32))
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    assert len(result(context, np.ones((1, 2, 2, 1), np.float32))) == 64


@pytest.mark.parametrize("computed", [False, True])
def test_an_order_with_a_dimension_twice_is_refused(computed: bool) -> None:
    def transposed(order: list[int]) -> Draft:
        model = draft()
        source = model.given(I32, [2, 3], constant=0)
        place = model.constant(I32, np.array(order, np.int32))
        if computed:
            zero = model.given(I32, [2], 0, 1, constant=0)
            place, constant = model.made(I32, [2], shown=False), place
            model.add("ADD", [zero, constant], [place], "Add").version = 1
        made = model.made(I32, [3, 2], exact=True)
        model.add("TRANSPOSE", [source, place], [made], "Transpose").version = 1
        return model

    source, zero = np.arange(6, dtype=np.int32).reshape(2, 3), np.zeros(2, np.int32)
    given = [source, zero][: 1 + computed]
    with pytest.raises(HostError, match="repeats a dimension"):
        result(context_of(transposed([1, 1]).case().model), *given)
    right = result(context_of(transposed([1, 0]).case().model), *given)
    assert right == source.T.tobytes()


def test_an_element_behind_the_end_is_not_sliced() -> None:
    model = draft()
    source = model.given(F32, [3, 2], constant=0)
    begin, end = (model.given(I32, [1], constant=0) for _ in range(2))
    steps = model.constant(I32, np.ones(1, np.int32))
    made = model.made(F32, [2], exact=True)
    model.add("STRIDED_SLICE", [source, begin, end, steps], [made], "StridedSlice",
              shrinkAxisMask=1).version = 1  # fmt: skip
    context = context_of(model.case().model)
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    for place, expected in ((2, [4, 5]), (-1, [4, 5]), (0, [0, 1])):
        given = result(context, values, np.array([place], np.int32), np.array([9], np.int32))
        assert np.frombuffer(given, np.float32).tolist() == expected
    with pytest.raises(HostError, match="element 3 of 3"):
        result(context, values, np.array([3], np.int32), np.array([4], np.int32))


def test_a_length_below_zero_reverses_nothing() -> None:
    model = draft()
    source, lengths = model.given(F32, [2, 3], constant=0), model.given(I32, [2], constant=0)
    made = model.made(F32, [2, 3], exact=True)
    model.add("REVERSE_SEQUENCE", [source, lengths], [made], "ReverseSequence", seqDim=1,
              batchDim=0).version = 1  # fmt: skip
    context = context_of(model.case().model)
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    with pytest.raises(HostError, match="the length -2"):
        result(context, values, np.array([1, -2], np.int32))
    given = np.frombuffer(result(context, values, np.array([1, 2], np.int32)), np.float32)
    assert given.tolist() == [0, 1, 2, 4, 3, 5]


def variable(read: list[int], assigned: list[int] | None) -> bytes:
    model = draft(free=False)
    value, handle = model.given(F32, assigned or [4], constant=0), model.resource()
    model.add("VAR_HANDLE", [], [handle], "VarHandle", sharedName="v", container="").version = 1
    if assigned:
        model.add("ASSIGN_VARIABLE", [handle, value], [], "AssignVariable").version = 1
    made = model.made(F32, read, exact=True)
    model.add("READ_VARIABLE", [handle], [made], "ReadVariable").version = 1
    return model.case().model


def test_of_a_variable_no_more_is_read_than_was_assigned() -> None:
    values = np.arange(4, dtype=np.float32)
    assert result(context_of(variable([4], [4])), values) == values.tobytes()
    with pytest.raises(HostError, match="1000 elements are read"):
        result(context_of(variable([1000], [4])), values)
    context = context_of(variable([4], None))
    with pytest.raises(RuntimeError, match="variable"):
        result(context, values)


def test_what_was_not_detected_is_zero() -> None:
    for seed in range(40):
        model = Draft(np.random.default_rng(seed))
        detection(model)
        model.operators[0].version = 1
        case = model.case()
        context = context_of(case.model)
        try:
            found = [result(context, *case.inputs)]
        except RuntimeError:  # boxes with their ends before their beginnings
            continue
        found += [bytes(context.get_output(index)) for index in (1, 2, 3)]
        (count,) = struct.unpack("<f", found[3])
        scores = np.frombuffer(found[2], np.float32)
        most = scores.size if not count else int(count) * 3
        if count and most < scores.size:
            assert not scores[most:].any()
            assert not np.frombuffer(found[0], np.float32)[4 * most :].any()


def test_of_slices_that_do_not_fit_none_is_gathered() -> None:
    model = draft(free=False)
    source, places = model.given(F32, [4], constant=0), model.given(I32, [1, 1], 0, 1, constant=0)
    made = model.made(F32, [1, 1000], exact=True)
    model.add("STABLEHLO_GATHER", [source, places], [made], "StablehloGather", indexVectorDim=1,
              offsetDims=np.array([1]), collapsedSliceDims=np.array([], np.int64),
              startIndexMap=np.array([0]), sliceSizes=np.array([1000])).version = 1  # fmt: skip
    refused(model.case().model, "STABLEHLO_GATHER with slices")
