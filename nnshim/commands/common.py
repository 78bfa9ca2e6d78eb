"""How every subcommand speaks: results to standard output, remarks to standard error."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from rewriter.errors import InputError, ModuleError

__all__ = ["GuestAbi", "fail", "imports", "note", "print_json", "problem"]


GuestAbi = Annotated[
    str | None,
    typer.Option(
        "--guest-abi",
        metavar="witx|wamr|wasmedge",
        help="The module's wasi-nn ABI, where its imports do not tell it.",
    ),
]


def imports(count: int) -> str:
    return "1 import" if count == 1 else f"{count} imports"


def note(text: str) -> None:
    typer.echo(f"nnshim: {text}", err=True)


def fail(text: str) -> None:
    typer.echo(f"nnshim: error: {text}", err=True)


def problem(error: InputError | ModuleError) -> dict[str, object]:
    """An input that cannot be read, for --json."""
    if isinstance(error, ModuleError):
        return {"reason": error.reason, "offset": error.offset}
    return {"reason": str(error), "offset": None}


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
