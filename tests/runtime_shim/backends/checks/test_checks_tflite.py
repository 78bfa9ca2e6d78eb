"""Lengths in TensorFlow Lite models from guests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert import schema_py_generated as schema

from rewriter.abi.dialects import Encoding, Errno, TensorType
from runtime_shim.backends.checks.tflite import check_lengths
from runtime_shim.backends.litert.backend import LiteRtBackend
from runtime_shim.errors import HostError
from tests.support.digits import TFLITE_MODEL
from tests.support.guest import Guest
from tests.support.refusals import refusal
from tests.support.tflite_models import Operator, Tensor, build, changed, identity

OPERATORS = schema.BuiltinOperator


def maximum(constant: npt.NDArray[np.float32], size: int = 4) -> bytes:
    """The larger one of each element of an input and of a constant."""
    tensors = [Tensor("f4", [size]), Tensor("f4", [size], constant), Tensor("f4", [size])]
    return build(tensors, [Operator(OPERATORS.MAXIMUM, [0, 1], [2])], [0], [2])


FOUR = np.arange(4, dtype=np.float32)


def behind(offset: int, size: int) -> bytes:
    """A model whose constant is behind its tables."""

    def change(model: Any) -> None:
        buffer = model.buffers[1]
        buffer.data, buffer.offset, buffer.size = None, offset, size

    return changed(maximum(FOUR), change)


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        (2, 2**64 - 1),
        (2**64 - 65536, 65536 + 16),
        (2**64 - 16, 16),
        (2**63, 2**63),
        (2, 1 << 20),
        (1 << 20, 16),
        (2**64 - 1, 0),
        (0, 2**64 - 1),
    ],
)
def test_a_constant_is_not_what_is_before_or_behind_the_model(offset: int, size: int) -> None:
    reason = refusal(Encoding.TENSORFLOWLITE, behind(offset, size))
    assert f"{size} bytes at byte {offset} are not in the file" in reason


def test_a_constant_behind_the_tables_is_read_from_there() -> None:
    size = len(behind(2, 16))
    data = behind(size, 16)
    assert len(data) == size
    context = LiteRtBackend().load([data + FOUR.tobytes()], "cpu").init_execution_context()
    context.set_input(0, TensorType.F32, (4,), memoryview(np.ones(4, np.float32).tobytes()))
    context.compute()
    assert bytes(context.get_output(0)) == np.maximum(FOUR, 1).tobytes()
    assert "not in the file" in refusal(Encoding.TENSORFLOWLITE, data + FOUR.tobytes()[:15])


def test_offset_and_size_of_1_stand_for_no_data() -> None:
    check_lengths(behind(1, 1))
    check_lengths(behind(0, 0))


def test_the_options_of_a_custom_operator_are_in_the_file() -> None:
    def change(model: Any) -> None:
        operator = model.subgraphs[0].operators[0]
        operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize = 2**64 - 1, 3

    assert "are not in the file" in refusal(Encoding.TENSORFLOWLITE, changed(maximum(FOUR), change))


def test_a_models_data_are_not_in_other_files() -> None:
    def change(model: Any) -> None:
        group, buffer = schema.ExternalBufferGroupT(), schema.ExternalBufferT()
        group.name, buffer.id, buffer.length = "/etc/passwd", 1, 16
        model.externalBufferGroups, model.externalBuffers = [group], [buffer]

    assert "other files" in refusal(Encoding.TENSORFLOWLITE, changed(maximum(FOUR), change))


@pytest.mark.parametrize(
    "dims", [[5], [-4], [2**31 - 1, 2**31 - 1, 4, 1], [65536] * 4, [65536, 65536, 2**31 - 1]]
)
def test_a_constant_is_as_long_as_its_shape(dims: list[int]) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[1].shape = dims

    refusal(Encoding.TENSORFLOWLITE, changed(maximum(FOUR), change))


def without_subgraphs(model: Any) -> None:
    model.subgraphs = []


def buffer(model: Any) -> None:
    model.subgraphs[0].tensors[1].buffer = 99


def operator_code(model: Any) -> None:
    model.subgraphs[0].operators[0].opcodeIndex = 99


def operand(model: Any) -> None:
    model.subgraphs[0].operators[0].inputs = [0, 99]


def result(model: Any) -> None:
    model.subgraphs[0].operators[0].outputs = [-2]


def intermediate(model: Any) -> None:
    model.subgraphs[0].operators[0].intermediates = [99]


def graph_input(model: Any) -> None:
    model.subgraphs[0].inputs = [99]


def graph_output(model: Any) -> None:
    model.subgraphs[0].outputs = [-1]


def metadata(model: Any) -> None:
    entry = schema.MetadataT()
    entry.name, entry.buffer = "min_runtime_version", 99
    model.metadata = [entry]


def signature(model: Any) -> None:
    entry, tensor = schema.SignatureDefT(), schema.TensorMapT()
    entry.signatureKey, tensor.name, tensor.tensorIndex = "serve", "x", 99
    entry.inputs = entry.outputs = [tensor]
    model.signatureDefs = [entry]


def scales(model: Any) -> None:
    details = schema.BlockwiseQuantizationT()
    details.scales = 99
    quantization = schema.QuantizationParametersT()
    quantization.detailsType = schema.QuantizationDetails.BlockwiseQuantization
    quantization.details = details
    model.subgraphs[0].tensors[1].quantization = quantization


def called_subgraph(model: Any) -> None:
    options = schema.IfOptionsT()
    options.thenSubgraphIndex, options.elseSubgraphIndex = 0, -1
    operator = model.subgraphs[0].operators[0]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.IfOptions, options


@pytest.mark.parametrize(
    "change",
    [
        without_subgraphs,
        buffer,
        operator_code,
        operand,
        result,
        intermediate,
        graph_input,
        graph_output,
        metadata,
        signature,
        scales,
        called_subgraph,
    ],
)
def test_what_is_referred_to_is_there(change: Callable[[Any], object]) -> None:
    refusal(Encoding.TENSORFLOWLITE, changed(maximum(FOUR), change))


def strings(*numbers: int, count: int = 3) -> bytes:
    """A model whose output is a constant of three strings, which the numbers lay out."""
    data = np.frombuffer(np.array(numbers, np.int32).tobytes() + b"abcdef", np.uint8)
    tensors = [Tensor("f4", [1]), Tensor("u1", [1], data), Tensor("f4", [1])]
    operators = [Operator(OPERATORS.MAXIMUM, [0, 0], [2])]

    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[1]
        tensor.type, tensor.shape = schema.TensorType.STRING, [count]

    return changed(build(tensors, operators, [0], [1]), change)


@pytest.mark.parametrize(
    "numbers",
    [
        (3, 0, 1 << 20, 1 << 21, 1 << 22),
        (3, 20, 22, 24, 27),
        (3, 20, 24, 22, 26),
        (3, -9, 22, 24, 26),
        (1 << 20, 20, 22, 24, 26),
        (-1, 20, 22, 24, 26),
        (2, 20, 22, 24, 26),
    ],
)
def test_strings_are_one_after_the_other_in_their_data(numbers: tuple[int, ...]) -> None:
    check_lengths(strings(3, 20, 22, 24, 26))
    refusal(Encoding.TENSORFLOWLITE, strings(*numbers))
    refusal(Encoding.TENSORFLOWLITE, strings(3, 20, 22, 24, 26, count=1 << 28))


def test_a_table_is_not_listed_over_and_over() -> None:
    """Twenty thousand subgraphs are one: with as many tensors, it would take hours to read."""
    data = bytearray(identity("f4", [1]))
    table = int.from_bytes(data[:4], "little")
    fields = table - int.from_bytes(data[table : table + 4], "little", signed=True)
    place = table + int.from_bytes(data[fields + 8 : fields + 10], "little")
    first = place + int.from_bytes(data[place : place + 4], "little") + 4
    target = first + int.from_bytes(data[first : first + 4], "little")
    start = len(data) + -len(data) % 4
    data += bytes(start - len(data))
    data[place : place + 4] = (start - place).to_bytes(4, "little")
    count = 20_000
    data += count.to_bytes(4, "little")
    for index in range(count):
        data += ((target - start - 4 - 4 * index) % 2**32).to_bytes(4, "little")
    with pytest.raises(HostError):
        check_lengths(bytes(data))


def test_models_of_the_other_tests_are_accepted() -> None:
    check_lengths(TFLITE_MODEL.read_bytes())
    for dtype in ("f2", "f4", "f8", "u1", "i1", "i4", "i8"):
        check_lengths(identity(dtype, [1, 4]))


def test_a_guest_gets_an_errno() -> None:
    guest = Guest()
    assert guest.load_model(behind(2, 16), Encoding.TENSORFLOWLITE) == 0
    assert guest.load_model(behind(2, 2**64 - 1), Encoding.TENSORFLOWLITE) == Errno.INVALID_ARGUMENT


def calls_of(*called: int) -> bytes:
    """A model whose subgraphs each have an operator that calls another, where that is there, and
    return what they are given."""

    def change(model: Any) -> None:
        first = model.subgraphs[0]
        model.subgraphs = [copy.deepcopy(first) for _ in called]
        for subgraph, number in zip(model.subgraphs, called, strict=True):
            options = subgraph.operators[0].builtinOptions
            options.thenSubgraphIndex = options.elseSubgraphIndex = number
            if number >= len(called):
                subgraph.operators = []
                subgraph.outputs = subgraph.inputs[1:]

    options = schema.BuiltinOptions.IfOptions, schema.IfOptionsT()
    tensors = [Tensor(np.bool_, [1]), Tensor("f4", [4]), Tensor("f4", [4])]
    data = build(tensors, [Operator(OPERATORS.IF, [0, 1], [2], *options)], [0, 1], [2])
    return changed(data, change)


@pytest.mark.parametrize(
    "called",
    [[0], [1, 1], [1, 2, 1], [*range(1, 201), 201], [*range(1, 31), 31]],
    ids=["itself", "the second itself", "each other", "deep", "a billion calls"],
)
def test_subgraphs_do_not_call_themselves(called: list[int]) -> None:
    assert "calls itself" in refusal(Encoding.TENSORFLOWLITE, calls_of(*called))


def test_subgraphs_may_call_others() -> None:
    check_lengths(calls_of(1, 2, 3))
