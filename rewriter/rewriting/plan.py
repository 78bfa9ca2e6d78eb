"""Plans a rewrite completely before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set

from rewriter.abi.dialects import MODULE_NAMES, Dialect
from rewriter.diagnostics import Diagnostic
from rewriter.errors import NothingToRename, UnsupportedModule
from rewriter.options import RewriteOptions
from rewriter.rewriting.aim import Wanted, choose
from rewriter.rewriting.outdated import (
    Customs,
    Happened,
    changes_of,
    describing_code,
    look_through,
    outdated_sections,
    told,
)
from rewriter.rewriting.renaming.imports import rewrite_imports
from rewriter.rewriting.values import NOT_ADAPTING, Adapting, Plan
from rewriter.wasm.custom import DESCRIBE_CODE, GUEST, Change, Custom, custom_kind
from rewriter.wasm.module import Module
from rewriter.wasm.patch import Edit, Patch
from rewriter.wasm.sections import SectionId

__all__ = ["make_plan"]


def make_plan(
    module: Module,
    options: RewriteOptions,
    entry: Mapping[str, object] | None = None,
    *,
    changed: bool = False,
) -> Plan:
    """Plan a rewrite with these options, step by step on one patch.

    `entry`, made by rewriter.rewriting.provenance.new_entry, is added if anything changes, or if
    the module has `changed` before, from a component.

    It raises:

    - what `rewriter.rewriting.aim.choose` raises
    - MalformedModule if the module cannot be read
    - UnsupportedModule for a relocatable object file; for a module that would change, but is signed
      or has sections for a linker; if functions of two ABIs would get the same module name; if the
      import section would be too long without groups; and if offsets cannot be kept
    - NothingToRename if nothing has to change and `options.require` is set
    """
    customs = look_through(module)
    aim = choose(module, options)
    patch = Patch(module)
    adapting = _install(patch, aim.wanted)
    renamed = rewrite_imports(patch, aim.names, adapting.imports, plain=aim.plain)
    if aim.wanted is None and renamed.together:
        _check_abis(module, renamed.together)
    modules = {rename.old: rename.new for rename in renamed.renames}
    unread: Collection[int] = ()
    if Custom.DYLINK in customs.kinds:
        from rewriter.rewriting.renaming.described import rename_described

        unread = rename_described(patch, modules, aim.wanted, adapting)
    dropped = _drop(patch, customs, options)
    marked = None
    # A signed module is not changed just to add or remove a mark.
    if options.drop_signature or not customs.signature or patch.edits():
        if aim.guest is not None:
            marked = _mark(patch, aim.guest)
        elif aim.unmarked:
            dropped += _unmark(patch, keep=0)
    if options.keep_offsets:
        from rewriter.rewriting.renaming.padding import fill_gap

        fill_gap(patch)
    if entry is not None and (changed or patch.edits()):
        from rewriter.rewriting.provenance import add_record

        add_record(patch, entry)
    edits = patch.edits()
    if options.require and not edits:
        raise NothingToRename(f"there is nothing to change in {module.name}")
    if edits and not options.drop_signature:
        customs.check_signature()
    if edits and not options.drop_linking:
        customs.check_linking()
    happened = Happened(
        changes_of(module, edits, adapting) | (Change.IMPORTS if modules else Change(0)),
        adapting,
        modules.keys(),
        DESCRIBE_CODE if options.drop_debug else (),
        unread,
    )
    found = outdated_sections(module, customs, happened)
    return Plan(
        input_size=module.size,
        edits=edits,
        renames=renamed.renames,
        adapting=adapting,
        dropped=dropped,
        outdated=describing_code(found),
        ungrouped=renamed.ungrouped,
        marked=marked,
        notes=(
            *aim.notes,
            *_not_imported(options.renames, modules),
            *(_on_no_host(module, aim.names) if aim.wanted is None else ()),
            *(told(found, customs, happened) if edits else ()),
        ),
    )


def _mark(patch: Patch, guest: Dialect) -> str | None:
    """Add a mark with the ABI of the guest. Returns the ABI's name, or None if the mark is already
    there."""
    from rewriter.analysis.adapted.guest_mark import guest_mark, read_mark

    content, section = guest_mark(guest), patch.module.custom(GUEST)
    if section is None:
        patch.add(SectionId.CUSTOM, content)
    elif not _unmark(patch, keep=1) and read_mark(section) is guest:
        return None
    elif read_mark(section) is not guest:
        patch.edit(section, [Edit(section.content, section.end, content)])
    return guest.name


def _unmark(patch: Patch, keep: int) -> tuple[str, ...]:
    """Remove all marks except the first `keep`. Returns the name of the section if any was
    removed."""
    marks = [section for section in patch.module.sections if section.name == GUEST]
    for section in marks[keep:]:
        patch.drop(section)
    return (GUEST,) if marks[keep:] else ()


def _not_imported(wanted: Mapping[str, str], renamed: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Notes about names that the caller wants to change but that the module does not import. They
    are probably misspelt."""
    for old, new in wanted.items():
        if old not in renamed:
            message = f"nothing is imported from {old}, so nothing is renamed to {new}"
            yield Diagnostic("NN333", message)


def _on_no_host(module: Module, names: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Notes about wasi-nn functions whose ABI differs from that of every host that registers their
    new module name. No host runs such a module before it is adapted. `names` are the names that
    change, old to new."""
    wanted = {new: new for new in names.values()} | dict(names)
    wasi_nn = {old: new for old, new in wanted.items() if new in MODULE_NAMES}
    if not wasi_nn:
        return
    from rewriter.analysis.imported import shown_layouts  # not needed to rename other modules
    from rewriter.hosts.table import registering

    for old, (layout, offset) in shown_layouts(module, wasi_nn).items():
        new = wasi_nn[old]
        hosts = registering(new)
        if not any(layout is other for layouts in hosts.values() for other in layouts):
            kinds = sorted({str(other) for layouts in hosts.values() for other in layouts})
            message = (
                f"no host runs a module that is only renamed: the guest has the {layout} ABI, but "
                f"the hosts that register {new} use {' or '.join(kinds)}"
            )
            remedy = f"`nnshim rewrite --for HOST` adapts it too, for {', '.join(hosts)}"
            yield Diagnostic("NN334", message, offset, help=remedy)


def _install(patch: Patch, wanted: Wanted | None) -> Adapting:
    if wanted is None or not wanted.adapters:
        return NOT_ADAPTING
    from rewriter.rewriting.install_adapters import adapt  # not needed for renames

    return adapt(patch, wanted.info, wanted.adapters)


def _check_abis(module: Module, together: Mapping[str, Set[str]]) -> None:
    """Raise UnsupportedModule where functions of two ABIs would be imported from one module, which
    no host defines."""
    for new, olds in together.items():
        if {new, *olds}.isdisjoint(MODULE_NAMES):
            continue
        from rewriter.analysis.imported import shown_layouts  # not needed for most renames

        shown = shown_layouts(module, olds)
        if len({layout for layout, _ in shown.values()}) > 1:
            kinds = " and ".join(f"those of {old} are {shown[old][0]}" for old in sorted(shown))
            raise UnsupportedModule(
                f"functions of two ABIs would share the module name {new}: {kinds}",
                min(offset for _, offset in shown.values()),
                "NN324",
                "--for HOST or --abi ABI adapts them to one",
            )


def _drop(patch: Patch, customs: Customs, options: RewriteOptions) -> tuple[str, ...]:
    """Remove the sections that the options select. Returns their names without repeats."""
    kinds: set[Custom] = set()
    if options.drop_debug:
        kinds |= DESCRIBE_CODE
    if options.drop_signature:
        kinds.add(Custom.SIGNATURE)
    if options.drop_linking:
        kinds.add(Custom.LINKING)
    names: dict[str, None] = {}
    for section in () if kinds.isdisjoint(customs.kinds) else patch.module.sections:
        if custom_kind(section.name) in kinds:
            patch.drop(section)
            names[section.name or ""] = None
    return tuple(names)
