"""What a guest of each host gets where that is played: units, bounds, errnos, types and names.

What is expected is what the hosts themselves were seen to do, or what their sources say: see
runtime_shim.abi.rules.
"""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import pytest

from rewriter import UsageError
from rewriter.abi.dialects import ELEMENT_SIZE, Encoding, TensorType
from rewriter.hosts.table import FAMILIES
from runtime_shim import NamedGraph, NNHost, host_dialects
from runtime_shim.errors import HostHarm
from runtime_shim.testing import FakeBackend
from tests.support import tflite_models
from tests.support.guest import DATA, HANDLE, MEMORY, OUTPUT, TENSOR_AT, WRITTEN
from tests.support.models import identity
from tests.support.played import UNTOUCHED, Played

F32, U8 = TensorType.F32, TensorType.U8
TFLITE, OPENVINO, ONNX = Encoding.TENSORFLOWLITE, Encoding.OPENVINO, Encoding.ONNX
PYTORCH, GGML = Encoding.PYTORCH, Encoding.GGML

SHAPE = (1, 3, 2, 2)
FLOATS = np.arange(1, 13, dtype=np.float32).tobytes()
HOSTS = {row.label: row for family in FAMILIES.values() for row in family.rows}
ROWS = sorted(HOSTS.keys() - {"nnshim"})


def computed(label: str, encoding: Encoding) -> tuple[Played, int]:
    """A guest with a context whose output 0 is FLOATS, 12 of them in 48 bytes."""
    guest = Played(label)
    context = guest.context_of(encoding)
    kind, shape = (U8, (48,)) if encoding is GGML else (F32, SHAPE)
    assert guest.feed(context, 0, guest.types[kind], shape, FLOATS) == 0
    assert guest.compute(context) == 0
    return guest, context


@pytest.mark.parametrize(
    ("label", "encoding", "declared", "expected"),
    [
        # In floats: what fits is copied, and counted in floats.
        ("wamr-legacy@2.1.0", TFLITE, 11, (3, UNTOUCHED, 0)),
        ("wamr-legacy@2.3.1", TFLITE, 11, (6, UNTOUCHED, 0)),
        ("wamr-legacy@2.3.1", TFLITE, 12, (0, 12, 48)),
        ("wamr-legacy@2.3.1", OPENVINO, 48, (0, 48, 48)),
        # Copied only if as many floats are declared as there are bytes, else set to zero.
        ("wamr-legacy@2.4.5", TFLITE, 11, (7, UNTOUCHED, 0)),
        ("wamr-legacy@2.4.5", TFLITE, 12, (0, 12, 12)),
        ("wamr-legacy@2.4.5", TFLITE, 47, (0, 12, 47)),
        ("wamr-legacy@2.4.5", TFLITE, 48, (0, 12, 48)),
        ("wamr-legacy@main", TFLITE, 47, (0, 12, 47)),
        # Room in bytes, compared with a count of floats, which is what is stored.
        ("wamr-ephemeral@2.1.0", TFLITE, 11, (3, 11, 0)),
        ("wamr-ephemeral@2.1.2", TFLITE, 11, (6, 11, 0)),
        ("wamr-ephemeral@2.3.1", TFLITE, 11, (6, 11, 0)),
        ("wamr-ephemeral@2.3.1", TFLITE, 48, (0, 12, 48)),
        ("wamr-ephemeral@2.3.1", OPENVINO, 48, (0, 48, 48)),
        ("wamr-ephemeral@2.4.5", TFLITE, 47, (7, UNTOUCHED, 0)),
        ("wamr-ephemeral@2.4.5", TFLITE, 48, (0, 48, 48)),
        ("wamr-ephemeral@2.4.5", OPENVINO, 47, (7, UNTOUCHED, 0)),
        ("wamr-ephemeral@main", TFLITE, 47, (7, UNTOUCHED, 0)),
        ("wamr-ephemeral@main", GGML, 47, (7, UNTOUCHED, 0)),
        # Cut off, or not copied, and counted so; refused as an argument.
        ("wasmedge@0.11.0", OPENVINO, 47, (0, 47, 47)),
        ("wasmedge@0.12.1", TFLITE, 47, (0, 47, 0)),
        ("wasmedge@0.13.3", TFLITE, 47, (1, UNTOUCHED, 0)),
        ("wasmedge@0.13.5", OPENVINO, 47, (0, 47, 47)),
        ("wasmedge@0.14.1", TFLITE, 47, (1, UNTOUCHED, 0)),
        ("wasmedge@0.17.1", PYTORCH, 47, (0, 47, 47)),
        ("wasmedge@0.17.1", TFLITE, 48, (0, 48, 48)),
        ("wasmtime@49", OPENVINO, 47, (7, UNTOUCHED, 0)),
        ("wasmtime@49", OPENVINO, 48, (0, 48, 48)),
    ],
)
def test_outputs_are_counted_and_bounded_as_the_host_does(
    label: str, encoding: Encoding, declared: int, expected: tuple[int, int, int]
) -> None:
    guest, context = computed(label, encoding)
    errno, count, written = guest.read(context, 0, declared)
    assert (errno, count, written) == expected
    is_zero = label.startswith("wamr-legacy@") and declared < 48 and (written % 48)
    data = bytes(written) if is_zero else FLOATS[:written]
    assert guest.take(OUTPUT, written) == data


@pytest.mark.parametrize(
    ("label", "encoding", "declared", "beyond"),
    [
        ("wamr-legacy@2.3.1", OPENVINO, 12, 36),
        ("wamr-ephemeral@2.1.0", TFLITE, 12, 36),
        ("wamr-ephemeral@2.1.2", TFLITE, 47, 1),
        ("wamr-ephemeral@2.3.1", TFLITE, 12, 36),
        ("wamr-ephemeral@2.3.1", OPENVINO, 0, 48),
        ("wamr-ephemeral@2.4.5", GGML, 40, 8),
        ("wasmedge@0.13.5", GGML, 40, 8),
        ("wasmedge@0.17.1", OPENVINO, 40, 8),
        ("wasmedge@0.17.1", GGML, 40, 8),
    ],
)
def test_what_the_host_would_write_beyond_the_buffer_stops_the_guest(
    label: str, encoding: Encoding, declared: int, beyond: int
) -> None:
    guest, context = computed(label, encoding)
    with pytest.raises(HostHarm, match=f"{label} would have written {beyond} bytes beyond the"):
        guest.read(context, 0, declared)
    assert guest.take(OUTPUT, 4096) == b"\xee" * 4096


def test_floats_of_a_quantised_model_are_copied_by_their_count() -> None:
    model = tflite_models.identity(np.uint8, [4], scales=[0.5], zero_points=[1])
    guest = Played("wamr-legacy@2.4.5", NNHost())
    context = guest.context_of(TFLITE, model)
    data = np.array([0, 0.5, 1, 2], np.float32).tobytes()
    assert guest.feed(context, 0, guest.types[F32], (4,), data) == 0
    assert guest.compute(context) == 0
    assert guest.read(context, 0, 4)[:2] == (0, 4)
    assert guest.take(OUTPUT, 16) == data


ERRNOS = {
    "wasmtime@49": (6, 5, 7, 6),
    "wamr-legacy@2.1.0": (5, 5, 3, 2),
    "wamr-legacy@2.3.1": (4, 4, 6, 2),
    "wamr-legacy@2.4.5": (5, 5, 7, 2),
    "wamr-ephemeral@2.1.0": (5, 5, 3, 2),
    "wamr-ephemeral@2.3.1": (4, 4, 6, 2),
    "wamr-ephemeral@2.4.5": (5, 5, 7, 2),
    "wasmedge@0.11.0": (1, 1, None, 1),
    "wasmedge@0.11.1": (1, 1, None, 1),
    "wasmedge@0.12.1": (1, 1, None, 1),
    "wasmedge@0.13.3": (1, 1, 1, 2),
    "wasmedge@0.14.1": (1, 1, 1, 2),
    "wasmedge@0.17.1": (1, 1, 1, 2),
}
"""Of an unknown context, of an output that the model does not have, of a buffer that is too small
for one of TensorFlow Lite (OpenVINO on Wasmtime), of an encoding that is not there."""


@pytest.mark.parametrize("label", ERRNOS)
def test_errors_have_the_hosts_numbers(label: str) -> None:
    usual = TFLITE if TFLITE in Played(label).encodings and "wasmtime" not in label else OPENVINO
    guest, context = computed(label, usual)
    unknown, index, too_small, encoding = ERRNOS[label]
    assert guest.compute(99) == unknown
    assert guest.read(context, 7, 48)[0] == index
    if too_small is not None:
        assert guest.read(context, 0, 4)[0] == too_small
    if "wasmtime" not in label:  # which ends
        assert guest.load_model(b"model", 77) == encoding


def test_what_numberings_lack_has_the_number_that_the_hosts_return() -> None:
    guest, context = computed("wamr-ephemeral@2.3.1", TFLITE)
    fresh = guest.context_of(TFLITE)
    assert guest.read(fresh, 0, 48)[0] == 4  # a runtime error, and not the timeout before it
    guest, context = computed("wasmedge@0.12.1", OPENVINO)
    fresh = guest.context_of(OPENVINO)
    assert guest.read(fresh, 0, 48)[0] == 3  # busy: there is no runtime error
    assert guest.read(context, 0, 48)[0] == 0


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


def named(label: str, folder: Path, encoding: Encoding | None = None) -> Played:
    """A guest of a host that has a graph called model, of an encoding that it has a backend for."""
    if encoding is None:
        encoding = HOSTS[label].backends[0].encoding
    (folder / "model").write_bytes(b"")
    graph = NamedGraph("model", encoding, "auto", (str(folder / "model"),))
    return Played(label, NNHost(graphs=[graph], backends={encoding: FakeBackend()}))


NAMES = {
    "wamr-ephemeral@2.3.1": (1, 0, 0, 4),
    "wamr-legacy@2.4.5": (1, 0, 0, 7),
    "wamr-ephemeral@2.4.5": (1, 0, 0, 5),
    "wamr-legacy@main": (0, 0, 1, 7),
    "wamr-ephemeral@main": (0, 0, 1, 5),
    "wasmedge@0.17.1": (0, 0, 8, 8),
    "wasmtime@49": (0, 0, 6, 6),
}
"""With another letter after the name, with a NUL after it, and with one that is counted, which is a
part of the name to hosts that go by its length; and a name that no graph has."""


@pytest.mark.parametrize("label", NAMES)
def test_a_name_ends_where_the_host_has_it_end(label: str, tmp_path: Path) -> None:
    guest, answers = named(label, tmp_path), []
    for data, length in ((b"modelx", 5), (b"model\0", 5), (b"model\0\0", 6), (b"other\0", 5)):
        guest.put(DATA, data)
        answers.append(guest.load_by_name(DATA, length, HANDLE))
    assert tuple(answers) == NAMES[label]


def test_a_name_that_the_host_would_read_on_stops_the_guest(tmp_path: Path) -> None:
    missing = {"wamr-ephemeral@2.1.1": 6, "wamr-ephemeral@2.1.2": 4}
    for label, errno in missing.items():
        guest = named(label, tmp_path)
        guest.put(DATA, b"other\0")
        assert guest.load_by_name(DATA, 5, HANDLE) == errno
    guest.put(DATA, b"model\0")
    assert guest.load_by_name(DATA, 5, HANDLE) == 0
    guest.put(DATA, b"modelx")
    with pytest.raises(HostHarm, match="reads the name up to a NUL"):
        guest.load_by_name(DATA, 5, HANDLE)


def test_a_configuration_ends_wamr_but_for_language_models(tmp_path: Path) -> None:
    for encoding in (GGML, TFLITE):
        guest = named("wamr-ephemeral@2.4.5", tmp_path, encoding)
        guest.put(DATA, b"model\0{}\0")
        arguments = (DATA, 5, DATA + 6, 2, HANDLE)
        if encoding is GGML:
            assert guest.load_by_name_with_config(*arguments) == 0
            assert guest.load_by_name_with_config(DATA, 5, DATA + 6, 0, HANDLE) == 1
        else:
            with pytest.raises(HostHarm, match="jumps to address 0"):
                guest.load_by_name_with_config(*arguments)


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ("wasmtime@49", "would have crashed: 20 bytes at"),
        ("wamr-legacy@2.4.5", "would have trapped the guest: 12 bytes at"),
        ("wamr-ephemeral@2.3.1", "would have trapped the guest: 20 bytes at"),
    ],
)
def test_a_pointer_outside_the_memory_ends_what_it_ends_there(label: str, what: str) -> None:
    guest = Played(label)
    context = guest.context_of(HOSTS[label].backends[0].encoding)
    with pytest.raises(HostHarm, match=f"{label} {what}"):
        guest.set_input(context, 0, MEMORY - 1)


def test_wasmtime_ends_with_numbers_that_mean_nothing_and_before_23_with_every_error() -> None:
    with pytest.raises(HostHarm, match="unknown encoding 77"):
        Played("wasmtime@49").load_model(b"model", 77)
    with pytest.raises(HostHarm, match="99 is not a handle of an execution context"):
        Played("wasmtime@14").compute(99)


def test_on_wasmedge_a_pointer_outside_the_memory_is_an_errno() -> None:
    guest, context = computed("wasmedge@0.17.1", TFLITE)
    assert guest.set_input(context, 0, MEMORY - 1) == 1
    assert guest.get_output(context, 0, OUTPUT, MEMORY, WRITTEN) == 1


@pytest.mark.parametrize("label", ROWS)
def test_a_host_has_its_own_functions_under_its_own_name(label: str) -> None:
    ((module, dialect),) = host_dialects(label).items()
    row = next(row for family in FAMILIES.values() for row in family.rows if row.label == label)
    assert (module,) == row.modules
    assert dialect.functions == row.dialects[0].functions
    assert dialect.errnos is row.dialects[0].errnos


def test_encodings_are_those_of_the_host() -> None:
    for label, number, errno in (
        ("wamr-ephemeral@2.4.5", 5, 6),  # GGML there, which has to be named
        ("wamr-ephemeral@2.1.0", 5, 2),
        ("wasmedge@0.11.1", 2, 1),
        ("wasmedge@0.17.1", 6, 0),
        ("wasmedge@0.13.3", 6, 2),
    ):
        assert Played(label).load_model(b"model", number) == errno


@pytest.mark.parametrize(
    ("label", "encoding", "errno"),
    [
        ("wamr-legacy@1.1.2", ONNX, 1),
        ("wamr-legacy@2.1.0", ONNX, 2),
        ("wamr-legacy@2.1.1", OPENVINO, 1),
        ("wamr-legacy@2.1.2", GGML, 2),
        ("wamr-legacy@2.3.1", ONNX, 2),
        ("wamr-legacy@2.4.5", OPENVINO, 2),
        ("wamr-ephemeral@2.1.0", OPENVINO, 2),
        ("wamr-ephemeral@2.1.1", ONNX, 1),
        ("wamr-ephemeral@2.3.1", ONNX, 2),
        ("wamr-ephemeral@2.4.5", ONNX, 2),
        ("wamr-ephemeral@main", PYTORCH, 2),
        # Language models have names there.
        ("wamr-legacy@2.3.1", GGML, 5),
        ("wamr-ephemeral@2.3.1", GGML, 5),
        ("wamr-ephemeral@2.4.5", GGML, 6),
        ("wamr-ephemeral@main", GGML, 6),
        # WasmEdge has a place for some backends, and nothing there.
        ("wasmedge@0.12.1", ONNX, 1),
        ("wasmedge@0.13.3", ONNX, 1),
        ("wasmedge@0.14.0", Encoding.WHISPER, 2),
        ("wasmedge@0.17.1", Encoding.TENSORFLOW, 1),
        ("wasmedge@0.17.1", Encoding.BURN, 2),
        ("wasmtime@29", TFLITE, 6),
        ("wasmtime@49", Encoding.TENSORFLOW, 6),
    ],
)
def test_a_model_that_the_host_has_no_backend_for_is_refused_as_it_does(
    label: str, encoding: Encoding, errno: int
) -> None:
    guest = Played(label)
    assert guest.load_model(b"model", guest.encodings[encoding]) == errno
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) != 0


@pytest.mark.parametrize(
    ("label", "errno"), [("wamr-ephemeral@main", 2), ("wasmedge@0.17.1", 1), ("wasmtime@49", 6)]
)
def test_so_is_one_that_has_a_name(label: str, errno: int, tmp_path: Path) -> None:
    guest = named(label, tmp_path, Encoding.TENSORFLOW)
    guest.put(DATA, b"model")
    assert guest.load_by_name(DATA, 5, HANDLE) == errno
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) != 0


def test_before_23_wasmtime_ends_with_a_model_that_it_has_no_backend_for() -> None:
    with pytest.raises(HostHarm, match="wasmtime@14 has no backend for onnx models"):
        Played("wasmtime@14").context_of(ONNX)


@pytest.mark.parametrize(
    ("label", "encoding", "needed"),
    [
        ("wamr-legacy@2.4.5", TFLITE, "libwasi_nn_tflite.so"),
        ("wamr-ephemeral@2.4.5", GGML, "libwasi_nn_llamacpp.so"),
        ("wasmedge@0.17.1", OPENVINO, "the plugin libwasmedgePluginWasiNN.so, built for the"),
        ("wasmtime@49", OPENVINO, "OpenVINO's C library"),
        ("wasmtime@49", ONNX, "cargo build --release --features wasmtime-wasi-nn/onnx"),
    ],
)
def test_what_a_device_needs_for_the_model_is_said_once(
    label: str, encoding: Encoding, needed: str, caplog: pytest.LogCaptureFixture
) -> None:
    guest = Played(label)
    for _ in range(2):
        guest.context_of(encoding)
    said = [record.message for record in caplog.records if "need" in record.message]
    (found,) = said
    assert found.startswith(
        f"on a device, {label} needs this for {encoding.name.lower()} models: {needed}"
    )


@pytest.mark.parametrize(
    ("label", "number", "errno"),
    [
        ("wamr-legacy@2.3.1", 6, 1),
        ("wamr-ephemeral@main", 6, 1),
        ("wasmedge@0.17.1", 5, 2),
        ("wasmtime@49", 5, 6),
    ],
)
def test_no_host_finds_out_what_a_model_is(label: str, number: int, errno: int) -> None:
    guest = Played(label, NNHost())
    assert guest.load_model(tflite_models.identity(np.float32, [4]), number) == errno


def test_an_input_that_the_model_does_not_have_is_the_hosts_error() -> None:
    tflite, onnx = tflite_models.identity(np.float32, [4]), identity(dims=(4,))
    for label, encoding, model, errno in (
        ("wamr-legacy@2.4.5", TFLITE, tflite, 5),
        ("wasmedge@0.17.1", TFLITE, tflite, 1),
        ("wasmtime@49", ONNX, onnx, 5),
    ):
        guest = Played(label, NNHost())
        context = guest.context_of(encoding, model)
        assert guest.feed(context, 1, 1, (4,), bytes(16)) == errno
        assert guest.feed(context, 0, 1, (4,), bytes(16)) == 0


def test_a_tensor_that_the_model_does_not_take_is_the_backends_error() -> None:
    tflite, onnx = tflite_models.identity(np.float32, [4]), identity(dims=(4,))
    for label, encoding, model, errno in (
        ("wamr-legacy@2.4.5", TFLITE, tflite, 1),
        ("wamr-ephemeral@main", TFLITE, tflite, 5),
        ("wamr-ephemeral@2.4.5", OPENVINO, onnx, 5),
        ("wasmedge@0.17.1", TFLITE, tflite, 1),
        ("wasmtime@49", OPENVINO, onnx, 5),
    ):
        guest = Played(label, NNHost())
        context = guest.context_of(encoding, model)
        assert guest.feed(context, 0, 1, (5,), bytes(20)) == errno


def test_a_model_is_what_the_host_takes_the_number_for() -> None:
    model = tflite_models.identity(np.float32, [4])
    for label, number, errno in (("wamr-legacy@2.4.5", 2, 2), ("wamr-legacy@2.4.5", 4, 0)):
        assert Played(label, NNHost()).load_model(model, number) == errno


@pytest.mark.parametrize("name", ["nosuchhost", "wamr-legacy", "wamr@2", "nnshim"])
def test_only_the_name_of_one_host_has_dialects(name: str) -> None:
    with pytest.raises(UsageError):
        host_dialects(name)


def test_several_hosts_are_named() -> None:
    with pytest.raises(UsageError, match=r"name one: wamr-legacy@1\.1\.1, wamr-legacy@1\.1\.2,"):
        host_dialects("wamr-legacy")


@pytest.mark.parametrize("label", ROWS)
def test_calls_that_make_no_sense_get_errnos_that_the_host_has(label: str) -> None:
    """Or stop the guest."""
    choose = random.Random(0)
    (dialect,) = host_dialects(label).values()
    encoding = TFLITE if label.startswith("wasmedge@0.14") else HOSTS[label].backends[0].encoding
    guest, context = computed(label, encoding)
    functions = list(dialect.functions.items())
    answers = set()
    for _ in range(300):
        name, parameters = choose.choice(functions)
        arguments = choose.choices(
            (*range(8), context, DATA, OUTPUT, MEMORY - 4), k=len(parameters)
        )
        with contextlib.suppress(HostHarm):
            answers.add(getattr(guest, name)(*arguments))
    assert answers <= set(dialect.errnos)
