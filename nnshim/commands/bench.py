"""nnshim bench: what a model costs here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnshim.common import (
    FastMath,
    Threads,
    Verbose,
    note,
    once,
    print_json,
    say,
    start_logging,
    told,
)
from nnshim.units import parse_time
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean
from rewriter.terminal import alive

if TYPE_CHECKING:
    from rewriter.abi.dialects import Encoding

__all__ = ["command"]


def command(
    model: Annotated[list[str], typer.Argument(metavar="MODEL...", help="The model's files.")],
    encoding: Annotated[
        str,
        typer.Option(metavar="ENCODING", help="The model's format. By default, nnshim detects it."),
    ] = "autodetect",
    backend: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENCODING", help="Use only this backend (default: all that run the format)."
        ),
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option(metavar="DEVICE", help="Use only this device.")
    ] = None,
    input_: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="INDEX=TYPE:DIMxDIM",
            help="The shape of an input with open dimensions, which count as 1 by default.",
        ),
    ] = None,
    options: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Options to pass to the backend with the model."),
    ] = None,
    threads: Threads = None,
    fast_math: FastMath = False,
    parallel: Annotated[
        int | None,
        typer.Option(metavar="N", help="Concurrent contexts. By default, one per core."),
    ] = None,
    seconds: Annotated[
        str, typer.Option(metavar="TIME", help="Measuring time per device, e.g. 500ms, 2s or 1m.")
    ] = "2s",
    plot: Annotated[
        str | None, typer.Option(metavar="FILE.png|FILE.svg", help="Also draw the figures.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
    verbose: Verbose = False,
) -> None:
    """Time a model on each backend and device, side by side.

    Inputs are random. A latency is the time to set all inputs, compute, and get all outputs. p50,
    p99 and throughput come from the same inferences: first of one context, then of several at once.

    Exit codes: 0 something was measured; 1 nothing was; 2 usage; 3 matplotlib is missing, for
    --plot.
    """
    from nnshim.render import text
    from nnshim.render.measuring import measured
    from runtime_shim.backends.interface import Settings
    from runtime_shim.diagnostics.bench import bench, parse_input

    once("--backend", map(str.lower, backend or []))
    once("--device", device or [])
    inputs = [parse_input(text) for text in input_ or []]
    once("--input", (str(index) for index, _ in inputs))
    start_logging(verbose)
    if plot is not None:
        _check_plot(plot, model)
    with alive("measuring", model[0]):
        report = bench(
            model,
            encoding=_encoding(encoding),
            backends=[_encoding(name) for name in backend or []],
            devices=device or [],
            inputs=inputs,
            options=_options(options),
            settings=Settings(threads, fast_math),
            seconds=parse_time("--seconds", seconds),
            parallel=parallel,
        )
    works = any(row.problem is None for row in report.rows)
    if works and report.assumed:
        shapes = " ".join(f"--input {each}" for each in report.assumed)
        note(f"open dimensions count as 1: {shapes} gives the shapes that were measured")
    if as_json:
        print_json(measured.as_json(report))
    else:
        say(*(measured.as_text(report) if works else ()))
        for row in report.rows:
            if row.problem is not None:
                what = f"{row.backend} {row.device}".rstrip() + f": {row.problem.message}"
                told(text.line(row.problem._replace(message=what)), verbose)
    if not works:
        raise typer.Exit(1)
    if plot is not None:
        from nnshim.render.measuring.plot import draw

        draw(report, plot)
        note(f"drawn: {plot}")


def _encoding(name: str) -> "Encoding":
    from rewriter.abi.dialects import Encoding

    try:
        return Encoding[name.upper()]
    except KeyError:
        known = [encoding.name.lower() for encoding in Encoding]
        raise UsageError(
            f"{name!r} is not an encoding; expected one of {', '.join(known)}"
            f"{did_you_mean(name, known)}"
        ) from None


def _options(given_text: str | None) -> dict[str, Any]:
    from json import loads

    try:
        given = loads(given_text or "{}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--options is not valid JSON: {error}") from None
    if not isinstance(given, dict):
        raise UsageError("--options is not a JSON object")
    return given


def _check_plot(path: str, model: Sequence[str]) -> None:
    """Raises UsageError for a file that cannot be drawn into, or is one of the model's, and
    DependencyMissing without matplotlib, before anything is measured."""
    from nnshim.registries.replaced import check_not_read
    from rewriter.errors import DependencyMissing
    from rewriter.files.output import check_writable

    if not path.endswith((".png", ".svg")):
        raise UsageError(f"--plot {path}: the file's name has to end in .png or .svg")
    check_not_read("--plot", path, model)
    check_writable(path)
    try:
        import matplotlib.figure  # noqa: F401 - whether it is there
    except ImportError as error:
        from rewriter.installation import install_line

        raise DependencyMissing(
            f"matplotlib is not installed ({error}); {install_line('bench')}"
        ) from None
