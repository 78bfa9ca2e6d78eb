"""The table of codes, and what the rest of the code makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rewriter.codes import SUBJECTS, Code, all_codes, codes_about, find_code
from rewriter.codes.code import Severity
from rewriter.diagnostics import Diagnostic, distinct
from rewriter.errors import HostMismatch, InputError, MalformedModule, UsageError
from tests.tools.code_pages import PAGE, page

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("digit", "subject"), SUBJECTS.items())
def test_codes_are_in_the_file_of_their_subject_and_in_order(digit: str, subject: str) -> None:
    numbers = [code.number for code in codes_about(subject)]
    assert numbers == sorted(set(numbers))
    assert all(re.fullmatch(rf"NN{digit}\d\d", number) for number in numbers)
    assert [find_code(number).number for number in numbers] == numbers


def test_the_codes_of_the_table_are_those_that_the_source_names() -> None:
    named = {
        number
        for package in ("rewriter", "runtime_shim", "nnshim")
        for file in (ROOT / package).rglob("*.py")
        if file.parent.name != "codes"
        for number in re.findall(r'"(NN\d{3})"', file.read_text())
    }
    assert named == {code.number for code in all_codes()}


@pytest.mark.parametrize("code", list(all_codes()), ids=lambda code: str(code.number))
def test_a_code_has_a_title_and_says_in_sentences_what_to_do(code: Code) -> None:
    assert not code.title.endswith(".")
    assert code.meaning.endswith(".")
    assert code.remedy.endswith(".")


@pytest.mark.parametrize("number", ["NN999", "NN9", "E501", "", "nn101"])
def test_a_code_that_is_not_in_the_table_is_not_found(number: str) -> None:
    with pytest.raises(KeyError):
        find_code(number)


def test_the_pages_are_those_of_the_table() -> None:
    assert PAGE.read_text() == page(), "python -m tests.tools.code_pages"


def test_a_diagnostic_is_as_severe_as_its_code() -> None:
    assert Diagnostic("NN101", "").severity is Severity.ERROR
    assert Diagnostic("NN201", "").severity is Severity.WARNING
    assert Diagnostic("NN222", "").severity is Severity.CONDITION
    assert Diagnostic("NN231", "").severity is Severity.NEED
    assert Diagnostic("NN137", "").severity is Severity.UNSEEN
    assert Diagnostic("NN134", "").severity is Severity.NOTE


def test_a_diagnostic_as_text_ends_with_what_helps_and_where_it_is() -> None:
    found = Diagnostic("NN106", "this is an object file", 25, help="link it first")
    assert found.text == "this is an object file; link it first"
    assert str(found) == "this is an object file; link it first (at byte offset 0x19)"
    assert str(Diagnostic("NN219", "no memory")) == "no memory"


def test_of_diagnostics_with_the_same_to_say_the_first_is_kept() -> None:
    first, second = Diagnostic("NN202", "a", 1), Diagnostic("NN202", "b", 2)
    assert distinct([first, second, Diagnostic("NN202", "a", 3)]) == (first, second)


def test_an_error_about_a_module_is_a_diagnostic() -> None:
    error = MalformedModule("unexpected end", 7, "NN102", "build it again").of("a.wasm")
    expected = Diagnostic("NN102", "a.wasm: unexpected end", 7, help="build it again")
    assert error.diagnostics == (expected,)
    assert str(error) == "a.wasm: unexpected end; build it again (at byte offset 0x7)"
    assert MalformedModule("bad", 0).diagnostics[0].code == "NN103"
    assert InputError("no a.wasm").diagnostics == (Diagnostic("NN001", "no a.wasm"),)
    assert UsageError("no").diagnostics == ()


def test_a_mismatch_has_a_diagnostic_for_each_reason() -> None:
    found = (Diagnostic("NN219", "no memory", 3), Diagnostic("NN211", "no unload"))
    error = HostMismatch("a.wasm cannot run on x", found)
    assert error.diagnostics == found
    assert str(error) == "a.wasm cannot run on x: no memory; no unload"
