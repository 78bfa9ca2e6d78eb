"""`nnshim explain` of messages, and of codes that are misspelt."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.command import nnshim


@pytest.mark.parametrize(
    "words",
    [
        ["failed to link import function (wasi_nn, load)"],
        ["unknown", "import:", "wasi_nn::load", "has", "not", "been", "defined"],
        ["unknown import: wasi_nn::load"],
    ],
)
def test_an_error_of_a_host_is_answered_by_the_command_that_helps(words: list[str]) -> None:
    done = nnshim("explain", *words)
    assert done.returncode == 0
    assert done.stderr == b""
    first, *others = done.stdout.decode().splitlines()
    assert first.startswith("The host does not define this function of wasi-nn")
    assert any(line.startswith("What to do: `nnshim check --for") for line in others)
    assert any(line.startswith("NN201 (warning)") for line in others)


def test_the_numbers_of_errors_are_where_their_explanation_says() -> None:
    said = nnshim("explain", "1").stdout.decode()
    (command,) = re.findall(r"`nnshim (hosts [^`]*)` lists them", said)
    shown = nnshim(*command.replace("HOST@RELEASE", "wamr@2.3.1").split()).stdout.decode()
    assert "1 invalid_argument" in shown


@pytest.mark.parametrize(
    ("message", "said", "code"),
    [
        ("invalid_encoding", "invalid_encoding: the host cannot load models of this", "NN501"),
        ("ErrorCode::InvalidEncoding", "invalid_encoding: the host cannot load", "NN501"),
        ("load failed with wasi-nn error 2", "2 is invalid_encoding in today's", "NN501"),
        ("errno 4", "4 is busy in today's specification, nnshim and WasmEdge; runtime_error in",
         "NN606"),
        ("error 8", "8 is not_found in today's specification, nnshim and WasmEdge; security in",
         "NN252"),
        ("1", "1 is invalid_argument in every ABI", "NN203"),
        ("not_found: there is no graph named 'x'", "not_found: there is no graph by", "NN252"),
        ("errno 44", "44 is not an error of wasi-nn in any ABI", "NN207"),
        ("busy", "busy: the host or an inference server cannot take", "NN606"),
    ],
)  # fmt: skip
def test_an_error_that_a_guest_got_is_explained_by_its_name_or_number(
    message: str, said: str, code: str
) -> None:
    done = nnshim("explain", message)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith(said)
    assert f"\n{code} (" in done.stdout.decode()


@pytest.mark.parametrize(
    "message",
    [
        "cannot import the backend for onnx models (not installed: onnxruntime)",
        "nnshim: cannot import gRPC (hidden)",
    ],
)
def test_a_backend_that_cannot_be_imported_is_found_by_its_message(message: str) -> None:
    done = nnshim("explain", message)
    assert done.stdout.startswith(b"NN501 (note): a backend cannot be used")
    assert done.stderr == b""


def test_a_message_without_its_code_leads_to_the_closest_codes() -> None:
    done = nnshim("explain", "wasi_ephemeral_nn has the witx ABI and the host speaks wamr")
    assert done.returncode == 0
    assert b"no code is in this message; the closest are shown" in done.stderr
    assert done.stdout.startswith(b"NN202 ")


def test_a_message_without_a_code_is_explained_without_one() -> None:
    done = nnshim("explain", "the guest exited with code 2")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"This is the guest's own exit code")
    assert b"NN" not in done.stdout
    assert nnshim("explain", "--json", "the guest exited with code 2").stdout == b"[]\n"


def test_a_message_is_explained_in_json_by_its_codes() -> None:
    done = nnshim("explain", "--json", "wasi-nn error 1")
    assert [each["code"] for each in json.loads(done.stdout)][:2] == ["NN203", "NN204"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["NN999"], "there is no code NN999; `nnshim explain` lists all"),
        (["N204"], "did you mean NN204?"),
        (["NN204", "204"], "did you mean NN204?"),
        (["zzz qqq"], "no code is close to 'zzz qqq'; `nnshim explain` lists all codes"),
    ],
)
def test_what_is_not_known_is_a_usage_error(words: list[str], said: str) -> None:
    done = nnshim("explain", *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()
