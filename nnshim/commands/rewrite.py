"""nnshim rewrite: rename the import modules of a module."""

from typing import Annotated

import typer

from nnshim.common import (
    GuestAbi,
    errors_in_json,
    note,
    parse_renames,
    print_json,
    remark,
    say,
)
from rewriter.errors import UsageError
from rewriter.hosts.table import FAMILIES

__all__ = ["command"]


def command(
    source: Annotated[str, typer.Argument(metavar="IN", help="A .wasm or .wat file, or -.")],
    output: Annotated[
        str | None,
        typer.Argument(metavar="OUT", help="The file to write, IN itself, or - (stdout)."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="wasi_nn|wasi_ephemeral_nn",
            help="The name that wasi-nn imports get; wasi_nn unless another option says which.",
        ),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Rename another import module. May be repeated."),
    ] = None,
    abi: Annotated[
        str | None,
        typer.Option(
            metavar="ABI",
            help="Adapt to this ABI, one of those of --guest-abi, and rename to what goes with it.",
        ),
    ] = None,
    host_name: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="HOST[@RELEASE]|PROFILE",
            help=f"Rename and adapt for a host: {', '.join(FAMILIES)}; or a release: wamr@2.2.",
        ),
    ] = None,
    built_for: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="HOST[@RELEASE]",
            help="The host, or library, whose numbers the module was built with: wasi-nn@0.5."
            " With `unknown`, each tensor tells by its length.",
        ),
    ] = None,
    guest_abi: GuestAbi = None,
    drop_debug: Annotated[
        bool,
        typer.Option(
            "--drop-debug", help="Remove what describes code by its position: DWARF, source maps."
        ),
    ] = False,
    drop_signature: Annotated[
        bool, typer.Option("--drop-signature", help="Remove a signature, which would not hold.")
    ] = False,
    drop_linking: Annotated[
        bool,
        typer.Option(
            "--drop-linking", help="Remove what a linker has left in a module (--emit-relocs)."
        ),
    ] = False,
    keep_offsets: Annotated[
        bool,
        typer.Option("--keep-offsets", help="Fill the gap of shorter names: no code moves."),
    ] = False,
    record: Annotated[
        bool,
        typer.Option("--record", help="Add a section with what was done, and to which SHA-256."),
    ] = False,
    require: Annotated[
        bool, typer.Option("--require", help="Exit with 1 if there is nothing to change.")
    ] = False,
    validate: Annotated[
        bool, typer.Option(help="Have wasm-tools validate the input and the output.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and write nothing to OUT.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done as JSON on standard output.")
    ] = False,
) -> None:
    """Make a module fit a host: rename and adapt its imports.

    With --for HOST, the result runs on that host. Without --for or --abi, only the module names
    of imports change, which is enough only where the host has the module's ABI; a warning says
    if no host has. Rewriting again changes nothing more. The output is written whole or not at
    all.

    Exit codes: 0 done, or nothing to change; 1 the input is refused, and nothing is written; 2
    usage; 3 wasm-tools is missing; 4 done, but the host cannot run what comes of it. Conditions
    that are left are said, and `nnshim check` of the result counts them.
    """
    from nnshim.render import text
    from rewriter.options import RewriteOptions
    from rewriter.rewriting.pipeline import rewrite_file

    if output is None and not dry_run:
        raise UsageError("OUT is missing (a file, - for standard output, or --dry-run)")
    if output == "-" and as_json and not dry_run:
        raise UsageError("--json and the module cannot both go to standard output")
    options = RewriteOptions(
        to=to,
        abi=abi,
        host=host_name,
        built_for=built_for,
        guest_abi=guest_abi,
        drop_debug=drop_debug,
        drop_signature=drop_signature,
        drop_linking=drop_linking,
        keep_offsets=keep_offsets,
        record=record,
        renames=parse_renames(rename or []),
        require=require,
        validate=validate,
    )
    with errors_in_json(as_json):
        result = rewrite_file(source, None if dry_run else output, options, digests=as_json)
    if as_json:
        from nnshim.render import json

        print_json(json.rewritten(result, source, output, validate))
    elif dry_run:
        say(*text.rewritten(result.plan))
    else:
        for line in text.rewritten(result.plan):
            note(line)
    for found in result.notes:
        remark(found)
    if result.cannot_run:
        from rewriter.analysis.compatibility import Answer

        raise typer.Exit(Answer.CANNOT.exit_code)
