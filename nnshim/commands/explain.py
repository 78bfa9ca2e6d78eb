"""nnshim explain: what a code means, and what to do."""

from typing import Annotated

import typer

from nnshim.common import print_json, say
from rewriter.errors import UsageError

__all__ = ["command"]


def command(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CODE]...", help="Codes, e.g. NN204. Without any, list all."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array with an object per code.")
    ] = False,
) -> None:
    """Say what a message's code means, and what to do.

    Exit codes: 0 shown; 2 unknown code, or usage.
    """
    from nnshim.render import json, text
    from rewriter.codes import all_codes, find_code, unknown_code

    try:
        codes = [find_code(number.upper()) for number in numbers or ()]
    except KeyError as error:
        raise UsageError(unknown_code(error.args[0])) from None
    if as_json:
        print_json(json.explained(codes or all_codes()))
    else:
        say(*(text.explained(codes) if codes else text.listed(all_codes())))
