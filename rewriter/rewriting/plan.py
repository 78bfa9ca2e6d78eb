"""What a rewrite will do, decided whole before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rewriter.abi.dialects import MODULE_NAMES
from rewriter.errors import UnsupportedModule, UsageError
from rewriter.wasm.imports import GROUP_BY_MODULE, Import, groups
from rewriter.wasm.leb128 import reencode_u32
from rewriter.wasm.patch import Edit, Patch, growth, renamed
from rewriter.wasm.reader import Data
from rewriter.wasm.sections import (
    Section,
    SectionId,
    Sections,
    counts_from_the_start,
    describes_code,
    is_linker_section,
    is_signature,
    split,
)

if TYPE_CHECKING:
    from rewriter.adapters.adapter import Adapter
    from rewriter.analysis.inspect import ModuleInfo

__all__ = [
    "NOT_ADAPTING",
    "Adapted",
    "Adapting",
    "ImportedAs",
    "Plan",
    "Rename",
    "make_plan",
    "rename_map",
]

_MAX_NAME = 100_000
"""Bytes; engines refuse longer names.

https://webassembly.github.io/spec/js-api/#limits
"""


@dataclass(frozen=True, slots=True)
class Rename:
    """`imports` counts the imports that change their module name from `old` to `new`."""

    old: str
    new: str
    imports: int


ImportedAs = tuple[str, int]
"""The name and the type index that an import gets."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """A function of the guest that goes through another adapter than before, or None."""

    function: str
    after: Adapter | None

    def __str__(self) -> str:
        if self.after is None:
            return f"{self.function}, back to what it was"
        return f"{self.function}, from {self.after.source.name} to {self.after.target.name}"


@dataclass(frozen=True, slots=True)
class Adapting:
    """`imports` has, by function index, what is imported in another form than before.

    `references` counts what was redirected; `moved` says that code has moved in the code section,
    so that what describes it by its position is wrong now.
    """

    adapted: tuple[Adapted, ...]
    imports: Mapping[int, ImportedAs]
    references: int
    moved: bool


NOT_ADAPTING = Adapting((), {}, 0, False)


@dataclass(frozen=True, slots=True)
class Plan:
    """The edits that make the output of the input; sizes in bytes.

    With nothing to do there are no edits, and the input is the output. `dropped` names the custom
    sections that go, `outdated` those that describe code by positions which have changed, each name
    once.
    """

    input_size: int
    edits: tuple[Edit, ...]
    renames: tuple[Rename, ...]
    adapting: Adapting
    dropped: tuple[str, ...]
    outdated: tuple[str, ...]

    @property
    def output_size(self) -> int:
        return self.input_size + growth(self.edits)

    @property
    def pieces(self) -> tuple[range | bytes, ...]:
        """The output in order: ranges are bytes of the input, passed on as they are."""
        pieces: list[range | bytes] = []
        pos = 0
        for edit in self.edits:
            pieces += [range(pos, edit.start), edit.replacement]
            pos = edit.end
        pieces.append(range(pos, self.input_size))
        return tuple(piece for piece in pieces if len(piece))


def rename_map(to: str | None, renames: Mapping[str, str] | None = None) -> dict[str, str]:
    """Old names to new: the wasi-nn names that are not `to`, and `renames` besides.

    Raises UsageError for a `to` that is no wasi-nn name, and for names that are empty, over
    100,000 bytes, or renamed in two ways.
    """
    mapping = dict(renames or {})
    for name in (*mapping, *mapping.values()):
        if not name:
            raise UsageError("an import module name to rename from or to is empty")
        if len(name.encode()) > _MAX_NAME:
            raise UsageError(f"an import module name may have {_MAX_NAME} bytes at most")
    if to is None:
        return mapping
    if to not in MODULE_NAMES:
        raise UsageError(f"{to!r} is not a wasi-nn module name ({' or '.join(MODULE_NAMES)})")
    for old in MODULE_NAMES:
        if old != to and mapping.setdefault(old, to) != to:
            raise UsageError(f"{old} cannot become {to} and {mapping[old]} at once")
    return mapping


def make_plan(
    data: Data,
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

    Raises ModuleError as `sections.split` and `imports.groups` do, and UnsupportedModule for a
    relocatable object file, for a signed module that would change, and where offsets cannot be
    kept.
    """
    sections = split(data)
    signature = None
    describing = False
    for section in sections:
        if section.name is None:
            continue
        if is_linker_section(section.name):
            raise UnsupportedModule(
                f"this is an object file (it has a {section.title}): its relocations and symbols"
                " would no longer match; link it first",
                section.start,
            )
        if signature is None and is_signature(section.name):
            signature = section
        describing |= describes_code(section.name) or counts_from_the_start(section.name)
    patch = Patch(sections)
    adapting = NOT_ADAPTING
    if info and wanted:
        from rewriter.rewriting.install_adapters import adapt  # what only renames starts without it

        adapting = adapt(data, patch, info, wanted)
    renames: tuple[Rename, ...] = ()
    if imports := patch.find(SectionId.IMPORT):
        renames = _rewrite_imports(data, imports, mapping, adapting.imports, patch)
    dropped: tuple[str, ...] = ()
    if (drop_debug and describing) or (drop_signature and signature):
        dropped = _drop(patch, drop_debug, drop_signature)
    if keep_offsets and imports:
        from rewriter.rewriting.padding import fill_gap

        fill_gap(data, patch, imports)
    if record is not None and patch.edits():
        from rewriter.rewriting.provenance import add_record

        add_record(data, patch, record)
    edits = patch.edits()
    if edits and signature and not drop_signature:
        raise UnsupportedModule(
            "the module is signed, and another one after a rewrite: rewrite it before it is signed,"
            " or take the signature off (--drop-signature) and sign the result",
            signature.start,
        )
    return Plan(
        input_size=len(data),
        edits=edits,
        renames=renames,
        adapting=adapting,
        dropped=dropped,
        outdated=_outdated(sections, edits, adapting) if describing and not drop_debug else (),
    )


def _drop(patch: Patch, debug: bool, signature: bool) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for section in patch.sections:
        name = section.name
        if name is None:
            continue
        describing = describes_code(name) or counts_from_the_start(name)
        if (signature and is_signature(name)) or (debug and describing):
            patch.drop(section)
            names[name] = None
    return tuple(names)


def _outdated(sections: Sections, edits: Sequence[Edit], adapting: Adapting) -> tuple[str, ...]:
    """The sections that describe code by where it is no longer."""
    code = sections.standard.get(SectionId.CODE)
    moved_in_file = code and growth(edit for edit in edits if edit.end <= code.start)
    names = (section.name for section in sections if section.name is not None)
    return tuple(
        dict.fromkeys(
            name
            for name in names
            if (adapting.moved and describes_code(name))
            or ((adapting.moved or moved_in_file) and counts_from_the_start(name))
        )
    )


def _rewrite_imports(
    data: Data,
    section: Section,
    mapping: Mapping[str, str],
    changes: Mapping[int, ImportedAs],
    patch: Patch,
) -> tuple[Rename, ...]:
    """Give imports other module names, and the functions in `changes` other names and types."""
    content = bytearray()
    copied = section.content
    counts: Counter[tuple[str, str]] = Counter()
    functions = 0
    for group in groups(data, section):
        module = group.module
        new = mapping.get(module.text, module.text)
        edits = []
        if new != module.text:
            edits.append(Edit(module.start, module.end, renamed(module, new)))
        imports: Iterable[Import] = group.imports
        if changes and module.text in MODULE_NAMES:
            imports = [*imports]
            edits += _change_functions(data, group.form, functions, imports, changes)
        count, functions_among = _count(imports)
        functions += functions_among
        for edit in edits:
            content += data[copied : edit.start] + edit.replacement
            copied = edit.end
        if new != module.text:
            counts[module.text, new] += count
    if copied > section.content:
        content += data[copied : section.end]
        patch.edit(section, [Edit(section.content, section.end, bytes(content))])
    return tuple(Rename(old, new, count) for (old, new), count in counts.items())


def _count(imports: Iterable[Import]) -> tuple[int, int]:
    """How many imports there are, and how many of them are functions."""
    count = functions = 0
    for item in imports:
        count += 1
        functions += item.extern.is_func
    return count, functions


def _change_functions(
    data: Data,
    form: int | None,
    first: int,
    imports: Sequence[Import],
    changes: Mapping[int, ImportedAs],
) -> Iterator[Edit]:
    """`imports` are those of a group, and `first` is the index of the first function of them."""
    items = [*enumerate((item for item in imports if item.extern.is_func), first)]
    if not any(index in changes for index, _ in items):
        return
    if form is not None:  # the imports no longer share a type: each gets its own
        yield Edit(form, form + 1, bytes([GROUP_BY_MODULE]))
        yield Edit(items[0][1].extern_start, items[0][1].extern_end, b"")
    for index, item in items:
        extern = data[item.extern_start : item.extern_end]
        change = changes.get(index)
        if change is not None:
            name, type_index = change
            yield Edit(item.name.start, item.name.end, renamed(item.name, name))
            old = item.extern.type_index or 0
            extern = extern[:1] + reencode_u32(type_index, old=old, old_width=len(extern) - 1)
        if form is not None:
            yield Edit(item.name.end, item.name.end, extern)
        elif change is not None:
            yield Edit(item.extern_start, item.extern_end, extern)
