"""nnshim hosts: the hosts and libraries that are known, release by release."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import print_json, say
from rewriter.hosts.table import GUESTS, find_any, find_row, is_profile

if TYPE_CHECKING:
    from rewriter.hosts.profiles.profile import Profile

__all__ = ["command"]


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME[@RELEASE]]...",
            help="A host, library or profile, e.g. wamr@2.2. Without any, list all; with two,"
            " compare them.",
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also show numbers, functions of WASI and env, WebAssembly features and notes.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array with an object per group.")
    ] = False,
) -> None:
    """Show what each release of each host does.

    Exit codes: 0 shown, even if two hosts differ; 2 unknown name or release, unreadable profile,
    or usage.
    """
    if names and len(names) > 1:
        _compare(names, as_json, everything)
        return
    chosen = find_any(names[0]) if names else None
    known = [family for family in GUESTS.values() if family.newest.dialects]
    if as_json:
        from nnshim.render import json

        every = (row for family in known for row in family.rows)
        print_json([json.host(row) for row in (chosen.rows if chosen else every)])
        return
    from nnshim.render import text

    if chosen is None:
        say(*text.families(known))
    else:
        say(*(text.hosts(chosen) if everything else text.summaries(chosen)))


def _compare(names: list[str], as_json: bool, everything: bool) -> None:
    """Show what two hosts do not have in common. Raises UsageError for more of them, and for one
    that stands for releases that differ."""
    from rewriter.errors import UsageError
    from rewriter.hosts.profiles.compare import differences

    if len(names) > 2:
        raise UsageError(f"two hosts can be compared, and {len(names)} are named")
    one, other = names
    found = differences(_facts(one), _facts(other))
    if as_json:
        from nnshim.render import json

        print_json(json.apart((find_row(one).newest, find_row(other).newest), found))
        return
    from nnshim.render import text

    say(*text.apart((one, other), found, everything))


def _facts(name: str) -> "Profile":
    from rewriter.hosts.profiles.file import read_file
    from rewriter.hosts.profiles.of_row import from_row

    return read_file(name) if is_profile(name) else from_row(find_row(name).newest)
