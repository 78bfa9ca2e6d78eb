"""nnshim config: what is configured, and the schema of it."""

import typer

from nnshim.commands.config import schema, show

__all__ = ["app"]

app = typer.Typer(
    help="Show the configuration of `check` and `rewrite`.",
    rich_markup_mode=None,
)
app.command("show")(show.command)
app.command("schema")(schema.command)
