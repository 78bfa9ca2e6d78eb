"""nnshim verify: prove that a rewrite changed nothing but import module names."""

from __future__ import annotations

from typing import Annotated

import typer

from nnshim.commands.common import imports, print_json
from rewriter import Comparison, compare
from rewriter.source import open_source

__all__ = ["command"]


def command(
    original: Annotated[str, typer.Argument(metavar="ORIGINAL", help="The module before.")],
    rewritten: Annotated[str, typer.Argument(metavar="REWRITTEN", help="The module after.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare two modules, which may differ in nothing but the module names of their imports.

    Exit codes: 0 they differ in nothing else; 1 they do (every difference is printed with its
    byte offsets), or one of them cannot be read; 2 usage.
    """
    with open_source(original) as before, open_source(rewritten) as after:
        comparison = compare(before.data, after.data)
    if as_json:
        print_json(_as_json(comparison))
    else:
        for line in _lines(comparison):
            typer.echo(line)
    if not comparison.only_renamed:
        raise typer.Exit(1)


def _lines(comparison: Comparison) -> list[str]:
    renames = [f"{r.old} -> {r.new}: {imports(r.imports)}" for r in comparison.renames]
    if not comparison.only_renamed:
        return [*renames, *(f"different: {d}" for d in comparison.differences)]
    verdict = "only import module names differ" if renames else "no difference"
    return [*renames, f"{verdict}; {comparison.sections} other sections are the same"]


def _as_json(comparison: Comparison) -> dict[str, object]:
    return {
        "only_renamed": comparison.only_renamed,
        "renamed": [{"from": r.old, "to": r.new, "imports": r.imports} for r in comparison.renames],
        "differences": [
            {
                "what": d.what,
                "original_offset": d.original_offset,
                "rewritten_offset": d.rewritten_offset,
            }
            for d in comparison.differences
        ],
    }
