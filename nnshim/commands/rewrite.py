"""nnshim rewrite: rename the import modules of a module."""

from __future__ import annotations

from typing import Annotated

import typer

from nnshim.commands.common import GuestAbi, imports, note, print_json
from rewriter import Result, UsageError, rewrite_file
from rewriter.dialects import WASI_NN
from rewriter.hosts import HOSTS

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
            help="The name that wasi-nn imports get; wasi_nn unless --rename is given.",
        ),
    ] = None,
    rename: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Rename another import module. May be repeated."),
    ] = None,
    host_name: Annotated[
        str | None,
        typer.Option("--for", metavar="HOST", help=f"Rename for a host: {', '.join(HOSTS)}."),
    ] = None,
    guest_abi: GuestAbi = None,
    require: Annotated[
        bool, typer.Option("--require", help="Exit with 1 if there is nothing to rename.")
    ] = False,
    validate: Annotated[
        bool, typer.Option(help="Have wasm-tools validate the input and the output.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done; write nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was done as JSON on standard output.")
    ] = False,
) -> None:
    """Rename the module name of imports, so that a host finds what it registers.

    Only the import section changes, and running it again changes nothing more. The output is
    written whole or not at all.

    Exit codes: 0 done, or nothing to rename; 1 the input is refused; 2 usage; 3 wasm-tools is
    missing.
    """
    if output is None and not dry_run:
        raise UsageError("OUT is missing (a file, - for standard output, or --dry-run)")
    if output == "-" and as_json and not dry_run:
        raise UsageError("--json and the module cannot both go to standard output")
    if to is not None and host_name is not None:
        raise UsageError("--to and --for both say what name the imports get")
    result = rewrite_file(
        source,
        None if dry_run else output,
        to=to or (None if rename or host_name else WASI_NN),
        host=host_name,
        guest_abi=guest_abi,
        renames=_parse_renames(rename or []),
        require=require,
        validate=validate,
        digests=as_json,
    )
    if as_json:
        print_json(_as_json(result, source, output, validate))
    elif dry_run:
        for line in _plan_lines(result):
            typer.echo(line)
    else:
        for line in _plan_lines(result):
            note(line)


def _parse_renames(options: list[str]) -> dict[str, str]:
    renames: dict[str, str] = {}
    for option in options:
        old, equals, new = option.partition("=")
        if not equals:
            raise UsageError(f"--rename {option}: expected OLD=NEW")
        if renames.setdefault(old, new) != new:
            raise UsageError(f"--rename: {old} cannot become {renames[old]} and {new} at once")
    return renames


def _plan_lines(result: Result) -> list[str]:
    plan = result.plan
    if not plan.renames:
        return ["nothing to rename"]
    lines = [f"{r.old} -> {r.new}: {imports(r.imports)}" for r in plan.renames]
    return [*lines, f"{plan.input_size} bytes -> {plan.output_size} bytes"]


def _as_json(result: Result, source: str, output: str | None, validated: bool) -> dict[str, object]:
    plan = result.plan
    return {
        "changed": bool(plan.renames),
        "written": result.written,
        "validated": validated,
        "renamed": [{"from": r.old, "to": r.new, "imports": r.imports} for r in plan.renames],
        "input": {"path": source, "size": plan.input_size, "sha256": result.input_sha256},
        "output": {"path": output, "size": plan.output_size, "sha256": result.output_sha256},
    }
