"""Lengths in ONNX models from guests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases

from rewriter.abi.dialects import Encoding
from runtime_shim.backends.checks.onnx import check_lengths
from runtime_shim.errors import HostError
from tests.support.models import F32, identity, with_external_data
from tests.support.refusals import accepted, refusal

BOTH = [Encoding.ONNX, Encoding.OPENVINO]


def tensor(kind: int, dims: Sequence[int], raw: bytes | None = None, **fields: Any) -> TensorProto:
    made = TensorProto(name="w", data_type=kind, dims=dims, **fields)
    if raw is not None:
        made.raw_data = raw
    return made


def with_initializer(made: TensorProto) -> bytes:
    """Adds an input to a constant that need not make sense."""
    model = onnx.load_from_string(identity(dims=(None,)))
    model.graph.node[0].CopyFrom(helper.make_node("Add", ["x", "w"], ["y"]))
    model.graph.initializer.append(made)
    data: bytes = model.SerializeToString()
    return data


KINDS = [
    *(TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16),
    *(TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL),
    *(TensorProto.INT4, TensorProto.FLOAT8E4M3FN, TensorProto.COMPLEX128),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("dims", "size"),
    [
        ([4096], 16),
        ([3], 0),
        ([], 0),
        ([1], 32),
        ([0], 16),
        ([2**32, 2**32], 0),
        ([2**62, 4, 3], 0),
        ([-1], 16),
        ([-1, -1], 16),
    ],
)
def test_bytes_are_as_many_as_the_shape_says(kind: int, dims: list[int], size: int) -> None:
    with pytest.raises(HostError):
        check_lengths(with_initializer(tensor(kind, dims, bytes(size))))


@pytest.mark.parametrize("encoding", BOTH)
@pytest.mark.parametrize(
    "made",
    [
        tensor(F32, [4096], bytes(16)),
        tensor(F32, [2**62, 4], b""),
        tensor(F32, [4096], float_data=[1]),
        tensor(F32, [1], float_data=[1] * 9),
        tensor(F32, [1], int32_data=[1]),
        tensor(F32, [1], bytes(4), float_data=[1]),
        tensor(TensorProto.UINT8, [99], int32_data=[1]),
        tensor(TensorProto.INT4, [9], int32_data=[1] * 9),
        tensor(TensorProto.INT64, [99], int64_data=[-1]),
        tensor(TensorProto.UINT64, [99], uint64_data=[1]),
        tensor(TensorProto.DOUBLE, [99], double_data=[1]),
        tensor(TensorProto.COMPLEX64, [99], float_data=[1] * 99),
        tensor(TensorProto.STRING, [99], string_data=[b"a"]),
        tensor(TensorProto.STRING, [1], b"a"),
        tensor(999, [1], bytes(4)),
        tensor(F32, [1]),
    ],
)
def test_a_tensor_has_as_many_elements_as_its_shape_says(
    encoding: Encoding, made: TensorProto
) -> None:
    refusal(encoding, with_initializer(made))


@pytest.mark.parametrize("kind", [*range(1, 8), *range(9, 27)])
def test_what_onnx_writes_is_accepted(kind: int) -> None:
    for values in ([1], [1, 0, 1], [0] * 8, []):
        typed = helper.make_tensor("w", kind, [len(values)], values)
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        raw = numpy_helper.from_array(np.zeros(len(values), dtype), "w")
        for made in (typed, raw):
            check_lengths(with_initializer(made))


SHORT = tensor(F32, [4096], bytes(4))


def in_constant(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=SHORT))


def in_list(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], other=[SHORT]))


def in_branch(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [], [SHORT])
    model.graph.node.append(helper.make_node("If", ["x"], ["c"], then_branch=body))


def in_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["c"], value=SHORT)
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "f", [], ["c"], [node], opsets))


def sparse(values: TensorProto, indices: TensorProto) -> SparseTensorProto:
    return SparseTensorProto(values=values, indices=indices, dims=[8])


TWO = tensor(TensorProto.INT64, [2], bytes(16))


def in_sparse_values(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.append(sparse(SHORT, TWO))


def in_sparse_indices(model: onnx.ModelProto) -> None:
    short = tensor(TensorProto.INT64, [4096], bytes(16))
    constant = sparse(tensor(F32, [2], bytes(8)), short)
    model.graph.node.append(helper.make_node("Constant", [], ["c"], sparse_value=constant))


@pytest.mark.parametrize("encoding", BOTH)
@pytest.mark.parametrize(
    "change",
    [in_constant, in_list, in_branch, in_function, in_sparse_values, in_sparse_indices],
)
def test_tensors_are_looked_for_everywhere(encoding: Encoding, change: Any) -> None:
    model = onnx.load_from_string(identity())
    change(model)
    assert "4096 elements" in refusal(encoding, model.SerializeToString())


def field(number: int, content: bytes, kind: int = 2) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | kind]) + (bytes([len(content)]) if kind == 2 else b"") + content


@pytest.mark.parametrize(
    "made",
    [
        field(1, b"\x01", 0) + field(2, b"\x01", 0) + field(9, bytes(4)) * 2,
        field(2, b"\x81\x80\x80\x80\x10", 0) + field(1, b"\x63", 0) + field(9, bytes(4)),
        field(2, b"\x01", 0) + field(1, b"\x01\x63") + field(9, bytes(4)),
        field(2, b"\x01", 0) + field(1, b"\x01\xff") + field(9, bytes(4)),
        field(2, b"\x01", 0) + field(4, bytes(5)),
        field(2, b"\x01", 0) + b"\xca\x80\x80\x80\x10" + b"\x04" + bytes(4),
        b"\x4b" + bytes(4),
        b"\x4a\x7f" + bytes(4),
        b"\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x02\x00",
        b"\xff" * 11,
    ],
)
def test_what_readers_of_protobuf_can_take_in_two_ways_is_refused(made: bytes) -> None:
    graph = field(5, made)
    with pytest.raises(HostError):
        check_lengths(field(1, b"\x08", 0) + field(7, graph))


def test_messages_that_would_be_merged_are_refused() -> None:
    attribute = field(5, field(1, b"\x01", 0) + field(2, b"\x01", 0) + field(9, bytes(4)))
    for count, allowed in ((1, True), (2, False)):
        graph = field(1, field(5, attribute * count))
        for graphs, single in ((1, True), (2, False)):
            data = field(1, b"\x08", 0) + field(7, graph) * graphs
            if allowed and single:
                check_lengths(data)
            else:
                with pytest.raises(HostError):
                    check_lengths(data)


def test_graphs_are_not_in_one_another_forever() -> None:
    nested = bytes(0)
    for _ in range(60):
        attribute = b"\x32" + varint(len(nested)) + nested
        node = b"\x2a" + varint(len(attribute)) + attribute
        nested = b"\x0a" + varint(len(node)) + node
    with pytest.raises(HostError, match="too deep"):
        check_lengths(b"\x08\x08\x3a" + varint(len(nested)) + nested)


def varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def test_a_guests_tensor_names_no_file() -> None:
    with pytest.raises(HostError, match="may not refer to data in other files"):
        check_lengths(with_external_data("secret"))


@pytest.mark.parametrize("marker", ["*/_ORT_MEM_ADDR_/*", "*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*"])
@pytest.mark.parametrize("encoding", BOTH)
def test_a_guests_tensor_is_not_at_an_address(encoding: Encoding, marker: str) -> None:
    """NN runtimes have a name for a file that stands for their own memory."""
    assert "refer to data in other files" in refusal(encoding, with_external_data(marker))


def test_onnx_runtimes_own_format_is_for_named_graphs() -> None:
    data = b"\x08\0\0\0ORTM" + bytes(64)
    for encoding in BOTH:
        assert "only from named graphs" in refusal(encoding, data)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_the_models_that_onnx_tests_with_are_accepted() -> None:
    models = [case.model for case in collect_testcases(None) if case.model is not None]
    assert len(models) > 1000
    for model in models:
        check_lengths(model.SerializeToString())


@pytest.mark.parametrize("encoding", BOTH)
def test_models_are_accepted(encoding: Encoding) -> None:
    assert accepted(encoding, with_initializer(tensor(F32, [2], bytes(8))))
    assert accepted(encoding, with_initializer(tensor(F32, [2], float_data=[1, 2])))
