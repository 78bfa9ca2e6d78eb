"""SARIF 2.1.0, with what GitHub's code scanning needs.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html,
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nnshim.render.findings.elements import Elements
from nnshim.render.findings.finding import LEVELS, Finding, Level, findings
from nnshim.render.findings.places import ROOT, artifact
from nnshim.render.json import to_json
from rewriter.analysis.compatibility import Answer
from rewriter.codes import find_code

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown
    from nnshim.render.values import FileReport, Summary

__all__ = ["new_report"]

Object = dict[str, Any]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_MOST_NOTIFIED = 100
"""Files without a verdict that have a notification beside their result."""


class _Sarif:
    """The results are written as they come. What is about all of them stands after them: an object
    of JSON has no order."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._elements = Elements('      "results": ', "      ")
        self._begun = False
        self._rules: dict[str, int] = {}
        self._verdicts: Counter[str] = Counter()
        self._notified: list[Object] = []

    def begin(self) -> list[str]:
        return []

    def file(self, report: FileReport) -> Iterator[str]:
        self._verdicts.update(answer.value for answer in report.answers)
        found = list(findings(report, self._shown.selection))
        if report.error is not None and len(self._notified) < _MOST_NOTIFIED:
            self._notified += map(_notification, found)
        yield from self._lines(self._elements.add(map(self._result, found)))

    def end(self, summary: Summary) -> Iterator[str]:
        yield from self._lines(self._elements.end(","))
        worst = Answer.worst(map(Answer, self._verdicts))
        run = {
            "tool": {"driver": _driver(self._rules)},
            "invocations": [
                {
                    # GitHub refuses a report of a run that was not: the results say what is wrong.
                    "executionSuccessful": True,
                    "exitCode": self._shown.exit_code(worst),
                    "exitCodeDescription": worst.value,
                    "toolExecutionNotifications": self._notified,
                }
            ],
            "automationDetails": {"id": f"nnshim/{'+'.join(self._shown.hosts)}/"},
            "originalUriBaseIds": {ROOT: {"description": {"text": "Where nnshim was run."}}},
            "columnKind": "unicodeCodePoints",
            "properties": {
                "files": summary.files,
                "nothingToDo": summary.nothing_to_do,
                "stopped": summary.stopped,
                "verdicts": {answer.value: self._verdicts[answer.value] for answer in Answer},
            },
        }
        _, *lines = to_json(run).split("\n")
        yield from (f"    {line}" for line in lines)
        yield from ("  ]", "}")

    def _lines(self, results: Iterable[str]) -> Iterator[str]:
        for line in results:
            if not self._begun:
                yield from ("{", f'  "$schema": "{_SCHEMA}",', '  "version": "2.1.0",')
                yield from ('  "runs": [', "    {")
                self._begun = True
            yield line

    def _result(self, found: Finding) -> Object:
        index = self._rules.setdefault(found.code, len(self._rules))
        region: Object = {"startLine": 1}  # which GitHub needs of binary files, too
        if found.offset is not None:
            region |= {"byteOffset": found.offset, "byteLength": 1}
        return {
            "ruleId": found.code,
            "ruleIndex": index,
            "level": found.level.value,
            "message": {"text": "\n".join(found.lines)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": artifact(found.path),
                        "region": region,
                    }
                }
            ],
            "partialFingerprints": {"primaryLocationLineHash": f"{found.fingerprint()}:1"},
            "properties": {
                "host": found.host,
                "verdict": found.answer,
                "sha256": found.report.sha256,
            },
        }


def _notification(found: Finding) -> Object:
    return {
        "descriptor": {"id": found.code},
        "level": "error",
        "message": {"text": "\n".join(found.lines)},
        "locations": [{"physicalLocation": {"artifactLocation": artifact(found.path)}}],
    }


def _driver(rules: Iterable[str]) -> Object:
    from importlib.metadata import version

    return {
        "name": "nnshim",
        "version": version("nnshim"),
        "rules": [_rule(number) for number in rules],
    }


def _rule(number: str) -> Object:
    code = find_code(number)
    title = f"{code.title[0].upper()}{code.title[1:]}."
    return {
        "id": number,
        "shortDescription": {"text": title},
        "fullDescription": {"text": code.meaning, "markdown": code.meaning},
        "help": {
            "text": f"{title} {code.meaning} What to do: {code.remedy}",
            "markdown": f"{code.meaning}\n\n**What to do:** {code.remedy}",
        },
        "defaultConfiguration": {"level": LEVELS.get(code.severity, Level.NOTE).value},
    }


new_report = _Sarif
