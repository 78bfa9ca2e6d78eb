"""Messages of hosts, and nnshim's own without codes, lead to the codes that they are about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rewriter.messages import explain_message

GOLDEN = Path(__file__).parents[1] / "nnshim" / "golden"


def codes(message: str) -> list[str]:
    found = explain_message(message)
    return [] if found is None else [code.number for code in found.codes]


@pytest.mark.parametrize(
    ("message", "code", "helps"),
    [
        ("failed to link import function (wasi_nn, load)", "NN201", "nnshim rewrite --for"),
        (
            "[10:00:00:000 - 7F]: warning: failed to link import function (wasi_ephemeral_nn, x)",
            "NN201",
            "nnshim rewrite --for",
        ),
        (
            "Exception: failed to call unlinked import function (wasi_nn, load)",
            "NN201",
            "nnshim rewrite --for",
        ),
        ("failed to call unlinked import function", "NN201", "nnshim rewrite --for"),
        ("failed to link import function", "NN226", "nnshim check --for"),
        ("failed to link import function (env, emscripten_notify)", "NN226", "nnshim check"),
        ("unknown import: wasi_nn::load has not been defined", "NN201", "nnshim rewrite --for"),
        (
            "failed to run main module `a.wasm`\n\nCaused by:\n 0: failed to instantiate\n"
            " 1: unknown import: `wasi_ephemeral_nn::load` has not been defined",
            "NN201",
            "nnshim rewrite --for",
        ),
        ("unknown import: env::f has not been defined", "NN212", "nnshim check --for"),
        (
            "instantiation failed: unknown import, Code: 0x62\n When linking module: wasi_nn",
            "NN201",
            "nnshim rewrite --for",
        ),
        (
            "failed to run main module `c.wasm`\n\nCaused by:\n 0: component imports instance "
            "`wasi:nn/errors@0.2.0-rc-2024-06-25`, but a matching implementation was not found in "
            "the linker\n 1: instance export `error` has the wrong type",
            "NN276",
            "-S nn",
        ),
        (
            "component imports instance `wasi:http/types@0.2.0`, but a matching implementation was "
            "not found in the linker",
            "NN278",
            "nnshim check --for wasmtime@RELEASE",
        ),
        (
            "load failed with error 1 of wasi:nn: unable to find a backend for this encoding",
            "NN713",
            "nnshim hosts wasmtime",
        ),
        (
            "load failed with error 3 of wasi:nn: Failed while accessing backend",
            "NN251",
            "LD_LIBRARY_PATH",
        ),
        ("WASM module load failed: unknown binary version", "NN277", "nnshim rewrite --for"),
        (
            "loading failed: illegal opcode, Code: 0x117\n This instruction or syntax requires "
            "enabling Component Model proposal\n Bytecode offset: 0x00000004",
            "NN283",
            "nnshim rewrite --for",
        ),
        ("incompatible import type for `wasi_nn::load`", "NN202", "nnshim rewrite --for"),
        ("digits: load failed with wasi-nn error 1", "NN204", "--model MODEL"),
        ("wasi_nn errno: 1", "NN204", "--model MODEL"),
        ("WASI-NN ERROR 1", "NN204", "--model MODEL"),
        ("error 1", "NN204", "--model MODEL"),
        ("Error: 12", "NN207", "nnshim run -v"),
        ("1", "NN204", "--model MODEL"),
    ],
)
def test_a_message_of_a_host_leads_to_what_helps(message: str, code: str, helps: str) -> None:
    found = explain_message(message)
    assert found is not None
    assert found.exact
    assert code in [each.number for each in found.codes]
    assert helps in found.remedy
    assert found.meaning


def test_a_message_of_a_host_about_another_import_is_not_taken_for_wasi_nn() -> None:
    found = explain_message("unknown import: env::f has not been defined")
    assert found is not None
    assert "with another option or library" not in found.meaning
    assert codes("failed to link import function (env, f)")[0] == "NN226"


def test_a_code_in_a_message_is_the_answer() -> None:
    message = "nnshim: error[NN211]: the host lacks compute_single"
    assert codes(message) == ["NN211"]
    assert codes("nn204 and NN201") == ["NN201", "NN204"]


def test_most_of_the_messages_in_golden_outputs_are_known_without_their_codes() -> None:
    said = {
        found
        for file in GOLDEN.glob("*.txt")
        for found in re.findall(r"^ *[a-z]+\[(NN\d+)\]: (.*)", file.read_text(), re.MULTILINE)
    }
    missed = [text for code, text in said if code not in codes(re.sub(r"NN\d+", "", text))]
    assert len(said) > 25
    assert len(missed) < len(said) / 4, missed


@pytest.mark.parametrize("message", ["zzz qqq", "hello world", "()"])
def test_a_message_that_is_about_nothing_here_has_no_codes(message: str) -> None:
    assert explain_message(message) is None
