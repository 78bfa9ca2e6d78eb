"""--as: tensors, images and parts of models, as the host's backends take them."""

from __future__ import annotations

import pytest

from rewriter.abi.dialects import ELEMENT_SIZE, Encoding, TensorType
from runtime_shim.errors import HostHarm
from tests.runtime_shim.engine.test_as_host import (
    F32,
    FLOATS,
    HOSTS,
    ONNX,
    OPENVINO,
    PYTORCH,
    SHAPE,
    TFLITE,
    U8,
)
from tests.support.guest import TENSOR_AT
from tests.support.models import identity
from tests.support.played import Played


@pytest.mark.parametrize(
    ("label", "encoding", "kind", "errno"),
    [
        ("wamr-legacy@2.4.5", TFLITE, U8, 5),
        ("wamr-legacy@main", TFLITE, TensorType.F16, 5),
        ("wamr-ephemeral@2.4.5", TFLITE, U8, 5),
        ("wamr-ephemeral@2.4.5", OPENVINO, U8, 0),
        ("wamr-ephemeral@main", TFLITE, U8, 0),
        ("wamr-ephemeral@main", TFLITE, TensorType.I32, 5),
        ("wasmedge@0.11.1", OPENVINO, U8, 1),
        ("wasmedge@0.12.1", TFLITE, U8, 0),
        ("wasmedge@0.12.1", PYTORCH, U8, 1),
        ("wasmedge@0.14.1", OPENVINO, TensorType.I32, 1),
        ("wasmedge@0.17.1", TFLITE, U8, 0),
        ("wasmedge@0.17.1", TFLITE, TensorType.F64, 1),
        ("wasmedge@0.17.1", PYTORCH, TensorType.I64, 1),
        ("wasmtime@49", ONNX, TensorType.I64, 0),
    ],
)
def test_types_are_refused_as_the_host_does(
    label: str, encoding: Encoding, kind: TensorType, errno: int
) -> None:
    guest = Played(label)
    context = guest.context_of(encoding)
    data = bytes(12 * ELEMENT_SIZE[kind])
    assert guest.feed(context, 0, guest.types[kind], SHAPE, data) == errno


@pytest.mark.parametrize("label", ["wamr-legacy@2.3.1", "wamr-ephemeral@2.3.1"])
def test_what_would_be_taken_for_floats_stops_the_guest(label: str) -> None:
    guest = Played(label)
    context = guest.context_of(TFLITE)
    with pytest.raises(HostHarm, match=r"reads input 0 \(.*type \d\) as 48 bytes of"):
        guest.feed(context, 0, guest.types[U8], SHAPE, bytes(12))


def test_a_type_of_32_bits_has_no_room_for_what_is_left_in_the_padding() -> None:
    for label, errno in (
        ("wasmedge@0.11.0", 1),
        ("wasmedge@0.12.1", 0),
        ("wamr-ephemeral@2.3.1", 4),
        ("wamr-ephemeral@2.4.5", 0),
    ):
        guest = Played(label)
        context = guest.context_of(OPENVINO)
        assert guest.feed(context, 0, guest.types[F32], SHAPE, FLOATS) == 0
        guest.put(TENSOR_AT + 9, b"\xaa\xbb\xcc")
        assert guest.set_input(context, 0, TENSOR_AT) == errno


@pytest.mark.parametrize(
    ("label", "errno"), [("wamr-legacy@2.3.1", 4), ("wasmedge@0.13.5", 1), ("wasmedge@0.17.1", 0)]
)
def test_where_openvino_takes_images_it_takes_four_dimensions(label: str, errno: int) -> None:
    guest = Played(label)
    context = guest.context_of(OPENVINO)
    assert guest.feed(context, 0, guest.types[F32], (12,), FLOATS) == errno
    assert guest.feed(context, 0, guest.types[F32], SHAPE, FLOATS) == 0


@pytest.mark.parametrize(
    ("label", "errno"),
    [
        ("wamr-ephemeral@main", 1),
        ("wamr-ephemeral@2.4.5", 1),
        ("wamr-legacy@2.3.1", 1),
        ("wasmedge@0.17.1", 1),
        ("wasmtime@49", 5),
    ],
)
def test_a_model_loads_in_as_many_parts_as_the_host_takes(label: str, errno: int) -> None:
    guest = Played(label)
    taken = [each for each in (OPENVINO, TFLITE) if each in backends_of(label)]
    for encoding in taken:
        for parts in range(4):
            wanted = 2 if encoding is OPENVINO else 1
            found = guest.load_model(b"model", guest.encodings[encoding], parts=parts)
            assert found == (0 if parts == wanted else errno), (encoding, parts)


def backends_of(label: str) -> set[Encoding]:
    return {backend.encoding for backend in HOSTS[label].backends}


def test_onnx_loads_as_openvino_only_where_the_host_reads_it() -> None:
    for label, errno in {"wamr-ephemeral@main": 0, "wasmtime@49": 0, "wasmedge@0.13.5": 1}.items():
        assert Played(label).load_model(identity(), Played(label).encodings[OPENVINO]) == errno
    with pytest.raises(HostHarm, match="does not read ONNX models with the encoding openvino"):
        Played("wasmtime@22").load_model(identity(), int(OPENVINO))


def test_before_23_wasmtime_ends_with_what_is_no_image() -> None:
    guest = Played("wasmtime@22")
    context = guest.context_of(OPENVINO)
    assert guest.feed(context, 0, guest.types[F32], SHAPE, FLOATS) == 0
    with pytest.raises(HostHarm, match="1 dimensions"):
        guest.feed(context, 0, guest.types[F32], (12,), FLOATS)


def test_wasmedge_0_14_takes_what_it_is_given_for_a_large_image() -> None:
    guest = Played("wasmedge@0.14.1")
    context = guest.context_of(OPENVINO)
    with pytest.raises(HostHarm, match=r"reads 602112 bytes .* but it has 48 bytes"):
        guest.feed(context, 0, guest.types[F32], SHAPE, FLOATS)
    assert guest.memory is not None
    guest.memory.grow(guest.store, 10)
    assert guest.feed(context, 0, guest.types[F32], (1, 3, 224, 224), bytes(602112)) == 0
