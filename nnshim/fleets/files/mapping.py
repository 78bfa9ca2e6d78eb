"""What `nnshim map` does: it runs the guest for what is left of its inputs, and says what came of
it."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nnshim.common import counted, note
from nnshim.config.found import is_below
from nnshim.ended import NO_FOLDER, lacks_folder
from nnshim.fleets.files.identity import identity_of
from nnshim.fleets.files.inputs import Inputs
from nnshim.fleets.files.job import Job
from nnshim.fleets.files.results import Results
from nnshim.fleets.files.telling import Told
from nnshim.fleets.guests import Guest, guest_with
from nnshim.fleets.running import Where, check_gpus
from nnshim.guest import runnable
from nnshim.many.ending import ended_by_signals
from nnshim.many.options import RAY
from nnshim.many.progress import InputProgress, shown_while
from nnshim.render.values import Done
from rewriter.errors import ClusterError, UsageError
from rewriter.terminal import alive

if TYPE_CHECKING:
    from nnshim.guest_options import Meant
    from runtime_shim import GraphStats

__all__ = ["Mapping", "check_output", "guest_of", "map_inputs", "parse_gpus", "parse_workers"]


class Mapping(NamedTuple):
    """A guest, the arguments of all inputs, the inputs, and the folder of the results."""

    guest: Guest
    arguments: Sequence[str]
    inputs: Inputs
    output: str


def guest_of(module: str, settings: Meant) -> Guest:
    """The guest in a file or an artifact. Raises InputError and ModuleError."""
    from nnshim.registries.places import open_any
    from runtime_shim import NNHost

    with alive("reading", module), open_any(module) as source:
        data = runnable(source, settings.options)
    NNHost(**settings.host).close()  # which refuses options that do not go together
    return guest_with(data, settings.options, settings.host)


def parse_workers(text: str | None) -> Where:
    """Raises UsageError."""
    if text is None or text.startswith(RAY):
        return text
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 6 and int(text)):
        raise UsageError(f"--workers {text}: expected a number of processes, or {RAY}HOST[:PORT]")
    return int(text)


def parse_gpus(text: str | None, workers: Where) -> float | None:
    """Raises UsageError."""
    if text is None:
        return None
    try:
        gpus = float(text)
    except ValueError:
        raise UsageError(f"--gpus {text}: expected a number, such as 1 or 0.5") from None
    check_gpus(workers, gpus)
    return gpus


def map_inputs(
    job: Mapping, where: tuple[Where, float | None], *, fail_fast: bool, as_json: bool
) -> tuple[int, Sequence[GraphStats]]:
    """The exit code, and what the hosts of all workers have loaded and run. Raises UsageError if
    the results cannot go there, and what is about all inputs."""
    _check_apart(job.inputs.path, job.output)
    _say_if_expanded(job)
    gc.freeze()
    gc.enable()  # which the start of the command did without
    told = Told(as_json=as_json)
    try:
        return _told_of(job, where, told, fail_fast)
    except BaseException:
        told.break_off()
        raise


def _told_of(
    job: Mapping, where: tuple[Where, float | None], told: Told, fail_fast: bool
) -> tuple[int, Sequence[GraphStats]]:
    progress = InputProgress("running")
    stopped = needs_folder = False
    identity = identity_of(job.guest, job.arguments, job.inputs.path)
    with ended_by_signals(), Results(job.output, identity) as results:
        running = Job(job.guest, job.inputs, results, where)
        try:
            with told, shown_while(progress, "running", job.inputs.names()):
                for done in running.done():
                    if done.kept:
                        progress.keep()
                    else:
                        progress.add(done.size)
                    told.input(done)
                    needs_folder = needs_folder or _needs_folder(job.guest, done)
                    if done.error is not None and fail_fast:
                        stopped = True
                        break
        except (KeyboardInterrupt, SystemExit):
            note(f"interrupted with {counted(told.results, 'result')}; {_RESUMES}")
            raise
        except ClusterError as error:
            if not told.results:
                raise
            there = counted(told.results, "result")
            raise ClusterError(f"{error}; {there} so far: {_RESUMES}") from error
        stale = 0 if stopped else results.count() - told.results
    if needs_folder:
        note(NO_FOLDER)
    told.end(running.stats.rows(), stale=stale, stopped=stopped)
    return told.exit_code, running.stats.rows()


_RESUMES = "the same command resumes the job"


def _needs_folder(guest: Guest, done: Done) -> bool:
    from runtime_shim import GuestFailed

    if not isinstance(done.error, GuestFailed) or guest.options.dirs:
        return False
    return lacks_folder(done.error.outcome, guest.module)


def check_output(output: str, path: str | None) -> None:
    """Raise UsageError for a folder of results without a name, and for a file that could replace
    a result."""
    if not output:
        raise UsageError("OUT is empty: name the folder of the results")
    if path is not None and is_below(os.path.realpath(path), os.path.realpath(output)):
        raise UsageError(f"{path} is in {output}, which has results only: name a file beside it")


def _check_apart(inputs: str, output: str) -> None:
    """Raise UsageError where results would be inputs, or the other way round."""
    one, other = os.path.realpath(inputs), os.path.realpath(output)
    if one == other:
        raise UsageError(f"the inputs and the results cannot both be in {output}: name another OUT")
    if is_below(one, other) or is_below(other, one):
        raise UsageError(f"one of {inputs} and {output} is inside the other: use separate folders")


def _say_if_expanded(job: Mapping) -> None:
    """Say where the shell seems to have replaced a pattern of files by their names, of which only
    the first one follows --inputs."""
    folder, name = os.path.split(job.inputs.path)
    ending = os.path.splitext(name)[1]
    if not ending or os.path.isdir(job.inputs.path):
        return
    for argument in job.arguments:
        beside, other = os.path.split(argument)
        if beside == folder and os.path.splitext(other)[1] == ending and os.path.isfile(argument):
            note(
                f"the lines of {job.inputs.path} are the inputs, and {argument} is an argument of"
                f" the guest; to run it for each file, use --inputs {folder or '.'}"
            )
            return
