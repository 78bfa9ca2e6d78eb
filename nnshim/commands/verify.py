"""nnshim verify: prove that a rewrite changed nothing but what it may change."""

from __future__ import annotations

from typing import Annotated

import typer

from nnshim.commands.common import counted, print_json, say
from rewriter import Comparison, compare
from rewriter.files.input import open_source

__all__ = ["command"]


def command(
    original: Annotated[str, typer.Argument(metavar="ORIGINAL", help="The module before.")],
    rewritten: Annotated[str, typer.Argument(metavar="REWRITTEN", help="The module after.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare two modules, which may differ in nothing but what a rewrite changes: the module
    names of imports, adapters before wasi-nn's functions and what calls them, the length of indices
    that adapters have left, debug sections and signatures that are gone, and a record, which has to
    be about ORIGINAL.

    Exit codes: 0 they differ in nothing else; 1 they do (every difference is printed with its
    byte offsets), or one of them cannot be read; 2 usage.
    """
    with open_source(original) as before, open_source(rewritten) as after:
        comparison = compare(before.data, after.data)
    if as_json:
        print_json(_as_json(comparison))
    else:
        say(*_lines(comparison))
    if not comparison.only_rewritten:
        raise typer.Exit(1)


def _lines(comparison: Comparison) -> list[str]:
    lines = [f"{r.old} -> {r.new}: {counted(r.imports, 'import')}" for r in comparison.renames]
    lines += [f"adapter {name}" for name in comparison.adapters]
    lines += [f"dropped: {name}" for name in comparison.dropped]
    lines += [
        f"only the indices of wasi-nn's functions are longer or shorter: {title}"
        for title in comparison.widened
    ]
    if not comparison.only_rewritten:
        return [*lines, *(f"different: {d}" for d in comparison.differences)]
    verdict = "no other difference" if lines else "no difference"
    count = comparison.sections
    others = "1 other section is" if count == 1 else f"{count} other sections are"
    return [*lines, f"{verdict}; {others} the same byte for byte"]


def _as_json(comparison: Comparison) -> dict[str, object]:
    return {
        "only_rewritten": comparison.only_rewritten,
        "renamed": [{"from": r.old, "to": r.new, "imports": r.imports} for r in comparison.renames],
        "adapters": comparison.adapters,
        "dropped": comparison.dropped,
        "widened": comparison.widened,
        "differences": [
            {
                "what": d.what,
                "original_offset": d.original_offset,
                "rewritten_offset": d.rewritten_offset,
            }
            for d in comparison.differences
        ],
    }
