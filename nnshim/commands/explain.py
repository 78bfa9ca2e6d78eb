"""nnshim explain: what a code means, and what to do."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import note, print_json, say
from rewriter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rewriter.codes import Code

__all__ = ["command"]

_NUMBER = re.compile(r"(?i)(?![1-9]\d?$)[a-z]{0,3}-?[0-9]+[a-z]?")
"""What is meant as a code, known or not. One or two digits alone are an error of wasi-nn."""


def command(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CODE|MESSAGE]...",
            help="Codes, e.g. NN204, or an error message of a host or of nnshim. Without any, list"
            " all codes.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array with an object per code.")
    ] = False,
) -> None:
    """Say what a message or its code means, and what to do.

    A message may be incomplete. If it has no code, the closest codes are shown.

    Exit codes: 0 shown; 2 unknown code or message, or usage.
    """
    from nnshim.render import json, text
    from rewriter.codes import all_codes

    words = numbers or []
    if all(map(_NUMBER.fullmatch, words)):
        codes = _codes(words)
    else:
        codes = _explain_message(" ".join(words), as_json)
    if as_json:
        print_json(json.explained(codes if words else all_codes()))
    elif not words:
        say(*text.listed(all_codes()))
    elif codes:
        say(*text.explained(codes))


def _codes(numbers: "Sequence[str]") -> "Sequence[Code]":
    from rewriter.codes import find_code, unknown_code

    try:
        return [find_code(number.upper()) for number in numbers]
    except KeyError as error:
        raise UsageError(unknown_code(error.args[0])) from None


def _explain_message(message: str, as_json: bool) -> "Sequence[Code]":
    """The codes that a message is about, after what is known of the message itself."""
    from rewriter.messages import explain_message

    found = explain_message(message)
    if found is None:
        raise UsageError(f"no code is close to {message!r}; `nnshim explain` lists all codes")
    if found.meaning and not as_json:
        with_it = ("", "Codes that go with it:", "") if found.codes else ()
        say(found.meaning, "", f"What to do: {found.remedy}", *with_it)
    elif not found.exact:
        note("no code is in this message; the closest are shown")
    return found.codes
