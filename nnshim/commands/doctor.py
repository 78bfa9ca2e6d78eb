"""nnshim doctor: what is installed, and whether it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.commands.common import print_json, say, start_logging
from rewriter.errors import NNShimError

if TYPE_CHECKING:
    from runtime_shim.diagnostics.doctor import BackendReport

__all__ = ["command"]


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
) -> None:
    """Show the tools and NN runtimes that are installed, and run a model on each of their devices.

    Exit codes: 0 what is installed works; 1 something of it does not; 2 usage.
    """
    import platform
    from dataclasses import asdict
    from importlib.metadata import version

    from rewriter.files import wasm_tools
    from runtime_shim.diagnostics.doctor import examine

    start_logging()
    try:
        tool, tool_problem = wasm_tools.version(), None
    except NNShimError as error:
        tool, tool_problem = None, str(error)
    backends = examine()
    if as_json:
        print_json(
            {
                "nnshim": version("nnshim"),
                "python": platform.python_version(),
                "wasmtime": version("wasmtime"),
                "wasm_tools": {"version": tool, "problem": tool_problem},
                "backends": [asdict(backend) for backend in backends],
            }
        )
    else:
        say(f"nnshim {version('nnshim')} on Python {platform.python_version()}")
        say(f"wasmtime {version('wasmtime')}")
        say(tool or str(tool_problem))
        for backend in backends:
            say(*_lines(backend))
    if not all(backend.works for backend in backends):
        raise typer.Exit(1)


def _lines(backend: BackendReport) -> list[str]:
    if backend.version is None:
        return [f"{backend.encoding}: {backend.problem}"]
    lines = [f"{backend.encoding}: {backend.version}"]
    for device in backend.devices:
        outcome = device.problem or ("works" if device.tried else "not tried")
        lines.append(f"  {device.target} ({device.device}): {outcome}")
    return lines
