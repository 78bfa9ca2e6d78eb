"""Answers over gRPC that are like the one before."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from rewriter.abi.dialects import TensorType
from runtime_shim import HostError
from runtime_shim.backends.remote.over_grpc.forms import form_of
from runtime_shim.backends.remote.over_grpc.messages import message
from runtime_shim.backends.remote.over_grpc.outputs import outputs_of
from runtime_shim.host.session import Session
from tests.runtime_shim.backends.remote.remote_graphs import SERVER, host_of
from tests.support.inference_server import Model, grpc_server


def inferred(session: Session, context: int, *numbers: float) -> bytes | str | None:
    """The output for an input of these numbers, or the code of the error."""
    shape = (len(numbers) // 2, 2)
    data = memoryview(struct.pack(f"<{len(numbers)}f", *numbers))
    session.set_input(context, 0, TensorType.F32, shape, data)
    try:
        session.compute(context)
    except HostError as error:
        return getattr(error, "code", None)
    return bytes(session.get_output(context, 0))


def test_each_of_many_answers_gives_its_own_data_and_shape() -> None:
    with grpc_server(Model()) as url, host_of(url).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        for count in (2, 2, 4, 2, 2, 12, 12, 2):
            numbers = [float(count * index + 1) for index in range(count)]
            assert inferred(session, context, *numbers) == struct.pack(f"<{count}f", *numbers)
            (output,) = session.outputs(context)
            assert output.shape == (count // 2, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"told": {"model_name": "n", "model_version": "1"}},
        {"infer": lambda inputs: [(*inputs[0][:2], [2, 1], inputs[0][3])]},
        {"infer": lambda inputs: [("y", *inputs[0][1:])]},
        {"infer": lambda inputs: [(inputs[0][0], "INT32", *inputs[0][2:])]},
        {"infer": lambda inputs: [(*inputs[0][:3], inputs[0][3][:4])]},
        {"infer": lambda inputs: [*inputs, *inputs]},
        {"repeats_ids": False},
    ],
    ids=["model", "shape", "name", "type", "size", "two", "no id"],
)
def test_an_answer_that_is_refused_is_refused_after_others_too(change: dict[str, Any]) -> None:
    model = Model()
    with grpc_server(model) as url, host_of(url).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        assert inferred(session, context, 1, 2) == inferred(session, context, 1, 2)
        for name, value in change.items():
            setattr(model, name, value)
        assert inferred(session, context, 1, 2) == "NN607"
        assert inferred(session, context, 1, 2) == "NN607"


def test_an_answer_that_was_given_before_is_refused() -> None:
    model = Model()
    with grpc_server(model) as url, host_of(url).session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        assert inferred(session, context, 1, 2) == struct.pack("<2f", 1, 2)
        model.garbage = answer("nnshim-1")
        assert inferred(session, context, 1, 2) == "NN607"


DATA = struct.pack("<2f", 1, 2)


def answer(request_id: str, data: bytes = DATA, **more: Any) -> bytes:
    made = message("ModelInferResponse")(id=request_id, model_name="m", **more)
    made.outputs.add(name="x", datatype="FP32", shape=[1, 2])
    made.raw_output_contents.append(data)
    return bytes(made.SerializeToString())


def formed(told: bytes) -> Any:
    parsed = message("ModelInferResponse").FromString(told)
    return form_of(told, parsed, outputs_of(SERVER, parsed, []))


def test_an_answer_has_the_form_of_another_if_only_its_id_and_its_data_differ() -> None:
    form = formed(answer("nnshim-1"))
    other = struct.pack("<2f", 3, 4)
    found = form.output_of(answer("nnshim-2", other), b"nnshim-2")
    assert (found.name, found.datatype, found.shape, bytes(found.data)) == (
        "x",
        "FP32",
        [1, 2],
        other,
    )


def test_an_answer_has_another_form_if_anything_else_differs() -> None:
    form = formed(answer("nnshim-1"))
    assert form.output_of(answer("nnshim-1"), b"nnshim-2") is None
    assert form.output_of(answer("nnshim-2"), b"nnshim-1") is None
    assert form.output_of(answer("nnshim-10"), b"nnshim-10") is None
    assert form.output_of(answer("nnshim-1", model_version="2"), b"nnshim-1") is None
    assert form.output_of(answer("nnshim-1", bytes(4)), b"nnshim-1") is None
    assert form.output_of(answer("nnshim-1") + b"\x32\0", b"nnshim-1") is None
    assert form.output_of(b"", b"nnshim-1") is None


def test_an_answer_has_no_form_if_its_id_or_its_data_cannot_be_told_from_the_rest() -> None:
    assert formed(answer("m")) is None
    assert formed(answer("")) is None
    assert formed(answer("nnshim-1", model_version="nnshim-1")) is None
    assert formed(answer("nnshim-1") + b"\x3a\0") is None
    last = b"\x7a\x0a\x32\x08" + DATA  # a field that the protocol has not
    assert formed(answer("nnshim-1") + last) is None
    typed = message("ModelInferResponse")(id="nnshim-1")
    output = typed.outputs.add(name="x", datatype="FP32", shape=[1, 2])
    output.contents.fp32_contents.extend([1, 2])
    assert formed(typed.SerializeToString()) is None
