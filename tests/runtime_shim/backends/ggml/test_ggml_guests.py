"""A guest that has a language model go on with a text: at once, and in pieces."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim import CAPTURED, Limits, NamedGraph, NNHost, Reason, RunOptions, run
from runtime_shim.backends.ggml import llama_cpp
from runtime_shim.backends.ggml.backend import GgmlContext
from samples.build import build
from tests.conftest import GUESTS
from tests.support.gguf_models import random_weights, successors

GREEDY = {"temp": 0, "ctx-size": 64}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ggml")
    successors(path / "letters.gguf", "abcdefghijkl")
    return path


@pytest.fixture(scope="module")
def guests(folder: Path) -> dict[bool, bytes]:
    """The guest that takes the text at once, and the one that takes it in pieces."""
    build(GUESTS / "generate.c", folder / "whole.wasm")
    build(GUESTS / "generate.c", folder / "pieces.wasm", "-DSTREAMING")
    names = {False: "whole.wasm", True: "pieces.wasm"}
    return {streams: (folder / name).read_bytes() for streams, name in names.items()}


def printed(
    guest: bytes,
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    *arguments: str,
    isolate: bool = False,
) -> list[str]:
    graph = NamedGraph("it", Encoding.GGML, "auto", (str(folder / "letters.gguf"),), GREEDY)
    host = NNHost(graphs=[graph], isolate=isolate)
    assert run(guest, host, RunOptions(["guest", "it", *arguments])).reason is Reason.EXITED
    return capfd.readouterr().out.splitlines()


def test_a_guest_gets_its_text_at_once(
    guests: dict[bool, bytes], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    compute, text, metadata = printed(guests[False], folder, capfd, '{"n-predict": 4}', "a")
    assert (compute, text) == ("compute 0", "bcde")
    assert json.loads(metadata)["output_tokens"] == 4


def test_a_guest_gets_its_text_in_pieces(
    guests: dict[bool, bytes], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = printed(guests[True], folder, capfd, "", "h", '{"ctx-size": 32}')
    assert lines == ["[i][j][k][l]", f"compute_single {Errno.END_OF_SEQUENCE:d}"]


@pytest.mark.parametrize("isolate", [False, True])
def test_a_guest_can_have_the_host_print_its_text(
    guests: dict[bool, bytes], folder: Path, capfd: pytest.CaptureFixture[str], isolate: bool
) -> None:
    options = '{"stream-stdout": true, "n-predict": 2}'
    lines = printed(guests[False], folder, capfd, options, "a", isolate=isolate)
    assert lines[:2] == ["bccompute 0", "bc"]


@pytest.mark.parametrize("isolate", [False, True])
def test_what_the_host_prints_for_a_guest_is_captured_with_its_output(
    guests: dict[bool, bytes], folder: Path, capfd: pytest.CaptureFixture[str], isolate: bool
) -> None:
    graph = NamedGraph("it", Encoding.GGML, "auto", (str(folder / "letters.gguf"),), GREEDY)
    options = '{"stream-stdout": true, "n-predict": 4}'

    def text(letter: str) -> bytes:
        arguments = ["guest", "it", options, letter]
        outcome = run(guests[False], host, RunOptions(arguments, stdout=CAPTURED))
        assert outcome.stdout is not None
        return outcome.stdout.splitlines()[0]

    with NNHost(graphs=[graph], isolate=isolate) as host, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(text, "adg")) == [b"bcdecompute 0", b"efghcompute 0", b"hijkcompute 0"]
    assert capfd.readouterr().out == ""


def test_the_text_of_a_guest_that_is_stopped_ends_as_well(
    guests: dict[bool, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = random_weights(tmp_path / "endless.gguf", context=1 << 16)
    options = {"temp": 0, "ctx-size": 0, "threads": 1, "stream-stdout": True}
    graph = NamedGraph("it", Encoding.GGML, "auto", (str(path),), options)
    over = threading.Event()
    decode = llama_cpp.lib.decode
    late = []

    def watched(context: int, batch: llama_cpp.Batch) -> int:
        late.append(over.is_set())
        result: int = decode(context, batch)
        return result

    def halted(context: GgmlContext) -> None:
        halt(context)
        over.set()

    halt = GgmlContext.halt
    monkeypatch.setattr(llama_cpp.lib, "decode", watched)
    monkeypatch.setattr(GgmlContext, "halt", halted)
    host = NNHost(graphs=[graph], limits=Limits(output=100))
    outcome = run(guests[False], host, RunOptions(["guest", "it", "", "a"], stdout=CAPTURED))
    assert outcome.reason is Reason.TOO_MUCH_OUTPUT
    assert over.is_set()
    assert sum(late) <= 1  # what is printed is counted in another thread


def test_a_model_whose_file_has_gone_is_not_found(
    guests: dict[bool, bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    successors(tmp_path / "gone.gguf", "ab")
    graph = NamedGraph("it", Encoding.GGML, Target.CPU, (str(tmp_path / "gone.gguf"),))
    (tmp_path / "gone.gguf").unlink()
    assert (
        run(guests[False], NNHost(graphs=[graph]), RunOptions(["guest", "it", "", "a"])).reason
        is Reason.EXITED
    )
    answer = capfd.readouterr().out
    assert answer == f"load_by_name_with_config {Errno.MODEL_NOT_FOUND:d}\n"


def test_a_guests_mistake_is_an_errno(
    guests: dict[bool, bytes], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = printed(guests[False], folder, capfd, "", "a" * 100)
    assert lines[0] == f"compute {Errno.PROMPT_TOO_LONG:d}"
