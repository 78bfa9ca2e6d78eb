"""The sample guest that asks a language model to continue a text."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno
from runtime_shim import CAPTURED, NamedGraph, NNHost, RunOptions, run
from samples.build import SAMPLES
from tests.support.command import nnshim
from tests.support.gguf_models import (
    BYTE,
    CONTROL,
    END,
    NORMAL,
    UNKNOWN,
    successors,
    with_vocabulary,
)
from tests.support.wasm import assemble

GUEST = SAMPLES / "complete.wat"
GREEDY = {"temp": 0, "ctx-size": 64, "threads": 1}


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that continues the alphabet, up to l."""
    folder = tmp_path_factory.mktemp("models") / "letters"
    folder.mkdir()
    successors(folder / "model.gguf", "abcdefghijkl")
    return folder


def completed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return nnshim("run", "-S", f"nn-graph=ggml::{folder}", GUEST, *arguments)


def text_of(model: Path, *arguments: str) -> bytes | None:
    graph = NamedGraph("it", Encoding.GGML, "auto", (str(model),), GREEDY)
    options = RunOptions(["complete", "it", *arguments], stdout=CAPTURED)
    with NNHost(graphs=[graph]) as host:
        return run(assemble(GUEST.read_text()), host, options, check=True).stdout


def test_the_text_is_printed(letters: Path) -> None:
    done = completed(letters, "letters", json.dumps({**GREEDY, "n-predict": 4}), "abc")
    assert (done.stdout, done.stderr, done.returncode) == (b"defg\n", b"", 0)


def test_without_options_those_of_the_graph_hold(letters: Path) -> None:
    assert text_of(letters / "model.gguf", "", "h") == b"ijkl</s>\n"


def test_arguments_may_be_longer_than_a_page_of_memory_and_texts_than_the_first_buffer(
    tmp_path: Path,
) -> None:
    long = ["x" * 1_000_000, "y" * 2_000_000]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = ["<unk>", "<s>", "</s>", *bytes_, "▁", "a", *long]
    types = [UNKNOWN, CONTROL, CONTROL, *([BYTE] * 256), *([NORMAL] * 4)]
    chain = [tokens.index("a"), *map(tokens.index, long), END]
    model = with_vocabulary(tmp_path / "long.gguf", tokens, types, "llama", chain=chain)
    options = json.dumps({"unknown": "z" * 60_000})
    printed = text_of(model, options, "a")
    assert printed == "".join([*long, "</s>\n"]).encode()


def test_the_text_is_printed_also_where_the_context_ends_it(tmp_path: Path) -> None:
    successors(tmp_path / "model.gguf", "abc", end=False)
    options = json.dumps({**GREEDY, "ctx-size": 8})
    done = completed(tmp_path, tmp_path.name, options, "abc")
    assert done.stdout.startswith(b"abcab")
    assert done.stderr.startswith(b"complete: compute returned 101\n")
    assert b"the context of " in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "call", "errno"),
    [
        (("numbers", "", "a"), "load_by_name", Errno.NOT_FOUND),
        (("letters", "{", "a"), "set_input 1 (the options)", Errno.INVALID_ENCODING),
        (("letters", '{"temp": "x"}', "a"), "set_input 1 (the options)", Errno.INVALID_ARGUMENT),
        (("letters", "", "a" * 100_000), "set_input 0 (the prompt)", Errno.PROMPT_TOO_LONG),
        (
            ("letters", '{"json-schema": {"type": "x"}}', "a"),
            "compute",
            Errno.INVALID_ARGUMENT,
        ),
    ],
)
def test_what_fails_is_named_with_its_errno(
    letters: Path, arguments: tuple[str, ...], call: str, errno: Errno
) -> None:
    done = completed(letters, *arguments)
    assert done.stderr.startswith(f"complete: {call} returned {errno:d}\n".encode())
    assert (done.stdout, done.returncode) == (b"", 1)


@pytest.mark.parametrize("arguments", [(), ("letters", "abc"), ("letters", "", "abc", "more")])
def test_other_numbers_of_arguments_are_a_mistake(letters: Path, arguments: tuple[str]) -> None:
    done = completed(letters, *arguments)
    assert done.stderr == b"usage: complete NAME OPTIONS PROMPT\n"
    assert (done.stdout, done.returncode) == (b"", 2)


def test_where_memory_cannot_grow_it_says_so(letters: Path) -> None:
    graph = f"nn-graph=ggml::{letters}"
    done = nnshim("run", "--max-memory", "64K", "-S", graph, GUEST, "letters", "", "a" * 70_000)
    assert done.stderr.startswith(b"complete: out of memory\n")
    assert done.returncode == 1
