"""The types of the Open Inference Protocol, as the page on remote models has them in its table."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest

from rewriter.abi.dialects import Errno, TensorType
from rewriter.abi.numbers import ComponentType
from runtime_shim import HostError
from tests.runtime_shim.backends.remote.remote_graphs import host_of
from tests.support.inference_server import Model, Tensor, grpc_server, http_server
from tests.support.typed_contents import FIELDS

Serve = Callable[[Model], AbstractContextManager[str]]

PAGE = Path(__file__).parents[4] / "docs" / "remote-models.md"

PROTOCOL = (
    *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"),
    *("FP16", "FP32", "FP64", "BF16", "BYTES"),
)
"""https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
and Triton's BF16."""


class Row(NamedTuple):
    """A type, what guests pass, and its bytes per element; empty if no guest can pass it."""

    datatype: str
    core: str
    component: str
    size: str
    json: str


ROWS = [
    Row(*row)
    for row in re.findall(
        r"^\| `(\w+)` \| (\w*) \| (\w*) \| (\d*) \| (.*?) \|$", PAGE.read_text(), re.MULTILINE
    )
]
NUMBERS = [row for row in ROWS if row.core]


@pytest.fixture(params=[grpc_server, http_server], ids=["grpc", "http"])
def serve(request: pytest.FixtureRequest) -> Serve:
    found: Serve = request.param
    return found


def test_the_table_has_every_type_of_the_protocol() -> None:
    assert sorted(row.datatype for row in ROWS) == sorted(PROTOCOL)
    assert [row.datatype for row in ROWS if not row.core] == ["BYTES"]


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.datatype)
def test_numbers_are_passed_as_the_table_says(serve: Serve, row: Row) -> None:
    data = bytes(index % 2 for index in range(3 * int(row.size)))
    with serve(Model([("x", row.datatype, [3])])) as url, host_of(url) as host:
        session = host.session()
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType[row.core.upper()], (3,), memoryview(data))
        session.compute(context)
        assert session.get_output(context, 0) == data
        kind = ComponentType[row.component.upper()]
        session.set_tensor(context, 0, kind, (3,), memoryview(data))
        session.compute(context)
        (output,) = session.outputs(context)
    assert (output.type, output.shape, bytes(output.data)) == (kind, (3,), data)


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.datatype)
def test_json_has_the_types_that_the_table_says(row: Row) -> None:
    data = bytes(3 * int(row.size))
    with http_server(Model([("x", row.datatype, [3])], binary=False)) as url:
        session = host_of(url).session()
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType[row.core.upper()], (3,), memoryview(data))
        if row.json == "yes":
            session.compute(context)
            assert session.get_output(context, 0) == data
        else:
            assert row.json == "no ([NN608](codes.md#nn608))"
            with pytest.raises(HostError, match=r"NN608.*gRPC can"):
                session.compute(context)


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.datatype)
def test_a_grpc_server_that_reads_only_typed_contents_gets_them(row: Row) -> None:
    data = bytes(index % 2 for index in range(3 * int(row.size)))
    model = Model([("x", row.datatype, [3])], raw=False)
    with grpc_server(model) as url, host_of(url, binary_tensors=False).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType[row.core.upper()], (3,), memoryview(data))
        if row.datatype in FIELDS:
            for given in (data, data[::-1]):
                session.set_input(context, 0, TensorType[row.core.upper()], (3,), memoryview(given))
                session.compute(context)
                assert session.get_output(context, 0) == given
            assert model.sent_raw == 0
        else:
            assert row.datatype in ("FP16", "BF16")
            with pytest.raises(HostError, match=r"NN608.*is sent in binary form only"):
                session.compute(context)


@pytest.mark.parametrize("says_so", [True, False])
@pytest.mark.parametrize("binary", [True, False])
def test_over_http_the_operator_knows_better_than_the_server(says_so: bool, binary: bool) -> None:
    found: list[bytes] = []

    def infer(tensors: list[Tensor]) -> list[Tensor]:
        found.extend(tensor[3] for tensor in tensors)
        return tensors

    data = struct.pack("<2f", 1, 2)
    model = Model([("x", "FP32", [2])], infer=infer, binary=says_so)
    with http_server(model) as url, host_of(url, binary_tensors=binary).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (2,), memoryview(data))
        session.compute(context)
        assert session.get_output(context, 0) == data
    assert found == [data if binary else b"[1.0, 2.0]"]


@pytest.mark.parametrize("datatype", ["BYTES", "FP8", ""])
@pytest.mark.parametrize("kind", ["input", "output"])
def test_a_model_with_texts_alone_is_unsupported_at_the_load(
    serve: Serve, kind: str, datatype: str
) -> None:
    numbers, texts = [("n", "FP32", [1])], [("n", "FP32", [1]), ("text", datatype, [1])]
    model = Model(texts, numbers) if kind == "input" else Model(numbers, texts[1:])
    with serve(model) as url:
        session = host_of(url).session()
        with pytest.raises(HostError, match=rf"NN608.*the {kind} 'text', {datatype}") as caught:
            session.load_by_name("m")
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION
