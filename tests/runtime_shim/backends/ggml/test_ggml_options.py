"""Options of language models: those of a model, of a context and of the host."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.abi.dialects import Errno, Target
from runtime_shim import HostError
from runtime_shim.backends.ggml import llama_cpp
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlContext
from tests.runtime_shim.backends.ggml.asked import GREEDY
from tests.runtime_shim.backends.ggml.test_ggml import prompt


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n_predict": 3}, b"bcd"),
        ({"n_predict": 0}, b""),
        ({"n_predict": -1}, b"bcdefghijkl</s>"),
        ({"reverse_prompt": "ef"}, b"bcdef"),
        ({"reverse_prompt": "zz", "n_predict": 2}, b"bc"),
        ({"batch_size": 1, "n_predict": 2}, b"bc"),
        ({"temp": 0.01, "top_k": 1, "n_predict": 2}, b"bc"),
        ({"repeat_penalty": 1.1, "n_predict": 2}, b"bc"),
        ({"threads": 2, "n_predict": 2}, b"bc"),
        ({"seed": -1, "n_predict": 2}, b"bc"),
    ],
)
def test_options_of_the_model(
    letters: Callable[..., GgmlContext], options: dict[str, object], text: bytes
) -> None:
    context = letters(**options)
    prompt(context, "a")
    context.compute()
    assert bytes(context.get_output(0)) == text


def test_a_stream_ends_where_the_guest_or_the_text_does(
    letters: Callable[..., GgmlContext], capfd: pytest.CaptureFixture[str]
) -> None:
    """As in WasmEdge, where computeSingle looks at none of these options."""
    context = letters(n_predict=2, reverse_prompt="cd", stream_stdout=True)
    prompt(context, "a")
    pieces = b""
    for _ in range(11):
        context.compute_single()
        pieces += bytes(context.get_output_single(0))
    assert pieces == b"bcdefghijkl"
    with pytest.raises(HostError) as caught:
        context.compute_single()
    assert caught.value.errno is Errno.END_OF_SEQUENCE
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("n_predict", "text"), [(3, b'"ab'), (5, b'"abc"'), (6, b'"abc"</s>'), (7, b'"abc"</s>')]
)
def test_json_is_whole_if_it_ends_with_the_token_that_ends_the_text(
    letters: Callable[..., GgmlContext], n_predict: int, text: bytes
) -> None:
    context = letters(n_predict=n_predict, json_schema={"const": "abc"})
    prompt(context, "a")
    context.compute()
    assert bytes(context.get_output(0)) == text
    assert json.loads(bytes(context.get_output(1)))["output_tokens"] == min(n_predict, 6)


def test_options_of_a_context_go_before_the_models_and_concern_no_other(folder: Path) -> None:
    graph = GgmlBackend().load([folder / "letters.gguf"], Target.CPU, {**GREEDY, "n-predict": 1})
    contexts = [graph.init_execution_context() for _ in range(2)]
    prompt(contexts[0], '{"n-predict": 3}', 1)
    for context in contexts:
        prompt(context, "a")
        context.compute()
    assert [bytes(context.get_output(0)) for context in contexts] == [b"bcd", b"b"]


def test_a_context_can_be_made_smaller(letters: Callable[..., GgmlContext]) -> None:
    context = letters("circle", n_predict=30)
    prompt(context, "a")
    context.compute()
    prompt(context, '{"ctx-size": 16}', 1)
    with pytest.raises(HostError, match="16 tokens is full"):
        context.compute()


def test_batches_are_as_large_as_the_options_say(folder: Path) -> None:
    options = {"ctx-size": 32, "batch-size": 16, "ubatch-size": 8}
    graph = GgmlBackend().load([folder / "letters.gguf"], Target.CPU, options)
    context, params = graph.open(graph.options)
    llama_cpp.lib.free(context)
    assert (params.n_ctx, params.n_batch, params.n_ubatch) == (32, 16, 8)


@pytest.mark.parametrize("refused", ['{"temp": "hot"}', '{"mmproj": "image.gguf"}', "{"])
def test_a_stream_goes_on_where_options_were_refused(
    letters: Callable[..., GgmlContext], refused: str
) -> None:
    context = letters()
    prompt(context, "a")
    context.compute_single()
    with pytest.raises(HostError):
        prompt(context, refused, index=1)
    assert bytes(context.get_output_single(0)) == b"b"
    context.compute_single()
    assert bytes(context.get_output_single(0)) == b"c"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ctx-size": "big"}, "option ctx-size cannot be 'big'"),
        ({"ctx-size": -1}, "option ctx-size"),
        ({"temp": True}, "option temp"),
        ({"temp": float("nan")}, "option temp"),
        ({"embedding": 1}, "option embedding"),
        ({"seed": 1 << 32}, "option seed"),
        ({"threads": -2}, "option threads"),
    ],
)
def test_options_that_make_no_sense_are_invalid(
    folder: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(HostError, match=words) as caught:
        GgmlBackend().load([folder / "letters.gguf"], Target.CPU, options)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_options_that_are_not_known_are_named_and_ignored(
    letters: Callable[..., GgmlContext], caplog: pytest.LogCaptureFixture
) -> None:
    context = letters(model_url="http://localhost/", enable_log=True, wishes=3)
    assert caplog.messages == ["warning: the ggml backend ignores unknown options: wishes"]
    prompt(context, "k")
    context.compute()
    assert bytes(context.get_output(0)) == b"l</s>"


def test_an_option_that_is_misspelt_is_warned_of_with_what_it_may_mean(
    letters: Callable[..., GgmlContext], caplog: pytest.LogCaptureFixture
) -> None:
    prompt(letters(), '{"n_predict": 4, "ctx-siz": 64, "a\\nb": 1}', 1)
    assert caplog.messages == [
        "warning: the ggml backend ignores unknown options: n_predict (did you mean n-predict?),"
        " ctx-siz (did you mean ctx-size?), 'a\\nb'"
    ]


def test_only_some_of_many_options_that_are_not_known_are_named(
    letters: Callable[..., GgmlContext], caplog: pytest.LogCaptureFixture
) -> None:
    prompt(letters(), json.dumps({f"wish{number}": 1 for number in range(1000)}), 1)
    (said,) = caplog.messages
    assert said.endswith(": wish0, wish1, wish2, wish3, wish4, wish5, wish6, wish7 and 992 more")


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_options_that_are_no_json_object_are_an_invalid_encoding(
    letters: Callable[..., GgmlContext], text: str
) -> None:
    with pytest.raises(HostError) as caught:
        prompt(letters(), text, 1)
    assert caught.value.errno is Errno.INVALID_ENCODING
