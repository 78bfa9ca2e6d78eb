"""Language models: a small one that knows which character follows which, and a guest that asks."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim import HostError
from runtime_shim.backends.ggml import llama_cpp
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlContext
from tests.runtime_shim.backends.ggml.asked import GREEDY

U8 = TensorType.U8


def prompt(context: GgmlContext, text: str, index: int = 0) -> None:
    data = text.encode()
    context.set_input(index, U8, (len(data),), memoryview(data))


def test_a_prompt_is_gone_on_with_until_the_end(letters: Callable[..., GgmlContext]) -> None:
    context = letters()
    prompt(context, "abcd")
    context.compute()
    assert bytes(context.get_output(0)) == b"efghijkl</s>"
    metadata = json.loads(bytes(context.get_output(1)))
    assert (metadata["input_tokens"], metadata["output_tokens"]) == (5, 9)  # <s> before it


@pytest.mark.parametrize("streamed_before", [False, True])
def test_a_context_can_be_used_again(
    letters: Callable[..., GgmlContext], streamed_before: bool
) -> None:
    context = letters()
    prompt(context, "a")
    context.compute_single() if streamed_before else context.compute()
    prompt(context, "i")
    for _ in range(100):  # with what was before still there, the context would be full
        context.compute()
        assert bytes(context.get_output(0)) == b"jkl</s>"


def test_pieces_come_one_after_the_other_until_the_end(letters: Callable[..., GgmlContext]) -> None:
    context = letters()
    prompt(context, "i")
    for piece in (b"j", b"k", b"l"):
        context.compute_single()
        assert bytes(context.get_output_single(0)) == piece
    assert json.loads(bytes(context.get_output_single(1)))["output_tokens"] == 3
    with pytest.raises(HostError) as caught:
        context.compute_single()
    assert caught.value.errno is Errno.END_OF_SEQUENCE
    context.compute_single()  # begins anew
    assert bytes(context.get_output_single(0)) == b"j"


def test_fini_single_drops_the_rest(letters: Callable[..., GgmlContext]) -> None:
    context = letters()
    prompt(context, "a")
    context.compute_single()
    context.compute_single()
    context.fini_single()
    assert bytes(context.get_output_single(0)) == b""
    with pytest.raises(HostError) as caught:
        context.get_output(0)
    assert caught.value.errno is Errno.RUNTIME_ERROR
    context.compute_single()
    assert bytes(context.get_output_single(0)) == b"b"


def test_text_that_is_not_ascii_is_gone_on_with(letters: Callable[..., GgmlContext]) -> None:
    context = letters("ä")
    prompt(context, "ä")
    context.compute()
    assert bytes(context.get_output(0)).decode() == "öü€</s>"


def test_what_a_text_needed_is_freed(
    letters: Callable[..., GgmlContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[str] = []

    def watched(name: str) -> Callable[[int], None]:
        free = getattr(llama_cpp.lib, name)

        def forget(pointer: int) -> None:
            freed.append(name)
            free(pointer)

        return forget

    for name in ("sampler_free", "free", "model_free"):
        monkeypatch.setattr(llama_cpp.lib, name, watched(name))
    context = letters()
    freed.clear()
    prompt(context, "k")
    context.compute()
    context.compute()
    assert freed == ["sampler_free"]
    del context
    gc.collect()
    assert sorted(freed[1:]) == ["free", "model_free", "model_free", "sampler_free"]
    assert freed[-1] == "model_free"


def test_the_seed_decides_what_is_sampled_and_is_fixed_unless_it_is_given(
    letters: Callable[..., GgmlContext],
) -> None:
    outputs = []
    for options in ({}, {}, {"seed": 1}, {"seed": 2}):
        context = letters(temp=100.0, top_p=1.0, min_p=0.0, n_predict=20, **options)
        prompt(context, "a")
        context.compute()
        outputs.append(bytes(context.get_output(0)))
    assert outputs[0] == outputs[1]
    assert len(set(outputs)) == 3


def test_an_embedding_is_a_vector_of_length_one(letters: Callable[..., GgmlContext]) -> None:
    context = letters(embedding=True)
    prompt(context, "abc")
    context.compute()
    output = json.loads(bytes(context.get_output(0)))
    assert len(output["embedding"]) == output["n_embedding"] > 256
    assert sum(value**2 for value in output["embedding"]) == pytest.approx(1, abs=1e-6)


def test_a_prompt_that_does_not_fit_is_too_long(letters: Callable[..., GgmlContext]) -> None:
    context = letters()
    prompt(context, "a" * 60)
    with pytest.raises(HostError, match="61 tokens, but the maximum is 60") as caught:
        context.compute()
    assert caught.value.errno is Errno.PROMPT_TOO_LONG


def test_a_context_without_room_for_more_is_full_and_keeps_what_there_was(
    letters: Callable[..., GgmlContext],
) -> None:
    context = letters("circle")
    prompt(context, "a")
    with pytest.raises(HostError, match="64 tokens is full") as caught:
        context.compute()
    assert caught.value.errno is Errno.CONTEXT_FULL
    assert bytes(context.get_output(0)) == b"bca" * 21
    assert bytes(context.get_output_single(0)) == b""
    pieces = b""
    for _ in range(64 - 1):
        context.compute_single()
        pieces += bytes(context.get_output_single(0))
    with pytest.raises(HostError) as caught:
        context.compute_single()
    assert caught.value.errno is Errno.CONTEXT_FULL
    assert pieces + bytes(context.get_output_single(0)) == b"bca" * 21


def test_inputs_that_are_none_are_invalid(letters: Callable[..., GgmlContext]) -> None:
    context = letters()
    for index, kind, data in ((2, U8, b"a"), (0, TensorType.I64, b"abcd"), (0, U8, b"\xff")):
        with pytest.raises(HostError) as caught:
            context.set_input(index, kind, (1,), memoryview(data))
        assert caught.value.errno is Errno.INVALID_ARGUMENT
    with pytest.raises(HostError, match="no prompt"):
        context.compute()
    prompt(context, "a")
    with pytest.raises(HostError, match="before compute"):
        context.get_output(0)
    with pytest.raises(HostError, match="output 2"):
        context.get_output(2)


@pytest.mark.parametrize("cut", [0, 4, 24, 1000, 10_000])
def test_a_model_that_is_cut_off_is_an_invalid_argument(folder: Path, cut: int) -> None:
    data = (folder / "letters.gguf").read_bytes()[:cut]
    with pytest.raises(HostError) as caught:
        GgmlBackend().load([data], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize("cut", [4, 24, 1000, 10_000])
def test_a_file_that_is_cut_off_says_what_llama_cpp_said(
    folder: Path, tmp_path: Path, cut: int
) -> None:
    part = tmp_path / "cut.gguf"
    part.write_bytes((folder / "letters.gguf").read_bytes()[:cut])
    with pytest.raises(HostError) as caught:
        GgmlBackend().load([part], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    assert "does not say why" not in caught.value.reason


def test_a_gpu_that_is_not_there_is_an_unsupported_operation(folder: Path) -> None:
    with pytest.raises(HostError, match=r"gpu .* has cpu here") as caught:
        GgmlBackend().load([folder / "letters.gguf"], Target.GPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


@pytest.mark.parametrize(
    ("target", "said", "device"),
    [
        (Target.GPU, b"load_tensors: offloaded 17/19 layers to GPU\n", "gpu, 17 of 19 layers"),
        (Target.GPU, b"", None),
        (Target.CPU, b"load_tensors: offloaded 0/19 layers to GPU\n", "cpu"),
    ],
)
def test_a_model_is_on_the_gpu_where_llama_cpp_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, target: Target, said: bytes, device: str | None
) -> None:
    load = llama_cpp.lib.model_load_from_file

    def speak(path: bytes, params: llama_cpp.ModelParams) -> int | None:
        llama_cpp._keep_errors(2, said, None)
        assert params.n_gpu_layers == (-1 if target is Target.GPU else 0)
        assert bool(params.devices) is (target is Target.CPU)  # which is none, and not all
        model: int | None = load(path, params)
        return model

    monkeypatch.setattr(llama_cpp.lib, "model_load_from_file", speak)
    monkeypatch.setattr(llama_cpp.lib, "supports_gpu_offload", lambda: True)
    cpu, gpu = (SimpleNamespace(name=f"GGML_BACKEND_DEVICE_TYPE_{kind}") for kind in ("CPU", "GPU"))
    monkeypatch.setattr("xllamacpp.get_device_info", lambda: [{"type": cpu}, {"type": gpu}])
    assert GgmlBackend().describe().devices == {"cpu": Target.CPU, "gpu": Target.GPU}
    if device is None:
        with pytest.raises(HostError, match="none of its layers is on one"):
            GgmlBackend().load([folder / "letters.gguf"], target)
        return
    assert GgmlBackend().load([folder / "letters.gguf"], target).device == device


def test_weights_are_mapped_from_disk(folder: Path) -> None:
    graph = GgmlBackend().load([folder / "letters.gguf"], "auto")
    assert graph.device == "cpu"
    assert str(folder / "letters.gguf") in Path("/proc/self/maps").read_text()


def test_a_model_of_a_guest_is_mapped_too_and_no_file_of_it_can_be_left_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    graph = GgmlBackend().load([(folder / "letters.gguf").read_bytes()], Target.CPU)
    assert graph.device == "cpu"
    assert "/memfd:model" in Path("/proc/self/maps").read_text()


def test_contexts_of_one_model_run_at_once(folder: Path) -> None:
    graph = GgmlBackend().load([folder / "letters.gguf"], Target.CPU, {**GREEDY, "threads": 1})
    wrong = []

    def work(start: str, rest: bytes) -> None:
        context = graph.init_execution_context()
        for _ in range(10):
            prompt(context, start)
            context.compute()
            if bytes(context.get_output(0)) != rest:
                wrong.append(start)

    threads = [
        threading.Thread(target=work, args=(letter, b"abcdefghijkl</s>"[index + 1 :]))
        for index, letter in enumerate("abcdefgh")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


SOCKETS_AND_SIGNALS = """
import os, pathlib, sys
from rewriter.abi.dialects import Target, TensorType
from runtime_shim.backends.ggml import llama_cpp
from runtime_shim.backends.ggml.backend import GgmlBackend

def handled():
    status = dict(line.split(":") for line in open("/proc/self/status"))
    return int(status["SigCgt"], 16) & 0x7FFF_FFFF  # above are those that threads need

before = handled()
graph = GgmlBackend().load([pathlib.Path(sys.argv[1])], Target.CPU)
context = graph.init_execution_context()
context.set_input(0, TensorType.U8, (1,), memoryview(b"a"))
context.compute()
files = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
links = (os.readlink(file) for file in files if os.path.lexists(file))
print([link for link in links if link.startswith("socket")], handled() == before)
"""


def test_it_opens_no_socket_and_handles_no_signal(folder: Path) -> None:
    command = [sys.executable, "-c", SOCKETS_AND_SIGNALS, str(folder / "letters.gguf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("[] True\n", "", 0)
