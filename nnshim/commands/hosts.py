"""nnshim hosts: the hosts and libraries that are known, release by release."""

from __future__ import annotations

from typing import Annotated

import typer

from nnshim.common import print_json, say
from rewriter.hosts.table import GUESTS, find_any

__all__ = ["command"]


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME[@RELEASE]]",
            help="Such as wamr@2.2, or another that --for or --from takes; without one, list all.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print an array with an object for each group.")
    ] = False,
) -> None:
    """Show what hosts register, take and refuse, in groups of releases that do the same.

    Exit codes: 0 shown; 2 the name or the release is not known, or usage.
    """
    chosen = None if name is None else find_any(name)
    if as_json:
        from nnshim.render import json

        every = (row for family in GUESTS.values() for row in family.rows)
        print_json([json.host(row) for row in (chosen.rows if chosen else every)])
        return
    from nnshim.render import text

    say(*(text.hosts(chosen) if chosen else text.families(GUESTS.values())))
