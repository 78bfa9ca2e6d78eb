"""nnshim verify: prove that a rewrite changed nothing but what it may change."""

from typing import Annotated

import typer

from nnshim.common import errors_in_json, parse_renames, print_json, say

__all__ = ["command"]


def command(
    original: Annotated[str, typer.Argument(metavar="ORIGINAL", help="The module before.")],
    rewritten: Annotated[str, typer.Argument(metavar="REWRITTEN", help="The module after.")],
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OLD=NEW", help="Allow this change of a module name too. May be repeated."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Prove that a rewrite has changed nothing else.

    The modules may differ only in wasi-nn's module names and those of --rename; in adapters
    before wasi-nn's functions, and what calls them; in the length of indices that adapters have
    left; in debug sections and signatures that are gone; and in a record, which has to be about
    ORIGINAL.

    Exit codes: 0 there is no other difference; 1 there is one (each is printed with its byte
    offsets), or a module cannot be read; 2 usage.
    """
    from rewriter.files.input import open_source
    from rewriter.verifying.compare import compare

    renames = parse_renames(rename or [])
    with (
        errors_in_json(as_json),
        open_source(original) as before,
        open_source(rewritten) as after,
    ):
        comparison = compare(before.module(), after.module(), renames=renames)
    if as_json:
        from nnshim.render import json

        print_json(json.compared(comparison))
    else:
        from nnshim.render import text

        say(*text.compared(comparison))
    if not comparison.only_rewritten:
        raise typer.Exit(1)
