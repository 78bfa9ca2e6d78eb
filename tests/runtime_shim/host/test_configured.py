"""Named graphs with a guest's configuration: how many there are, how long, and what they count."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from rewriter.abi.dialects import WASMEDGE, Encoding, Errno, Target, TensorType
from runtime_shim import HostError, Limits, NamedGraph, NNHost, Session
from runtime_shim.backends.configured import understood
from runtime_shim.backends.interface import DEFAULTS, Settings
from runtime_shim.testing import FakeBackend
from tests.support.gguf_models import successors
from tests.support.guest import DATA, HANDLE, Guest
from tests.support.models import identity

CORES = len(os.sched_getaffinity(0))

Kinds = pytest.mark.parametrize("isolate", [False, True], ids=["here", "isolated"])


@pytest.fixture(scope="module")
def onnx(tmp_path_factory: pytest.TempPathFactory) -> NamedGraph:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    path.write_bytes(identity(dims=(1,)))
    return NamedGraph("it", Encoding.ONNX, Target.CPU, (str(path),))


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> NamedGraph:
    path = successors(tmp_path_factory.mktemp("ggml") / "letters.gguf", "abcdefghijkl")
    return NamedGraph("it", Encoding.GGML, "auto", (str(path),))


def size(graph: NamedGraph) -> int:
    return sum(os.path.getsize(path) for path in graph.paths)


def loads(host: NNHost) -> int:
    return sum(row.loads for row in host.stats())


def load(guest: Guest, configuration: bytes) -> int:
    guest.put(DATA, b"it")
    guest.put(DATA + 16, configuration)
    return guest.load_by_name_with_config(DATA, 2, DATA + 16, len(configuration), HANDLE)


SAME = [
    (Encoding.ONNX, {}, {"temp": 0.5, "x": [1]}),
    (Encoding.ONNX, {"threads": 1}, {"x": 2, "threads": 1, "y": 3}),
    (Encoding.OPENVINO, {"threads": None}, {"fast-math": False}),
    (Encoding.GGML, {"temp": 1}, {"enable-log": True, "temp": 1.0}),
    (Encoding.GGML, {}, {"temp": 0.8, "ctx-size": 4096, "model-url": "x"}),
    (Encoding.GGML, {"seed": -1}, {"seed": 0xFFFFFFFF}),
]


@pytest.mark.parametrize(("encoding", "options", "others"), SAME)
def test_options_that_come_to_the_same_thing_are_understood_as_the_same(
    encoding: Encoding, options: Mapping[str, object], others: Mapping[str, object]
) -> None:
    first, second = (understood(encoding, DEFAULTS, each, True) for each in (options, others))
    assert (first.loading, first.contexts) == (second.loading, second.contexts)


def test_options_that_a_backend_takes_are_told_apart() -> None:
    host = Settings(threads=2)
    for encoding, options in ((Encoding.ONNX, {"threads": 1}), (Encoding.PYTORCH, {"threads": 1})):
        assert understood(encoding, host, options, True) != understood(encoding, host, {}, True)
    assert understood(Encoding.GGML, host, {"top-k": 1}, True).contexts["top-k"] == 1


@Kinds
def test_many_configurations_that_say_nothing_are_the_plain_graph(
    onnx: NamedGraph, isolate: bool
) -> None:
    host = NNHost(graphs=[onnx], limits=Limits(total=0), isolate=isolate)
    guest = Guest(host, dialect=WASMEDGE)
    for number in range(20):
        assert load(guest, b'{"x": %d}' % number) == 0
    assert loads(host) == 1


@Kinds
def test_a_configured_graph_is_there_as_long_as_a_guest_has_it(
    onnx: NamedGraph, isolate: bool
) -> None:
    host = NNHost(graphs=[onnx], isolate=isolate)
    first, second = host.session(), host.session()
    handles = [each.load_by_name("it", {"threads": 1}) for each in (first, second)]
    assert loads(host) == 1
    context = first.init_execution_context(handles[0])
    first.unload(handles[0])
    second.unload(handles[1])
    gc.collect()
    first.load_by_name("it", {"threads": 1, "x": 1})
    assert loads(host) == 1  # as the context has it still
    first.finalize_execution_context(context)
    first.close()
    gc.collect()
    second.load_by_name("it", {"threads": 1})
    assert loads(host) == 2


@Kinds
def test_a_configured_graph_counts_its_files_once_and_until_it_goes(
    onnx: NamedGraph, isolate: bool
) -> None:
    limits = Limits(total=size(onnx) * 2 - 1, models=1)
    session = NNHost(graphs=[onnx], limits=limits, isolate=isolate).session()
    session.load_by_name("it")
    handles = [session.load_by_name("it", {"threads": 1, "x": number}) for number in range(3)]
    refused(session, {"fast-math": True})
    context = session.init_execution_context(handles[0])
    for handle in handles:
        session.unload(handle)
    refused(session, {"fast-math": True})
    session.finalize_execution_context(context)
    session.load_by_name("it", {"fast-math": True})


def refused(session: Session, options: Mapping[str, object]) -> None:
    with pytest.raises(HostError, match=r"total: .* exceeds the limit") as caught:
        session.load_by_name("it", options)
    assert caught.value.errno is Errno.TOO_LARGE


@Kinds
def test_configurations_of_a_language_model_share_it(letters: NamedGraph, isolate: bool) -> None:
    """The model's file, which they share, does not count; their contexts do."""
    contexts = 3 * (8 << 20)
    host = NNHost(graphs=[letters], limits=Limits(total=contexts), isolate=isolate)
    session = host.session()
    texts = []
    for number in (1, 2, 3):
        options = {"n-predict": number, "temp": 0, "ctx-size": 64, "n-gpu-layers": number}
        context = session.init_execution_context(session.load_by_name("it", options))
        session.set_input(context, 0, TensorType.U8, (1,), memoryview(b"a"))
        session.compute(context)
        texts.append(bytes(session.get_output(context, 0)))
    assert texts == [b"b", b"bc", b"bcd"]
    assert loads(host) == 1


@pytest.mark.parametrize(("host_threads", "most"), [(None, CORES), (1, 1), (3, 3)])
def test_a_guest_has_at_most_the_threads_of_the_host(
    onnx: NamedGraph, host_threads: int | None, most: int
) -> None:
    backend = FakeBackend()
    host = NNHost(graphs=[onnx], backends={Encoding.ONNX: backend}, threads=host_threads)
    guest = Guest(host, dialect=WASMEDGE)
    for asked in (1, most, most + 1, 1024, 10**9):
        assert load(guest, json.dumps({"threads": asked}).encode()) == 0
        assert backend.loads[-1].options == {"threads": min(asked, most)}


def test_a_prompts_options_have_at_most_the_threads_of_the_host(letters: NamedGraph) -> None:
    host = NNHost(graphs=[letters], threads=1)
    context = host.load_by_name("it").init_execution_context()
    for text in (b'{"ctx-size": 64, "temp": 0}', b'{"threads": 512}', b"a"):
        context.set_input(int(text != b"a"), TensorType.U8, (len(text),), memoryview(text))
    before = len(os.listdir("/proc/self/task"))
    context.compute()
    assert len(os.listdir("/proc/self/task")) <= before
    assert bytes(context.get_output(0)) == b"bcdefghijkl</s>"


@pytest.mark.parametrize("value", ['"x"', "0", "-1", "1.5", "true", "1e400", "9" * 4000])
def test_threads_that_make_no_sense_are_invalid(onnx: NamedGraph, value: str) -> None:
    guest = Guest(NNHost(graphs=[onnx], threads=1), dialect=WASMEDGE)
    fits = value == "9" * 4000
    assert load(guest, b'{"threads": %s}' % value.encode()) == (0 if fits else 1)


def test_a_configured_graph_of_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(identity(dims=(1,)))
    host = NNHost(graphs=[NamedGraph("it", Encoding.ONNX, Target.CPU, (str(path),))])
    path.unlink()
    with pytest.raises(HostError, match="does not exist"):
        host.session().load_by_name("it", {"threads": 1})


@pytest.mark.parametrize("may_offload", [False, True])
def test_layers_on_a_gpu_are_what_a_language_model_is_loaded_with(may_offload: bool) -> None:
    few, all_ = (
        understood(Encoding.GGML, DEFAULTS, {"n-gpu-layers": layers}, may_offload)
        for layers in (3, -1)
    )
    assert (few.loading != all_.loading) is may_offload
    assert few.contexts == all_.contexts


@Kinds
def test_options_of_the_operator_that_are_wrong_are_said_with_the_name_of_the_graph(
    onnx: NamedGraph, isolate: bool, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = replace(onnx, name="it's", options={"thread": 2, "threads": 1})
    senseless = replace(onnx, name="other", options={"threads": "2"})
    with NNHost(graphs=[unknown, senseless], isolate=isolate) as host:
        host.load_by_name("it's")
        host.load_by_name("it's")
        with pytest.raises(HostError, match="named graph 'other': the option threads") as caught:
            host.load_by_name("other")
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    (said,) = caplog.messages
    assert said == (
        """warning: named graph "it's": the onnx backend ignores unknown options: thread"""
        " (did you mean threads?)"
    )
