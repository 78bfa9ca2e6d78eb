"""The options of commands that read a configuration."""

from typing import Annotated

import typer

__all__ = ["ConfigFile", "NoConfig"]

ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Read this file instead of the nearest nnshim.toml or pyproject.toml.",
    ),
]

NoConfig = Annotated[bool, typer.Option("--no-config", "--isolated", help="Read no configuration.")]
