"""How every subcommand speaks: results to standard output, remarks to standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from rewriter.dialects import DIALECTS, find_dialect
from rewriter.errors import InputError, ModuleError, UsageError

if TYPE_CHECKING:
    from rewriter.inspect import ModuleInfo

__all__ = [
    "FastMath",
    "Finding",
    "GuestAbi",
    "Threads",
    "counted",
    "fail",
    "note",
    "once",
    "print_json",
    "report",
]


GuestAbi = Annotated[
    str | None,
    typer.Option(
        "--guest-abi",
        metavar="|".join(DIALECTS),
        help="The module's wasi-nn ABI, where its imports do not tell it.",
    ),
]


Threads = Annotated[
    int | None,
    typer.Option("--threads", metavar="N", help="How many one inference may use."),
]

FastMath = Annotated[
    bool, typer.Option("--fast-math", help="Allow less precision than the model's own.")
]


def counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def note(text: str) -> None:
    typer.echo(f"nnshim: {text}", err=True)


def fail(text: str) -> None:
    typer.echo(f"nnshim: error: {text}", err=True)


def once(option: str, values: Iterable[str]) -> None:
    """Raise UsageError where an option that may be repeated has a value for one thing twice."""
    seen = set()
    for value in values:
        if value in seen:
            raise UsageError(f"{option} is given twice for {value}")
        seen.add(value)


class Finding(NamedTuple):
    """One thing that a subcommand says of a module, for programs and for people."""

    passed: bool
    fields: dict[str, object]
    lines: list[str]


def report(
    files: list[str],
    guest_abi: str | None,
    as_json: bool,
    find: Callable[[str, ModuleInfo], Iterable[Finding]],
) -> None:
    """Print the findings on each file, or why it cannot be read.

    Raises typer.Exit with 1, after all of them, if one did not pass or could not be read, and
    UsageError, before any, for an ABI that is not known.
    """
    if guest_abi is not None:
        find_dialect(guest_abi)
    from rewriter.inspect import inspect_module
    from rewriter.source import open_source

    passed = True
    objects: list[dict[str, object]] = []
    for path in files:
        try:
            with open_source(path) as source:
                findings = list(find(path, inspect_module(source.data, guest_abi)))
        except (InputError, ModuleError) as error:
            passed = False
            objects.append({"file": path, "error": _problem(error)})
            if not as_json:
                fail(f"{path}: {error}" if isinstance(error, ModuleError) else str(error))
            continue
        for found in findings:
            passed &= found.passed
            objects.append({"file": path, **found.fields})
            if not as_json:
                typer.echo("\n".join(found.lines))
    if as_json:
        print_json(objects)
    if not passed:
        raise typer.Exit(1)


def _problem(error: InputError | ModuleError) -> dict[str, object]:
    if isinstance(error, ModuleError):
        return {"reason": error.reason, "offset": error.offset}
    return {"reason": str(error), "offset": None}


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
