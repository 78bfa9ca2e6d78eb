"""How every subcommand speaks: results to standard output, remarks to standard error."""

from __future__ import annotations

import json
from typing import Any

import typer

__all__ = ["fail", "imports", "note", "print_json"]


def imports(count: int) -> str:
    return "1 import" if count == 1 else f"{count} imports"


def note(text: str) -> None:
    typer.echo(f"nnshim: {text}", err=True)


def fail(text: str) -> None:
    typer.echo(f"nnshim: error: {text}", err=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
