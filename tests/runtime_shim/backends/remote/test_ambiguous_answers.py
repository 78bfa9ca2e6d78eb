"""Answers that say two things at once, and answers that would fill memory."""

from __future__ import annotations

import math
import struct

import pytest

from runtime_shim.backends.remote.answers.described import ports_of
from runtime_shim.backends.remote.answers.identity import Identity
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.interface import Tensors
from runtime_shim.backends.remote.over_grpc.messages import message
from runtime_shim.backends.remote.over_grpc.sizes import check_size
from runtime_shim.backends.remote.over_http.bodies import answered
from runtime_shim.errors import ServerError
from tests.runtime_shim.backends.remote.remote_graphs import (
    SERVER,
    code_of,
    host_of,
    inferred,
    two_floats,
)
from tests.support.inference_server import Model, grpc_server

IDENTITY = Identity(parse_endpoint("http://s/m"), SERVER)


def read(data: str, shape: str = "[2, 2]", more: str = "") -> bytes:
    """The bytes of an output in JSON."""
    output = f'{{"name": "x", "datatype": "FP64", "shape": {shape}, "data": {data}{more}}}'
    (found,) = answered(IDENTITY, "id", f'{{"outputs": [{output}]}}'.encode(), None)
    assert found.data is not None
    return bytes(found.data)


def test_nested_data_are_those_of_the_shape() -> None:
    four = struct.pack("<4d", 1, 2, 3, 4)
    assert read("[1, 2, 3, 4]") == read("[[1, 2], [3, 4]]") == four
    assert read("[[[1], [2]], [[3], [4]]]", "[2, 2, 1]") == four
    assert read("[[], []]", "[2, 0]") == b""


@pytest.mark.parametrize(
    "data",
    ["[[1, 2, 3, 4]]", "[[1], [2], [3], [4]]", "[[1], [2, 3, 4]]", "[[1, 2], [3, 4], []]"],
)
def test_data_that_are_nested_otherwise_are_refused(data: str) -> None:
    with pytest.raises(ServerError, match=r"nested|not regular"):
        read(data)


def test_a_number_that_is_too_large_is_not_infinite() -> None:
    assert read("[NaN, Infinity, -Infinity, 1]")[8:] == struct.pack("<3d", math.inf, -math.inf, 1)
    for data in ("[1e400, 1, 2, 3]", "[-1e400, Infinity, 2, 3]"):
        with pytest.raises(ServerError, match="too large"):
            read(data)


def test_minus_zero_keeps_its_sign_and_is_an_integer_too() -> None:
    assert read("[-0, -0.0, 0, -0e1]") == struct.pack("<4d", -0.0, -0.0, 0, -0.0)
    output = '{"name": "x", "datatype": "INT32", "shape": [2], "data": [-0, -7]}'
    (found,) = answered(IDENTITY, "id", f'{{"outputs": [{output}]}}'.encode(), None)
    assert bytes(found.data or b"") == struct.pack("<2i", 0, -7)


@pytest.mark.parametrize(
    "more", [', "data": [4, 3, 2, 1]', ', "shape": [4]', ', "parameters": {"binary_data_size": 0}']
)
def test_an_output_that_is_described_twice_is_refused(more: str) -> None:
    with pytest.raises(ServerError, match="twice"):
        read("[1, 2, 3, 4]", more=more)


def test_an_output_over_grpc_with_two_kinds_of_data_is_refused() -> None:
    model = Model()
    made = message("ModelInferResponse")(raw_output_contents=[two_floats])
    made.outputs.add(name="x", datatype="FP32", shape=[1, 2]).contents.fp32_contents.append(1)
    with grpc_server(model) as url:
        model.garbage = made.SerializeToString()
        assert code_of(host_of(url)) == "NN607"


@pytest.mark.parametrize(
    ("kind", "more"), [("fp64_contents", [2.0]), ("bytes_contents", [b"text"]), ("", [])]
)
def test_an_output_over_grpc_has_only_the_contents_of_its_type(
    kind: str, more: list[float | bytes]
) -> None:
    model = Model()
    made = message("ModelInferResponse")()
    contents = made.outputs.add(name="x", datatype="FP32", shape=[1, 2]).contents
    contents.fp32_contents.extend(struct.unpack("<2f", two_floats))
    if kind:
        getattr(contents, kind).extend(more)
    with grpc_server(model) as url:
        model.garbage = made.SerializeToString()
        if kind:
            assert code_of(host_of(url)) == "NN607"
        else:
            assert inferred(host_of(url)) == two_floats


RAW_OUTPUT = b"\x32\x80\x80\x01" + bytes(1 << 14)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x2a\x80\xb5\x18" + b"\x22\x00" * 200_000,  # an output with that many parameters
        b"\x2a\x00" * 50_000,  # outputs without anything
        b"\x2a\x80\x80\x80\x80\x01",  # one with more bytes than all of them may have
        b"\x2b",  # a group, which the protocol has not
        b"\x30" + b"\xff" * 11,
    ],
    ids=["parameters", "many", "long", "group", "endless number"],
)
def test_an_answer_over_grpc_that_would_fill_memory_is_not_read(answer: bytes) -> None:
    with pytest.raises(ServerError) as caught:
        check_size(SERVER, RAW_OUTPUT + answer)
    assert caught.value.code == "NN607"


def test_tensors_in_raw_form_may_be_large() -> None:
    made = message("ModelInferResponse")(id="1", raw_output_contents=[bytes(1 << 20)] * 3)
    made.outputs.add(name="x", datatype="FP32", shape=[1 << 18])
    check_size(SERVER, made.SerializeToString())


def test_a_long_shape_is_cut_where_it_is_wrong() -> None:
    model = Model(outputs=[("x", "FP32", [1] * 100_000)])
    with grpc_server(model) as url:
        assert code_of(host_of(url)) == "NN607"


def test_a_name_that_is_half_a_character_is_refused() -> None:
    with pytest.raises(ServerError) as caught:
        ports_of(SERVER, "input", [Tensors("\ud800", "FP32", [1])])
    assert caught.value.code == "NN607"
