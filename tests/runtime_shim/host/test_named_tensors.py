"""What components get of a model: inputs by name or index, and outputs with names, types and
shapes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, Errno
from rewriter.abi.numbers import ComponentType
from runtime_shim import HostError, NNHost
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.isolated import calls
from runtime_shim.host.session import Session
from runtime_shim.testing import FakeBackend
from tests.runtime_shim.host.named import Shown, computed, context_for, feed, floats, refused
from tests.support import tensorflow_models, tflite_models
from tests.support.models import F32, identity, model, nonzero, sum_and_product


@pytest.fixture
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with NNHost(isolate=getattr(request, "param", False)).session() as session:
        yield session


BOTH_WAYS = pytest.mark.parametrize(
    "session", [pytest.param(False, id="here"), pytest.param(True, id="isolated")], indirect=True
)


BOTH = pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])


@BOTH
def test_outputs_have_names_types_and_shapes(session: Session, encoding: Encoding) -> None:
    context = context_for(session, sum_and_product(), encoding)
    feed(session, context, "b", 2, 3)
    feed(session, context, "a", 4, 5)
    names = ("s", "p") if encoding is Encoding.ONNX else ("0", "1")
    assert computed(session, context) == [
        (names[0], ComponentType.F32, (2,), bytes(floats(6, 8))),
        (names[1], ComponentType.F32, (2,), bytes(floats(8, 15))),
    ]
    for name, index in {"s": 0, "p": 1, "0": 0, "1": 1, "01": 1}.items():
        assert session.output_index(context, name) == index


@BOTH
def test_an_unknown_name_is_refused_with_those_that_exist(
    session: Session, encoding: Encoding
) -> None:
    context = context_for(session, sum_and_product(), encoding)
    assert [session.input_index(context, name) for name in ("a", "b", "0", "1")] == [0, 1, 0, 1]
    for name in ("2", "-1", "+1", "", "A", "a\0", "\u0661", "1" * 5000, "0x1", " 1"):
        with refused(Errno.INVALID_ARGUMENT, r"\['a', 'b'\]"):
            session.input_index(context, name)
        with refused(Errno.INVALID_ARGUMENT, r"\['s', 'p'\]"):
            session.output_index(context, name)


ODD = ["1", "0", "a b/c:0", "é\n\x1b[31m", "名前" * 300]


@BOTH_WAYS
@BOTH
def test_a_models_own_name_comes_before_an_index(session: Session, encoding: Encoding) -> None:
    nodes = [helper.make_node("Add", [name, name], [f"{name}+"]) for name in ODD]
    inputs = [(name, F32, (1,)) for name in ODD]
    made = model(nodes, inputs, [(f"{name}+", F32, (1,)) for name in ODD])
    context = context_for(session, made, encoding)
    for index, name in enumerate(ODD):
        assert session.input_index(context, name) == index
        assert session.output_index(context, f"{name}+") == index
        feed(session, context, name, index)
    assert [session.input_index(context, name) for name in ("2", "4")] == [2, 4]
    shown = [f"{name}+" for name in ODD] if encoding is Encoding.ONNX else list("01234")
    assert [(name, data) for name, _, _, data in computed(session, context)] == [
        (name, bytes(floats(2 * index))) for index, name in enumerate(shown)
    ]


@BOTH
def test_the_shape_of_an_output_is_that_of_the_last_inference(
    session: Session, encoding: Encoding
) -> None:
    context = context_for(session, nonzero(), encoding)
    for values, places in (((1, 0, 2, 0), (0, 2)), ((0, 0, 0, 0), ()), ((5, 6, 7, 8), range(4))):
        feed(session, context, "x", *values)
        ((_, kind, shape, data),) = computed(session, context)
        assert (kind, shape) == (ComponentType.I64, (1, len(places)))
        assert data == np.array(places, np.int64).tobytes()


KINDS = {
    ComponentType.F16: (TensorProto.FLOAT16, "<e"),
    ComponentType.F32: (TensorProto.FLOAT, "<f"),
    ComponentType.F64: (TensorProto.DOUBLE, "<d"),
    ComponentType.BF16: (TensorProto.BFLOAT16, ""),
    ComponentType.U8: (TensorProto.UINT8, "<B"),
    ComponentType.I32: (TensorProto.INT32, "<i"),
    ComponentType.I64: (TensorProto.INT64, "<q"),
}


def elements(kind: ComponentType) -> memoryview:
    """Numbers from 0 to 5. A bf16 is the upper half of a float."""
    form = KINDS[kind][1]
    spelled = (struct.pack(form, i) if form else struct.pack("<f", i)[2:] for i in range(6))
    return memoryview(b"".join(spelled))


@BOTH
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_of_wasi_nn_goes_in_and_comes_out_and_no_other_is_accepted(
    session: Session, encoding: Encoding, kind: ComponentType
) -> None:
    context = context_for(session, identity(KINDS[kind][0], (2, 3)), encoding)
    data = elements(kind)
    also = {ComponentType.U8} if kind is ComponentType.BF16 else set()
    for other in ComponentType:
        if other is kind or other in also:
            session.set_tensor(context, 0, other, (2, 3), data)
        else:
            with refused(Errno.INVALID_ARGUMENT):
                session.set_tensor(context, 0, other, (2, 3), elements(other))
    assert computed(session, context)[0][1:] == (kind, (2, 3), bytes(data))


FOREIGN = {TensorProto.BOOL: 1, TensorProto.INT8: 1, TensorProto.INT16: 2, TensorProto.UINT64: 8}


@BOTH
@pytest.mark.parametrize(("element_type", "size"), FOREIGN.items())
def test_a_type_that_wasi_nn_lacks_is_bytes_in_the_models_shape(
    session: Session, encoding: Encoding, element_type: int, size: int
) -> None:
    context = context_for(session, identity(element_type, (2, 3)), encoding)
    data = memoryview(bytes([1, 0] * 3 * size))
    with refused(Errno.INVALID_ARGUMENT):
        session.set_tensor(context, 0, ComponentType.BF16, (2, 3), memoryview(bytes(12)))
    for _ in range(2):  # what came out goes in
        session.set_tensor(context, 0, ComponentType.U8, (2, 3), data)
        ((_, kind, shape, found),) = computed(session, context)
        assert (kind, shape, found) == (ComponentType.U8, (2, 3), bytes(data))
        data = memoryview(found)


def with_text() -> bytes:
    nodes = [
        helper.make_node("Cast", ["x"], ["t"], to=TensorProto.STRING),
        helper.make_node("Add", ["x", "x"], ["y"]),
    ]
    outputs = [("t", TensorProto.STRING, (1,)), ("y", F32, (1,))]
    return model(nodes, [("x", F32, (1,))], outputs)


def test_an_output_of_text_is_refused_and_the_other_can_be_read(session: Session) -> None:
    context = context_for(session, with_text(), Encoding.ONNX)
    feed(session, context, "x", 2)
    session.compute(context)
    with refused(Errno.UNSUPPORTED_OPERATION, "'t'"):
        session.outputs(context)
    assert bytes(session.output(context, session.output_index(context, "y")).data) == floats(4)


@BOTH
def test_there_are_no_outputs_before_compute_and_after_a_failed_one(
    session: Session, encoding: Encoding
) -> None:
    context = context_for(session, sum_and_product(), encoding)
    for name in ("a", "b"):
        with refused(Errno.RUNTIME_ERROR):
            session.compute(context)
        with refused(Errno.RUNTIME_ERROR):
            session.outputs(context)
        with refused(Errno.RUNTIME_ERROR):
            session.output(context, 0)
        feed(session, context, name, 1, 2)
    assert len(computed(session, context)) == 2
    with refused(Errno.INVALID_ARGUMENT):
        session.output(context, 2)
    session.finalize_execution_context(context)
    for call in (session.outputs, lambda gone: session.input_index(gone, "a")):
        with refused(Errno.INVALID_ARGUMENT):
            call(context)


def test_a_backend_that_tells_no_names_has_numbered_bytes() -> None:
    host = NNHost(backends={Encoding.ONNX: FakeBackend()})
    with host.session() as session:
        context = context_for(session, b"model", Encoding.ONNX)
        feed(session, context, "0", 1, 2)
        feed(session, context, "1", 3)
        with pytest.raises(HostError, match="no input 'x': the model's inputs can only be given"):
            session.input_index(context, "x")
        assert computed(session, context) == [
            ("0", ComponentType.U8, (8,), bytes(floats(1, 2))),
            ("1", ComponentType.U8, (4,), bytes(floats(3))),
        ]
        with refused(Errno.INVALID_ARGUMENT):
            session.set_tensor(context, 0, ComponentType.BF16, (1,), memoryview(bytes(2)))


def numbered(session: Session, context: int) -> None:
    feed(session, context, "0", 1, 2)
    feed(session, context, "1", 3, 4)


def relu() -> bytes:
    kind = tensorflow_models.field(6, 1)
    return tensorflow_models.frozen(
        tensorflow_models.placeholder("x", (-1,)),
        tensorflow_models.node("y", "Relu", ["x"], T=kind),
    )


def ask(session: Session, context: int) -> None:
    index = session.input_index(context, "prompt")
    session.set_tensor(context, index, ComponentType.U8, (1,), memoryview(b"a"))


class Case(NamedTuple):
    """A model, what sets its inputs, its first outputs then, and more names of all."""

    made: Callable[[], bytes]
    feed: Callable[[Session, int], None]
    outputs: list[Shown]
    called: dict[str, int]


def sums(*names: str) -> list[Shown]:
    both = bytes(floats(4, 6)), bytes(floats(3, 8))
    return [(name, ComponentType.F32, (2,), data) for name, data in zip(names, both, strict=True)]


CASES = {
    Encoding.ONNX: Case(sum_and_product, numbered, sums("s", "p"), {"1": 1}),
    Encoding.OPENVINO: Case(sum_and_product, numbered, sums("0", "1"), {"s": 0, "p": 1}),
    Encoding.TENSORFLOWLITE: Case(
        tflite_models.sum_and_product, numbered, sums("t2", "t3"), {"1": 1}
    ),
    Encoding.TENSORFLOW: Case(
        relu,
        lambda session, context: feed(session, context, "x", -1, 2),
        [("0", ComponentType.F32, (2,), bytes(floats(0, 2)))],
        {"y": 0, "y:0": 0},
    ),
    Encoding.GGML: Case(
        FORMATS[Encoding.GGML].trial.model,
        ask,
        [("text", ComponentType.U8, (6,), b"bc</s>")],
        {"metadata": 1, "1": 1},
    ),
}


@BOTH_WAYS
@pytest.mark.parametrize("encoding", CASES)
def test_every_backend_tells_names_types_and_shapes(session: Session, encoding: Encoding) -> None:
    made, feed_all, outputs, called = CASES[encoding]
    context = context_for(session, made(), encoding)
    with refused(Errno.INVALID_ARGUMENT, "the model's inputs are "):
        session.input_index(context, "nothing")
    with pytest.raises(HostError):
        session.outputs(context)
    feed_all(session, context)
    found = computed(session, context)
    assert found[: len(outputs)] == outputs
    names = {name: index for index, (name, *_) in enumerate(found)}
    for name, index in {**names, **called}.items():
        assert session.output_index(context, name) == index


def test_outputs_of_one_name_or_none_are_shown_by_index(session: Session) -> None:
    def renamed(model: Any) -> None:
        for tensor, name in zip(model.subgraphs[0].tensors, "aass", strict=True):
            tensor.name = name

    made = tflite_models.changed(tflite_models.sum_and_product(), renamed)
    context = context_for(session, made, Encoding.TENSORFLOWLITE)
    numbered(session, context)
    assert session.input_index(context, "a") == 0
    assert computed(session, context) == sums("s", "1")


def test_an_output_without_elements_has_its_shape(session: Session) -> None:
    context = context_for(session, tflite_models.relu([-1, 2]), Encoding.TENSORFLOWLITE)
    session.set_tensor(context, 0, ComponentType.F32, (0, 2), memoryview(b""))
    assert [(shape, data) for _, _, shape, data in computed(session, context)] == [((0, 2), b"")]
    session.set_tensor(context, 0, ComponentType.F32, (1, 2), floats(-3, 3))
    assert computed(session, context)[0][2:] == ((1, 2), bytes(floats(0, 3)))


def test_what_another_process_made_up_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [
        None,
        *([4, "f32", shape] for shape in ("12", [-1], [1 << 32], [1.5], 3)),
    ]
    channel = object.__new__(calls._Channel)
    monkeypatch.setattr(calls._Channel, "call", lambda *_: answers.pop())
    while answers:
        with pytest.raises(calls._Lost):
            channel.described((), calls.Patience())
    monkeypatch.undo()
    with NNHost(isolate=True).session() as session:
        context = context_for(session, identity(F32, (1,)), Encoding.ONNX)
        for text in (b"", b"[", b"[1, 2, 3, 4]", b"{}", b"[[], [], []]"):
            with monkeypatch.context() as patch:
                patch.setattr(calls.Process, "read", lambda *_, text=text: memoryview(text))
                with refused(Errno.RUNTIME_ERROR):
                    session.input_index(context, "x")
        feed(session, context, "x", 1)
        session.compute(context)
        with monkeypatch.context() as patch:
            patch.setattr(calls._Channel, "described", lambda *_: (1 << 40, "f32", (1,)))
            with refused(Errno.RUNTIME_ERROR, "sent an invalid reply"):
                session.outputs(context)
        with refused(Errno.RUNTIME_ERROR, "sent an invalid reply"):
            session.compute(context)
