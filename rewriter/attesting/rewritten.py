"""A finished rewrite, with all that a statement says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from rewriter.hosts.table import find_host, is_profile
from rewriter.options import RewriteOptions
from rewriter.rewriting.pipeline import Result

__all__ = ["File", "Rewritten", "Tools", "changes", "file_name", "parameters", "tool_versions"]


class File(NamedTuple):
    """A file that a rewrite read. `role` is `input`, `profile`, `wasi_adapter`, or `models/0` and
    so on. `name` is empty if there is none, as for standard input. `sha256` is hexadecimal."""

    role: str
    name: str
    sha256: str


class Tools(NamedTuple):
    """The versions of nnshim and wasm-tools. The latter is None if nothing was validated."""

    nnshim: str
    wasm_tools: str | None


class Rewritten(NamedTuple):
    """One rewrite, as JSON values. `output` is the file that it wrote, and `files` are all that it
    read, the input first. `parameters` and `changes` come from the functions of these names."""

    output: File
    files: Sequence[File]
    parameters: Mapping[str, Any]
    changes: Mapping[str, Any]
    tools: Tools


def tool_versions(tools: Tools) -> dict[str, str]:
    """By name."""
    found = {"nnshim": tools.nnshim}
    return found if tools.wasm_tools is None else {**found, "wasm-tools": tools.wasm_tools}


def parameters(options: RewriteOptions) -> dict[str, Any]:
    """All options that can change the output, as far as they are not the default: under the names
    that RewriteOptions and a record (`--record`) have for them. Files are named without folders.
    `validate` is always there."""
    given: dict[str, Any] = dict(options.operation)
    if "profile" in given:
        given["host"] = file_name(given["host"])
    for name in ("inputs", "outputs"):
        if names := getattr(options, name):
            given[name] = {str(index): value for index, value in sorted(names.items())}
    if options.models:
        given["models"] = [file_name(path) for path in options.models]
    if options.wasi_adapter is not None:
        given["wasi_adapter"] = file_name(options.wasi_adapter)
    if options.record:
        given["record"] = True
    return {**given, "validate": options.validate}


def changes(result: Result, options: RewriteOptions) -> dict[str, Any]:
    """What the rewrite did. `input_assembled` is true if the input was text, and its digest is that
    of the module assembled from it. `host_row` is the release of the host, as nnshim's table has
    it, or None. `notes` are the codes of what was reported, such as NN312: the host cannot run the
    result."""
    plan = result.plan
    return {
        "changed": result.changed,
        "input_assembled": result.assembled,
        "host_row": _row(options.host),
        "component_to_core_module": result.flattened is not None,
        "core_module_to_component": result.made is not None,
        "renamed": [{"from": r.old, "to": r.new, "imports": r.imports} for r in plan.renames],
        "adapted": [
            {
                "function": adapted.function,
                "from": adapted.after.source.name if adapted.after else None,
                "to": adapted.after.target.name if adapted.after else None,
            }
            for adapted in dict.fromkeys(plan.adapting.adapted)
        ],
        "dropped": list(plan.dropped),
        "marked": plan.marked,
        "notes": sorted({note.code for note in result.notes}),
    }


def _row(host: str | None) -> str | None:
    """None for a profile, too, which is not in the table."""
    return None if host is None or is_profile(host) else find_host(host).label


def file_name(path: str) -> str:
    """A path without folders. Bytes that are not UTF-8 become text such as `\\xff`, and the name of
    standard input and output is empty."""
    name = "" if path == "-" else PurePath(path).name
    return name.encode("utf-8", "backslashreplace").decode()
