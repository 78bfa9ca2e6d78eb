"""What commands have to say, where the packages below have no value of their own for it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rewriter.analysis.compatibility import Answer, Verdict
    from rewriter.analysis.components.described import ComponentInfo
    from rewriter.analysis.inspect import ModuleInfo
    from rewriter.diagnostics import Diagnostic
    from rewriter.errors import NNShimError
    from rewriter.files.input import Origin
    from rewriter.hosts.starting import Explanation
    from rewriter.models.model import Model
    from runtime_shim import HostError
    from runtime_shim.diagnostics.doctor import BackendReport
    from runtime_shim.diagnostics.machine import Cache, Gpu

__all__ = [
    "Checked",
    "Done",
    "Examined",
    "FileReport",
    "Fix",
    "Inspected",
    "InspectedComponent",
    "Rewriting",
    "Summary",
    "component_options",
    "output_name",
    "rewrite_command",
    "rewrite_options",
]


def rewrite_command(host: str, options: Sequence[str], path: str, out: str = "OUT") -> str:
    """The command that makes a module fit a host, as a shell reads it. `options` are those of
    `rewrite_options`."""
    from rewriter.terminal import command_line, file_argument

    return command_line(
        ("nnshim", "rewrite", "--for", host, *options, file_argument(path), file_argument(out))
    )


_COMPRESSED = (".tar.gz", ".tgz", ".tar", ".zip", ".wasm.gz")
"""Ends of names that an output keeps."""


def output_name(path: str, host: str) -> str:
    """A name in the current folder for the module at `path`, rewritten for `host`:
    `digits.wamr.wasm`. Where that is there already, it gets a number: `digits.wamr.2.wasm`. An
    archive stays one: `all.wamr.tar.gz`, and so does a folder."""
    import os

    from rewriter.oci.reference import LAYOUT, is_artifact

    given = "guest" if path == "-" else os.path.basename(path.removeprefix(LAYOUT))
    if is_artifact(path):  # the tag is not a part of the name
        given = given.partition("@")[0].partition(":")[0]
    kind = next((end for end in _COMPRESSED if given.lower().endswith(end)), "")
    stem = given[: len(given) - len(kind)].removesuffix(".wasm").removesuffix(".wat")
    profile = os.path.basename(host).removesuffix(".toml")
    name = profile if host.endswith(".toml") else host.partition("@")[0]
    start, end = f"{stem}.{name}", kind or ("" if os.path.isdir(path) else ".wasm")
    return next(
        out
        for number in range(1, sys.maxsize)
        if not os.path.lexists(out := f"{start}{'' if number == 1 else f'.{number}'}{end}")
    )


def rewrite_options(guest_abi: str | None, info: ModuleInfo) -> tuple[str, ...]:
    """The options, beside the host, without which a module is not rewritten right, or at all."""
    told = () if guest_abi is None else ("--guest-abi", guest_abi)
    return (*told, "--drop-linking") if info.linker_sections else told


def component_options(found: Verdict) -> tuple[str, ...]:
    """The options, beside the host, without which a component is not rewritten."""
    codes = {condition.code for condition in found.conditions}
    inputs = ("--input-name", "0=NAME") if "NN375" in codes else ()
    outputs = ("--output-name", "0=NAME") if codes & {"NN369", "NN375"} else ()
    return (*inputs, *outputs)


class Inspected(NamedTuple):
    """A module, with what each host means for it, by its name. `hidden` has the module names whose
    imports do not show which numbers tensor types have; `guest_abi` is what it was said to be.
    `parted` has the hosts whose releases differ in whether they run it, with the verdict on those
    that do the same. With `everything`, text has what else the module consists of."""

    path: str
    info: ModuleInfo
    findings: Sequence[Diagnostic]
    hidden: frozenset[str]
    hosts: Mapping[str, Verdict]
    guest_abi: str | None
    parted: Mapping[str, Mapping[str, Verdict]]
    everything: bool = False
    origin: Origin | None = None


class InspectedComponent(NamedTuple):
    """A component, with what each host means for it, by what its releases are called."""

    path: str
    info: ComponentInfo
    findings: Sequence[Diagnostic]
    hosts: Mapping[str, Verdict]
    everything: bool = False
    origin: Origin | None = None


class Checked(NamedTuple):
    """What a host means for a module, and for the `models` that it runs; `rewrite` is the command
    that makes it fit, None where it fits, or none does. `explained` is what the host needs and how
    to try the module there, None where that was not asked for, or it cannot run. `help` is the same
    as `rewrite`, with the name of a file that is not there yet in the place of OUT."""

    path: str
    host: str
    found: Verdict
    rewrite: str | None
    models: Sequence[Model] = ()
    explained: Explanation | None = None
    help: str | None = None

    @property
    def answer(self) -> Answer:
        return self.found.answer

    @property
    def reasons(self) -> Sequence[Diagnostic]:
        """Each with the command that helps."""
        if self.rewrite is None:
            return self.found.reasons
        return [reason._replace(help=self.rewrite) for reason in self.found.reasons]


class Fix(NamedTuple):
    """What `check --fix` did with a file that a rewrite mends: `changes` if it was rewritten, or
    why it was `left` alone. `diff` is what a rewrite would change, where only that was asked
    for."""

    changes: tuple[str, ...] = ()
    left: str | None = None
    diff: tuple[str, ...] = ()


class FileReport(NamedTuple):
    """What check says of one file.

    `path` is as it was given; for a member of an archive, the archive's name and the member's. A
    file that cannot be read has an `error` and no verdicts, and one that was found, and not named
    itself, and does not use wasi-nn has neither: there is nothing to do. `sha256` is that of its
    bytes in hexadecimal, None where it was not asked for, or the file cannot be read. `fix` is
    None where nothing was to be rewritten; verdicts and sha256 are of the file as it is now.
    `unsearched` says why a file that may have modules in it was not looked into: it has no verdict
    and no error, and counts for nothing.
    """

    path: str
    checked: tuple[Checked, ...] = ()
    error: NNShimError | None = None
    sha256: str | None = None
    origin: Origin | None = None
    """Of the module of an artifact, None for a file."""
    fix: Fix | None = None
    unsearched: Diagnostic | None = None

    @property
    def answers(self) -> Sequence[Answer]:
        """One for each host; of a file that cannot be read, one. Empty if there is nothing to
        do."""
        from rewriter.analysis.compatibility import Answer

        if self.error is not None:
            return (Answer.NO_VERDICT,)
        return tuple(value.answer for value in self.checked)

    @property
    def error_with_path(self) -> NNShimError | None:
        """The error, which names the file."""
        from rewriter.errors import ModuleError

        return self.error.of(self.path) if isinstance(self.error, ModuleError) else self.error


class Summary(NamedTuple):
    """What came of all files that check looked at: how many have each answer, the worst of those
    for their hosts, how many have nothing to do, and how many --fix has rewritten. `stopped` says
    that --fail-fast ended it before all were looked at."""

    answers: Mapping[Answer, int]
    nothing_to_do: int = 0
    stopped: bool = False
    rewritten: int = 0

    @property
    def files(self) -> int:
        return sum(self.answers.values()) + self.nothing_to_do


class Rewriting(NamedTuple):
    """What rewrite says of one of many files.

    `result` is "changed", "unchanged", "nothing_to_do" for a file that was found and does not use
    wasi-nn, or "failed", which has an `error`; `stands` says what is at its output then. `output`
    is what its output is called, None where nothing is to be written. `lines` say what has changed,
    `runs` on what it runs now, and `notes` what else there is to say. `data` is all of that for
    JSON, where that was asked for.
    """

    path: str
    output: str | None
    result: str
    lines: tuple[str, ...] = ()
    runs: str | None = None
    notes: tuple[Diagnostic, ...] = ()
    cannot_run: bool = False
    error: NNShimError | None = None
    stands: str | None = None
    data: Mapping[str, Any] | None = None


class Examined(NamedTuple):
    """What is installed. `wasmtime` is its version, None where it is not installed; `wasm_tools`
    what it says of its version, None where there is a problem with it; `samples` the folder with
    guests, a model and headers, None where there is none. `tools` are paths by name, None for
    those that are not on PATH; `modules` is the cache of compiled modules, None where no guests
    are run. `ray` is Ray's version, None where it is not installed, and what is wrong with it."""

    nnshim: str
    python: str
    wasmtime: str | None
    wasm_tools: str | None
    problem: Diagnostic | None
    backends: Sequence[BackendReport]
    ray: tuple[str | None, Diagnostic | None]
    samples: str | None
    gpus: Sequence[Gpu] = ()
    tools: Mapping[str, str | None] = {}
    modules: Cache | None = None


class Done(NamedTuple):
    """What became of one input of `nnshim map`. Without an error, its result is there: `kept` from
    an earlier start, or written now. `exit_code` is that of `nnshim run`, None if that is not
    known; `refused` is the last call that the host refused. `size` is that of the standard input,
    in bytes."""

    name: str
    size: int = 0
    kept: bool = False
    error: NNShimError | None = None
    exit_code: int | None = None
    stderr: bytes = b""
    refused: tuple[str, HostError] | None = None
