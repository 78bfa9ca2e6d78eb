"""Prompts that are too long are refused by their bytes, and hardly any is that would fit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost
from runtime_shim.backends.ggml import prompt as ggml_prompt
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlContext
from runtime_shim.backends.ggml.llama_cpp import lib
from runtime_shim.backends.ggml.prompt import Vocabulary, _signs
from tests.support.gguf_models import BYTE, CONTROL, NORMAL, UNKNOWN, successors, with_vocabulary

SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SIGNS = [sign.decode() for sign in _signs()]
WORDS = ["a", "b", "ab", "abab", "▁", "▁ab", "▁▁▁▁▁▁▁▁", "é", "😀", "ababababab"]
MERGES = ["a b", "ab ab", "Ġ a", "Ġ Ġ", "ĠĠ ĠĠ", "Ã ©"]
MERGED = ["ab", "abab", "Ġa", "ĠĠ", "ĠĠĠĠ", "Ã©"]

Made = tuple[Sequence[str], str, dict[str, Any]]

VOCABULARIES: dict[str, Made] = {
    "SentencePiece": ([*BYTES, *WORDS], "llama", {}),
    "SentencePiece that strips": ([*BYTES, *WORDS, "<|endoftext|>"], "llama", {"name": "phi-3"}),
    "merged bytes": ([*SIGNS, *MERGED], "gpt2", {"pre": "gpt-2", "merges": MERGES}),
    "merged bytes, some missing": (
        [*(sign for sign in SIGNS if sign not in "bĠ©"), "ab", "Ġa"],
        "gpt2",
        {"pre": "gpt-2", "merges": ["a b", "Ġ a"]},
    ),
    "merged characters": ([*BYTES, "a", "b", "ab", "▁", "▁▁", "\n"], "gemma4", {"merges": ["a b"]}),
    "WordPiece": (["▁ab", "a", "b", "▁a", "."], "bert", {}),
    "Unigram": (["▁", "ab", "a", "b"], "t5", {}),
    "RWKV": (["a", "b", "ab", r"\x20", r"\n", r"\xc3\xa9", "abababab"], "rwkv", {}),
}

BOUNDED = {"SentencePiece", "merged bytes", "merged characters", "RWKV"}
"""In which every byte is in a token: no text is refused that fits."""

TEXTS = ["a", "b", "ab", " ", "  ", "\n", "é", "😀", "</s>", "<s>", "\x85", ".", "z", "中", "\x00"]


@pytest.fixture(autouse=True)
def every_length_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ggml_prompt, "_ALWAYS_SPLIT", 0)


def vocabulary(path: Path, name: str) -> tuple[object, Vocabulary]:
    """With what keeps it."""
    made, kind, keys = VOCABULARIES[name]
    tokens = [*SPECIAL, *made]
    types = [UNKNOWN, CONTROL, CONTROL, *(BYTE if it in BYTES else NORMAL for it in made)]
    if "<|endoftext|>" in tokens:
        types[tokens.index("<|endoftext|>")] = CONTROL
    with_vocabulary(path, tokens, types, kind, **keys)
    graph = GgmlBackend().load([path], Target.CPU)
    return graph, graph.vocabulary


@pytest.mark.parametrize("name", VOCABULARIES)
def test_no_text_is_refused_that_fits(tmp_path: Path, name: str) -> None:
    _graph, tested = vocabulary(tmp_path / "model.gguf", name)
    rng = random.Random(name)
    long = ["</s>" + " " * 5000, " " * 5000 + "</s>", "z" * 5000, "é" * 3000]
    mixed = ["".join(rng.choices(TEXTS, k=rng.randrange(1, 60))) for _ in range(2000)]
    texts = [*long, *mixed] if name in BOUNDED else [text for text in mixed if has_words(text)]
    for text in (each.encode() for each in ("ab" * 2000, *texts)):
        found = tested.split(text, 1 << 20)
        assert not isinstance(found, int)
        assert tested.may_fit(memoryview(text), len(found)), text


def has_words(text: str) -> bool:
    """Whether at least a quarter of it is in characters that every vocabulary has."""
    return 4 * sum(text.count(each) for each in "a.") > len(text.encode())


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_text_is_refused_where_tokens_cannot_reach_so_far(tmp_path: Path, name: str) -> None:
    _graph, tested = vocabulary(tmp_path / "model.gguf", name)
    assert not tested.may_fit(memoryview(b"ab" * 100_000), 100)


@pytest.mark.parametrize("name", sorted(VOCABULARIES.keys() - BOUNDED))
def test_of_what_may_be_dropped_there_may_be_some(tmp_path: Path, name: str) -> None:
    _graph, tested = vocabulary(tmp_path / "model.gguf", name)
    longest = max(len(token.encode()) for token in [*VOCABULARIES[name][0], *SPECIAL])
    text = b"</s>" + b" " * (100 * 4 * longest - 4)
    assert tested.may_fit(memoryview(text), 100)
    assert not tested.may_fit(memoryview(text + b" "), 100)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_no_text_of_more_than_8_mebibytes_is_split(tmp_path: Path, name: str) -> None:
    _graph, tested = vocabulary(tmp_path / "model.gguf", name)
    text = memoryview(b"a" * ((8 << 20) + 1))
    assert tested.may_fit(text[:-1], 8 << 20)
    assert not tested.may_fit(text, 8 << 20)


@pytest.mark.parametrize(("kind", "begins"), [("no_vocab", True), ("t5", False)])
def test_a_model_that_splits_no_text_is_refused(tmp_path: Path, kind: str, begins: bool) -> None:
    types = [UNKNOWN, CONTROL, CONTROL, NORMAL]
    path = with_vocabulary(tmp_path / "model.gguf", [*SPECIAL, "a"], types, kind, begins=begins)
    with pytest.raises(
        HostError, match=r"the model (has no vocabulary|does not say what)"
    ) as caught:
        GgmlBackend().load([path], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def letters(folder: Path) -> GgmlContext:
    path = successors(folder / "letters.gguf", "abcdefghijkl", context=4096)
    options = {"temp": 0, "ctx-size": 16}
    return GgmlBackend().load([path], Target.CPU, options).init_execution_context()


def feed(context: GgmlContext, data: bytes, index: int = 0) -> None:
    context.set_input(index, TensorType.U8, (len(data),), memoryview(data))


def test_a_prompt_that_fits_into_no_context_is_refused_before_it_is_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = letters(tmp_path)
    feed(context, b"a")
    monkeypatch.setattr(lib, "tokenize", lambda *_: pytest.fail("it was split"))
    monkeypatch.setattr(ggml_prompt, "_check_utf8", lambda *_: pytest.fail("it was read"))
    with pytest.raises(HostError, match="bytes, too many for a context of 4096 tokens") as caught:
        feed(context, b"a" * (1 << 20))
    assert caught.value.errno is Errno.PROMPT_TOO_LONG
    for call in (context.compute, context.compute_single):  # not with the prompt before it
        with pytest.raises(HostError) as caught:
            call()
        assert caught.value.errno is Errno.PROMPT_TOO_LONG
    monkeypatch.undo()
    feed(context, b"i")
    context.compute()
    assert bytes(context.get_output(0)) == b"jkl</s>"


@pytest.mark.parametrize("length", [20, 200])
def test_options_that_come_later_can_make_room(tmp_path: Path, length: int) -> None:
    context = letters(tmp_path)
    feed(context, b"k" * length)
    for call in (context.compute, context.compute_single):
        with pytest.raises(HostError) as caught:
            call()
        assert caught.value.errno is Errno.PROMPT_TOO_LONG
    feed(context, b'{"ctx-size": 256}', 1)
    context.compute()
    assert bytes(context.get_output(0)) == b"l</s>"
    assert b'"input_tokens": %d' % (length + 1) in bytes(context.get_output(1))
    feed(context, b'{"ctx-size": 16}', 1)
    with pytest.raises(HostError) as caught:
        context.compute()
    assert caught.value.errno is Errno.PROMPT_TOO_LONG


def test_the_count_of_a_prompt_is_told_where_it_is_known(tmp_path: Path) -> None:
    context = letters(tmp_path)
    feed(context, b"k" * 20)
    assert b'"input_tokens": 21' in bytes(context.get_output(1))
    feed(context, b"k" * 200)
    with pytest.raises(HostError) as caught:
        context.get_output(1)
    assert caught.value.errno is Errno.PROMPT_TOO_LONG


@pytest.mark.parametrize("text", [b"\xff", b"a" * 65535 + "é".encode()[:1], b"ab\xc3(c"], ids=len)
def test_a_prompt_is_utf8_wherever_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    monkeypatch.setattr(ggml_prompt, "_ALWAYS_SPLIT", 1 << 20)
    context = letters(tmp_path)
    feed(context, ("a" * 65535 + "é").encode())
    with pytest.raises(HostError, match="not UTF-8") as caught:
        feed(context, text)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_a_guests_own_model_does_not_split_a_long_prompt_isolated_or_not(tmp_path: Path) -> None:
    model = successors(tmp_path / "letters.gguf", "abc").read_bytes()
    for isolate in (False, True):
        with NNHost(isolate=isolate).session() as session:
            graph = session.load([model], Encoding.GGML, Target.CPU)
            context = session.init_execution_context(graph)
            text = memoryview(b"a" * (1 << 20))
            with pytest.raises(HostError) as caught:
                session.set_input(context, 0, TensorType.U8, (len(text),), text)
            assert caught.value.errno is Errno.PROMPT_TOO_LONG
