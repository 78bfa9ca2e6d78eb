"""What a rewrite will do, decided whole before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rewriter.errors import UnsupportedModule
from rewriter.rewriting.rename_imports import rewrite_imports
from rewriter.rewriting.values import NOT_ADAPTING, Adapting, Plan
from rewriter.wasm.custom import DESCRIBE_CODE, Custom, custom_kind
from rewriter.wasm.module import Module
from rewriter.wasm.patch import Edit, Patch, growth
from rewriter.wasm.sections import SectionId

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter
    from rewriter.analysis.inspect import ModuleInfo

__all__ = ["make_plan"]


def make_plan(
    module: Module,
    mapping: Mapping[str, str],
    info: ModuleInfo | None = None,
    wanted: Mapping[int, Adapter | None] | None = None,
    *,
    drop_debug: bool = False,
    drop_signature: bool = False,
    keep_offsets: bool = False,
    record: Mapping[str, object] | None = None,
) -> Plan:
    """Plan to give every import whose module name is a key of `mapping` the name beside it.

    All renames happen at once, so names can be swapped. `wanted`, with the `info` it was chosen by,
    has the adapter that is to stand before each import, by its index, or None for none.
    `drop_debug` and `drop_signature` remove what would no longer match; `keep_offsets` fills the
    gap that shorter imports leave; `record`, by rewriter.rewriting.provenance.new_entry, is added
    where anything changes.

    Raises MalformedModule for imports that cannot be read, and UnsupportedModule for a relocatable
    object file, for a signed module that would change, and where offsets cannot be
    kept.
    """
    signature = None
    describing = False
    for section in module.sections:
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
        describing |= kind in DESCRIBE_CODE
    patch = Patch(module)
    adapting = NOT_ADAPTING
    if info and wanted:
        from rewriter.rewriting.install_adapters import adapt  # what only renames starts without it

        adapting = adapt(patch, info, wanted)
    renames = rewrite_imports(patch, mapping, adapting.imports)
    dropped: tuple[str, ...] = ()
    if (drop_debug and describing) or (drop_signature and signature):
        dropped = _drop(patch, drop_debug, drop_signature)
    if keep_offsets and (imports := module.find(SectionId.IMPORT)):
        from rewriter.rewriting.padding import fill_gap

        fill_gap(patch, imports)
    if record is not None and patch.edits():
        from rewriter.rewriting.provenance import add_record

        add_record(patch, record)
    edits = patch.edits()
    if edits and signature and not drop_signature:
        raise UnsupportedModule(
            "the module is signed, and the signature would not hold after a rewrite",
            signature.start,
            "NN110",
            "rewrite it before it is signed, or take the signature off (--drop-signature) and sign"
            " the result",
        )
    return Plan(
        input_size=module.size,
        edits=edits,
        renames=renames,
        adapting=adapting,
        dropped=dropped,
        outdated=_outdated(module, edits, adapting) if describing and not drop_debug else (),
    )


def _drop(patch: Patch, debug: bool, signature: bool) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for section in patch.module.sections:
        kind = custom_kind(section.name)
        if (signature and kind is Custom.SIGNATURE) or (debug and kind in DESCRIBE_CODE):
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
