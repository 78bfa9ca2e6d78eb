"""The memory of language models' contexts, which counts as the guest's."""

from __future__ import annotations

import ctypes
import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, Limits, NamedGraph, NNHost
from runtime_shim.backends.ggml import planned
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlGraph
from runtime_shim.backends.ggml.llama_cpp import ContextParams, ModelParams, Token, lib
from runtime_shim.backends.ggml.options import GgmlOptions
from runtime_shim.backends.ggml.text import Text
from runtime_shim.host.session import Session
from tests.support.gguf_models import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    random_weights,
    with_vocabulary,
)

OPTIONS = {"temp": 0, "ctx-size": 256, "threads": 1, "n-predict": 3}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ggml") / "random.gguf"
    return random_weights(path, size=96, blocks=3, context=1024)


def load(model: Path) -> GgmlGraph:
    return GgmlBackend().load([model], Target.CPU)


def counted(model: Path, ctx_size: int = 256) -> int:
    return load(model).context_bytes(GgmlOptions(ctx_size=ctx_size, threads=1))


class _Allocated(ctypes.Structure):
    """struct mallinfo2 of glibc."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in "abcdefghij")


def allocated() -> int:
    """What the process has from malloc, in bytes: `hblkhd` and `uordblks`."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _Allocated
    found = mallinfo2()
    return int(found.e + found.h)


def resident() -> int:
    """In bytes."""
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(text.split("Rss:")[1].split()[0]) << 10


@pytest.mark.parametrize("embedding", [False, True])
@pytest.mark.parametrize(
    ("tokens", "batch", "ubatch"), [(256, 256, 64), (257, 512, 512), (1024, 1024, 1024)]
)
def test_what_is_counted_follows_the_c_library(
    model: Path, tokens: int, batch: int, ubatch: int, embedding: bool
) -> None:
    """Two contexts differ by what is counted: what both have besides does not depend on sizes."""

    def taken(options: GgmlOptions) -> int:
        before = allocated()
        context, _ = graph.open(options)
        count = min(options.ctx_size, batch if embedding else ubatch)
        every = (Token * count)(*[3] * count)
        assert lib.decode(context, lib.batch_get_one(every, count)) == 0
        used = allocated() - before
        lib.free(context)
        return used

    graph = load(model)
    small = GgmlOptions(ctx_size=8, threads=1, embedding=embedding)
    large = GgmlOptions(
        ctx_size=tokens, batch_size=batch, ubatch_size=ubatch, threads=1, embedding=embedding
    )
    taken(small)  # what llama.cpp keeps once
    difference = graph.context_bytes(large) - graph.context_bytes(small)
    assert 0.5 * difference <= taken(large) - taken(small) <= difference


@pytest.mark.parametrize("architecture", ["llama", "dream"])
def test_only_a_causal_model_has_room_for_one_result(tmp_path: Path, architecture: str) -> None:
    """llama.cpp ends the process if a step of another model has too little room."""
    path = random_weights(tmp_path / "model.gguf", architecture=architecture)
    assert load(path)._planned.has_one_result is (architecture == "llama")
    with NNHost(isolate=True).session() as tested:
        graph = tested.load([path.read_bytes()], Encoding.GGML, Target.CPU)
        context = tested.init_execution_context(graph)
        ask(tested, context, "abc", threads=1, n_predict=2)
        tested.compute(context)
        assert tested.get_output(context, 0)


def test_many_small_contexts_take_no_more_than_is_counted(model: Path) -> None:
    graph = load(model)
    options = GgmlOptions(ctx_size=8, batch_size=8, ubatch_size=8, threads=1)
    before = resident()
    texts = [Text(graph, options, threading.Event()) for _ in range(30)]
    for text in texts:
        text.begin((Token * 3)(5, 6, 7))
        text.advance()
    assert resident() - before <= len(texts) * graph.context_bytes(options)


def test_a_context_of_which_llama_cpp_says_nothing_is_not_taken_for_small(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned, "_INTERMEDIATE", re.compile(b"in other words"))
    with pytest.raises(HostError, match="does not say"):
        counted(model)


def test_a_model_that_needs_its_vocabulary_is_planned_with_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = counted(model)
    load_model, refused = lib.model_load_from_file, []

    def without_overrides(path: bytes, params: ModelParams) -> object:
        if params.kv_overrides:
            refused.append(path)
            return None
        return load_model(path, params)

    monkeypatch.setattr(lib, "model_load_from_file", without_overrides)
    assert counted(model) == expected
    assert len(refused) == 1


def session(model: Path, total: int, *, isolate: bool) -> Session:
    named = NamedGraph("it", Encoding.GGML, Target.CPU, (str(model),), OPTIONS)
    return NNHost(graphs=[named], limits=Limits(total=total), isolate=isolate).session()


def ask(tested: Session, context: int, prompt: str, **options: int) -> None:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    for index, text in ((1, json.dumps(given)), (0, prompt)):
        data = memoryview(text.encode())
        tested.set_input(context, index, TensorType.U8, (len(data),), data)


def refused(call: Callable[[int], object], context: int) -> None:
    with pytest.raises(HostError, match=r"a context of \d+ tokens takes \d+ bytes") as caught:
        call(context)
    assert caught.value.errno is Errno.TOO_LARGE


@pytest.mark.parametrize("isolate", [False, True])
def test_sessions_for_which_there_is_too_little_are_refused(model: Path, isolate: bool) -> None:
    with session(model, 2 * counted(model) + 100, isolate=isolate) as tested:
        graph = tested.load_by_name("it")
        first, second, third = (tested.init_execution_context(graph) for _ in range(3))
        for context in (first, second, third):
            ask(tested, context, "abc")
        tested.compute(first)
        expected = tested.get_output(first, 0)
        tested.compute_single(second)
        refused(tested.compute, third)
        refused(tested.compute_single, third)
        tested.compute(first)  # the others go on, and count once
        assert tested.get_output(first, 0) == expected
        tested.finalize_execution_context(second)
        tested.compute(third)
        assert tested.get_output(third, 0) == expected


@pytest.mark.parametrize("isolate", [False, True])
def test_a_larger_context_that_a_guest_asks_for_counts(model: Path, isolate: bool) -> None:
    with session(model, counted(model, 512), isolate=isolate) as tested:
        context = tested.init_execution_context(tested.load_by_name("it"))
        ask(tested, context, "abc", ctx_size=1000)
        refused(tested.compute, context)
        ask(tested, context, "abc", ctx_size=400)
        tested.compute(context)


@pytest.mark.parametrize("isolate", [False, True])
def test_a_refused_computation_has_no_text(model: Path, isolate: bool) -> None:
    with session(model, counted(model) + 100, isolate=isolate) as tested:
        context = tested.init_execution_context(tested.load_by_name("it"))
        ask(tested, context, "abc")
        tested.compute(context)
        ask(tested, context, "abc", ctx_size=1000)
        refused(tested.compute, context)
        for read in (tested.get_output, tested.get_output_single):
            with pytest.raises(HostError) as caught:
                read(context, 0)
            assert caught.value.errno is Errno.RUNTIME_ERROR


@pytest.mark.parametrize("isolate", [False, True])
def test_a_computation_that_failed_counts_only_what_it_left(model: Path, isolate: bool) -> None:
    with session(model, counted(model) + 100, isolate=isolate) as tested:
        graph = tested.load_by_name("it")
        failed, other = tested.init_execution_context(graph), tested.init_execution_context(graph)
        with pytest.raises(HostError, match="there is no prompt"):
            tested.compute(failed)
        ask(tested, other, "abc")
        tested.compute(other)


@pytest.mark.parametrize("isolate", [False, True])
def test_options_give_a_contexts_memory_back_at_once(model: Path, isolate: bool) -> None:
    with session(model, counted(model) + 100, isolate=isolate) as tested:
        graph = tested.load_by_name("it")
        first, second = tested.init_execution_context(graph), tested.init_execution_context(graph)
        for context in (first, second):
            ask(tested, context, "abc")
        tested.compute(first)
        refused(tested.compute, second)
        ask(tested, first, "abc")
        tested.compute(second)


def test_the_text_of_a_context_counts(tmp_path: Path) -> None:
    """Each token after the first has 50,000 bytes."""
    tokens = [
        "<unk>",
        "<s>",
        "</s>",
        *(f"<0x{byte:02X}>" for byte in range(256)),
        "b",
        "a" * 50_000,
    ]
    types = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, NORMAL, NORMAL]
    path = with_vocabulary(tmp_path / "m.gguf", tokens, types, "llama", chain=[259, 260, 260])
    room = load(path).context_bytes(GgmlOptions(ctx_size=64, threads=1))
    with session(path, room + 120_000, isolate=False) as tested:
        context = tested.init_execution_context(tested.load_by_name("it"))
        ask(tested, context, "b", ctx_size=64, n_predict=2)
        tested.compute(context)
        assert len(tested.get_output(context, 0)) == 100_000
        ask(tested, context, "b", n_predict=3)
        refused(tested.compute, context)
        ask(tested, context, "b")
        for _ in range(2):
            tested.compute_single(context)
        refused(tested.compute_single, context)


def test_tensors_and_contexts_count_together(model: Path) -> None:
    with session(model, counted(model) + 50, isolate=False) as tested:
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


def test_a_step_with_too_many_nodes_is_refused_before_it_is_planned(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in architectures that plan with nodes for each token of a step."""
    graph = load(model)
    steps: list[int] = []
    each = 400

    def logged(_: planned.PlannedModel, params: ContextParams) -> list[bytes]:
        steps.append(params.n_ubatch)
        return [b"max_nodes = %d" % (params.n_ubatch * each), b"compute buffer size = 1.00 MiB"]

    monkeypatch.setattr(planned.PlannedModel, "_logged", logged)
    options = GgmlOptions(ctx_size=1000, batch_size=1000, ubatch_size=1000)
    assert graph.context_bytes(options) > 400_000 * 1400
    assert steps == [512, 1000]
    each = 600
    with pytest.raises(HostError, match="too many nodes") as caught:
        graph.context_bytes(replace(options, threads=2))
    assert caught.value.errno is Errno.TOO_LARGE
    assert steps == [512, 1000, 512]
