"""Reports of `nnshim check`, made in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from nnshim.checking.judging import judge_source
from nnshim.checking.settings import Settings
from nnshim.render.reports import report_in
from nnshim.render.reports.report import Shown
from nnshim.render.values import FileReport, Summary
from rewriter.analysis.compatibility import Answer
from rewriter.errors import ModuleError
from rewriter.files.input import open_source
from rewriter.hosts.table import find_hosts
from rewriter.terminal import shown as printable
from tests.support.wasm import assemble

__all__ = ["HOSTILE_NAMES", "MODULES", "judged", "rendered"]

_LOAD = '(import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))'
_BEGIN = '(memory (export "memory") 1) (func (export "_start"))'

HOSTILE_IMPORT = "f]]>&|`x`</td>@team %0A::error::x,"

MODULES = {
    "runs": f"(module {_LOAD} {_BEGIN})",
    "rewrite": f"(module {_LOAD} {_BEGIN})".replace("_ephemeral", ""),
    "only_if": f'(module {_LOAD} (import "wasmedge_image" "load_jpg" (func)) {_BEGIN})',
    "cannot": f'(module {_LOAD} (import "env" "{HOSTILE_IMPORT}\\0a\\1b[2J" (func)) {_BEGIN})',
    "no_verdict": f"(module {_LOAD} {_BEGIN} (func i32.add))",
}
"""By what they come to on wasmedge."""

HOSTILE_NAMES = (
    "a\nb\r\t\x1b[2J\u202ec.wasm",
    "50%25 a|b\\|`c``d`, <b>&amp;'\".wasm",
    "*x* [y](http:z) <http:z> @team #1 :smile: www.example.org.wasm",
    "::error file=x::y.wasm",
    " lead and trail ",
    "`",
    "\\",
    "é日本\udcff\udc80.wasm",
)
"""Each means something in one of the formats."""


def judged(
    folder: Path, names: dict[str, str], hosts: Iterable[str] = ("wasmedge",)
) -> list[FileReport]:
    """The reports on files that are called so, each of one of the kinds of MODULES."""
    rules = Settings(tuple(map(find_hosts, hosts)), digests=True)
    reports = []
    for name, kind in names.items():
        file = folder / "module.wasm"  # a name may be longer than a file's, or have a slash in it
        file.write_bytes(assemble(MODULES[kind]))
        with open_source(str(file)) as source:
            try:
                reports.append(judge_source(name, source, rules))
            except ModuleError as error:
                reports.append(FileReport(name, error=error))
    return reports


def rendered(name: str, reports: Iterable[FileReport], shown: Shown | None = None) -> str:
    """What is printed of them."""
    report = report_in(name, shown or Shown(("wasmedge",)))
    lines = [*report.begin()]
    answers: Counter[Answer] = Counter()
    nothing = 0
    for each in reports:
        lines += report.file(each)
        nothing += not each.answers
        answers.update([Answer.worst(each.answers)] if each.answers else [])
    lines += report.end(Summary(answers, nothing))
    return "".join(f"{printable(line)}\n" for line in lines)
