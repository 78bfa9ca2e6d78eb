"""JUnit's XML, as Jenkins and GitLab read it: a test suite for each file, with a test for each
host.

https://github.com/jenkinsci/xunit-plugin (junit-10.xsd)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from nnshim.render.findings.finding import Finding, Level, findings
from rewriter.terminal import shown as printable

if TYPE_CHECKING:
    from nnshim.render.reports.report import Shown
    from nnshim.render.values import FileReport, Summary

__all__ = ["new_report"]


class _JUnit:
    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def begin(self) -> list[str]:
        return ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="nnshim check">']

    def file(self, report: FileReport) -> list[str]:
        failing, tests = self._tests(report)
        if not tests:
            return []
        name, error = _attribute(report.path), report.error is not None
        counts = (
            *(("tests", len(tests)), ("failures", 0 if error else failing)),
            *(("errors", failing if error else 0), ("skipped", int(not report.answers))),
        )
        attributes = " ".join(f'{key}="{count}"' for key, count in counts)
        inner = (line for test in tests for line in test)
        return [f"  <testsuite name={name} {attributes}>", *inner, "  </testsuite>"]

    def end(self, summary: Summary) -> list[str]:
        return ["</testsuites>"]

    def _tests(self, report: FileReport) -> tuple[int, list[list[str]]]:
        """How many fail, and all that are shown."""
        by_host: dict[str | None, list[Finding]] = {}
        for found in findings(report, self._shown.selection):
            if found.level is not Level.NOTE:
                by_host.setdefault(found.host, []).append(found)
        if report.error is not None:
            problem = [*_problem("error", by_host[None])]
            return 1, [_test(report.path, None, problem)]
        if report.unsearched is not None:
            why = _text(f"not looked into: {report.unsearched}")
            return 0, [_test(report.path, None, [f"      <skipped>{why}</skipped>"])]
        if not report.checked:
            reason = ["      <skipped>nothing to do: it does not use wasi-nn</skipped>"]
            return 0, [] if self._shown.quiet else [_test(report.path, None, reason)]
        tests = []
        for value in report.checked:
            if value.host in by_host:
                problem = [*_problem("failure", by_host[value.host])]
                tests.append(_test(report.path, value.host, problem))
            elif not self._shown.quiet:
                tests.append(_test(report.path, value.host, ()))
        return len(by_host), tests


def _test(path: str, host: str | None, inner: Sequence[str]) -> list[str]:
    """Jenkins takes what follows the last dot of `classname` for the class, and groups by it."""
    name = "nnshim" if host is None else f"nnshim.{host.replace('.', '_')}"
    start = f"    <testcase classname={_attribute(name)} name={_attribute(path)}"
    return [f"{start}>", *inner, "    </testcase>"] if inner else [f"{start}/>"]


def _problem(kind: str, said: Sequence[Finding]) -> Iterator[str]:
    codes = ", ".join(each.code for each in said)
    yield f"      <{kind} type={_attribute(codes)} message={_attribute(said[0].lead)}>"
    for each in said:
        first, *others = each.lines
        yield from (_text(line) for line in (f"{each.code}: {first}", *others))
    yield f"      </{kind}>"


def _attribute(text: str) -> str:
    return _ascii(quoteattr(printable(text)))


def _text(text: str) -> str:
    return _ascii(escape(printable(text)))


def _ascii(text: str) -> str:
    """With references to characters, so that the encoding of the output does not matter. What XML
    cannot have is not printable, and is escaped before."""
    return text.encode("ascii", "xmlcharrefreplace").decode()


new_report = _JUnit
