"""Whether a component fits a version of wasi:nn, by the types of the functions that it imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.snapshots import PACKAGE, VERSIONED, Snapshot
from rewriter.abi.wasi_interfaces import resources_of
from rewriter.analysis.components.described import ComponentInfo, Interface
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UnsupportedModule
from rewriter.inlining.versions import Changed, change_version

__all__ = [
    "Misfit",
    "find_version",
    "misfits",
    "misfits_of",
    "renamed_to",
    "shimmed",
    "version_obstacles",
]


class Misfit(NamedTuple):
    """Something that a component imports of wasi:nn and that a version of it does not have.

    `function` is its name. `known` is False where it is not known whether the version has it.
    """

    item: Interface
    function: str
    text: str
    known: bool = True


def misfits_of(item: Interface, snapshot: Snapshot) -> Iterator[Misfit]:
    """What an import of wasi:nn has that the interface of the same name in a version does not.
    Its own version does not count."""
    name = item.interface.partition("/")[2]
    if item.sort != "instance":
        yield Misfit(item, item.name, f"{item.name} as a {item.sort}, which is not an instance")
        return
    if not item.needs_host:
        return
    if not item.is_read:
        text = f"{item.name}, with a type that is an alias: its functions are not known"
        yield Misfit(item, item.name, text, False)
        return
    functions = snapshot.functions.get(name)
    if functions is None:
        yield Misfit(item, item.name, f"{item.name}, which is not an interface of {snapshot}")
        return
    for function in sorted(item.functions):
        what = f"{function} of {item.name}"
        wanted, found = snapshot.types.get(function), item.types.get(function)
        if function not in functions:
            yield Misfit(item, function, f"{what}, which {snapshot} does not have")
        elif wanted is not None and found is None:
            yield Misfit(item, function, f"{what}, with a type that is not known", False)
        elif wanted is not None and wanted != found:
            yield Misfit(item, function, f"{what}, which has another type in {snapshot}")
    for resource in sorted(item.resources - resources_of(functions)):
        text = f"the resource {resource} of {item.name}, which {snapshot} does not have"
        yield Misfit(item, resource, text)
    if item.unknown is not None:
        text = f"{item.unknown} of {item.name}, which {snapshot} does not have"
        yield Misfit(item, item.unknown, text)


def misfits(info: ComponentInfo, snapshot: Snapshot) -> Iterator[Misfit]:
    """What a component imports of wasi:nn, in any version, and a version does not have."""
    for item in info.wasi_nn:
        yield from misfits_of(item, snapshot)


def find_version(name: str) -> Snapshot | None:
    """The version with this name, `wasi:nn@0.2.0-rc-2024-10-28`. None for another one."""
    return next((each for each in VERSIONED if each.name == name), None)


def renamed_to(info: ComponentInfo, snapshot: Snapshot) -> dict[str, str]:
    """The new name of each import of wasi:nn whose name has another version."""
    suffix = f"@{snapshot.version}" if snapshot.version else ""
    return {
        item.name: f"{item.interface}{suffix}"
        for item in info.wasi_nn
        if item.version != snapshot.version
    }


def shimmed(
    info: ComponentInfo,
    snapshot: Snapshot,
    outputs: Sequence[str],
    inputs: Mapping[int, str],
) -> Changed | UnsupportedModule | None:
    """The component with a shim in it that does what functions did before they changed, or why that
    cannot be. None where types of functions are not known, and for interfaces without a version.
    `outputs` are the names of the model's outputs, and `inputs` those of its inputs by index.

    Raises MalformedModule for indices that do not exist.
    """
    if not snapshot.version or not info.snapshots or any(misfits(info, info.snapshots[0])):
        return None
    try:
        return change_version(info.component, snapshot, outputs, inputs)
    except UnsupportedModule as error:
        return error


_TAKE_OUT = (
    "`nnshim rewrite --to wasi_ephemeral_nn` makes a core module of it, if it was made from one"
)


def version_obstacles(info: ComponentInfo, snapshot: Snapshot) -> Sequence[Diagnostic]:
    """Why a component does not fit a version of wasi:nn when its imports are only renamed: by the
    names of functions. Empty if it fits."""
    if not snapshot.version:
        message = f"no component is changed to {snapshot}"
        return [Diagnostic("NN371", message, help=_TAKE_OUT)]
    found = [
        Diagnostic("NN371", f"it imports {misfit.text}", misfit.item.offset, misfit.function)
        for misfit in misfits(info, snapshot)
    ]
    names = [item.interface for item in info.wasi_nn]
    twice = next((item for item in info.wasi_nn if names.count(item.interface) > 1), None)
    if twice is not None:
        message = f"it imports {twice.interface} in several versions of {PACKAGE}"
        found.append(Diagnostic("NN372", message, twice.offset))
    return found
