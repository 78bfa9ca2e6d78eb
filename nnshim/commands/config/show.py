"""nnshim config show: what is in force."""

from typing import Annotated

import typer

from nnshim.common import print_json, say
from nnshim.config.options import ConfigFile, NoConfig

__all__ = ["command"]


def command(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="Files, as for `check`.")
    ] = None,
    host_names: Annotated[
        list[str] | None,
        typer.Option("--for", metavar="HOST[@RELEASE]|PROFILE", help="A host, as for `check`."),
    ] = None,
    models: Annotated[
        list[str] | None, typer.Option("--model", metavar="FILE", help="A model, as for `check`.")
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict/--no-strict", help="As for `check`.")
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="A code, as for `check`.")
    ] = None,
    config_file: ConfigFile = None,
    no_config: NoConfig = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is in force for `check`, and where each value comes from.

    The command line comes before the file, and the file before the defaults. Lists are not added
    up: one on the command line replaces the file's. The options are those of `check`.

    Exit codes: 0 shown; 2 usage, or a configuration that is wrong.
    """
    from nnshim.config.config import NOTHING
    from nnshim.config.merged import Given, values
    from nnshim.config.reading import read, source
    from nnshim.config.shown import as_json as json_of
    from nnshim.config.shown import as_text

    file = source(config_file, no_config)
    found = NOTHING if file is None else read(file)
    given = Given(files, host_names, None, models, strict, accept)
    shown = values(found, file, given)
    if as_json:
        print_json(json_of(found, shown))
    else:
        say(*as_text(found, shown))
