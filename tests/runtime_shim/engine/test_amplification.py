"""What a guest passes costs about as much as it says: counts and lengths are refused before what
they count is read, and a message has a bounded part of it."""

from __future__ import annotations

import json
import logging
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.abi.dialects import WAMR, WASMEDGE, WITX, Dialect, Encoding, Errno, Target, TensorType
from runtime_shim import HostError, Limits, NamedGraph, NNHost
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.errors import HostError as Refusal
from runtime_shim.guest_text import json_object, quoted
from runtime_shim.testing import FakeBackend
from tests.support.gguf_models import successors
from tests.support.guest import BUILDERS, DATA, HANDLE, Guest
from tests.support.models import identity

MEMORY = 32 * 65536
LONG = MEMORY - DATA

MOST_READ = 1 << 18
"""Bytes, for a call."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each access to the guest's memory has."""
    found: list[int] = []

    def watch(name: str, size: Callable[[int], int]) -> None:
        original = getattr(GuestMemory, name)

        def watched(memory: GuestMemory, pointer: int, count: int) -> object:
            found.append(size(count))
            return original(memory, pointer, count)

        monkeypatch.setattr(GuestMemory, name, watched)

    watch("view", int)
    watch("u32s", lambda count: 4 * count)
    return found


def guest_for(tmp_path: Path, dialect: Dialect, **limits: int | None) -> Guest:
    (tmp_path / "model.onnx").write_bytes(identity(dims=(1,)))
    graph = NamedGraph("it", Encoding.ONNX, Target.CPU, (str(tmp_path / "model.onnx"),))
    host = NNHost(graphs=[graph], limits=Limits(**limits))
    memory = f'(memory (export "memory") {MEMORY // 65536})'
    return Guest(host, dialect=dialect, memory=memory)


def repeated(start: bytes, part: bytes, end: bytes) -> bytes:
    return start + part * ((LONG - len(start) - len(end)) // len(part)) + end


CONFIGURATIONS = {
    "lists": repeated(b'{"a":[', b"[],", b"0]}"),
    "objects": repeated(b'{"a":[', b"{},", b"0]}"),
    "numbers": repeated(b'{"a":[', b"1.5,", b"0]}"),
    "keys": b"{" + b",".join(b'"%06x":[]' % number for number in range(LONG // 12)) + b"}",
    "deep": repeated(b'{"a":', b"[", b""),
    "spaces": repeated(b"", b" ", b"{}"),
}


@pytest.mark.parametrize("text", CONFIGURATIONS.values(), ids=list(CONFIGURATIONS))
def test_a_long_configuration_is_not_read(tmp_path: Path, read: list[int], text: bytes) -> None:
    guest = guest_for(tmp_path, WASMEDGE)
    guest.put(0, b"it")
    guest.put(DATA, text)
    assert guest.load_by_name_with_config(0, 2, DATA, len(text), HANDLE) == Errno.TOO_LARGE
    assert sum(read) < MOST_READ


@pytest.mark.parametrize("dialect", [WITX, WASMEDGE], ids=lambda it: it.name)
@pytest.mark.parametrize("letter", ["\x01", "\U000e0001"], ids=ascii)
def test_a_long_name_is_not_read(
    tmp_path: Path, read: list[int], letter: str, dialect: Dialect
) -> None:
    guest = guest_for(tmp_path, dialect)
    text = repeated(b"", letter.encode(), b"")
    guest.put(DATA, text)
    assert guest.load_by_name(DATA, len(text), HANDLE) == Errno.TOO_LARGE
    if dialect is WASMEDGE:
        assert guest.load_by_name_with_config(DATA, len(text), 0, 0, HANDLE) == Errno.TOO_LARGE
    assert sum(read) < MOST_READ


@pytest.mark.parametrize("encoding", [0, 1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("count", [3, LONG // 8])
def test_builders_are_counted_before_they_are_read(
    tmp_path: Path, read: list[int], encoding: int, count: int
) -> None:
    guest = guest_for(tmp_path, WASMEDGE)
    guest.put(DATA, struct.pack("<II", 4096, 0) * count)
    assert guest.load(DATA, count, encoding, Target.CPU, HANDLE) == Errno.INVALID_ARGUMENT
    assert sum(read) == 0


def test_builders_of_wamrs_older_abi_are_counted_too(tmp_path: Path, read: list[int]) -> None:
    guest = guest_for(tmp_path, WAMR)
    guest.put(BUILDERS, struct.pack("<II", DATA, LONG // 8))
    assert guest.load(BUILDERS, Encoding.ONNX, Target.CPU, HANDLE) == Errno.INVALID_ARGUMENT
    assert sum(read) == 0


@pytest.mark.parametrize(("most", "errno"), [(None, 0), (4, 0), (3, Errno.INVALID_ARGUMENT)])
def test_a_backend_of_ones_own_says_how_many_parts_it_takes(most: int | None, errno: int) -> None:
    backend = FakeBackend()
    if most is not None:
        backend.most_parts = most  # type: ignore[attr-defined]  # which no backend need have
    guest = Guest(NNHost(backends={Encoding.ONNX: backend}))
    guest.put(BUILDERS, struct.pack("<II", DATA, 1) * 4)
    assert guest.load(BUILDERS, 4, Encoding.ONNX, Target.CPU, HANDLE) == errno


def test_the_limits_of_texts_can_be_set(tmp_path: Path) -> None:
    guest = guest_for(tmp_path, WASMEDGE, names=2, configurations=10)
    guest.put(0, b"it.")
    guest.put(DATA, b'{"x": 10} ')
    assert guest.load_by_name_with_config(0, 2, DATA, 10, HANDLE) == 0
    assert guest.load_by_name_with_config(0, 2, DATA, 11, HANDLE) == Errno.TOO_LARGE
    assert guest.load_by_name_with_config(0, 3, DATA, 10, HANDLE) == Errno.TOO_LARGE
    assert guest.load_by_name(0, 3, HANDLE) == Errno.TOO_LARGE


def test_texts_have_no_limit_where_none_is_set(tmp_path: Path) -> None:
    guest = guest_for(tmp_path, WASMEDGE, names=None, configurations=None)
    guest.put(0, b"it")
    guest.put(DATA, CONFIGURATIONS["spaces"])
    assert guest.load_by_name(DATA, LONG, HANDLE) == Errno.NOT_FOUND
    assert guest.load_by_name_with_config(0, 2, DATA, LONG, HANDLE) == 0


@pytest.mark.parametrize("isolate", [False, True], ids=["here", "isolated"])
def test_options_of_a_language_model_are_configurations_too(tmp_path: Path, isolate: bool) -> None:
    model = successors(tmp_path / "letters.gguf", "abc").read_bytes()
    host = NNHost(limits=Limits(configurations=100), isolate=isolate)
    with host.session() as session:
        context = session.init_execution_context(session.load([model], Encoding.GGML, Target.CPU))
        for size, refused in ((100, False), (101, True), (1 << 20, True)):
            text = memoryview(b"{}".ljust(size))
            if not refused:
                session.set_input(context, 1, TensorType.U8, (size,), text)
                continue
            with pytest.raises(HostError, match=r"configurations: .* exceeds the limit") as caught:
                session.set_input(context, 1, TensorType.U8, (size,), text)
            assert caught.value.errno is Errno.TOO_LARGE


@pytest.mark.parametrize("name", [b"\x01" * 60_000, "\U000e0001".encode() * 15_000], ids=len)
def test_a_message_has_a_bounded_part_of_what_a_guest_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: bytes
) -> None:
    caplog.set_level(logging.INFO, "runtime_shim")
    guest = guest_for(tmp_path, WASMEDGE)
    guest.put(DATA, name)
    assert guest.load_by_name(DATA, len(name), HANDLE) == Errno.NOT_FOUND
    guest.put(0, b"it")
    for configuration in (
        {"threads": "x" * 50_000},
        {"threads": [[[["x" * 1000] * 10]]]},
        {"x" * 20_000: 1, **{f"option {number}": 1 for number in range(2000)}},
        {"another": 1},  # and the log is not filled with what is ignored
    ):
        text = json.dumps(configuration).encode()
        guest.put(DATA, text)
        guest.load_by_name_with_config(0, 2, DATA, len(text), HANDLE)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 4
    assert max(map(len, messages)) < 1000


def test_a_reason_is_cut_whoever_writes_it() -> None:
    refusal = Refusal(Errno.RUNTIME_ERROR, "x" * (1 << 20))
    assert len(str(refusal)) < 3000


@pytest.mark.parametrize(
    "text",
    ["[" * 60_000, '{"a":' * 5_000, '{"a": ' + "9" * 60_000 + "}", '{"a": 1', "NaN", "\ud800"],
    ids=["deep lists", "deep objects", "a big integer", "cut off", "a number", "half a character"],
)
def test_json_that_python_cannot_read_is_an_errno(text: str) -> None:
    with pytest.raises(HostError) as caught:
        json_object(text, "text", Errno.INVALID_ENCODING)
    assert caught.value.errno is Errno.INVALID_ENCODING


@pytest.mark.parametrize("depth", [100, 400, 900, 990])
def test_a_deep_option_is_an_errno_or_is_ignored(tmp_path: Path, depth: int) -> None:
    guest = guest_for(tmp_path, WASMEDGE)
    guest.put(0, b"it")
    for option in (b"threads", b"other"):
        text = b'{"%s": %s%s}' % (option, b"[" * depth, b"]" * depth)
        guest.put(DATA, text)
        errno = guest.load_by_name_with_config(0, 2, DATA, len(text), HANDLE)
        assert errno in ((Errno.INVALID_ARGUMENT,) if option == b"threads" else (0, 1))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("it's", '"it\'s"'), (1.5, "1.5"), (["a"], "['a']"), (b"ab", "b'ab'"), (None, "None")],
)
def test_short_values_are_quoted_as_they_are(value: object, expected: str) -> None:
    assert quoted(value) == expected


@pytest.mark.parametrize(
    "value", ["x" * 10**6, b"x" * 10**6, ["x"] * 10**6, 10**4000], ids=lambda it: type(it).__name__
)
def test_long_values_are_quoted_in_part(value: object) -> None:
    assert len(quoted(value)) < 1000
