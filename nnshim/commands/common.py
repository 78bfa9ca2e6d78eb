"""How every subcommand speaks: results to standard output, remarks to standard error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from rewriter.errors import InputError, ModuleError
from rewriter.inspect import ModuleInfo, inspect_module
from rewriter.source import open_source

__all__ = ["GuestAbi", "complain", "fail", "imports", "note", "print_json", "problem", "read_all"]


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


def read_all(
    files: list[str], guest_abi: str | None
) -> Iterator[tuple[str, ModuleInfo | InputError | ModuleError]]:
    """Each file with what is in it, or why it cannot be read."""
    for path in files:
        try:
            with open_source(path) as source:
                yield path, inspect_module(source.data, guest_abi)
        except (InputError, ModuleError) as error:
            yield path, error


def complain(path: str, error: InputError | ModuleError) -> None:
    """An input that cannot be read, for people."""
    fail(f"{path}: {error}" if isinstance(error, ModuleError) else str(error))


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
