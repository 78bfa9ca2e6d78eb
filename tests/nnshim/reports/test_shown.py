"""What is shown: --select, --ignore, --quiet and --statistics. None of them changes what it comes
to."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest

from nnshim.render.findings.selection import Selection, selection
from nnshim.render.reports import REPORTS, report_in
from nnshim.render.reports.report import Shown
from nnshim.render.values import FileReport
from rewriter.analysis.compatibility import Answer
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UsageError
from tests.nnshim.test_schema import problems
from tests.support.reports import MODULES, rendered

IGNORING = Shown(("wasmedge",), selection([], ["NN1", "NN2"]))
QUIET = Shown(("wasmedge",), quiet=True)


@pytest.mark.parametrize(
    ("selected", "ignored", "shown"),
    [
        ((), (), {"NN201", "NN212", "NN301"}),
        (("NN2",), (), {"NN201", "NN212"}),
        (("nn201", "NN3"), (), {"NN201", "NN301"}),
        ((), ("NN20",), {"NN212", "NN301"}),
        ((), ("NN",), set()),
        (("NN2",), ("NN20",), {"NN212"}),
        (("NN201",), ("NN2",), {"NN201"}),
        (("NN201",), ("NN201",), set()),
    ],
)
def test_the_longest_start_of_a_code_counts(
    selected: tuple[str, ...], ignored: tuple[str, ...], shown: set[str]
) -> None:
    chosen = selection(selected, ignored)
    assert {code for code in ("NN201", "NN212", "NN301") if chosen.shows(code)} == shown


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("NN2222", "there is no code NN2222; did you mean NN222?"),
        ("NN9", "there is no code NN9"),
        ("E501", "there is no code E501"),
        ("", "there is no code "),
    ],
)
def test_a_code_that_is_not_known_is_a_usage_error(start: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        selection([start], [])
    with pytest.raises(UsageError, match=message):
        selection([], [start])


@pytest.mark.parametrize("name", ["text", "json", "jsonl", "sarif", "github", "junit", "markdown"])
def test_what_is_ignored_does_not_hide_that_a_file_fails(
    name: str, all_kinds: list[FileReport]
) -> None:
    (cannot,) = (each for each in all_kinds if each.path == "cannot.wasm")
    text = rendered(name, [cannot], IGNORING)
    assert "does not define env" not in text
    assert "cannot.wasm" in text
    assert "cannot run" in text or '"verdict": "cannot"' in text


@pytest.mark.parametrize("name", ["sarif", "github", "gitlab", "junit", "markdown"])
def test_a_file_that_cannot_be_read_is_never_left_out(
    name: str, all_kinds: list[FileReport]
) -> None:
    (unread,) = (each for each in all_kinds if each.path == "no_verdict.wasm")
    for shown in (IGNORING, QUIET, Shown(selection=selection(["NN201"], []))):
        assert "NN108" in rendered(name, [unread], shown)


def test_ignored_codes_are_not_in_json_but_the_verdict_is(all_kinds: list[FileReport]) -> None:
    found = {each["file"]: each for each in json.loads(rendered("json", all_kinds, IGNORING))}
    assert found["rewrite.wasm"]["diagnostics"] == []
    assert found["only_if.wasm"]["only_if"] == ["NN222"]
    verdicts = {name.removesuffix(".wasm"): each["verdict"] for name, each in found.items()}
    assert verdicts == {**{kind: kind for kind in MODULES}, "plain": "nothing_to_do"}


def test_lines_of_json_are_the_elements_of_json(all_kinds: list[FileReport]) -> None:
    lines = rendered("jsonl", all_kinds).splitlines()
    objects = [json.loads(line) for line in lines]
    assert objects == json.loads(rendered("json", all_kinds))
    assert len(objects) == 6
    assert problems("check", objects) == []


def test_json_of_no_files_is_an_empty_array() -> None:
    assert rendered("json", []) == rendered("gitlab", []) == "[]\n"


def test_quiet_has_what_does_not_pass_only(all_kinds: list[FileReport]) -> None:
    for name in ("text", "json", "jsonl", "junit"):
        text = rendered(name, all_kinds, QUIET)
        assert "runs.wasm" not in text
        assert "plain.wasm" not in text
        for kind in ("rewrite", "only_if", "cannot"):
            assert f"{kind}.wasm" in text
    passing = [all_kinds[0], all_kinds[-1]]
    for name in ("text", "jsonl", "github", "markdown"):
        assert rendered(name, passing, QUIET) == ""


def test_text_has_one_line_about_several_files(all_kinds: list[FileReport]) -> None:
    assert rendered("text", all_kinds).splitlines()[-1].startswith("6 files: 1 runs, 1 needs a ")
    assert "1 file" not in rendered("text", all_kinds[:1])


def test_text_has_a_bounded_number_of_lines_about_what_files_need(
    all_kinds: list[FileReport],
) -> None:
    (value,) = all_kinds[0].checked
    needs = (Diagnostic("NN251", f"need {number}") for number in range(300))
    founds = (replace(value.found, needs=(need,), unseen=()) for need in needs)
    reports = (FileReport("a.wasm", (value._replace(found=found),)) for found in founds)
    lines = rendered("text", reports).splitlines()
    assert sum(line.startswith("  need[NN251]: need ") for line in lines) == 100
    assert "  and 200 others with NN251, which --output-format json has" in lines


def test_statistics_count_verdicts_and_codes(all_kinds: list[FileReport]) -> None:
    text = rendered("text", all_kinds, Shown(statistics=True))
    lines = text.split("by verdict:\n")[1].splitlines()
    assert sorted(lines[:5]) == sorted(f"  1  {answer.value}" for answer in Answer)
    assert lines[5] == "by code:"
    assert "  1  NN201 warning: the host registers wasi-nn under another name" in lines
    ignoring = rendered(
        "text", all_kinds, Shown(selection=Selection((), ("NN201",)), statistics=True)
    )
    assert "NN201" not in ignoring.split("by verdict:")[1]


def test_only_verdicts_exit_with_zero_on_demand() -> None:
    codes = {answer.value: Shown(exit_zero=True).exit_code(answer) for answer in Answer}
    assert codes == {"runs": 0, "only_if": 0, "rewrite": 0, "cannot": 0, "no_verdict": 6}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_of_many_files_holds_few_of_them(name: str, all_kinds: list[FileReport]) -> None:
    """What is kept of each file is found by its size once there are many."""

    def kept(count: int) -> int:
        report = report_in(name, Shown(("wasmedge",), statistics=True))
        for number in range(count):
            for each in all_kinds:
                path = f"{number}-{each.path}"
                there = tuple(value._replace(path=path) for value in each.checked)
                for _ in report.file(each._replace(path=path, checked=there)):
                    pass
        state = {key: value for key, value in vars(report).items() if key != "_shown"}
        for key in ("_common", "_counts", "_elements"):
            if key in state:
                state[key] = {k: v for k, v in vars(state[key]).items() if k != "_shows"}
        return len(pickle.dumps(state))

    assert kept(600) < kept(200) + 500
