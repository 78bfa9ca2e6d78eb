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
from rewriter.abi.dialects import Encoding, TensorType
from rewriter.hosts.table import FAMILIES
from runtime_shim import NamedGraph, NNHost, host_dialects
from runtime_shim.errors import HostHarm
from runtime_shim.testing import FakeBackend
from tests.support import tflite_models
from tests.support.guest import DATA, HANDLE, MEMORY, OUTPUT, WRITTEN
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
