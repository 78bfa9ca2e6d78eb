"""Messages of hosts, and nnshim's own without codes, lead to the codes that they are about."""

from __future__ import annotations

import json
import re
import textwrap
import time
from collections import defaultdict
from pathlib import Path

import pytest

from rewriter.messages import explain_message
from tests.tools.message_table import TABLE, table, written

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


def test_the_table_of_nnshims_messages_is_that_of_its_sources() -> None:
    """`python -m tests.tools.message_table` writes it again."""
    assert TABLE.read_text(encoding="utf-8") == written()


def test_messages_are_found_in_sources_with_the_codes_that_they_get() -> None:
    source = """
        class Bad(NNShimError):
            code = "NN001"
        def refused(what, name):
            return Diagnostic("NN002", f"{name} was refused: {what}")
        def use(name):
            message = f"the first of {name} is wrong"
            yield Diagnostic("NN003", message)
            message = "the other is wrong" + (" too" if name else "")
            yield Diagnostic("NN004", message)
            yield refused("it has no whole number", name)
            raise Bad(f"cannot understand {name!r}")
        def without():
            raise HostError(1, "nothing can be computed")
    """
    assert table({"one": textwrap.dedent(source)}) == {
        "": ["nothing can be computed"],
        "NN001": ["cannot understand {}"],
        "NN002": ["{} was refused: it has no whole number", "{} was refused: {}"],
        "NN003": ["the first of {} is wrong"],
        "NN004": ["the other is wrong", "the other is wrong too"],
    }


def test_a_message_with_many_colons_or_semicolons_takes_no_longer() -> None:
    started = time.perf_counter()
    explain_message("a: " * 50_000)
    explain_message("a: b; " * 1_500)
    assert time.perf_counter() - started < 5


def test_each_of_nnshims_messages_leads_to_its_code_or_to_none() -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for code, texts in json.loads(TABLE.read_text(encoding="utf-8")).items():
        for text in texts:
            said[text.replace("{}", "x7")].add(code)
    assert len(said) > 1000
    for text, of in said.items():
        found = explain_message(text)
        assert found is not None, text
        got = {code.number for code in found.codes}
        assert of - {""} <= got, text
        if found.exact:
            assert got == of - {""}, text


@pytest.mark.parametrize("before", ["", "nnshim: ", "a.wasm: load: runtime_error: ", "error: "])
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no endpoint takes the request: http://127.0.0.1:9/m: Connection refused", "NN603"),
        ("has no shared memory: it lacks system_shared_memory", "NN608"),
        ("cannot read samples/imges: No such file or directory", "NN001"),
        ("cannot write results to lines.txt: File exists", "NN002"),
        ("unknown section id 0x44 (at byte offset 0x8)", "NN103"),
        ("its memory is 64-bit; build it for 32-bit memories", "NN322"),
    ],
)
def test_a_message_of_nnshim_leads_to_its_code(before: str, message: str, code: str) -> None:
    found = explain_message(before + message)
    assert found is not None
    assert found.exact
    assert [each.number for each in found.codes] == [code]


@pytest.mark.parametrize(
    ("message", "helps"),
    [
        ("nnshim: it ran for longer than 0.001 s", "Raise `--timeout`"),
        ("the guest exited with code 2", "standard error. If it ended"),
        (
            "compute: too_large: a context of 4096 tokens takes 9 bytes, and the limit of the"
            " total leaves 4",
            "--limit total=SIZE",
        ),
        (
            "letters: set_input: invalid_argument: the option temp cannot be 'cold'",
            "the reason names",
        ),
        ("--json contradicts --output-format sarif", "what the message names"),
    ],
)
def test_a_message_of_nnshim_without_a_code_has_none(message: str, helps: str) -> None:
    found = explain_message(message)
    assert found is not None
    assert found.exact
    assert not found.codes
    assert helps in found.remedy
    assert "number" not in found.meaning.replace("what the number means", "")


def test_a_reason_that_is_about_numbers_is_explained_by_them() -> None:
    found = explain_message("load: invalid_argument: there is no encoding of the number 9")
    assert found is not None
    assert "numbers encodings" in found.meaning


@pytest.mark.parametrize(
    "message",
    [
        "my favourite python package is imported",
        "cannot read b: c",
        "cannot read config.json: Permission denied",
    ],
)
def test_a_short_text_that_others_may_say_is_not_claimed_as_nnshims(message: str) -> None:
    found = explain_message(message)
    assert found is not None
    assert not found.exact


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
