"""What is said of guests with models."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from rewriter import Verdict, check
from rewriter.abi.dialects import DIALECTS
from tests.support.wasm import assemble

NAMES = ("load", "init_execution_context", "set_input", "compute", "get_output")


@functools.cache
def guest(abi: str, *more: str) -> bytes:
    module = DIALECTS[abi].layout.module
    imports = " ".join(
        f'(import "{module}" "{name}" (func {DIALECTS[abi].signature(name)}))'
        for name in (*NAMES, *more)
    )
    rest = '(memory (export "memory") 1) (func (export "_start"))'
    return assemble(f"(module {imports} {rest})")


def on(host: str, model: Path, module: bytes | None = None) -> Verdict:
    return check(module or guest("witx"), [host], models=[model], validate=False)[0]


def said(found: Verdict, code: str) -> list[str]:
    return [each.message for each in everything(found) if each.code == code]


def everything(found: Verdict) -> list[Any]:
    return [*found.reasons, *found.caveats]


def conditions(found: Verdict) -> list[str]:
    """Codes of conditions that models have brought."""
    about = [each.code for each in everything(found) if each.severity.value == "condition"]
    return [code for code in about if code.startswith("NN7")]
