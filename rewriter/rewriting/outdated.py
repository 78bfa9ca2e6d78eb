"""Finds the custom sections that a rewrite makes outdated, by what each describes
(rewriter.wasm.custom), and reports them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.diagnostics import Diagnostic
from rewriter.errors import UnsupportedModule
from rewriter.rewriting.values import Adapting
from rewriter.wasm.custom import DESCRIBE_CODE, OUTDATED_BY, Change, Custom, custom_kind
from rewriter.wasm.imports import is_unlinked
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.patch import Edit, growth
from rewriter.wasm.sections import Section, SectionId

__all__ = [
    "Customs",
    "Happened",
    "changes_of",
    "describing_code",
    "look_through",
    "outdated_sections",
    "told",
]

_MOST_NAMED = 10
"""The most unknown sections that are named in a message. A module can have millions."""


class Customs(NamedTuple):
    """The custom sections of a module: their kinds, the first signature section, the first linking
    section, and the names of unknown sections that are not empty, without repeats."""

    kinds: Collection[Custom]
    signature: Section | None
    linking: Section | None
    unknown: Sequence[str]

    def check_signature(self) -> None:
        """Raise UnsupportedModule for a signed module."""
        if self.signature is not None:
            raise UnsupportedModule(
                "the module is signed, and a rewrite would invalidate the signature",
                self.signature.start,
                "NN110",
                "rewrite it before it is signed, or remove the signature (--drop-signature) and "
                "sign the result",
            )

    def check_linking(self) -> None:
        """Raise UnsupportedModule for a module that has sections for a linker."""
        if self.linking is not None:
            raise UnsupportedModule(
                f"the module has a {self.linking.title}, for a linker: its relocations and symbols"
                " would no longer match",
                self.linking.start,
                "NN106",
                "remove such sections (--drop-linking)",
            )


def look_through(module: Module) -> Customs:
    """Find the custom sections of a module. Raises UnsupportedModule for a relocatable object
    file."""
    signature = linking = None
    kinds: set[Custom] = set()
    unknown: dict[str, None] = {}
    for section in module.sections:
        if section.name is None:
            continue
        kind = custom_kind(section.name)
        kinds.add(kind)
        if linking is None and kind is Custom.LINKING:
            linking = section
        if signature is None and kind is Custom.SIGNATURE:
            signature = section
        if kind is Custom.OTHER and len(unknown) <= _MOST_NAMED and not _is_empty(section):
            unknown[section.name] = None
    if linking is not None and is_unlinked(module):
        raise UnsupportedModule(
            f"this is an object file (it has a {linking.title}): its relocations and symbols would"
            " no longer match",
            linking.start,
            "NN106",
            "link it first",
        )
    return Customs(kinds, signature, linking, tuple(unknown))


def _is_empty(section: Section) -> bool:
    """Whether a custom section has only a name."""
    cursor = section.cursor()
    cursor.name()
    return cursor.pos == section.end


class Happened(NamedTuple):
    """What a rewrite has changed. `renamed` are the old module names of imports that were renamed,
    `dropped` the kinds of custom sections that were removed, and `unread` the starts of "dylink.0"
    sections that could not be read."""

    changes: Change
    adapting: Adapting
    renamed: Collection[str]
    dropped: Collection[Custom]
    unread: Collection[int]


def changes_of(module: Module, edits: Sequence[Edit], adapting: Adapting) -> Change:
    """The changes made by the edits, without those to module names."""
    changes = Change.IMPORTS if adapting.imports else Change(0)
    code = module.find(SectionId.CODE)
    if code and growth(edit for edit in edits if edit.end <= code.content):
        changes |= Change.FILE
    if adapting.adapted:
        changes |= Change.FUNCTIONS
    if adapting.moved:
        changes |= Change.SECTION | Change.FILE
    if adapting.moved_inside:
        changes |= Change.FUNCTION
    return changes


def outdated_sections(
    module: Module, customs: Customs, happened: Happened
) -> Mapping[Custom, Collection[str]]:
    """The names of outdated sections by their kind, without repeats."""
    found: dict[Custom, dict[str, None]] = {}
    kinds = {
        kind
        for kind in customs.kinds
        if OUTDATED_BY.get(kind, Change(0)) & happened.changes and kind not in happened.dropped
    }
    for section in module.sections if kinds else ():
        kind = custom_kind(section.name)
        if kind in kinds and (kind not in _NAME_IMPORTS or _names_old(section, kind, happened)):
            found.setdefault(kind, {})[section.name or ""] = None
    return found


_NAME_IMPORTS = (Custom.DYLINK, Custom.COMPONENT_TYPE)


def _names_old(section: Section, kind: Custom, happened: Happened) -> bool:
    """Whether a section still contains an old module name of renamed imports."""
    if kind is Custom.DYLINK and section.start not in happened.unread:
        return False
    return any(
        section.data.find(text, section.content, section.end) >= 0
        for text in map(_encoded, happened.renamed)
    )


def _encoded(module: str) -> bytes:
    """The bytes of an interface's name in a component type, or their start, for the module name of
    imports from that interface. Functions outside of interfaces have a module name that no type
    contains: the result is empty then, which is found in every section.

    https://github.com/WebAssembly/component-model/blob/main/design/mvp/BuildTargets.md
    """
    if module in ("$root", "cm32p2"):
        return b""
    if module.startswith("cm32p2|"):  # its version may be shortened
        return module.removeprefix("cm32p2|").removeprefix("_ex_").encode()
    name = module.removeprefix("[export]").encode()
    return encode_u32(len(name)) + name


def told(
    found: Mapping[Custom, Collection[str]], customs: Customs, happened: Happened
) -> Iterator[Diagnostic]:
    """Messages about the outdated sections in `found`, and about those that may be outdated."""
    adapted = happened.adapting.adapted
    describing = describing_code(found)
    if describing:
        remedy = "--drop-debug removes them"
        if not adapted:
            remedy += ", --keep-offsets leaves the code where it was"
        message = f"code has moved, so these no longer match: {', '.join(describing)}"
        yield Diagnostic("NN311", message, help=remedy)
    for kind in _NAME_IMPORTS:
        if names := found.get(kind):
            message = f"these contain outdated import names: {', '.join(names)}"
            yield Diagnostic("NN313", message, help=_ANEW[kind])
    if Custom.NATIVE_CODE in found:
        after = _INTERPRETED if happened.adapting.resized else _RUN
        message = f"WasmEdge's native code in it is outdated: {after}"
        yield Diagnostic("NN314", message, help="`wasmedge compile` regenerates it")
    elif Custom.NATIVE_CODE in customs.kinds:
        message = "WasmEdge's native code in it stays valid: it calls imports by their index"
        yield Diagnostic("NN316", message)
    if customs.unknown:
        named = ", ".join(customs.unknown[:_MOST_NAMED])
        if len(customs.unknown) > _MOST_NAMED:
            named += " and more"
        message = f"unknown custom sections may be outdated: {named}"
        yield Diagnostic("NN315", message)


_ANEW = {
    Custom.DYLINK: "it cannot be read, so link the library again",
    Custom.COMPONENT_TYPE: "`wasm-tools component embed` regenerates it, for a world that has "
    "the new names",
}
_INTERPRETED = "the number of functions or types differs, so WasmEdge interprets the module"
_RUN = "WasmEdge runs it (since 0.17 with --run-mode=aot) without the new adapters"


def describing_code(found: Mapping[Custom, Collection[str]]) -> tuple[str, ...]:
    """The names of the outdated sections that describe code by its position."""
    return tuple(name for kind in found if kind in DESCRIBE_CODE for name in found[kind])
