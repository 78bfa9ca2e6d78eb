"""Components that import WASI, and verdicts as values that tests compare."""

from __future__ import annotations

from rewriter.analysis.compatibility import Verdict
from rewriter.analysis.components.described import describe_component
from rewriter.checking.components import judge_component
from rewriter.hosts.table import find_hosts

__all__ = ["EXIT", "NOW", "codes", "judge"]

NOW = '(import "wasi:clocks/{}" (instance (export "now" (func (result u64)))))'
EXIT = """(import "wasi:cli/exit@0.2.12" (instance
    (export "exit-with-code" (func (param "status-code" u8)))))"""


def judge(data: bytes, host: str) -> Verdict:
    return judge_component(describe_component(data), find_hosts(host))


def codes(found: Verdict) -> set[str]:
    return {said.code for said in (*found.reasons, *found.conditions)}
