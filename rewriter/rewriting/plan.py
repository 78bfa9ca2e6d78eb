"""What a rewrite will do, decided whole before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from rewriter.abi.dialects import MODULE_NAMES
from rewriter.diagnostics import Diagnostic
from rewriter.errors import NothingToRename, UnsupportedModule
from rewriter.options import RewriteOptions
from rewriter.rewriting.aim import Wanted, choose
from rewriter.rewriting.rename_imports import rewrite_imports
from rewriter.rewriting.values import NOT_ADAPTING, Adapting, Plan
from rewriter.wasm.custom import DESCRIBE_CODE, Custom, custom_kind
from rewriter.wasm.module import Module
from rewriter.wasm.patch import Edit, Patch, growth
from rewriter.wasm.sections import Section, SectionId

__all__ = ["make_plan"]


def make_plan(
    module: Module, options: RewriteOptions, entry: Mapping[str, object] | None = None
) -> Plan:
    """Plan what the options ask for, step by step on one patch.

    `entry`, by rewriter.rewriting.provenance.new_entry, is added where anything changes. Raises
    what `rewriter.rewriting.aim.choose` does, MalformedModule where the module cannot be read,
    UnsupportedModule for a relocatable object file, for a signed module that would change, and
    where offsets cannot be kept, and NothingToRename if that is an error by the options.
    """
    customs = _look_through(module)
    aim = choose(module, options)
    patch = Patch(module)
    adapting = _install(patch, aim.wanted)
    renamed = rewrite_imports(patch, aim.names, adapting.imports, plain=aim.plain)
    if aim.wanted is None and renamed.together:
        _check_abis(module, renamed.together)
    dropped = _drop(patch, customs, options)
    if options.keep_offsets:
        from rewriter.rewriting.padding import fill_gap

        fill_gap(patch)
    if entry is not None and patch.edits():
        from rewriter.rewriting.provenance import add_record

        add_record(patch, entry)
    edits = patch.edits()
    if options.require and not edits:
        raise NothingToRename(f"there is nothing to change in {module.name}")
    if edits and not options.drop_signature:
        customs.check_signature()
    outdated: tuple[str, ...] = ()
    if customs.describe_code and not options.drop_debug:
        outdated = _outdated(module, edits, adapting)
    return Plan(
        input_size=module.size,
        edits=edits,
        renames=renamed.renames,
        adapting=adapting,
        dropped=dropped,
        outdated=outdated,
        notes=(*aim.notes, *_told(outdated, adapting)),
    )


class _Customs(NamedTuple):
    """The first section of a signature, and whether there are sections that describe code."""

    signature: Section | None
    describe_code: bool

    def check_signature(self) -> None:
        """Raise UnsupportedModule for a signed module."""
        if self.signature is not None:
            raise UnsupportedModule(
                "the module is signed, and the signature would not hold after a rewrite",
                self.signature.start,
                "NN110",
                "rewrite it before it is signed, or take the signature off (--drop-signature) and"
                " sign the result",
            )


def _look_through(module: Module) -> _Customs:
    """Raises UnsupportedModule for a relocatable object file."""
    signature = None
    describe_code = False
    for section in module.sections:
        if section.name is None:
            continue
        kind = custom_kind(section.name)
        if kind is Custom.LINKING:
            raise UnsupportedModule(
                f"this is an object file (it has a {section.title}): its relocations and symbols"
                " would no longer match",
                section.start,
                "NN106",
                "link it first",
            )
        if signature is None and kind is Custom.SIGNATURE:
            signature = section
        describe_code |= kind in DESCRIBE_CODE
    return _Customs(signature, describe_code)


def _install(patch: Patch, wanted: Wanted | None) -> Adapting:
    if wanted is None or not wanted.adapters:
        return NOT_ADAPTING
    from rewriter.rewriting.install_adapters import adapt  # what only renames starts without it

    return adapt(patch, wanted.info, wanted.adapters)


def _check_abis(module: Module, together: Mapping[str, Set[str]]) -> None:
    """Raise UnsupportedModule where functions of two ABIs would be imported from one module, which
    no host defines."""
    for new, olds in together.items():
        if {new, *olds}.isdisjoint(MODULE_NAMES):
            continue
        from rewriter.analysis.imported import shown_layouts  # what most renames start without

        shown = shown_layouts(module, olds)
        if len({layout for layout, _ in shown.values()}) > 1:
            kinds = " and ".join(f"those of {old} are {shown[old][0]}" for old in sorted(shown))
            raise UnsupportedModule(
                f"functions of two ABIs would be imported from {new}: {kinds}",
                min(offset for _, offset in shown.values()),
                "NN324",
                "--for HOST or --abi ABI adapts them to one",
            )


def _drop(patch: Patch, customs: _Customs, options: RewriteOptions) -> tuple[str, ...]:
    """Remove the sections that the options say, and name each of their names once."""
    kinds: list[Custom] = []
    if options.drop_debug and customs.describe_code:
        kinds += DESCRIBE_CODE
    if options.drop_signature and customs.signature:
        kinds.append(Custom.SIGNATURE)
    names: dict[str, None] = {}
    for section in patch.module.sections if kinds else ():
        if custom_kind(section.name) in kinds:
            patch.drop(section)
            names[section.name or ""] = None
    return tuple(names)


def _outdated(module: Module, edits: Sequence[Edit], adapting: Adapting) -> tuple[str, ...]:
    """The sections that describe code by where it is no longer."""
    code = module.find(SectionId.CODE)
    moved_in_file = code and growth(edit for edit in edits if edit.end <= code.start)
    outdated: tuple[Custom, ...] = (Custom.SOURCE_MAP,) if moved_in_file else ()
    if adapting.moved:
        outdated = DESCRIBE_CODE
    names = (section.name or "" for section in module.sections)
    return tuple(dict.fromkeys(name for name in names if custom_kind(name) in outdated))


def _told(outdated: Sequence[str], adapting: Adapting) -> Sequence[Diagnostic]:
    """What is said of sections that no longer match."""
    if not outdated:
        return ()
    remedy = "--drop-debug removes them"
    if not adapting.adapted:
        remedy += ", --keep-offsets leaves the code where it was"
    message = f"code has moved, so these no longer match: {', '.join(outdated)}"
    return (Diagnostic("NN311", message, help=remedy),)
