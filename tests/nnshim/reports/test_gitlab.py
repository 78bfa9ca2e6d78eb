"""Code Quality, as GitLab's documentation has its format."""

from __future__ import annotations

import json
from pathlib import Path

from nnshim.render.values import FileReport
from tests.support.reports import HOSTILE_NAMES, judged, rendered

SEVERITIES = ("info", "minor", "major", "critical", "blocker")


def test_what_does_not_pass_is_a_violation(all_kinds: list[FileReport]) -> None:
    found = json.loads(rendered("gitlab", all_kinds))
    for each in found:
        assert each.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert each["location"]["lines"] == {"begin": 1}
        assert each["severity"] in SEVERITIES
    assert [(each["location"]["path"], each["check_name"], each["severity"]) for each in found] == [
        ("rewrite.wasm", "NN201", "major"),
        ("only_if.wasm", "NN222", "major"),
        ("cannot.wasm", "NN212", "critical"),
        ("no_verdict.wasm", "NN108", "critical"),
    ]
    assert json.loads(rendered("gitlab", all_kinds[:1])) == []


def test_no_two_violations_have_one_fingerprint(tmp_path: Path, hostile: list[FileReport]) -> None:
    same = judged(tmp_path, {"a.wasm": "cannot", "b.wasm": "cannot"}, ("wasmtime", "wasmedge"))
    found = json.loads(rendered("gitlab", [*same, *hostile]))
    assert len({each["fingerprint"] for each in found}) == len(found) == 4 + len(HOSTILE_NAMES)
    again = json.loads(rendered("gitlab", [*same, *hostile]))
    assert again == found
