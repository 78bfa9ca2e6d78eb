"""The help of a command: options under headings, and examples at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnshim.help.pages import PAGES, Page

if TYPE_CHECKING:
    import typer

__all__ = ["filled", "help_of", "write_examples", "write_options"]

_WIDEST = 30
"""Columns of an option and its value that have the help beside them, as in click's `write_dl`."""

_HYPHEN = "\x1f"
"""In place of a hyphen while lines are broken, so that none is broken within a name."""

_NONE = Page({}, ())


def _page_of(context: typer.Context) -> Page:
    """The page of the command that the context belongs to."""
    words = []
    node: Any = context
    while node is not None and node.parent is not None:
        words.append(node.info_name or "")
        node = node.parent
    return PAGES.get(" ".join(reversed(words)), _NONE)


def write_options(command: Any, context: typer.Context, formatter: Any) -> None:
    """Write the arguments of a typer command, and its options under their headings."""
    headings = _page_of(context).headings
    home = {name: heading for heading, names in headings.items() for name in names}
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": []}
    sections |= {heading: [] for heading in (*headings, "Options")}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        heading = "Arguments"
        if parameter.param_type_name == "option":
            found = (home[name] for name in parameter.opts if name in home)
            heading = next(found, "Options")
        name, text = record
        sections[heading].append((name, filled(text)))
    width = max(
        (len(name) for rows in sections.values() for name, _ in rows if len(name) <= _WIDEST),
        default=0,
    )
    for heading, rows in sections.items():
        if rows:
            with formatter.section(heading):
                whole = [(name.ljust(width), text.replace("-", _HYPHEN)) for name, text in rows]
                formatter.write_dl(whole, col_max=width)
    formatter.buffer[:] = [part.replace(_HYPHEN, "-") for part in formatter.buffer]


def filled(text: str) -> str:
    """A help text with the names of the hosts, which commands do not import to have a help."""
    if "{hosts}" not in text:
        return text
    from rewriter.hosts.table import FAMILIES

    return text.replace("{hosts}", ", ".join(FAMILIES))


def write_examples(context: typer.Context, formatter: Any) -> None:
    examples = _page_of(context).examples
    if examples:
        with formatter.section("Examples"):
            for line in examples:
                formatter.write(f"  {line}\n")


def help_of(context: typer.Context, words: Sequence[str]) -> list[str]:
    """The lines of the help of the command with these words. Raises UsageError for words that are
    not a command."""
    from rewriter.errors import UsageError
    from rewriter.suggestions import did_you_mean

    inner = context.find_root()
    command: Any = inner.command
    for index, word in enumerate(words):
        known = getattr(command, "commands", {})
        if word not in known:
            path = " ".join(("nnshim", *words[:index]))
            meant = did_you_mean(word, known)
            raise UsageError(f"{path} has no command {word!r}{meant}; `nnshim help` lists them")
        command = known[word]
        inner = command.context_class(command, info_name=word, parent=inner)
    text: str = command.get_help(inner)
    return text.split("\n")
