"""nnshim cache: what `nnshim run` keeps for the next run."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import counted, print_json, say
from nnshim.units import size_text

if TYPE_CHECKING:
    from runtime_shim.model_cache import Kept

__all__ = ["app"]

app = typer.Typer(
    help="Show or empty the caches of `run`.",
    rich_markup_mode=None,
)

Folder = Annotated[str, typer.Argument(metavar="DIR", help="The folder of --model-cache.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array.")]


@app.command("list")
def list_(folder: Folder, as_json: AsJson = False) -> None:
    """List the cached models and their sizes, least recently used first.

    Exit codes: 0 listed; 1 the folder cannot be read; 2 usage.
    """
    from datetime import datetime

    from runtime_shim.model_cache import kept_models

    found = kept_models(folder)
    if as_json:
        from nnshim.render import json

        print_json(json.kept(found))
        return
    for item in found:
        used = datetime.fromtimestamp(item.used).astimezone().isoformat(" ", "seconds")
        say(f"{item.path}: {item.runtime}, {size_text(item.size)}, used {used}")
    say(_sum(found))


@app.command("dir")
def dir_() -> None:
    """Show the folders of the caches, and their sizes.

    Exit codes: 0 shown; 2 usage.
    """
    from nnshim.render import text
    from runtime_shim.diagnostics.machine import module_cache

    say(*(line.strip() for line in text.caches(module_cache())))


@app.command("clear")
def clear(folder: Folder) -> None:
    """Remove the cached models, and no other file.

    Compiled modules stay: they are in wasmtime's folder, which other programs share, and nnshim
    cannot tell which are its own. `nnshim cache dir` shows it.

    Exit codes: 0 removed; 1 the folder cannot be read, or a file cannot be removed; 2 usage.
    """
    from runtime_shim import model_cache

    say(f"removed {_sum(model_cache.clear(folder))}")


def _sum(found: "list[Kept]") -> str:
    return f"{counted(len(found), 'file')}, {size_text(sum(item.size for item in found))}"
