"""Plans a rewrite that changes nothing of a component but the names of imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from rewriter.abi.snapshots import PACKAGE, WITH_INDICES, Snapshot
from rewriter.analysis.compatibility import Runs, Verdict
from rewriter.analysis.components.described import ComponentInfo, describe_component
from rewriter.analysis.components.on_host import said_of
from rewriter.analysis.components.versions import (
    find_version,
    misfits,
    renamed_to,
    shimmed,
    version_obstacles,
)
from rewriter.components.component import Component
from rewriter.components.items import imports
from rewriter.components.sections import ComponentSection, SectionKind
from rewriter.diagnostics import Diagnostic
from rewriter.errors import HostMismatch, NothingToRename, UnsupportedModule, UsageError
from rewriter.hosts.table import find_host, find_hosts
from rewriter.inlining.versions import Changed
from rewriter.options import RewriteOptions
from rewriter.rewriting.flattening.as_core import loads
from rewriter.rewriting.making.names import read_names, read_outputs
from rewriter.rewriting.provenance import encode_record
from rewriter.rewriting.values import NOT_ADAPTING, Plan, Rename
from rewriter.rewriting.versions.names import by_rename, check_names, matches
from rewriter.wasm.custom import RECORD, Custom, custom_kind
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.patch import Edit, growth, renamed, resized
from rewriter.wasm.reader import Data

__all__ = ["plan_component"]


def plan_component(
    component: Component, options: RewriteOptions, entry: Mapping[str, object] | None = None
) -> Plan:
    """Plan the rewrite of a component that stays one. Only the names of its imports change, and the
    sizes of import sections where names have other lengths. Where functions of wasi:nn that it
    imports have changed between the versions, a shim is added.

    `entry`, made by rewriter.rewriting.provenance.new_entry, is added if anything changes.

    It raises:

    - HostMismatch if the component cannot have the version of wasi:nn
    - UnsupportedModule for a signed component, for two imports that would have the same name, and
      if offsets cannot be kept; ModuleError for a component that cannot be read
    - NothingToRename if nothing has to change and `options.require` is set
    - UsageError for names that no import can have, and for options that are for core modules
    - InputError and ModelError for the files of models in the options
    """
    _check_options(options)
    info = describe_component(component)
    snapshot = _aim(info, options)
    changed = None if snapshot is None else _shimmed(info, snapshot, options)
    if (options.outputs or options.models) and not (changed and changed.names_outputs):
        raise UsageError(
            "names of outputs (--output-name, --model) have no effect: "
            f"{component.name} gets no shim that needs them"
        )
    if options.inputs and not _has_indices(info):
        raise UsageError(
            "inputs (--input-name) has no effect on a component that knows their names"
        )
    if snapshot is None or changed is None:
        return _planned(info, snapshot, options, entry)
    with_shim = describe_component(Component(changed.data, component.name))
    plan = _planned(with_shim, snapshot, options, entry, has_shim=True)
    edit = _difference(component.data, plan.applied(changed.data))
    if options.keep_offsets:
        raise UnsupportedModule("offsets cannot be kept: a shim is added", edit.start, "NN323")
    versions = renamed_to(info, snapshot)
    return plan._replace(
        input_size=component.size,
        edits=(edit,),
        renames=(*(Rename(old, new, 1) for old, new in versions.items()), *plan.renames),
        notes=(_shim_note(info, snapshot), *changed.notes, *plan.notes),
    )


def _has_indices(info: ComponentInfo) -> bool:
    """Whether the program knows inputs and outputs by index."""
    return any(form in WITH_INDICES for form in info.snapshots)


def _shim_note(info: ComponentInfo, snapshot: Snapshot) -> Diagnostic:
    names = ", ".join(misfit.function for misfit in misfits(info, snapshot))
    return Diagnostic("NN374", f"a shim in the component does what these did: {names}")


def _planned(
    info: ComponentInfo,
    snapshot: Snapshot | None,
    options: RewriteOptions,
    entry: Mapping[str, object] | None,
    *,
    has_shim: bool = False,
) -> Plan:
    """The plan for other names. With `has_shim`, the component has changed already."""
    component = info.component
    versions = {} if snapshot is None else renamed_to(info, snapshot)
    mapping = {**versions, **by_rename((item.name for item in info.imports), options.renames)}
    mapping = {old: new for old, new in mapping.items() if old != new}
    _check_unique(info, mapping)
    edits = [edit for section in component.sections for edit in _renaming(section, mapping)]
    if edits or has_shim:
        edits += _others(component, options, entry)
    if options.require and not (edits or has_shim):
        raise NothingToRename(f"there is nothing to change in {component.name}")
    if options.keep_offsets and growth(edits) and not has_shim:
        raise UnsupportedModule(
            "offsets cannot be kept: the new names have another length", edits[0].start, "NN323"
        )
    return Plan(
        input_size=component.size,
        edits=tuple(sorted(edits, key=lambda edit: (edit.start, edit.end))),
        renames=tuple(Rename(old, new, 1) for old, new in mapping.items()),
        adapting=NOT_ADAPTING,
        dropped=_dropped(component, options) if edits or has_shim else (),
        outdated=(),
        notes=(*_not_imported(info, options), *_on_host(info, mapping, options)),
    )


def _check_options(options: RewriteOptions) -> None:
    for value, option in (
        (options.built_for, "built_for (--from)"),
        (options.guest_abi, "guest_abi (--guest-abi)"),
    ):
        if value is not None:
            raise UsageError(f"{option} has no effect on a component that stays one")
    check_names(options.renames)


def _aim(info: ComponentInfo, options: RewriteOptions) -> Snapshot | None:
    """The version of wasi:nn that the component is to import. None for renames alone, and for a
    host that has the component's own."""
    if options.host is not None:
        has = find_host(options.host).components
        if has is None or all(has.snapshot(item.version) for item in info.wasi_nn):
            return None
        return has.wasi_nn
    return None if options.to is None else find_version(options.to)


def _shimmed(info: ComponentInfo, snapshot: Snapshot, options: RewriteOptions) -> Changed | None:
    """The component with a shim, None where other names are enough.

    Raises HostMismatch where the component cannot have the version.
    """
    if all(item.version == snapshot.version for item in info.wasi_nn):
        return None
    obstacles = version_obstacles(info, snapshot)
    if not obstacles:
        return None
    inputs = read_names(options).inputs if _has_indices(info) else {}
    found = shimmed(info, snapshot, read_outputs(options), inputs)
    if isinstance(found, Changed):
        return found
    aim = f"run on {options.host}" if options.host is not None else f"import {snapshot}"
    refused = () if found is None else found.diagnostics
    raise HostMismatch(f"{info.component.name} cannot {aim}", (*obstacles, *refused))


def _difference(old: Data, new: bytes) -> Edit:
    """The edit that makes `new` of `old`, in whole pieces of _PIECE bytes."""
    most, start, end = min(len(old), len(new)), 0, 0
    while start + _PIECE <= most and old[start : start + _PIECE] == new[start : start + _PIECE]:
        start += _PIECE
    while end + _PIECE <= most - start and _behind(old, end) == _behind(new, end):
        end += _PIECE
    return Edit(start, len(old) - end, new[start : len(new) - end])


_PIECE = 64


def _behind(data: Data, end: int) -> bytes:
    """The piece before the last `end` bytes."""
    return data[len(data) - end - _PIECE : len(data) - end]


def _check_unique(info: ComponentInfo, mapping: Mapping[str, str]) -> None:
    """Raise UnsupportedModule where two imports would have the same name."""
    seen: dict[str, str] = {}
    for item in info.imports:
        new = mapping.get(item.name, item.name)
        if new in seen:
            raise UnsupportedModule(
                f"two imports would be called {new}: {seen[new]} and {item.name}",
                item.offset,
                "NN372",
            )
        seen[new] = item.name


def _renaming(section: ComponentSection, mapping: Mapping[str, str]) -> Iterator[Edit]:
    if section.kind is not SectionKind.IMPORT:
        return
    edits = [
        Edit(item.name.start, item.name.end, renamed(item.name, mapping[item.name.text]))
        for item in imports(section.cursor())
        if item.name.text in mapping
    ]
    yield from _size(section, edits)
    yield from edits


def _size(section: ComponentSection, edits: list[Edit]) -> list[Edit]:
    return resized(section.start + 1, section.content, section.size, growth(edits))


def _others(
    component: Component, options: RewriteOptions, entry: Mapping[str, object] | None
) -> Iterator[Edit]:
    """The edits to custom sections: signatures that are removed, and the record.

    Raises UnsupportedModule for a signed component, unless its signatures are removed.
    """
    record: ComponentSection | None = None
    for section in component.sections:
        kind = custom_kind(section.name)
        if kind is Custom.SIGNATURE and not options.drop_signature:
            raise UnsupportedModule(
                "the component is signed, and a rewrite would invalidate the signature",
                section.start,
                "NN110",
                "rewrite it before it is signed, or remove the signature (--drop-signature) and "
                "sign the result",
            )
        if kind is Custom.SIGNATURE:
            yield Edit(section.start, section.end, b"")
        elif section.name == RECORD and record is None:
            record = section
    if entry is None:
        return
    content = encode_record(record, entry)
    if record is None:
        whole = bytes([SectionKind.CUSTOM]) + encode_u32(len(content)) + content
        yield Edit(component.size, component.size, whole)
    else:
        edit = Edit(record.content, record.end, content)
        yield from _size(record, [edit])
        yield edit


def _dropped(component: Component, options: RewriteOptions) -> tuple[str, ...]:
    if not options.drop_signature:
        return ()
    names = (section.name or "" for section in component.sections)
    return tuple(dict.fromkeys(n for n in names if custom_kind(n) is Custom.SIGNATURE))


def _not_imported(info: ComponentInfo, options: RewriteOptions) -> Iterator[Diagnostic]:
    names = [item.name for item in info.imports]
    for old, new in options.renames.items():
        if not any(map(partial(matches, old=old), names)):
            message = f"nothing is imported from {old}, so nothing is renamed to {new}"
            yield Diagnostic("NN333", message)
    if options.to is not None and not info.wasi_nn:
        message = f"nothing is imported from {PACKAGE}, so nothing is renamed to {options.to}"
        yield Diagnostic("NN333", message)


def _on_host(
    info: ComponentInfo, mapping: Mapping[str, str], options: RewriteOptions
) -> Iterator[Diagnostic]:
    """What the host is assumed to be, the conditions for the result to run there, and the reasons
    that keep it from running."""
    if options.host is None:
        return
    chosen = find_hosts(options.host)
    yield from chosen.notes
    result = info._replace(
        imports=[item._replace(name=mapping.get(item.name, item.name)) for item in info.imports],
        wasi_nn=[item._replace(name=mapping.get(item.name, item.name)) for item in info.wasi_nn],
    )
    newest = chosen.newest
    verdict = Verdict.of(newest.label, (*said_of(result, newest), *loads(info, newest, ())))
    yield from verdict.conditions
    if verdict.runs is Runs.CANNOT:
        reasons = "; ".join(map(str, verdict.reasons))
        yield Diagnostic("NN312", f"{newest.label} cannot run the result: {reasons}")
