"""nnshim hosts: the hosts and libraries that are known, release by release."""

import re
from itertools import pairwise
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
    list_abis: Annotated[
        bool, typer.Option("--abis", help="List the ABIs, and which releases have each.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array with an object per group.")
    ] = False,
) -> None:
    """Show what each release of each host does.

    Exit codes: 0 shown, even if two hosts differ; 2 unknown name or release, unreadable profile,
    or usage.
    """
    if list_abis:
        _list_abis(names, as_json)
        return
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


def _list_abis(names: list[str] | None, as_json: bool) -> None:
    """Raises UsageError for names and for --json, which go with the table of hosts."""
    from nnshim.render.abis import abis
    from rewriter.abi.dialects import DIALECTS
    from rewriter.errors import UsageError

    if names or as_json:
        what = "--json" if as_json else "names"
        raise UsageError(f"--abis lists every ABI as text, and {what} cannot be combined with it")
    say(*abis(DIALECTS.values(), GUESTS.values()))


_RELEASE = re.compile(r"v?[0-9][0-9.]*|main")


def _compare(names: list[str], as_json: bool, everything: bool) -> None:
    """Show how two hosts differ. Raises UsageError for more than two, for a name that stands for
    releases that differ, and for a release that is an argument of its own."""
    from rewriter.errors import UsageError
    from rewriter.hosts.profiles.compare import differences

    for name, release in pairwise(names):
        if name in GUESTS and _RELEASE.fullmatch(release):
            version = release.removeprefix("v")
            raise UsageError(
                f"{release!r} is a release, not a host; did you mean {name}@{version}?"
            )
    if len(names) > 2:
        raise UsageError(f"nnshim hosts compares at most two hosts, got {len(names)}")
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
