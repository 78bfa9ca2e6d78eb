"""Language models as guests of WasmEdge and LlamaEdge speak to them."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.abi.dialects import WASMEDGE, Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NamedGraph, NNHost
from runtime_shim.backends.ggml.backend import GgmlBackend
from tests.runtime_shim.backends.ggml.asked import GREEDY, answer, context, set_text
from tests.support.gguf_models import successors
from tests.support.guest import BUILDERS, DATA, HANDLE, Guest


@pytest.fixture(scope="module")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return successors(tmp_path_factory.mktemp("ggml") / "circle.gguf", "abc", end=False)


NUMBERS_OF_BYTES = (
    ((0, 1, 3), (5, 6, 7)),
    ((4, 0, 1, 3), (2, 5, 6, 7)),  # i32, or u8 of wamr-2.1: it is not a guest of witx-2022
    ((2, 0, 1, 3), (4, 5, 6, 7)),  # u8 of witx-2022, and so 3 is i32 and no other is a type
)
"""What a guest gives the type of its prompts as, and what it is refused after that: f64 and i64,
what is not a type, and what is one by other numbers than the guest's."""


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("plain", [False, True])
def test_the_bytes_are_the_prompt_whatever_their_type_and_dimensions_say(
    model: Path, plain: bool, isolate: bool
) -> None:
    graph = NamedGraph("m", Encoding.GGML, Target.CPU, (str(model),), GREEDY)
    host = NNHost(graphs=[graph], isolate=isolate)
    for numbers, refused in NUMBERS_OF_BYTES:
        guest = Guest(host, dialect=WASMEDGE, plain=plain)
        guest.put(DATA, b"m")
        assert guest.load_by_name(DATA, 1, HANDLE) == 0
        assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == 0
        handle = guest.u32(HANDLE)
        assert guest.feed(handle, 0, numbers[0], (1,), b"a letter") == 0  # as long as an f64 is
        for shape in ((), (0,), (1,), (2, 3), (4,)):
            for number in numbers:
                assert guest.feed(handle, 0, number, shape, b"abcd") == 0
                assert guest.compute(handle) == 0
                assert guest.output(handle, 0) == b"efghijkl</s>"
            for number in refused:
                errno = guest.feed(handle, 0, number, shape, b"abcd")
                assert errno == Errno.INVALID_ARGUMENT


def test_what_is_asked_for_before_a_prompt_is_there(model: Path) -> None:
    fresh = context(model)
    metadata = json.loads(bytes(fresh.get_output(1)))
    assert (metadata["input_tokens"], metadata["output_tokens"]) == (0, 0)
    assert metadata.keys() == {
        *("input_tokens", "output_tokens", "llama_build_number", "llama_commit")
    }
    assert bytes(fresh.get_output_single(0)) == b""
    assert json.loads(bytes(fresh.get_output_single(1))) == metadata
    with pytest.raises(HostError, match="before compute"):
        fresh.get_output(0)


def test_the_last_piece_is_there_after_a_whole_text(model: Path) -> None:
    asked = context(model, n_predict=2)
    assert answer(asked, "ab") == b"cd"
    assert bytes(asked.get_output_single(0)) == b"d"
    set_text(asked, "a")
    assert bytes(asked.get_output_single(0)) == b""


def test_a_piece_that_could_not_be_made_is_not_there(model: Path) -> None:
    asked = context(model)
    assert answer(asked, "ab")
    set_text(asked, "a" * 62)
    with pytest.raises(HostError):
        asked.compute()
    with pytest.raises(HostError, match="before compute"):
        asked.get_output_single(0)


def test_a_second_builder_has_the_options_of_the_model(model: Path) -> None:
    guest = Guest(dialect=WASMEDGE)
    parts = model.read_bytes(), json.dumps({**GREEDY, "n-predict": 3}).encode()
    place = DATA + 64
    guest.put(DATA, b"abc")
    assert guest.memory is not None
    guest.memory.grow(guest.store, (len(parts[0]) >> 16) + 1)
    guest.put(place, b"".join(parts))
    builders = struct.pack("<4I", place, len(parts[0]), place + len(parts[0]), len(parts[1]))
    guest.put(BUILDERS, builders)
    auto = 3
    assert guest.load(BUILDERS, 2, 6, auto, HANDLE) == 0
    assert guest.init_execution_context(guest.u32(HANDLE), HANDLE) == 0
    handle = guest.u32(HANDLE)
    assert guest.feed(handle, 0, TensorType.U8, (1,), b"ab") == 0
    assert guest.compute(handle) == 0
    assert guest.output(handle, 0) == b"cde"


@pytest.mark.parametrize("text", [b"{", b"[]", b" " * (1 << 17)], ids=["cut", "a list", "long"])
def test_a_second_builder_that_is_no_json_object_is_refused(model: Path, text: bytes) -> None:
    with pytest.raises(HostError) as caught:
        GgmlBackend().load([model, text], Target.CPU)
    assert caught.value.errno in (Errno.INVALID_ENCODING, Errno.TOO_LARGE)


def test_target_3_is_wasmedges_only() -> None:
    guest = Guest()
    guest.put(BUILDERS, struct.pack("<II", DATA, 0))
    assert guest.load(BUILDERS, 1, 5, 3, HANDLE) == Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ctx-size": 0}, b"efghijkl</s>"),
        ({"threads": -1}, b"efghijkl</s>"),
        ({"ubatch-size": 0}, b"efghijkl</s>"),
        ({"last-n-penalty": -1, "presence-penalty": 0.5}, b"efghijkl</s>"),
        ({"repeat-penalty": 0}, b"efghijkl</s>"),
        ({"n-predict": -1}, b"efghijkl</s>"),
        ({"n-predict": -2}, b"efghijkl</s>"),
        ({"seed": -1}, b"efghijkl</s>"),
        ({"reverse-prompt": "g"}, b"efg"),
        ({"reverse-prompt": ["x", "hi", "j"]}, b"efghi"),
        ({"reverse-prompt": ["", "f"]}, b"ef"),
        ({"reverse-prompt": []}, b"efghijkl</s>"),
        ({"reverse-prompt": None, "json-schema": None}, b"efghijkl</s>"),
        ({"grammar": 'root ::= "ef"'}, b"ef</s>"),
        ({"grammar": ""}, b"efghijkl</s>"),
        ({"grammar": None}, b"efghijkl</s>"),
        ({"image": "", "mmproj": None, "tts": False}, b"efghijkl</s>"),
        ({"enable-log": True, "tensor-split": "1,2", "use-mmap": True}, b"efghijkl</s>"),
    ],
)
def test_options_mean_what_they_mean_to_llama_cpp(
    model: Path, caplog: pytest.LogCaptureFixture, options: dict[str, object], expected: bytes
) -> None:
    assert answer(context(model, **options), "abcd") == expected
    asked = context(model)
    set_text(asked, json.dumps(options), 1)
    assert answer(asked, "abcd") == expected
    assert not caplog.records


@pytest.mark.parametrize(
    "options",
    [
        {"image": "cat.png"},
        {"mmproj": "mmproj.gguf"},
        {"tts": True},
        {"mirostat": 2},
        {"rope-freq-base": 10000.0},
        {"ignore-eos": True},
        {"typ-p": 0.5},
        {"pooling-type": 1},
    ],
)
def test_options_that_would_change_the_answer_are_refused(
    model: Path, options: dict[str, object]
) -> None:
    for ask in (lambda: context(model, **options), lambda: _configure(model, options)):
        with pytest.raises(HostError) as caught:
            ask()
        assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def _configure(model: Path, options: dict[str, object]) -> None:
    set_text(context(model), json.dumps(options), 1)


def test_an_image_in_the_prompt_is_refused(model: Path) -> None:
    image = b'<img src="data:image/png;base64,' + b"A" * 100 + b'">'
    asked = context(model)
    for before in (0, (1 << 16) - 7, 1 << 17):
        with pytest.raises(HostError, match="an image") as caught:
            set_text(asked, b"a" * before + image)
        assert caught.value.errno is Errno.UNSUPPORTED_OPERATION
    with pytest.raises(HostError, match="no prompt"):
        asked.compute()


def test_one_guests_failure_does_not_tell_of_anothers(model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:-100])
    reasons: dict[str, str] = {}

    def fail(name: str, call: Callable[[], object]) -> None:
        with pytest.raises(HostError) as caught:
            call()
        reasons[name] = caught.value.reason

    def load_cut() -> None:
        fail("cut", lambda: GgmlBackend().load([cut], Target.CPU))

    def bad_grammar() -> None:
        fail("grammar", lambda: answer(context(model, grammar="root ::= missing"), "abcd"))

    for _ in range(5):
        threads = [threading.Thread(target=each) for each in (load_cut, bad_grammar)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "grammar" not in reasons["cut"]
        assert "grammar" in reasons["grammar"]
        assert "tensor" not in reasons["grammar"]
    load_cut()
    bad_grammar()  # in the same thread
    assert "tensor" not in reasons["grammar"]


@pytest.mark.parametrize("options", [{}, {"temp": 1.5, "top-k": 0, "min-p": 0, "seed": 7}])
def test_sessions_at_once_give_what_each_gives_alone(
    circle: Path, options: dict[str, object]
) -> None:
    graph = NamedGraph(
        "m", Encoding.GGML, Target.CPU, (str(circle),), {**GREEDY, "n-predict": 40, **options}
    )
    host = NNHost(graphs=[graph], threads=1)
    prompts = [b"a", b"bc", b"cab", b"bcabca"]

    def ask(prompt: bytes) -> bytes:
        with host.session() as session:
            handle = session.init_execution_context(session.load_by_name("m"))
            session.set_input(handle, 0, TensorType.U8, (1,), memoryview(prompt))
            session.compute(handle)
            return session.get_output(handle, 0)

    alone = [ask(prompt) for prompt in prompts]
    together: list[list[bytes]] = [[] for _ in prompts]

    def repeat(number: int) -> None:
        together[number] = [ask(prompts[number]) for _ in range(5)]

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(len(prompts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [[text] * 5 for text in alone]
