"""How every subcommand speaks: results to standard output, remarks to standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TextIO

import typer

from rewriter.abi.dialects import DIALECTS, find_dialect
from rewriter.errors import InputError, ModuleError, UsageError
from rewriter.terminal import shown

if TYPE_CHECKING:
    from rewriter.analysis.inspect import ModuleInfo

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
    "say",
    "start_logging",
    "to_json",
]

_NOT_PLAIN = re.compile("[^ -~\n]")

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


def say(*lines: str) -> None:
    """Print lines to standard output."""
    _print(sys.stdout, lines)


def note(text: str) -> None:
    """Print a remark to standard error."""
    _print(sys.stderr, [f"nnshim: {text}"])


def fail(text: str, *details: str) -> None:
    """Print an error to standard error, and below it the lines that belong to it."""
    note(f"error: {text}")
    _print(sys.stderr, details)


def _print(stream: TextIO | None, lines: Iterable[str]) -> None:
    """Print lines in which there may be anything, at once; nothing where the stream is closed."""
    if stream is not None:
        for line in lines:
            stream.write(f"{shown(line)}\n")
        stream.flush()


def start_logging(verbose: bool = False) -> None:
    """Have warnings of the runtime on standard error; with `verbose`, also why it refuses calls."""
    import logging

    logging.basicConfig(
        format="nnshim: %(message)s", level=logging.INFO if verbose else logging.WARNING
    )


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
    from rewriter.analysis.inspect import inspect_module
    from rewriter.files.input import open_source

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
                say(*found.lines)
    if as_json:
        print_json(objects)
    if not passed:
        raise typer.Exit(1)


def _problem(error: InputError | ModuleError) -> dict[str, object]:
    if isinstance(error, ModuleError):
        return {"reason": error.reason, "offset": error.offset}
    return {"reason": str(error), "offset": None}


def print_json(value: Any) -> None:
    say(*to_json(value).split("\n"))


def to_json(value: Any) -> str:
    r"""JSON in ASCII, over several lines. In the name of a file, a byte that is not UTF-8 is the
    four characters `\xff`: there is no JSON for it that all parsers take."""
    return _NOT_PLAIN.sub(_in_json, json.dumps(value, indent=2, ensure_ascii=False))


def _in_json(found: re.Match[str]) -> str:
    char = found[0]
    if "\ud800" <= char <= "\udfff":
        return json.dumps(shown(char))[1:-1]
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]
