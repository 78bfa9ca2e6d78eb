"""nnshim help: the help of a command."""

from typing import Annotated

import typer

from nnshim.common import say

__all__ = ["command"]


def command(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND]...", help="A command, e.g. run or cache list."),
    ] = None,
) -> None:
    """Show the help of nnshim or of one of its commands.

    Exit codes: 0 shown; 2 unknown command, or usage.
    """
    from nnshim.help.formatting import help_of

    say(*help_of(context, words or ()))
