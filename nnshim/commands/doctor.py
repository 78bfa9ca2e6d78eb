"""nnshim doctor: what is installed, and whether it works."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnshim.common import Verbose, fail, note, print_json, say, start_logging
from rewriter.errors import DependencyMissing, InputError, ToolError, UsageError
from rewriter.terminal import alive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime_shim.diagnostics.doctor import BackendReport

__all__ = ["command"]


def command(
    samples: Annotated[
        bool,
        typer.Option("--samples", help="Print only the folder with sample guests and C headers."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    verbose: Verbose = False,
) -> None:
    """Show what is installed, and run a model on each device.

    Exit codes: 0 everything installed works; 1 something does not; 2 usage.
    """
    import platform

    from nnshim.many.engines.installed import installed_ray
    from nnshim.render import json, text
    from nnshim.render.values import Examined
    from rewriter.codes.code import Severity
    from rewriter.files import wasm_tools
    from rewriter.installation import install_line, misfits

    if samples:
        _print_samples(as_json)
        return
    start_logging(verbose)
    try:
        tool, problem = wasm_tools.version(), None
    except (DependencyMissing, ToolError) as error:
        tool, (problem,) = None, error.diagnostics
    found = Examined(
        _version("nnshim") or "",
        platform.python_version(),
        _version("wasmtime"),
        tool,
        problem,
        _examine(),
        installed_ray(),
        _samples(),
    )
    found = found._replace(**_machine())
    if as_json:
        print_json(json.examined(found))
    else:
        say(*text.examined(found, verbose))
    unfit = misfits()
    for name, what in unfit.items():
        fail(f"{what}: {install_line(package=name)}")
    _, ray_problem = found.ray
    ray_works = ray_problem is None or ray_problem.severity is not Severity.ERROR
    if unfit or not ray_works or not all(backend.works for backend in found.backends):
        raise typer.Exit(1)


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:  # where modules are rewritten and no guests are run
        return None


def _print_samples(as_json: bool) -> None:
    """Raises UsageError with --json, and InputError where nnshim was installed without samples."""
    if as_json:
        raise UsageError("--samples prints the folder alone, and --json has it as `samples`")
    folder = _samples()
    if folder is None:
        raise InputError(
            "nnshim is installed here without its samples; install its wheel, which has them"
        )
    say(folder)


def _samples() -> str | None:
    """In a wheel they are beside the package's own files, in a checkout beside the package."""
    import os

    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for folder in (package, os.path.dirname(package)):
        samples = os.path.join(folder, "samples")
        if os.path.exists(os.path.join(samples, "digits.wasm")):
            return samples
    return None


def _examine() -> "Sequence[BackendReport]":
    """Nothing, and a remark, where no models are run."""
    try:
        from runtime_shim.diagnostics.doctor import examine
    except DependencyMissing as error:  # on other systems than Linux, or without wasmtime
        note(str(error))
        return ()
    with alive("trying the backends"):
        return examine()


def _machine() -> dict[str, Any]:
    """GPUs, tools and caches; nothing where no models are run."""
    try:
        from runtime_shim.diagnostics import machine
    except DependencyMissing:  # as the backends have said
        return {}
    return {
        "gpus": machine.gpus(),
        "tools": machine.tools(),
        "modules": machine.module_cache(),
    }
