"""What is said of how a guest ended, and of the models that ran."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from nnshim.common import counted, fail, note, to_json
from nnshim.guest import is_component
from rewriter.abi.wasi import WASI
from rewriter.hosts.table import is_profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnshim.guest_options import Given, Meant
    from runtime_shim import GraphStats, Outcome

__all__ = ["NO_FOLDER", "check_stats_file", "lacks_folder", "report_stats", "say_how"]


def say_how(outcome: Outcome, module: bytes, *, has_folders: bool) -> None:
    """Say why a guest has not come to its own end, and what it lacked as far as that is known. It
    was given folders or not."""
    if outcome.lines and outcome.reason.value != "exited":
        first, *others = outcome.lines
        what = "trapped" if outcome.reason.value == "trapped" else "was stopped"
        fail(f"the guest {what}: {first}", *others)
        if outcome.reason.value == "out of fuel":
            note("--fuel N gives it more")
    if not has_folders and lacks_folder(outcome, module):
        note(NO_FOLDER)


NO_FOLDER = (
    "the guest can open files, but was given no folder; --dir DIR before MODULE gives it one"
)
"""What is said where a guest without folders lacks one."""


def lacks_folder(outcome: Outcome, module: bytes) -> bool:
    """Whether a guest that was given no folder may have failed because of that."""
    if outcome.reason.value not in ("exited", "trapped") or outcome.exit_code == 0:
        return False
    return outcome.refused is None and _opens_files(module)


@cache  # or each of many failures would read the module again
def _opens_files(module: bytes) -> bool:
    """Whether it imports what opens files, which finds nothing without a folder."""
    if is_component(module):
        from rewriter.components.component import Component

        names = (item.name.text for item in Component(module).imports)
        return any(name.startswith("wasi:filesystem/preopens@") for name in names)
    from rewriter.analysis.inspect import inspect_module

    imports = inspect_module(module).imports
    return any((item.module, item.name) == (WASI, "path_open") for item in imports)


def check_stats_file(
    path: str | None, given: Given, settings: Meant, module: str, inputs: str | None = None
) -> None:
    """Raise UsageError if the file of --stats-json is one that the command reads, or is in a folder
    that it reads, and OutputError if it cannot be written. `inputs` are those of `nnshim map`."""
    if path is not None:
        from nnshim.registries.replaced import check_not_read
        from rewriter.files.output import check_writable

        read = [module, *_files_of(given, settings)]
        if inputs is not None:
            read += [inputs, *_stdin_files(path, inputs)]
        check_not_read("--stats-json", path, read)
        check_writable(path)


def _files_of(given: Given, settings: Meant) -> Iterator[str]:
    """The files and folders that options name, for the guest's models and for the host."""
    yield from filter(None, (given.graphs_file, given.graph_files, given.model_cache))
    if given.as_host is not None and is_profile(given.as_host):
        yield given.as_host
    for graph in settings.host.get("graphs", ()):
        yield from graph.paths
        if graph.remote is not None:
            yield from filter(None, graph.remote.tls)


def _stdin_files(path: str, inputs: str) -> Iterator[str]:
    """The files that lines of JSON name as inputs, where there is one that could be replaced."""
    if os.path.isfile(path) and os.path.isfile(inputs) and inputs.endswith(".jsonl"):
        import json

        with open(inputs, "rb") as lines:
            for line in lines:
                try:
                    name = json.loads(line)["stdin_file"]
                except (ValueError, RecursionError, LookupError, TypeError):
                    continue  # which is told of when it is an input
                if isinstance(name, str):
                    yield os.path.join(os.path.dirname(inputs), name)


def report_stats(rows: Sequence[GraphStats], as_text: bool, path: str | None) -> None:
    """Print what hosts have loaded and run, and write it to the file of --stats-json."""
    if path is not None:
        from rewriter.files.input import Source
        from rewriter.files.output import write_atomic

        text = to_json([row._asdict() for row in rows]) + "\n"
        write_atomic(path, Source(path, b""), [text.encode()])
    if as_text:
        for row in rows:
            name = f" {row.name!r}" if row.name is not None else ""
            target = "" if row.encoding == "remote" else f" (target {row.meant_for})"
            note(
                f"{row.encoding} model{name} on {row.device}{target}: loaded"
                f" {counted(row.loads, 'time')} in {row.load_seconds * 1e3:.1f} ms,"
                f" {counted(row.inferences, 'inference')} in {row.inference_seconds * 1e3:.1f} ms"
            )
