"""What sessions of one language model get, beside a batch of sequences in llama.cpp itself.

    python -m benchmarks.batch [MODEL] [--threads N] [--quick]

Without MODEL, a GGUF file, it is a model of random weights in eight bits. The first table calls the
llama.cpp that nnshim uses directly: each step evaluates one token of every sequence in one
llama_batch, as llama.cpp's own example `batched` does, with memory for each sequence of its own
(`kv_unified` is false). With one thread, a step's CPU time hardly depends on what else the machine
does. "The same" says whether all logits of the first sequence are, bit by bit, what they are where
it is alone. The second table has sessions of NNHost that generate at the same time, the third what
a prompt takes whose beginning another session has evaluated, and the fourth the memory of a further
session.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from ctypes import POINTER, c_int8, c_int32, c_void_p
from pathlib import Path
from typing import NamedTuple

from benchmarks.growth import resident
from benchmarks.measure import machine, table
from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import NamedGraph, NNHost
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlGraph
from runtime_shim.backends.ggml.llama_cpp import Batch, ContextParams, Token, lib
from runtime_shim.views import view_of
from tests.support.gguf_models import random_weights

CONTEXT = 256
"""Tokens of each sequence."""

BEGUN = 8
"""Tokens of each sequence that are evaluated before the steps that are timed."""

_UNIFIED = 4
"""Index of llama_context_params.kv_unified in `flags`."""


class Steps(NamedTuple):
    """Medians of a step of one token a sequence, in seconds, and whether the logits are right."""

    wall: float
    cpu: float
    same: bool


class Sequences:
    """A llama_context with several sequences, which take each step together."""

    def __init__(self, graph: GgmlGraph, count: int, threads: int) -> None:
        self._count = count
        self._vocabulary: int = lib.vocab_n_tokens(graph.vocabulary.pointer)
        params: ContextParams = lib.context_default_params()
        params.n_ctx, params.n_seq_max = CONTEXT * count, count
        params.n_threads = params.n_threads_batch = threads
        params.flags[_UNIFIED] = False
        self._context = lib.init_from_model(graph.model, params)
        if self._context is None:
            raise SystemExit(f"llama.cpp has no context for {count} sequences")

    def free(self) -> None:
        lib.free(self._context)

    def begin(self) -> None:
        lib.memory_clear(lib.get_memory(self._context), True)
        for sequence in range(self._count):
            self._decode([(sequence, place) for place in range(BEGUN)])

    def step(self, place: int) -> None:
        self._decode([(sequence, place) for sequence in range(self._count)])

    def logits(self, index: int) -> bytes:
        found = lib.get_logits_ith(self._context, index)
        return bytes(view_of(ctypes.addressof(found.contents), 4 * self._vocabulary))

    def _decode(self, wanted: Sequence[tuple[int, int]]) -> None:
        count = len(wanted)
        tokens = (Token * count)(*(self._token(*each) for each in wanted))
        places = (c_int32 * count)(*(place for _, place in wanted))
        ones = (c_int32 * count)(*[1] * count)
        numbers = [(c_int32 * 1)(sequence) for sequence, _ in wanted]
        pointers = (POINTER(c_int32) * count)(
            *(ctypes.cast(number, POINTER(c_int32)) for number in numbers)
        )
        outputs = (c_int8 * count)(*[1] * count)
        addresses = (ctypes.cast(each, c_void_p) for each in (places, ones, pointers))
        if lib.decode(self._context, Batch(count, tokens, None, *addresses, outputs)) != 0:
            raise SystemExit("llama.cpp cannot evaluate the batch")

    def _token(self, sequence: int, place: int) -> int:
        """Some token, another one in each sequence."""
        return 10 + (31 * sequence + 7 * place) % (self._vocabulary - 20)


def steps_of(graph: GgmlGraph, counts: Sequence[int], threads: int, rounds: int) -> list[Steps]:
    """Steps of batches with so many sequences, in turn."""
    sequences = [Sequences(graph, count, threads) for count in counts]
    times: list[list[tuple[float, float]]] = [[] for _ in counts]
    same = [True] * len(counts)
    for each in sequences:
        each.begin()
    for place in range(BEGUN, BEGUN + rounds):
        for each, taken in zip(sequences, times, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            each.step(place)
            taken.append((time.perf_counter() - wall, time.process_time() - cpu))
        for number, each in enumerate(sequences):
            # The first sequence is the same in all batches, and the first batch has it alone.
            same[number] &= each.logits(0) == sequences[0].logits(0)
    for each in sequences:
        each.free()
    walls, cpus = ([[pair[n] for pair in taken] for taken in times] for n in (0, 1))
    return list(map(Steps, map(statistics.median, walls), map(statistics.median, cpus), same))


def texts(host: NNHost, count: int, prompts: Sequence[str], options: dict[str, object]) -> None:
    """Have so many sessions generate at the same time."""
    threads = [
        threading.Thread(target=text, args=(host, prompt, options)) for prompt in prompts[:count]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def text(host: NNHost, prompt: str, options: dict[str, object]) -> None:
    with host.session() as session:
        context = session.init_execution_context(session.load_by_name("it"))
        for index, content in ((1, json.dumps(options)), (0, prompt)):
            data = content.encode()
            session.set_input(context, index, TensorType.U8, (len(data),), memoryview(data))
        session.compute(context)


def batches(graph: GgmlGraph, threads: int, rounds: int) -> Iterator[Sequence[str]]:
    counts = (1, 2, 3, 4, 8)
    found = steps_of(graph, counts, threads, rounds)
    for count, steps in zip(counts, found, strict=True):
        yield (
            str(count),
            f"{1000 * steps.cpu / count:.2f}",
            f"{count * found[0].cpu / steps.cpu:.2f}",
            f"{count / steps.wall:.0f}",
            f"{count * found[0].wall / steps.wall:.2f}",
            "yes" if steps.same else "no",
        )


def sessions(host: NNHost, tokens: int, rounds: int) -> Iterator[Sequence[str]]:
    options: dict[str, object] = {"n-predict": tokens}
    counts = (1, 2, 3)
    times: list[list[tuple[float, float]]] = [[] for _ in counts]
    for _ in range(rounds):
        for count, taken in zip(counts, times, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            texts(host, count, ["one", "two", "three"], options)
            taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    medians = [
        [statistics.median(column) for column in zip(*taken, strict=True)] for taken in times
    ]
    for count, (wall, cpu) in zip(counts, medians, strict=True):
        yield (
            str(count),
            f"{1000 * cpu / count / tokens:.2f}",
            f"{count * tokens / wall:.0f}",
            f"{count * medians[0][0] / wall:.2f}",
        )


def beginnings(host: NNHost, rounds: int) -> Iterator[Sequence[str]]:
    """Prompts, which are shared up to a multiple of 64 tokens."""
    options: dict[str, object] = {"n-predict": 1, "ubatch-size": 64, "ctx-size": 2048}
    for words in (20, 80):
        times: list[list[float]] = [[], []]
        for number in range(rounds):
            prompt = " ".join(f"w{number}x{word}" for word in range(words))
            for end, taken in zip(("first", "second"), times, strict=True):
                started = time.process_time()
                text(host, f"{prompt} {end}", options)
                taken.append(time.process_time() - started)
        first, second = (1000 * statistics.median(taken) for taken in times)
        yield str(words), f"{first:.1f}", f"{second:.1f}", f"{first / second:.1f}"


def memories(host: NNHost, size: int) -> str:
    """The memory of each further session whose context has so many tokens, in MiB."""
    with host.session() as session:
        graph = session.load_by_name("it")
        before = []
        data = b"one"
        for _ in range(4):
            context = session.init_execution_context(graph)
            given = json.dumps({"ctx-size": size, "n-predict": 1}).encode()
            session.set_input(context, 1, TensorType.U8, (len(given),), memoryview(given))
            session.set_input(context, 0, TensorType.U8, (len(data),), memoryview(data))
            session.compute(context)
            before.append(resident())
        grown = statistics.median(b - a for a, b in itertools.pairwise(before))
        return f"{grown / 2**20:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    rounds, tokens = (2, 4) if given.quick else (15, 32)
    print(machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        path = given.model
        if path is None:
            size, vocabulary = (64, 320) if given.quick else (1024, 32_000)
            path = random_weights(
                Path(folder) / "random.gguf",
                size=size,
                blocks=6,
                vocabulary=vocabulary,
                context=4096,
            )
        print(f"{path.name}, {path.stat().st_size / 2**20:.0f} MiB, threads: {given.threads}\n")
        loaded = GgmlBackend().load([path], Target.CPU)
        show(
            ("sequences in a batch", "CPU ms a token", "gain", "tokens/s", "gain", "the same"),
            batches(loaded, given.threads, rounds),
        )
        del loaded
        options = {"temp": 0, "ctx-size": CONTEXT, "threads": given.threads}
        graph = NamedGraph("it", Encoding.GGML, "cpu", (str(path),), options)
        with NNHost(graphs=[graph]) as host:
            text(host, "warm up", {"n-predict": 1})
            show(
                ("sessions", "CPU ms a token", "tokens/s", "gain"),
                sessions(host, tokens, max(2, rounds // 3)),
            )
            show(
                ("words of a prompt", "the first, CPU ms", "with another end", "ratio"),
                beginnings(host, max(2, rounds // 5)),
            )
            show(
                ("tokens of a context", "MiB of a further session"),
                [(str(size), memories(host, size)) for size in (256, 4096)],
            )


def show(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(table(header, list(rows)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
