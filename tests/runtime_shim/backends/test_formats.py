"""A model is taken for what its bytes are, under the numbers that guests have for it; and numbers
of every type go in and come out as bytes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper

import runtime_shim
from rewriter.abi.dialects import (
    ELEMENT_SIZE,
    WAMR,
    WASMEDGE,
    WITX,
    Dialect,
    Encoding,
    Errno,
    Target,
    TensorType,
)
from runtime_shim import HostError, NNHost
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.parsing.detect import detect
from tests.runtime_shim.abi.test_wamr import load as load_as_wamr
from tests.support import tensorflow_models, tflite_models
from tests.support.guest import Guest
from tests.support.models import F32, identity, model

MADE: Mapping[str, Callable[[], bytes]] = {
    "onnx": identity,
    "tensorflow": lambda: tensorflow_models.identity((1,)),
    "tensorflowlite": lambda: tflite_models.identity(np.float32, [1]),
    "ggml": FORMATS[Encoding.GGML].trial.model,
}

TAKEN = {
    0: {"onnx"},  # which OpenVINO reads too
    1: {"onnx", "tensorflow"},
    2: {"tensorflow", "tensorflowlite", "onnx"},
    3: set(),  # and PyTorch's, in tests/heavy
    4: {"tensorflowlite"},
}
"""Formats, by the encodings that all ABIs have the same numbers for."""

EVERY = set(MADE)


@pytest.mark.parametrize(
    ("dialect", "numbers"),
    [
        pytest.param(WITX, {**TAKEN, 5: EVERY, 6: EVERY}, id="witx"),
        pytest.param(WASMEDGE, {**TAKEN, 5: EVERY, 6: EVERY}, id="wasmedge"),
        pytest.param(WAMR, {**TAKEN, 5: {"ggml"}, 6: EVERY}, id="wamr"),
    ],
)
@pytest.mark.parametrize("name", MADE)
def test_a_model_is_loaded_under_its_numbers_and_under_no_others(
    dialect: Dialect, numbers: Mapping[int, set[str]], name: str
) -> None:
    host = NNHost()
    for number, taken in numbers.items():
        guest = Guest(host, dialect=dialect, memory='(memory (export "memory") 64)')
        made = MADE[name]()
        load = load_as_wamr if dialect is WAMR else Guest.load_model
        errno = load(guest, made, number)
        expected = Errno.SUCCESS if name in taken else Errno.INVALID_ENCODING
        assert (number, errno) == (number, expected)


def test_the_format_that_was_found_is_named() -> None:
    with pytest.raises(HostError, match="the model is GGUF, but was loaded as onnx") as caught:
        NNHost().load([b"GGUF" + bytes(60)], Encoding.ONNX, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ENCODING


def test_a_named_graph_is_taken_for_what_it_is_too(tmp_path: object) -> None:
    from runtime_shim import NamedGraph

    path = Path(str(tmp_path), "model.tflite")
    path.write_bytes(tflite_models.identity(np.float32, [1]))
    graph = NamedGraph("birds", Encoding.TENSORFLOW, Target.CPU, (str(path),))
    host = NNHost(graphs=[graph])
    assert host.load_by_name("birds").device == "cpu"
    assert host.stats()[0].encoding == "tensorflowlite"


PYPROJECT = tomllib.loads((Path(runtime_shim.__file__).parents[1] / "pyproject.toml").read_text())


@pytest.mark.parametrize("encoding", FORMATS)
def test_a_row_has_all_that_an_encoding_needs(encoding: Encoding) -> None:
    row = FORMATS[encoding]
    assert find_spec(f"runtime_shim.backends.{row.module}") is not None
    assert row.extra in PYPROJECT["project"]["optional-dependencies"]
    assert [detect([row.trial.model()])] in [[it] for it in (encoding, *row.reads)]
    page = (Path(runtime_shim.__file__).parents[1] / "docs" / "models.md").read_text()
    rows = (it for it in page.splitlines() if it.startswith(f"| `{encoding.name.lower()}` |"))
    line = next(rows)  # of the first table
    assert f"`nnshim[{row.extra}]`" in line
    assert all(f"`{file}`" in line for file in row.files)


INSTALLED = [encoding for encoding in FORMATS if encoding is not Encoding.PYTORCH]
STARTS = {
    Encoding.GGML: b"GGUF\x03\0\0\0",
    Encoding.ONNX: b"\x08\x08",
    Encoding.OPENVINO: b"\x08\x08",
    Encoding.TENSORFLOW: b"\n\x20\n\x01x",
    Encoding.TENSORFLOWLITE: b"\x1c\0\0\0TFL3",
}


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("encoding", [*INSTALLED, Encoding.AUTODETECT])
def test_what_is_not_a_model_is_an_invalid_argument_on_every_backend(
    encoding: Encoding, isolate: bool
) -> None:
    start = STARTS.get(encoding, b"")
    with NNHost(isolate=isolate).session() as session:
        for junk in (b"", b"\0", b"junk", b"junk" * 1000, start, start + b"junk" * 100):
            with pytest.raises(HostError) as caught:
                session.load([junk], encoding, Target.CPU)
            assert caught.value.errno is Errno.INVALID_ARGUMENT, junk[:20]


FOREIGN = {
    "bool": (TensorProto.BOOL, 1),
    "int8": (TensorProto.INT8, 1),
    "bf16": (TensorProto.BFLOAT16, 2),
    "int16": (TensorProto.INT16, 2),
    "uint16": (TensorProto.UINT16, 2),
    "uint32": (TensorProto.UINT32, 4),
    "uint64": (TensorProto.UINT64, 8),
}


@pytest.mark.parametrize("way", ["plain", "fast", "isolated"])
@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_type_that_wasi_nn_lacks_travels_as_bytes(
    name: str, encoding: Encoding, way: str
) -> None:
    element_type, size = FOREIGN[name]
    guest = Guest(NNHost(isolate=way == "isolated"), plain=way == "plain")
    context = guest.context_for(identity(element_type, (2, 3)), encoding)
    for number in range(4):
        data = bytes([number % 2, *(index % 2 for index in range(6 * size - 1))])
        assert guest.feed(context, 0, TensorType.U8, (2, 3), data) == Errno.SUCCESS
        for wrong in (data[:-1], data + b"\1", data * 2, b""):
            errno = guest.feed(context, 0, TensorType.U8, (2, 3), wrong)
            assert errno == Errno.INVALID_ARGUMENT, len(wrong)
        assert guest.compute(context) == Errno.SUCCESS
        assert guest.output(context, 0) == data


OLDER = {
    "u8 as 2": (TensorProto.UINT8, TensorType.F64, 1),
    "i32 as 3": (TensorProto.INT32, TensorType.U8, 4),
}
"""What the specification called a type before August 2023, by the name that the number has now."""


@pytest.mark.parametrize("way", ["plain", "fast", "isolated"])
@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
@pytest.mark.parametrize("name", OLDER)
def test_a_type_may_have_its_older_number_if_the_length_shows_it(
    name: str, encoding: Encoding, way: str
) -> None:
    element_type, number, size = OLDER[name]
    guest = Guest(NNHost(isolate=way == "isolated"), plain=way == "plain")
    context = guest.context_for(identity(element_type, (2, 3)), encoding)
    for first in range(4):
        data = bytes([first, *range(6 * size - 1)])
        assert guest.feed(context, 0, number, (2, 3), data) == Errno.SUCCESS
        for wrong in (data[:-1], data + b"\1", bytes(6 * ELEMENT_SIZE[number]), b""):
            assert guest.feed(context, 0, number, (2, 3), wrong) == Errno.INVALID_ARGUMENT
        assert guest.compute(context) == Errno.SUCCESS
        assert guest.output(context, 0) == data
    floats = guest.context_for(identity(F32, (2, 3)), encoding)
    assert guest.feed(floats, 0, number, (2, 3), bytes(24)) == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
def test_a_float_of_8_bits_travels_as_a_byte(encoding: Encoding) -> None:
    port = helper.make_tensor_value_info("x", TensorProto.FLOAT8E4M3FN, [4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT8E4M3FN, [4])
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "test", [port], [result])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    guest = Guest()
    context = guest.context_for(made.SerializeToString(), encoding)
    for data in (b"abcd", b"efgh", b"ijkl"):
        assert guest.feed(context, 0, TensorType.U8, (4,), data) == Errno.SUCCESS
        assert guest.compute(context) == Errno.SUCCESS
        assert guest.output(context, 0) == data


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, ml_dtypes.bfloat16])
def test_a_type_that_wasi_nn_lacks_travels_as_bytes_on_litert(dtype: type) -> None:
    guest = Guest()
    context = guest.context_for(tflite_models.identity(dtype, [4]), Encoding.TENSORFLOWLITE)
    size = np.dtype(dtype).itemsize
    for data in (b"\0\1\1\0" * size, b"\1\1\0\0" * size):
        assert guest.feed(context, 0, TensorType.U8, (4,), data) == Errno.SUCCESS
        assert guest.compute(context) == Errno.SUCCESS
        assert guest.output(context, 0) == data


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    ("encoding", "make"),
    [
        (Encoding.ONNX, lambda: identity(F32, ("n", 2))),
        (Encoding.OPENVINO, lambda: identity(F32, ("n", 2))),
        (Encoding.TENSORFLOWLITE, lambda: tflite_models.relu([-1, 2])),
    ],
)
def test_an_output_without_elements_is_no_bytes(
    encoding: Encoding, make: Callable[[], bytes], plain: bool
) -> None:
    guest = Guest(plain=plain)
    context = guest.context_for(make(), encoding)
    for rows in (0, 0, 0, 1, 0, 1):
        data = bytes(8 * rows)
        assert guest.feed(context, 0, TensorType.F32, (rows, 2), data) == Errno.SUCCESS
        assert guest.compute(context) == Errno.SUCCESS
        assert guest.output(context, 0) == data


def optional_inputs() -> bytes:
    """The sum of x and w, which has a value; and whether there is an o."""
    import onnx

    nodes = [
        helper.make_node("Add", ["x", "w"], ["y"]),
        helper.make_node("OptionalHasElement", ["o"], ["has o"]),
    ]
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(F32, [1]))
    graph = helper.make_graph(
        nodes,
        "test",
        [
            helper.make_tensor_value_info("w", F32, [1]),
            helper.make_value_info("o", kind),
            helper.make_tensor_value_info("x", F32, [1]),
        ],
        [
            helper.make_tensor_value_info("y", F32, [1]),
            helper.make_tensor_value_info("has o", TensorProto.BOOL, []),
        ],
        [onnx.numpy_helper.from_array(np.array([100], np.float32), "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = made.SerializeToString()
    return data


@pytest.mark.parametrize("plain", [True, False])
def test_inputs_that_are_optional_can_be_left_out_and_set(plain: bool) -> None:
    guest = Guest(plain=plain)
    context = guest.context_for(optional_inputs())
    numbers = {name: np.array([value], np.float32) for name, value in (("x", 1), ("w", 5))}

    def outputs() -> tuple[float, bytes]:
        assert guest.compute(context) == Errno.SUCCESS
        (total,) = np.frombuffer(guest.output(context, 0), np.float32)
        return float(total), guest.output(context, 1)

    def feed(index: int, name: str) -> int:
        return guest.feed(context, index, TensorType.F32, (1,), numbers[name].tobytes())

    assert guest.compute(context) == Errno.RUNTIME_ERROR  # x is not set
    assert feed(1, "x") == Errno.SUCCESS  # after o, which is before it in the model
    for _ in range(3):
        assert outputs() == (101, b"\0")
    assert feed(2, "w") == Errno.SUCCESS  # inputs that have a value are the last
    for _ in range(3):
        assert outputs() == (6, b"\0")
    assert feed(0, "x") == Errno.SUCCESS
    assert outputs() == (6, b"\1")


def unranked() -> bytes:
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "s"], ["y"])],
        "test",
        [
            helper.make_tensor_value_info("x", F32, None),
            helper.make_tensor_value_info("s", F32, []),
        ],
        [helper.make_tensor_value_info("y", F32, None)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = made.SerializeToString()
    return data


@pytest.mark.parametrize("plain", [True, False])
def test_an_input_of_any_rank_takes_any_shape_and_a_scalar_none(plain: bool) -> None:
    guest = Guest(plain=plain)
    context = guest.context_for(unranked())
    assert guest.feed(context, 1, TensorType.F32, (1,), bytes(4)) == Errno.INVALID_ARGUMENT
    assert guest.feed(context, 1, TensorType.F32, (), bytes(4)) == Errno.SUCCESS
    for shape in ((), (3,), (1, 2), (1, 2), (1, 2), (2, 1, 3)):
        data = np.arange(np.prod(shape), dtype=np.float32).tobytes()
        assert guest.feed(context, 0, TensorType.F32, shape, data) == Errno.SUCCESS
        assert guest.compute(context) == Errno.SUCCESS
        assert guest.output(context, 0) == data


def test_a_shape_outside_of_openvinos_bounds_is_an_invalid_argument() -> None:
    import openvino as ov

    node = helper.make_node("Relu", ["x"], ["y"])
    read = ov.Core().read_model(model([node], [("x", F32, ("N", 2))], [("y", F32, ("N", 2))]))
    read.reshape([ov.Dimension(2, 4), 2])
    parts = _as_ir(read)
    with NNHost().session() as session:
        context = session.init_execution_context(session.load(parts, Encoding.OPENVINO, Target.CPU))
        for rows in range(7):
            data = memoryview(bytes(8 * rows))
            if 2 <= rows <= 4:
                session.set_input(context, 0, TensorType.F32, (rows, 2), data)
                session.compute(context)
                assert len(session.get_output(context, 0)) == 8 * rows
                continue
            with pytest.raises(HostError, match=r"2\.\.4, 2") as caught:
                session.set_input(context, 0, TensorType.F32, (rows, 2), data)
            assert caught.value.errno is Errno.INVALID_ARGUMENT


def _as_ir(read: object) -> list[bytes]:
    import tempfile
    from pathlib import Path

    import openvino as ov

    with tempfile.TemporaryDirectory() as folder:
        ov.save_model(read, f"{folder}/model.xml", compress_to_fp16=False)
        return [Path(folder, name).read_bytes() for name in ("model.xml", "model.bin")]
