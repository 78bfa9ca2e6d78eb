"""Completion: what a shell offers for the word at the cursor.

The scripts of nnshim.help.shells start the command with nnshim.help.VARIABLE set to the shell's
name, and the words before the cursor as its arguments. It prints `files` or `values`, for whether
files fit, too, and then two lines for each value: the value, and what it is, or `-`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from nnshim.help.formatting import filled
from nnshim.help.values import Offer, paths, values_of

__all__ = ["complete", "offered"]


def complete(shell: str, arguments: Sequence[str], commands: Callable[[str], Any]) -> list[str]:
    """The lines to print. `arguments` are the words after the command's name, the last of which is
    completed; those of bash are the line up to the cursor, and the part of its last word that bash
    replaces. `commands` makes the command line, with at least the subcommand that it is given.
    """
    replaced = ""
    if shell == "bash":
        line, text = arguments
        arguments = _split(line)[1:] or [""]
        if arguments[-1].endswith(text):  # bash also splits words at = : and @
            replaced = arguments[-1][: len(arguments[-1]) - len(text)]
    offer = offered(arguments, commands)
    lines = ["files" if offer.files else "values"]
    for value, about in offer.values:
        if value.startswith(arguments[-1]):
            lines += [value.removeprefix(replaced), about or "-"]
    return lines


def _split(line: str) -> list[str]:
    """The words of a line of shell, up to the last, which may be empty or lack a quote."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words += lexer
    except ValueError:
        return [*words, lexer.token.lstrip("\"'")]
    return [*words, ""] if line[-1:].isspace() else words


class _Place(NamedTuple):
    """Where the last word stands: in a `command`; after an option that takes a value, its
    `pending`; after so many `arguments`; after what makes all that follows `only_arguments`."""

    command: Any
    pending: Any
    arguments: int
    only_arguments: bool


def offered(words: Sequence[str], commands: Callable[[str], Any]) -> Offer:
    """What may stand in place of the last word."""
    *before, last = words
    root = commands(next((word for word in before if not word.startswith("-")), ""))
    place = _place(root, before)
    if place.pending is not None:
        return values_of(place.pending.metavar or "", last)
    name, equals, value = last.partition("=")
    options = _options(place.command)
    if not place.only_arguments and last.startswith("-"):
        if not (equals and name.startswith("--")):
            return Offer(_listed(place.command))
        option = options.get(name)
        if option is None or option.is_flag:
            return Offer()
        return _after(f"{name}=", values_of(option.metavar or "", value), value)
    if getattr(place.command, "commands", None):
        return Offer(_commands(place.command))
    return _argument(root, place, last)


def _place(root: Any, words: Iterable[str]) -> _Place:
    command, pending, arguments, only = root, None, 0, False
    for word in words:
        if pending is not None:
            pending = None
        elif not only and word == "--":
            only = True
        elif not only and word.startswith("-") and word != "-":
            option = _options(command).get(word)
            pending = None if option is None or option.is_flag else option
        elif word in getattr(command, "commands", ()):
            command = command.commands[word]
        else:
            arguments += 1
            only = only or not command.context_settings.get("allow_interspersed_args", True)
    return _Place(command, pending, arguments, only)


def _options(command: Any) -> dict[str, Any]:
    """By each of their names."""
    return {
        name: each
        for each in command.params
        if each.param_type_name == "option"
        for name in (*each.opts, *each.secondary_opts)
    }


def _listed(command: Any) -> Iterator[tuple[str, str]]:
    for name, option in _options(command).items():
        yield name, filled(option.help or "").partition(". ")[0]
    yield "--help", "Show this message and exit."


def _commands(group: Any) -> list[tuple[str, str]]:
    return [(name, each.get_short_help_str(78)) for name, each in group.commands.items()]


def _argument(root: Any, place: _Place, begun: str) -> Offer:
    arguments = [each for each in place.command.params if each.param_type_name == "argument"]
    if place.arguments >= len(arguments) and not (arguments and arguments[-1].nargs == -1):
        return Offer()
    argument = arguments[min(place.arguments, len(arguments) - 1)]
    if argument.metavar == "[COMMAND]...":
        return Offer(_commands(root)) if not place.arguments else Offer()
    return values_of(argument.metavar or "", begun)


def _after(prefix: str, offer: Offer, begun: str) -> Offer:
    """An offer for a value after `--option=`, where shells do not see a path."""
    values = list(offer.values)
    if offer.files:
        values += [(path, "") for path in paths(begun)]
    return Offer([(f"{prefix}{value}", about) for value, about in values])
