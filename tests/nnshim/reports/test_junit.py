"""JUnit's XML, as junitparser and Python's parser read it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from junitparser import Error, Failure, JUnitXml, Skipped

from nnshim.render.reports.report import Shown
from nnshim.render.values import FileReport
from rewriter.terminal import shown
from tests.support.reports import HOSTILE_NAMES, judged, rendered

KINDS = {
    "runs.wasm": [],
    "rewrite.wasm": [Failure],
    "only_if.wasm": [Failure],
    "cannot.wasm": [Failure],
    "no_verdict.wasm": [Error],
    "plain.wasm": [Skipped],
}


def test_each_file_is_a_suite_with_a_test_for_each_host(all_kinds: list[FileReport]) -> None:
    suites = list(JUnitXml.fromstring(rendered("junit", all_kinds).encode()))
    assert {
        suite.name: [type(each) for case in suite for each in case.result] for suite in suites
    } == KINDS
    for suite in suites:
        kinds = [type(each) for case in suite for each in case.result]
        counts = (suite.tests, suite.failures, suite.errors, suite.skipped)
        assert counts == (1, *(kinds.count(kind) for kind in (Failure, Error, Skipped)))


def test_a_host_is_a_class(tmp_path: Path) -> None:
    reports = judged(tmp_path, {"a.wasm": "rewrite"}, ("wamr@2.2", "wasmtime"))
    (suite,) = JUnitXml.fromstring(rendered("junit", reports).encode())
    assert [case.classname for case in suite] == ["nnshim.wamr@2_2", "nnshim.wasmtime"]
    assert suite.failures == 2


def test_names_are_read_as_they_are_printed(hostile: list[FileReport]) -> None:
    text = rendered("junit", hostile)
    assert text.isascii()
    names = [suite.get("name") for suite in ElementTree.fromstring(text)]
    assert names == [*map(shown, HOSTILE_NAMES)]
    (failure, *_) = ElementTree.fromstring(text).iter("failure")
    assert "f]]>&|`x`</td>@team %0A::error::x,\\n\\x1b[2J" in (failure.text or "")
    assert failure.get("type") == "NN212"


def test_quiet_has_only_what_fails(all_kinds: list[FileReport]) -> None:
    quiet = JUnitXml.fromstring(rendered("junit", all_kinds, Shown(quiet=True)).encode())
    assert {suite.name for suite in quiet} == KINDS.keys() - {"runs.wasm", "plain.wasm"}
    nothing = rendered("junit", all_kinds[:1], Shown(quiet=True))
    assert list(JUnitXml.fromstring(nothing.encode())) == []
