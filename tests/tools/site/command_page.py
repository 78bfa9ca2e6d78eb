"""docs/reference/commands.md, from --help: python -m tests.tools.site.command_page"""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer.testing import CliRunner

from nnshim.cli import build
from tests.tools.site.links import ROOT

__all__ = ["PAGE", "page"]

PAGE = ROOT / "docs" / "reference" / "commands.md"
_COLUMNS = 78
"""What click uses of a terminal of 80 columns."""

_HEAD = (
    "# Commands",
    "<!-- python -m tests.tools.site.command_page -->",
    "What `nnshim COMMAND --help` prints.",
)


def page() -> str:
    """In Markdown, a section for each command."""
    app = build()
    parts = list(_HEAD)
    for words in _commands(typer.main.get_command(app)):
        shown = CliRunner().invoke(
            app,
            [*words, "--help"],
            prog_name="nnshim",
            terminal_width=_COLUMNS,
            env={"NO_COLOR": "1"},
        )
        parts += [f"## {' '.join(('nnshim', *words))}", f"```text\n{shown.stdout.rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _commands(command: object, *words: str) -> Iterator[tuple[str, ...]]:
    """The words of each command, those that only have commands too."""
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, *words, name)


if __name__ == "__main__":
    PAGE.write_text(page())
