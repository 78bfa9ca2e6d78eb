"""How every subcommand speaks: results to standard output, remarks to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from nnshim.colours import styled, wanted
from nnshim.render import FORMATS, counted
from rewriter.abi.dialects import find_dialect
from rewriter.errors import InputError, ModuleError, NNShimError, UsageError
from rewriter.suggestions import did_you_mean
from rewriter.terminal import alive, shown, shown_line, undisturbed, write_styled

if TYPE_CHECKING:
    from rewriter.analysis.components.described import ComponentInfo
    from rewriter.analysis.inspect import ModuleInfo
    from rewriter.diagnostics import Diagnostic
    from rewriter.files.input import Origin, Source

__all__ = [
    "AsJson",
    "FastMath",
    "Format",
    "GuestAbi",
    "Threads",
    "Verbose",
    "chosen_format",
    "counted",
    "errors_in_json",
    "fail",
    "naming",
    "note",
    "once",
    "parse_names",
    "parse_renames",
    "print_json",
    "refuse",
    "remark",
    "report",
    "say",
    "start_logging",
    "to_json",
    "told",
    "told_origin",
]

Format = Annotated[
    str | None,
    typer.Option(
        "--output-format",
        "--format",
        metavar="|".join(FORMATS),
        help="Output format (default: text).",
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Short for --output-format json.")]

GuestAbi = Annotated[
    str | None,
    typer.Option(
        "--guest-abi",
        metavar="ABI",
        help="The module's wasi-nn ABI, if its imports do not show it, e.g. witx or wamr-2.2."
        " `nnshim hosts --abis` lists all.",
    ),
]


Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Show all lines of an NN runtime's errors.")
]

Threads = Annotated[
    int | None,
    typer.Option("--threads", metavar="N", help="Threads for one inference."),
]

FastMath = Annotated[
    bool, typer.Option("--fast-math", help="Allow lower precision than the model's own.")
]


def say(*lines: str, commands: bool = False) -> None:
    """Print lines to standard output; with `commands`, those of a GitHub workflow."""
    _print(sys.stdout, lines, shown if commands else shown_line)


def note(text: str, *details: str) -> None:
    """Print a remark to standard error, and below it the lines that belong to it."""
    _print(sys.stderr, [f"nnshim: {text}", *details])


def fail(text: str, *details: str) -> None:
    """Print an error to standard error, and below it the lines that belong to it."""
    note(f"error: {text}", *details)


def refuse(error: NNShimError) -> None:
    """Print an error with its code, and below it the lines that belong to it."""
    from nnshim.render import text

    note(*text.failed(error))


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Have each ModuleError name the file that it is about."""
    try:
        yield
    except ModuleError as error:
        raise error.of(file) from error


def remark(diagnostic: Diagnostic) -> None:
    """Print a diagnostic to standard error."""
    from nnshim.render import text

    note(text.line(diagnostic))


@contextmanager
def errors_in_json(as_json: bool) -> Iterator[None]:
    """Print an error that has a code on standard output, too, where that is to be JSON."""
    try:
        yield
    except NNShimError as error:
        if as_json and error.diagnostics:
            from nnshim.render import json  # what prints no JSON starts without it

            print_json(json.failed(error))
        raise


def _print(
    stream: TextIO, lines: Iterable[str], escaped: Callable[[str], str] = shown_line
) -> None:
    """Print lines in which there may be anything, at once. Raises rewriter.terminal.Unwritten where
    standard output is closed or full; what standard error does not take is lost."""
    coloured = wanted(stream)
    with undisturbed():  # a full buffer is written in the middle of a line
        for line in lines:
            text = escaped(line)
            for part, style in styled(text) if coloured else ((text, ""),):
                write_styled(stream, part, style)
            stream.write("\n")
        stream.flush()


def start_logging(verbose: bool = False) -> None:
    """Have warnings of the runtime on standard error, of one line each; with `verbose`, all of
    them, and also why it refuses calls."""
    import logging

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told(record.getMessage(), verbose)

    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(handlers=[Shown()], level=level)


def told(text: str, verbose: bool) -> None:
    """Print a message that may be an NN runtime's to standard error: what it says in one line; with
    `verbose`, all of its lines, those after the first one indented."""
    from nnshim.render.messages import lines_of

    first, *others = lines_of(text, verbose)
    note(first)
    _print(sys.stderr, others)


def once(option: str, values: Iterable[str]) -> None:
    """Raise UsageError where an option that may be repeated has a value for one thing twice."""
    seen = set()
    for value in values:
        if value in seen:
            raise UsageError(f"{option} is given twice for {value}")
        seen.add(value)


def parse_renames(options: list[str]) -> dict[str, str]:
    """What several --rename mean. Raises UsageError for one that is not OLD=NEW, and for a name
    that is renamed twice."""
    renames: dict[str, str] = {}
    for option in options:
        old, equals, new = option.partition("=")
        if not equals:
            raise UsageError(f"--rename {option}: expected OLD=NEW")
        if renames.setdefault(old, new) != new:
            raise UsageError(f"--rename: {old} cannot become {renames[old]} and {new} at once")
    once("--rename", (option.partition("=")[0] for option in options))
    return renames


def parse_names(option: str, values: list[str]) -> dict[int, str]:
    """What several --input-name or --output-name mean. Raises UsageError for one that is not
    INDEX=NAME, and for an index that is named twice."""
    names: dict[int, str] = {}
    for value in values:
        index, _, name = value.partition("=")
        if not (index.isascii() and index.isdecimal() and name):
            raise UsageError(f"{option} {value}: expected INDEX=NAME, such as 0=data")
        if int(index[:12]) in names:
            raise UsageError(f"{option} is given twice for {index}")
        names[int(index[:12])] = name
    return names


def report(
    files: list[str],
    guest_abi: str | None,
    output: str,
    what: str,
    find: Callable[[str, ModuleInfo | ComponentInfo, Source], Any],
) -> bool:
    """Print what is found in each file, by the function `what` of a renderer, or why it cannot be
    read. Text is printed as it comes, with errors on standard error; others at the end, whole.

    Returns whether all could be read: a file cannot, about which the function raises ModuleError.
    Raises UsageError, before any, for an ABI that is not known.
    """
    if guest_abi is not None:
        find_dialect(guest_abi)
    from nnshim.registries.places import open_any

    renderer = import_module(f"nnshim.render.{output}")
    render, is_text = getattr(renderer, what), output == "text"
    all_read = True
    items: list[Any] = []
    for path in files:
        try:
            with alive("reading", path), open_any(path) as source:
                if source.origin is not None:
                    told_origin(path, source.origin)
                rendered = render(find(path, _read(source, guest_abi), source))
        except (InputError, ModuleError) as error:
            all_read = False
            if is_text:
                refuse(error.of(path) if isinstance(error, ModuleError) else error)
            else:
                items.append(renderer.failed(error, path))
            continue
        if is_text:
            say(*rendered)
        else:
            items.append(rendered)
    if not is_text:
        say(*renderer.document(items))
    return all_read


def told_origin(path: str, origin: Origin) -> None:
    """Print the digests of what a reference names, to standard error, and what was left alone in
    it."""
    from nnshim.render.inspection.of_artifact import as_lines

    lines = as_lines(path, origin)
    if lines:
        note(*lines)


def _read(source: Source, guest_abi: str | None) -> ModuleInfo | ComponentInfo:
    from rewriter.components.sections import is_component

    if is_component(source.data):
        from rewriter.analysis.components.described import describe_component

        return describe_component(source.data)
    from rewriter.analysis.inspect import inspect_module

    return inspect_module(source.data, guest_abi)


def chosen_format(name: str | None, as_json: bool, known: Sequence[str] = FORMATS) -> str:
    """What --output-format and --json mean together. Raises UsageError where they mean nothing."""
    if name is not None and name not in known:
        meant = did_you_mean(name, known)
        raise UsageError(f"{name!r} is not a known format ({', '.join(known)}){meant}")
    if as_json and name not in (None, "json"):
        raise UsageError(f"--json contradicts --output-format {name}")
    return name or ("json" if as_json else "text")


def print_json(value: Any) -> None:
    say(*to_json(value).split("\n"))


def to_json(value: Any) -> str:
    from nnshim.render import json

    return json.to_json(value)
