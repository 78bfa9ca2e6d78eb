"""What servers that answer as they should, and servers that lie, give to guests."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from rewriter.abi.dialects import Errno, TensorType
from rewriter.abi.numbers import ComponentType
from runtime_shim import HostError, parse_nn_graph
from runtime_shim.engine.embedding import NNHost
from tests.runtime_shim.backends.remote.remote_graphs import (
    code_of,
    host_of,
    inferred,
    two_floats,
)
from tests.support.inference_server import Model, Tensor, grpc_server, http_server
from tests.support.typed_contents import FIELDS, FORMATS

Serve = Callable[[Model], AbstractContextManager[str]]


@pytest.fixture(params=[grpc_server, http_server], ids=["grpc", "http"])
def serve(request: pytest.FixtureRequest) -> Serve:
    found: Serve = request.param
    return found


def test_a_guest_gets_what_the_server_computes(serve: Serve) -> None:
    def doubled(inputs: list[Tensor]) -> list[Tensor]:
        ((_, kind, shape, data),) = inputs
        numbers = [2 * number for number in struct.unpack(f"<{len(data) // 4}f", data)]
        return [("y", kind, shape, struct.pack(f"<{len(numbers)}f", *numbers))]

    with serve(Model(outputs=[("y", "FP32", [-1, 2])], infer=doubled)) as url:
        host = host_of(url)
        assert inferred(host) == struct.pack("<2f", 3, -4.5)
        assert inferred(host, 1000 * two_floats) == 1000 * struct.pack("<2f", 3, -4.5)
        (stats,) = host.stats()
    assert (stats.encoding, stats.device, stats.inferences) == ("remote", url, 2)


TYPES = {
    "FP16": TensorType.F16,
    "FP32": TensorType.F32,
    "FP64": TensorType.F64,
    "UINT8": TensorType.U8,
    "INT32": TensorType.I32,
    "INT64": TensorType.I64,
    **dict.fromkeys(("BOOL", "INT8", "INT16", "UINT16", "UINT32", "UINT64"), TensorType.U8),
}


def test_every_type_of_tensor_arrives_unchanged(serve: Serve) -> None:
    with serve(Model([(kind, kind, [3]) for kind in TYPES])) as url, host_of(url) as host:
        session = host.session()
        context = session.init_execution_context(session.load_by_name("m"))
        sizes = [
            8 if "64" in kind else 4 if "32" in kind else 2 if "16" in kind else 1 for kind in TYPES
        ]
        data = [bytes(index % 2 for index in range(3 * size)) for size in sizes]
        for index, kind in enumerate(TYPES.values()):
            session.set_input(context, index, kind, (3,), memoryview(data[index]))
        session.compute(context)
        assert [session.get_output(context, index) for index in range(len(TYPES))] == data


def test_a_component_gets_names_types_and_shapes(serve: Serve) -> None:
    with serve(Model([("half", "BF16", [-1]), ("n", "INT64", [1])])) as url:
        session = host_of(url).session()
        context = session.init_execution_context(session.load_by_name("m"))
        half, n = (session.input_index(context, name) for name in ("half", "n"))
        session.set_tensor(context, half, ComponentType.BF16, (2,), memoryview(b"\x80\x3f\0\0"))
        session.set_tensor(context, n, ComponentType.I64, (1,), memoryview(bytes(8)))
        session.compute(context)
        outputs = session.outputs(context)
    assert [(each.name, each.type, each.shape) for each in outputs] == [
        ("half", ComponentType.BF16, (2,)),
        ("n", ComponentType.I64, (1,)),
    ]
    assert bytes(outputs[0].data) == b"\x80\x3f\0\0"


def test_texts_are_an_unsupported_operation_and_other_outputs_are_read(serve: Serve) -> None:
    model = Model(outputs=[("text", "BYTES", [1]), ("x", "FP32", [-1, 2])])
    with serve(model) as url:
        session = host_of(url).session()
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
        session.compute(context)
        with pytest.raises(HostError, match="not a tensor of numbers") as caught:
            session.get_output(context, 0)
        assert caught.value.errno is Errno.UNSUPPORTED_OPERATION
        assert session.get_output(context, 1) == two_floats


def test_a_tensor_that_the_model_does_not_take_is_not_sent(serve: Serve) -> None:
    model = Model()
    with serve(model) as url:
        session = host_of(url).session()
        context = session.init_execution_context(session.load_by_name("m"))
        for kind, shape in (
            (TensorType.U8, (8,)),
            (TensorType.F32, (2, 1)),
            (TensorType.F32, (2,)),
        ):
            with pytest.raises(HostError) as caught:
                session.set_input(context, 0, kind, shape, memoryview(two_floats))
            assert caught.value.errno is Errno.INVALID_ARGUMENT
        with pytest.raises(HostError, match="is not set"):
            session.compute(context)
    assert not [call for call in model.calls if "infer" in call.lower()]


def answers(*tensors: Tensor) -> Callable[[list[Tensor]], list[Tensor]]:
    return lambda _: list(tensors)


X = ("x", "FP32", [1, 2], two_floats)

LIES = {
    "another type of the same size": answers(("x", "INT32", [1, 2], two_floats)),
    "an unknown type": answers(("x", "FP8", [1, 2], two_floats)),
    "a shape with fewer elements": answers(("x", "FP32", [1, 1], two_floats)),
    "a shape that the model does not have": answers(("x", "FP32", [2, 1], two_floats)),
    "no shape": answers(("x", "FP32", [], two_floats)),
    "a negative shape": answers(("x", "FP32", [-1, 2], two_floats)),
    "an endless shape": answers(("x", "FP32", [1 << 62, 2], two_floats)),
    "too few bytes": answers(("x", "FP32", [1, 2], two_floats[:-1])),
    "too many bytes": answers(("x", "FP32", [1, 2], two_floats + b"\0")),
    "no bytes": answers(("x", "FP32", [1, 2], b"")),
    "no output": answers(),
    "an output of another name": answers(("y", "FP32", [1, 2], two_floats)),
    "one output too many": answers(X, ("y", "FP32", [1, 2], two_floats)),
    "an output twice": answers(X, X),
}


@pytest.mark.parametrize(
    ("sent", "words"),
    [(b"", "has 0 bytes, and needs 8"), (b"\0", "has 1 byte, and needs 8")],
    ids=["none", "one"],
)
def test_an_output_of_another_size_is_refused_with_what_it_needs(sent: bytes, words: str) -> None:
    model = Model(infer=answers(("x", "FP32", [1, 2], sent)))
    with grpc_server(model) as url, pytest.raises(HostError) as caught:
        inferred(host_of(url))
    assert caught.value.reason.endswith(f"of shape [1, 2] {words}")


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_answer_that_is_not_the_models_gives_no_data(
    serve: Serve, lie: Callable[[list[Tensor]], list[Tensor]]
) -> None:
    with serve(Model(infer=lie)) as url:
        assert code_of(host_of(url)) == "NN607"


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ([("x", "FP32", [-2, 2])], "NN607"),
        ([("x", "FP32", [2] * 65)], "NN607"),
        ([("x", "FP32", [1 << 62])], "NN607"),
        ([("x", "FP32", [2]), ("x", "FP32", [2])], "NN607"),
        ([("", "FP32", [2])], "NN607"),
        ([], "NN608"),
    ],
    ids=["negative", "many dimensions", "endless", "same names", "no name", "no inputs"],
)
def test_metadata_that_make_no_sense_are_refused(
    serve: Serve, inputs: list[tuple[str, str, list[int]]], code: str
) -> None:
    with serve(Model(inputs)) as url:
        assert code_of(host_of(url)) == code


def test_the_error_of_a_server_is_told_without_the_secret_that_it_repeats(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NNSHIM_REMOTE_TOKEN", "s3cret-token")
    model = Model()

    def fails(_: list[Tensor]) -> list[Tensor]:
        raise ValueError(model.headers)

    model.infer = fails
    with serve(model) as url:
        host = NNHost(graphs=[parse_nn_graph(f"remote::{url}")])
        session = host.session()
        context = session.init_execution_context(session.load_by_name("m"))
        session.set_input(context, 0, TensorType.F32, (1, 2), memoryview(two_floats))
        with pytest.raises(HostError) as caught:
            session.compute(context)
    assert model.headers["authorization"] == "Bearer s3cret-token"
    assert "s3cret" not in f"{caught.value} {caught.value!r} {host.stats()}"


def test_a_server_without_binary_tensors_gets_and_gives_json() -> None:
    with http_server(Model(binary=False)) as url:
        host = host_of(url)
        assert inferred(host) == two_floats
        assert code_of(host, struct.pack("<2f", float("nan"), 0)) == "NN608"


def test_values_that_are_not_finite_are_read_as_triton_spells_them() -> None:
    lie = answers(("x", "FP32", [1, 2], b"[NaN, -Infinity]"))
    with http_server(Model(binary=False, infer=lie)) as url:
        first, second = struct.unpack("<2f", inferred(host_of(url)))
    assert (first != first, second) == (True, float("-inf"))


def test_null_is_not_a_number_but_what_servers_send_for_one_that_is_not_finite() -> None:
    for kind, data, code in (
        ("FP32", b"[1.5, null]", "NN608"),
        ("FP32", b'[null, "1"]', "NN607"),
        ("INT32", b"[1, null]", "NN607"),
    ):
        lie = answers(("x", kind, [1, 2], data))
        with http_server(
            Model([("x", "FP32", [-1, 2])], [("x", kind, [1, 2])], lie, binary=False)
        ) as url:
            assert code_of(host_of(url)) == code


@pytest.mark.parametrize("data", [b"[1.5]", b'["1", "2"]', b"[[1], 2]", b"{}"])
def test_json_that_is_not_the_tensor_is_refused(data: bytes) -> None:
    lie = answers(("x", "FP32", [1, 2], data))
    with http_server(Model(binary=False, infer=lie)) as url:
        assert code_of(host_of(url)) == "NN607"


def test_a_server_may_end_each_connection() -> None:
    with http_server(Model(), version="HTTP/1.0") as url:
        host = host_of(url)
        assert [inferred(host, 10000 * two_floats) for _ in range(3)] == 3 * [10000 * two_floats]


def test_a_server_may_answer_numbers_instead_of_bytes_over_grpc() -> None:
    with grpc_server(Model(raw=False)) as url:
        assert inferred(host_of(url)) == two_floats


def test_an_answer_over_grpc_that_is_not_the_protocols_is_refused() -> None:
    model = Model()
    with grpc_server(model) as url:
        for model.garbage in (
            b"\xff",
            b"\x3a\xff\xff\xff\xff\x0f",
            b"GET / HTTP/1.1",
            b"\x2a\x02\x0a\x05",
        ):
            assert code_of(host_of(url)) == "NN607"


def test_a_type_that_the_protocol_does_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As aissemble's server writes it, with numbers in typed contents."""

    def infer(inputs: list[Tensor]) -> list[Tensor]:
        return [(name, "Datatype.FP32", shape, data) for name, _, shape, data in inputs]

    monkeypatch.setitem(FIELDS, "Datatype.FP32", "fp32_contents")
    monkeypatch.setitem(FORMATS, "Datatype.FP32", "f")
    wrong = pytest.raises(HostError, match=r"NN607.*has the type 'Datatype.FP32'")
    with grpc_server(Model(infer=infer, raw=False)) as url, wrong:
        inferred(host_of(url))
