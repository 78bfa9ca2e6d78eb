"""nnshim verify: prove that a rewrite changed nothing but what it may change."""

from typing import Annotated

import typer

from nnshim.common import errors_in_json, parse_names, parse_renames, print_json, say

__all__ = ["command"]


def command(
    original: Annotated[str, typer.Argument(metavar="ORIGINAL", help="The module before.")],
    rewritten: Annotated[str, typer.Argument(metavar="REWRITTEN", help="The module after.")],
    rename: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OLD=NEW", help="Also allow this name of imports to change. May be repeated."
        ),
    ] = None,
    guest_abi: Annotated[
        str | None,
        typer.Option(
            metavar="ABI",
            help="Also allow the section `nnshim.guest` in the result, for a guest with this ABI.",
        ),
    ] = None,
    output_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INDEX=NAME",
            help="The name of a model's output that the rewrite of a component was given. May be"
            " repeated.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Prove that a rewrite has changed nothing else.

    These differences are allowed: the module names of wasi-nn and of --rename; adapters for the
    functions of wasi-nn and the calls to them; the number of bytes of a function index where
    adapters were removed; removed debug sections and signatures; and a record, which must describe
    ORIGINAL. If both are components, only names of imports may differ: the version of wasi:nn, and
    those of --rename; a shim for another version is made again and compared. If only one is a
    component, the core module that `nnshim rewrite` makes of it is compared with the other file.
    The adapters in a component that nnshim made are not compared, and a start function may have
    become the export `_start`.

    Exit codes: 0 no other difference; 1 other differences (each is printed with its byte
    offsets), or a module cannot be read; 2 usage.
    """
    from rewriter.files.input import open_source
    from rewriter.terminal import alive
    from rewriter.verifying.components import compare, read

    renames = parse_renames(rename or [])
    names = parse_names("--output-name", output_name or [])
    with (
        errors_in_json(as_json),
        alive("comparing", original),
        open_source(original) as before,
        open_source(rewritten) as after,
    ):
        comparison = compare(
            read(before), read(after), renames=renames, guest_abi=guest_abi, outputs=names
        )
    if as_json:
        from nnshim.render import json

        print_json(json.compared(comparison))
    else:
        from nnshim.render import text

        say(*text.compared(comparison))
    if not comparison.only_rewritten:
        raise typer.Exit(1)
