"""nnshim probe: measure what a host does, by modules that it runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from nnshim.common import note, print_json, say
from nnshim.units import parse_time
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean
from rewriter.terminal import alive

if TYPE_CHECKING:
    from rewriter.hosts.profiles.profile import Profile
    from rewriter.probing.inference.names import Graph
    from rewriter.terminal import Doing

__all__ = ["command"]

_LONGEST = 86_400
"""Seconds that one module may be given: a day."""

_MOST = 64
"""Modules at a time: each is a process, and has its own exit code where these are compared."""


_QUIET = 30
"""Seconds without a word where there is no terminal."""


def command(
    host: Annotated[
        list[str],
        typer.Argument(
            metavar="-- COMMAND...",
            help="The host's command, with {} for the path of a module. Without {}, the path is"
            " appended.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the profile to FILE."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The host's name (default: its program).")
    ] = None,
    release: Annotated[
        str, typer.Option(metavar="VERSION", help="The host's version, for the profile.")
    ] = "",
    commit: Annotated[
        str,
        typer.Option(
            metavar="COMMIT", help="The commit that the host was built from, for the profile."
        ),
    ] = "",
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", help="A build option of the host, for the profile. May be repeated."
        ),
    ] = None,
    graph: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=ENCODING]",
            help="A named graph that the command preloads, and its encoding: openvino, onnx or"
            " tensorflowlite. May be repeated.",
        ),
    ] = None,
    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="Time limit per module, e.g. 500ms, 20s or 2m.")
    ] = "20s",
    jobs: Annotated[int, typer.Option(metavar="N", help="Modules to run in parallel.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the profile as JSON.")] = False,
) -> None:
    """Measure what a host does, and write its profile.

    Runs a few hundred small modules on the host. The profile says which names and functions it
    registers, how it numbers tensor types and encodings, how it answers mistakes, and which
    WebAssembly features it accepts. Facts that cannot be measured are left out.

    The modules are in a temporary folder, which the host must be able to read; they open no files.
    The profile goes to standard output, a summary to standard error.

    Exit codes: 0 measured; 1 the command runs no modules; 2 usage; 3 wasm-tools is missing.
    """
    seconds = parse_time("--timeout", timeout)
    if not 0 < seconds <= _LONGEST:  # false for NaN, too
        raise UsageError(f"--timeout takes a time above 0, and at most {_LONGEST} seconds")
    if not 1 <= jobs <= _MOST:
        raise UsageError(f"--jobs takes a number from 1 to {_MOST}")
    import os

    if not hasattr(os, "killpg"):
        raise UsageError(
            "nnshim probe runs on Linux and macOS only: on Windows, it could not end the processes"
            " that the host starts"
        )
    from nnshim.registries.replaced import check_not_read
    from nnshim.render import profile as renderer
    from rewriter.files.input import Source
    from rewriter.files.output import check_writable, write_atomic
    from rewriter.hosts.profiles import file

    if output is not None:
        check_not_read("--output", output, host)
        check_writable(output)
    profile = _measured(
        host, (name, release, commit, tuple(option or ())), (seconds, jobs), graph or []
    )
    for line in renderer.probed(profile):
        note(line)
    written = file.write(profile)
    if output is not None:
        write_atomic(output, Source(output, b""), [written.encode()])
    if as_json:
        print_json(renderer.table(written))
    elif output is None:
        say(*written.rstrip("\n").split("\n"))


def _measured(
    host: list[str],
    about: tuple[str | None, str, str, tuple[str, ...]],
    limits: tuple[float, int],
    graphs: list[str],
) -> "Profile":
    import datetime
    import os
    from importlib.metadata import version

    from rewriter.hosts.profiles.probed import profile_of
    from rewriter.hosts.profiles.profile import ProfiledHost
    from rewriter.probing.host import Host
    from rewriter.probing.probe import measure

    told = [_graph(text) for text in graphs]
    program = os.path.basename(host[0])
    name, release, commit, options = about
    timeout, jobs = limits
    with alive(f"starting {program}") as doing:
        step = _Progress(doing).step
        with Host(host, timeout=timeout, jobs=jobs, on_run=step) as running:
            found = measure(running, told)
    note(f"{found.processes} modules were run")
    return profile_of(
        found,
        ProfiledHost(
            name=name or program,
            command=(program, *host[1:], *(() if any("{}" in word for word in host) else ("{}",))),
            version=release,
            commit=commit,
            options=options,
            measured=datetime.datetime.now(datetime.UTC).date().isoformat(),
            tool=f"nnshim {version('nnshim')}",
        ),
    )


def _graph(text: str) -> "Graph":
    from rewriter.probing.inference.names import Graph
    from rewriter.probing.modules.models import FORMATS

    name, _, format_ = text.partition("=")
    if format_ not in ("", *FORMATS) or not name:
        meant = did_you_mean(format_, FORMATS)
        raise UsageError(
            f"--graph {text}: expected NAME or NAME=ENCODING, of {', '.join(FORMATS)}{meant}"
        )
    return Graph(name, format_)


class _Progress:
    """How many modules were run, and for how long: in `doing`, which a terminal shows, and where
    there is none, now and then."""

    def __init__(self, doing: "Doing") -> None:
        import sys
        import time

        self._doing = doing
        self._is_terminal = sys.stderr.isatty()
        self._clock = time.monotonic
        self._start = self._said = self._clock()
        self._count = 0

    def step(self) -> None:
        self._count += 1
        self._doing.text = f"{self._count} modules run"
        now = self._clock()
        if not self._is_terminal and now - self._said >= _QUIET:
            self._said = now
            note(f"{self._count} modules run in {now - self._start:.0f} seconds")
