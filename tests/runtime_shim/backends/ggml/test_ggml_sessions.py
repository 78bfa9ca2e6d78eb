"""Sessions that use one language model at the same time, or one after the other."""

from __future__ import annotations

import gc
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim import HostError
from runtime_shim.backends.ggml import llama_cpp, prefixes
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlContext, GgmlGraph
from runtime_shim.backends.ggml.prefixes import Prefix, Prefixes
from runtime_shim.backends.ggml.text import Text
from tests.support.gguf_models import random_weights

STEP = 32

OPTIONS = {"temp": 0, "ctx-size": 512, "threads": 1, "n-predict": 20, "ubatch-size": STEP}

SAMPLED = {"temp": 1.0, "seed": 3}

BEGINNING = "Thequickbrownfoxjumpsoverthelazydog." * 4
"""A token for each character, and more than four steps."""

WHOLE_STEPS = (len(BEGINNING) + 1) // STEP * STEP
"""Tokens that all prompts with that beginning share, with the one where a text begins."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_weights(tmp_path_factory.mktemp("ggml") / "random.gguf")


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each step has evaluated."""
    counts: list[int] = []
    decode = llama_cpp.lib.decode

    def counted(context: int, batch: llama_cpp.Batch) -> int:
        counts.append(batch.n_tokens)
        result: int = decode(context, batch)
        return result

    monkeypatch.setattr(llama_cpp.lib, "decode", counted)
    return counts


def load(model: Path) -> GgmlGraph:
    return GgmlBackend().load([model], Target.CPU, OPTIONS)


def asking(graph: GgmlGraph, prompt: str, options: dict[str, Any] | None = None) -> GgmlContext:
    context = graph.init_execution_context()
    for index, text in ((1, json.dumps(options or {})), (0, prompt)):
        context.set_input(index, TensorType.U8, (len(text),), memoryview(text.encode()))
    return context


def answer(graph: GgmlGraph, prompt: str, options: dict[str, Any] | None = None) -> bytes:
    context = asking(graph, prompt, options)
    context.compute()
    return bytes(context.get_output(0))


def of_prompts(evaluated: list[int]) -> int:
    """All tokens except the ones of answers, which are evaluated one by one."""
    return sum(count for count in evaluated if count > 1)


def test_sessions_at_the_same_time_get_the_bytes_that_they_get_alone(model: Path) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("one", {}),
        ("two", SAMPLED),
        (BEGINNING + "andthree", {"temp": 1.0, "seed": 4}),
    ]
    alone = [answer(load(model), *each) for each in asked]
    graph = load(model)
    with ThreadPoolExecutor(len(asked)) as pool:
        together = list(pool.map(lambda each: answer(graph, *each), asked * 3))
    assert together == alone * 3
    assert len(set(alone)) == 3


@pytest.mark.parametrize("options", [{}, SAMPLED], ids=["greedy", "sampled"])
def test_a_beginning_that_prompts_share_is_evaluated_once(
    model: Path, evaluated: list[int], options: dict[str, Any]
) -> None:
    prompts = [BEGINNING + "andmuchmore,sothatitislonger", BEGINNING + "ab", BEGINNING[:50]]
    alone = [answer(load(model), prompt, options) for prompt in prompts]
    graph = load(model)
    assert answer(graph, prompts[0], options) == alone[0]
    for prompt, shared, expected in zip(prompts[1:], (WHOLE_STEPS, STEP), alone[1:], strict=True):
        for _ in range(2):
            evaluated.clear()
            assert answer(graph, prompt, options) == expected
            assert of_prompts(evaluated) == 1 + len(prompt) - shared


def test_a_prompt_of_whole_steps_is_used_up_to_its_last_one(
    model: Path, evaluated: list[int]
) -> None:
    prompt = BEGINNING[: 2 * STEP - 1]
    expected = answer(load(model), prompt)
    graph = load(model)
    for count in (2 * STEP, STEP):
        evaluated.clear()
        assert answer(graph, prompt) == expected
        assert of_prompts(evaluated) == count


def test_a_session_waits_for_a_beginning_that_another_one_is_evaluating(
    model: Path, evaluated: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [answer(load(model), BEGINNING + end) for end in ("first", "second")]
    evaluated.clear()
    graph = load(model)
    first, second = (asking(graph, BEGINNING + end) for end in ("first", "second"))
    decode, check = llama_cpp.lib.decode, Text._check
    starter = threading.Event()
    both = threading.Event()

    def waiting(context: int, batch: llama_cpp.Batch) -> int:
        starter.set()
        assert both.wait(60)
        result: int = decode(context, batch)
        return result

    def checked(text: Text) -> None:
        if text._halted is second._halted:
            both.set()  # it waits, or begins to evaluate
        check(text)

    monkeypatch.setattr(llama_cpp.lib, "decode", waiting)
    monkeypatch.setattr(Text, "_check", checked)
    threads = [threading.Thread(target=context.compute) for context in (first, second)]
    threads[0].start()
    assert starter.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert [bytes(context.get_output(0)) for context in (first, second)] == expected
    rest = 1 + len(BEGINNING) - WHOLE_STEPS
    assert of_prompts(evaluated) == WHOLE_STEPS + 2 * rest + len("first") + len("second")


@pytest.mark.parametrize("function", ["state_set_data", "memory_seq_rm"])
def test_what_llama_cpp_cannot_restore_is_evaluated(
    model: Path, evaluated: list[int], monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    prompt = BEGINNING[:40]
    expected = answer(load(model), prompt)
    graph = load(model)
    answer(graph, BEGINNING)
    monkeypatch.setattr(llama_cpp.lib, function, lambda *_: 0)
    evaluated.clear()
    assert answer(graph, prompt) == expected
    assert of_prompts(evaluated) == 1 + len(prompt)


def test_contexts_with_other_parameters_share_nothing(model: Path, evaluated: list[int]) -> None:
    graph = load(model)
    for size in (512, 256, 512):
        answer(graph, BEGINNING + "ab", {"ctx-size": size})
    whole = 1 + len(BEGINNING) + len("ab")
    assert of_prompts(evaluated) == 3 * whole - WHOLE_STEPS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_is_recurrent", True),
        ("model_is_hybrid", True),
        ("model_n_swa", 512),
        ("memory_can_shift", False),
    ],
)
def test_models_that_do_not_go_on_with_the_same_bits_share_nothing(
    model: Path, evaluated: list[int], monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    monkeypatch.setattr(llama_cpp.lib, name, lambda _: value)
    graph = load(model)
    for _ in range(2):
        evaluated.clear()
        answer(graph, BEGINNING)
        assert of_prompts(evaluated) == 1 + len(BEGINNING)


def test_what_is_kept_is_bounded(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = load(model)
    answer(graph, BEGINNING)
    (kept,) = graph.prefixes._kept
    size = len(kept.state)
    monkeypatch.setattr(prefixes, "MOST_BYTES", 2 * size)
    for letter in "abcd":
        answer(graph, letter + BEGINNING)
    texts = [each.tokens for each in graph.prefixes._kept]
    assert sum(len(each.state) for each in graph.prefixes._kept) <= 2 * size
    assert len(texts) == 2  # of c and d
    monkeypatch.setattr(prefixes, "MOST_BYTES", 10)
    answer(graph, "e" + BEGINNING)
    assert [each.tokens for each in graph.prefixes._kept] == texts


def test_a_session_that_is_stopped_computes_no_more_and_frees_its_memory(
    model: Path, evaluated: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answer(load(model), "two")
    freed = []
    free = llama_cpp.lib.free

    def forget(pointer: int) -> None:
        freed.append(pointer)
        free(pointer)

    graph = load(model)
    monkeypatch.setattr(llama_cpp.lib, "free", forget)
    stopped, other = asking(graph, "one", {"n-predict": -1}), asking(graph, "two")
    other.compute_single()
    sample = llama_cpp.lib.sampler_sample

    def sampled(*arguments: Any) -> int:
        if len(evaluated) == 5:
            stopped.halt()
        token: int = sample(*arguments)
        return token

    monkeypatch.setattr(llama_cpp.lib, "sampler_sample", sampled)
    evaluated.clear()
    with pytest.raises(HostError, match="has been stopped") as caught:
        stopped.compute()
    assert caught.value.errno is Errno.RUNTIME_ERROR
    assert len(evaluated) == 5
    del caught  # its frames hold the text
    gc.collect()
    assert len(freed) == 1
    pieces = bytes(other.get_output_single(0))
    for _ in range(19):
        other.compute_single()
        pieces += bytes(other.get_output_single(0))
    assert pieces == expected


def test_a_full_context_refuses_its_own_session_only(model: Path) -> None:
    graph = load(model)
    full, other = asking(graph, "one", {"ctx-size": 256}), asking(graph, "two")
    expected = answer(graph, "two", {"n-predict": 300})
    pieces = b""
    errors = {}
    for number in range(300):
        other.compute_single()
        pieces += bytes(other.get_output_single(0))
        try:
            full.compute_single()
        except HostError as error:
            errors[number] = error.errno
    assert pieces == expected
    assert errors == {256 - len("<one") + 1: Errno.CONTEXT_FULL}  # and then begins anew


def test_no_session_waits_until_another_one_is_done(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is in the middle of a step does not keep another from its whole text."""
    expected = {prompt: answer(load(model), prompt) for prompt in ("one", "two")}
    graph = load(model)
    reached, done = threading.Event(), threading.Event()
    slow = threading.Thread(target=lambda: first.compute())
    first, decode = asking(graph, "one"), llama_cpp.lib.decode
    steps = 0

    def held(context: int, batch: llama_cpp.Batch) -> int:
        nonlocal steps
        if threading.current_thread() is slow:
            steps += 1
            if steps == 5:
                reached.set()
                assert done.wait(60)
        result: int = decode(context, batch)
        return result

    monkeypatch.setattr(llama_cpp.lib, "decode", held)
    slow.start()
    assert reached.wait(60)
    assert answer(graph, "two") == expected["two"]
    assert steps == 5
    done.set()
    slow.join()
    assert bytes(first.get_output(0)) == expected["one"]


def test_what_long_prompts_have_in_common_is_found_in_time_that_grows_with_their_length() -> None:
    """It is looked for while other sessions of the model wait."""
    params = llama_cpp.lib.context_default_params()
    params.n_ubatch = 1
    size = 200_000
    whole = (llama_cpp.Token * size)(*[5] * size)
    started = time.process_time()
    for same in (0, 1, size // 3, size - 1, size):
        other = (llama_cpp.Token * size)(*[5] * same, *[6] * (size - same))
        prefix = Prefix(Prefixes(), params, whole)
        assert prefix.common(bytes(params), bytes(other)) == min(same, size - 1)
    assert time.process_time() - started < 2
