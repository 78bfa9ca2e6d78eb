"""The memory of language models' contexts, which counts as the guest's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, Limits, NamedGraph, NNHost
from runtime_shim.backends.ggml.backend import GgmlBackend
from runtime_shim.backends.ggml.llama_cpp import Token, lib
from runtime_shim.backends.ggml.options import GgmlOptions
from runtime_shim.host.session import Session
from tests.support.gguf_models import random_weights

BLOCKS, SIZE = 3, 96

OF_A_TOKEN = BLOCKS * SIZE * 2 * 2
"""Bytes: a key and a value for each number of the embedding in each layer, in two bytes each."""

OPTIONS = {"temp": 0, "ctx-size": 256, "threads": 1, "n-predict": 3}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ggml") / "random.gguf"
    return random_weights(path, size=SIZE, blocks=BLOCKS, context=1024)


@pytest.mark.parametrize("tokens", [256, 512, 1024])
def test_it_is_what_llama_cpp_keeps_of_a_full_context(model: Path, tokens: int) -> None:
    """The state also has two numbers for each token, and a few for each layer."""
    graph = GgmlBackend().load([model], Target.CPU)
    options = GgmlOptions(ctx_size=tokens, batch_size=tokens, ubatch_size=tokens, threads=1)
    context, _ = graph.open(options)
    try:
        every = (Token * tokens)(*[3] * tokens)
        assert lib.decode(context, lib.batch_get_one(every, tokens)) == 0
        counted, state = graph.working_bytes(options), lib.state_get_size(context)
    finally:
        lib.free(context)
    assert counted == OF_A_TOKEN * tokens
    assert counted <= state <= counted + 32 * tokens + 2000 * BLOCKS + 320 * 4 * 2


def test_heads_that_share_keys_and_have_their_own_sizes_count_as_such(tmp_path: Path) -> None:
    """As the file says; llama.cpp reads it, too, but this model has no such weights."""
    graph = GgmlBackend().load([random_weights(tmp_path / "m.gguf")], Target.CPU)
    told = {"llama.attention.key_length": "64", "llama.attention.value_length": "16"}
    graph._metadata = lambda key: told.get(key, "llama")  # type: ignore[method-assign] # of a file
    assert graph.working_bytes(GgmlOptions(ctx_size=100)) == 100 * 2 * 2 * (64 + 16) * 2


def session(model: Path, total: int, *, isolate: bool) -> Session:
    named = NamedGraph("it", Encoding.GGML, Target.CPU, (str(model),), OPTIONS)
    return NNHost(graphs=[named], limits=Limits(total=total), isolate=isolate).session()


def ask(tested: Session, context: int, prompt: str, **options: int) -> None:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    for index, text in ((1, json.dumps(given)), (0, prompt)):
        data = memoryview(text.encode())
        tested.set_input(context, index, TensorType.U8, (len(data),), data)


@pytest.mark.parametrize("isolate", [False, True])
def test_sessions_for_which_there_is_too_little_are_refused(model: Path, isolate: bool) -> None:
    with session(model, 2 * OF_A_TOKEN * 256 + 100, isolate=isolate) as tested:
        graph = tested.load_by_name("it")
        first, second, third = (tested.init_execution_context(graph) for _ in range(3))
        for context in (first, second, third):
            ask(tested, context, "abc")
        tested.compute(first)
        expected = tested.get_output(first, 0)
        tested.compute_single(second)
        for refused in (tested.compute, tested.compute_single):
            with pytest.raises(HostError, match=r"total: \d+ exceeds the limit") as caught:
                refused(third)
            assert caught.value.errno is Errno.TOO_LARGE
        tested.compute(first)  # the others go on, and count once
        assert tested.get_output(first, 0) == expected
        tested.finalize_execution_context(second)
        tested.compute(third)
        assert tested.get_output(third, 0) == expected


@pytest.mark.parametrize("isolate", [False, True])
def test_a_larger_context_that_a_guest_asks_for_counts(model: Path, isolate: bool) -> None:
    with session(model, OF_A_TOKEN * 512, isolate=isolate) as tested:
        context = tested.init_execution_context(tested.load_by_name("it"))
        ask(tested, context, "abc", ctx_size=1000)
        with pytest.raises(HostError) as caught:
            tested.compute(context)
        assert caught.value.errno is Errno.TOO_LARGE
        ask(tested, context, "abc", ctx_size=400)
        tested.compute(context)


def test_tensors_and_tokens_count_together(model: Path) -> None:
    with session(model, OF_A_TOKEN * 256 + 50, isolate=False) as tested:
        graph = tested.load_by_name("it")
        context = tested.init_execution_context(graph)
        ask(tested, context, "abc")
        tested.compute(context)
        other = tested.init_execution_context(graph)
        with pytest.raises(HostError) as caught:
            ask(tested, other, "x" * 50)
        assert caught.value.errno is Errno.TOO_LARGE
        tested.finalize_execution_context(context)
        ask(tested, other, "x" * 50)
