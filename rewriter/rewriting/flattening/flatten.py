"""A component that was made from a core module, as a core module again.

The imports of wasi:nn become imports of wasi_ephemeral_nn in the same places, so that every
function keeps its index; the shim's functions are the last ones, and whatever named an import of
wasi:nn names one of these then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.dialects import WASI_EPHEMERAL_NN, WITX
from rewriter.abi.snapshots import Snapshot
from rewriter.analysis.adapted.adapter_global import GLOBAL
from rewriter.components.component import Component
from rewriter.diagnostics import Diagnostic
from rewriter.errors import UnsupportedModule
from rewriter.functions.assembler import assemble, encode_func_type
from rewriter.functions.code import defined_functions, redirect_code
from rewriter.functions.instructions import Reference
from rewriter.functions.references import REFERRING_SECTIONS, section_references
from rewriter.rewriting.flattening.inner import Inner, find_inner
from rewriter.rewriting.flattening.named import names_section
from rewriter.rewriting.flattening.shim import HOST, REALLOC, Part, needed
from rewriter.rewriting.making.adapter import NO_NAMES, Names
from rewriter.rewriting.outdated import Happened, changes_of, look_through, outdated_sections, told
from rewriter.rewriting.renaming.imports import rewrite_imports
from rewriter.rewriting.values import Adapted, Adapting
from rewriter.wasm.imports import ExternKind
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.names import encode_name, rename_functions
from rewriter.wasm.patch import Edit, Patch, resized
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType

__all__ = ["Flattened", "flatten"]


class Flattened(NamedTuple):
    """A core module, and what it has lost."""

    data: bytes
    notes: tuple[Diagnostic, ...]


def flatten(component: Component, names: Names = NO_NAMES) -> Flattened:
    """The core module that does what a component does, on hosts of wasi_ephemeral_nn. `names` are
    those of the inputs and outputs of its models.

    A component whose program imports wasi-nn as a core module does, or not at all, holds that
    module as it is. Raises UnsupportedModule where the program needs more than a host of core
    modules has, ModuleError for what cannot be read, and UsageError for too many outputs.
    """
    inner = find_inner(component)
    if inner.snapshot is None:
        return Flattened(bytes(inner.module.data), ())
    return _Flattening(inner, inner.snapshot, names).done()


_REALLOCS = ("cabi_realloc", "cm32p2_realloc")


class _Flattening:
    def __init__(self, inner: Inner, snapshot: Snapshot, names: Names) -> None:
        self.inner = inner
        self.names = names
        self.module = inner.module
        self.patch = Patch(self.module)
        shims = {slot.function.shim for slot in inner.nn.values()}
        self.parts = needed(sorted(shims), names, snapshot)
        _, self.bodies = defined_functions(self.module)
        self.first = inner.functions + len(self.bodies)
        self.indices = {part.name: self.first + at for at, part in enumerate(self.parts)}
        self.called = sorted(
            {
                call.removeprefix(HOST)
                for part in self.parts
                for call in part.calls
                if call.startswith(HOST)
            }
        )
        if len(self.called) > len(inner.nn):
            raise UnsupportedModule(
                f"the program imports {len(inner.nn)} functions of wasi:nn, but takes "
                f"{len(self.called)} of {WASI_EPHEMERAL_NN}",
                self.module.sections.standard[SectionId.IMPORT].start,
                "NN347",
                "import more of wasi:nn's functions, such as those that drop what it has made",
            )
        self.redirected = {
            slot: self.indices[item.function.shim] for slot, item in inner.nn.items()
        }

    def done(self) -> Flattened:
        self._memory()
        types = self._types()
        hosts = dict(zip(self.inner.nn, self.called, strict=False))
        names = {f"{HOST}{name}": slot for slot, name in hosts.items()}
        spare = self.called[0] if self.called else "compute"
        changes = {
            slot: (name, types[WITX.signature(name)])
            for slot in self.inner.nn
            for name in (hosts.get(slot, spare),)
        }
        mapping = dict.fromkeys(self.inner.modules, WASI_EPHEMERAL_NN)
        rewrite_imports(self.patch, mapping, changes)
        self.patch.append(SectionId.FUNCTION, [encode_u32(types[part.type]) for part in self.parts])
        self.patch.append(SectionId.GLOBAL, [GLOBAL])
        if self.names != NO_NAMES:
            self.patch.add(SectionId.CUSTOM, names_section(self.names))
        self._exports()
        elsewhere = self._sections()
        realloc = self._realloc()
        indices = {**self.indices, **names, **({REALLOC: realloc} if realloc is not None else {})}
        in_code, moved, moved_inside = self._code(indices)
        rename_functions(self.patch, self.first, [f"wasi:nn {p.name[1:]}" for p in self.parts])
        adapted = tuple(Adapted(item.name, None) for item in self.inner.nn.values())
        adapting = Adapting(adapted, changes, elsewhere + in_code, moved, moved_inside, True)
        return Flattened(self.patch.applied(), (*self._lost(), *self._outdated(adapting)))

    def _memory(self) -> None:
        if "memory" in self.inner.exports:
            kind, index = self.inner.exports["memory"]
            if (kind, index) != (ExternKind.MEMORY, self.inner.memory):
                raise self._missing("memory, which is something else")

    def _types(self) -> Mapping[FuncType, int]:
        """The indices of all types that are needed; those that miss are appended."""
        wanted = [WITX.signature(name) for name in self.called or ["compute"]]
        wanted += [part.type for part in self.parts]
        known: dict[FuncType, int] = {}
        for index, found in enumerate(self.module.types):
            if found is not None and found.plain:
                known.setdefault(found, index)
        missing = [each for each in dict.fromkeys(wanted) if each not in known]
        start = len(self.module.types)
        self.patch.append(SectionId.TYPE, [encode_func_type(each) for each in missing])
        return known | {each: start + at for at, each in enumerate(missing)}

    def _realloc(self) -> int | None:
        """The index of the guest's function that gives memory, None where it is not called."""
        if not any(REALLOC in part.calls for part in self.parts):
            return None
        for name in _REALLOCS:
            kind, index = self.inner.exports.get(name, (None, 0))
            if kind == ExternKind.FUNC and index not in self.redirected:
                self._check_realloc(index)
                return index
        raise self._missing("cabi_realloc, which gives memory for lists")

    def _check_realloc(self, index: int) -> None:
        types, _ = defined_functions(self.module)
        at = index - self.inner.functions
        found = self.module.types.of_function(types[at], 0) if 0 <= at < len(types) else None
        if found is None or (found.params, found.results) != (("i32",) * 4, ("i32",)):
            raise self._missing("cabi_realloc of the right type")

    def _missing(self, what: str) -> UnsupportedModule:
        export = self.module.find(SectionId.EXPORT)
        return UnsupportedModule(
            f"the program does not export {what}",
            export.start if export else None,
            "NN346",
            "build it with the bindings for components",
        )

    def _exports(self) -> None:
        """Export what hosts of core modules look for under the names that they know."""
        exports = self.inner.exports
        added = []
        if "memory" not in exports:
            added.append(("memory", ExternKind.MEMORY, self.inner.memory))
        if "cm32p2_initialize" in exports and "_initialize" not in exports:
            if "_start" in exports:
                raise self._missing("_initialize, but cm32p2_initialize beside _start")
            kind, index = exports["cm32p2_initialize"]
            added.append(("_initialize", ExternKind(kind), self.redirected.get(index, index)))
        section = self.module.find(SectionId.EXPORT)
        if section is None or not added:
            return
        cursor = section.cursor()
        count = cursor.u32()
        items = [encode_name(name) + bytes([kind]) + encode_u32(at) for name, kind, at in added]
        self.patch.edit(section, resized(section.content, cursor.pos, count, len(items)))
        self.patch.edit(section, [Edit(section.end, section.end, b"".join(items))])

    def _redirect(self, reference: Reference) -> Edit:
        width = reference.end - reference.start
        index = encode_u32(self.redirected[reference.index], width)
        return Edit(reference.start, reference.end, index)

    def _sections(self) -> int:
        count = 0
        for section in self.module.sections:
            if section.id in REFERRING_SECTIONS:
                found = section_references(section, self.redirected.keys())
                self.patch.edit(section, map(self._redirect, found))
                count += len(found)
        return count

    def _code(self, indices: Mapping[str, int]) -> tuple[int, bool, bool]:
        added = [self._assembled(part, indices) for part in self.parts]
        moved = self.patch.append(SectionId.CODE, added)
        count, inside = redirect_code(
            self.patch, self.bodies, len(self.bodies), self.redirected.keys(), self._redirect
        )
        return count, moved or inside, inside

    def _assembled(self, part: Part, indices: Mapping[str, int]) -> bytes:
        section = self.module.find(SectionId.GLOBAL)
        own = self.inner.globals + (section.cursor().u32() if section else 0)
        body = assemble(part.function, functions=indices, memory=self.inner.memory, kept=own)
        return encode_u32(len(body)) + body

    def _outdated(self, adapting: Adapting) -> Iterator[Diagnostic]:
        customs = look_through(self.module)
        customs.check_signature()
        customs.check_linking()
        changes = changes_of(self.module, self.patch.edits(), adapting)
        happened = Happened(changes, adapting, self.inner.modules, (), ())
        yield from told(outdated_sections(self.module, customs, happened), customs, happened)

    def _lost(self) -> Iterator[Diagnostic]:
        """What the functions that the program imports cannot do in a core module."""
        guessed: set[str] = set()
        if not self.names.inputs:
            guessed |= {"$compute_named", "$set_input", "$set_named_record"}
        if not self.names.outputs:
            guessed |= {"$get_output", "$get_named_bytes"}
        one = ("$compute_named",) if not self.names.outputs else ()
        imported = {slot.function.shim for slot in self.inner.nn.values()}
        for functions, code, message in ((guessed, *_GUESSED), (one, *_ONE_OUTPUT), *_LOSSES):
            if imported.intersection(functions):
                yield Diagnostic(code, message)


_GUESSED = (
    "NN348",
    "hosts of core modules know inputs and outputs by index only: a name of digits is the "
    "index, the first other name of an input or output is 0, and another one is refused; "
    "--input-name, --output-name and --model tell the names",
)
_ONE_OUTPUT = (
    "NN349",
    'compute returns the first output only, with the name "0"; --output-name and --model tell '
    "which outputs there are",
)

_LOSSES: Sequence[tuple[Sequence[str], str, str]] = (
    (
        ("$tensor_dimensions", "$tensor_ty"),
        "NN350",
        "hosts of core modules do not tell the type and shape of an output: it is a tensor [1, n] "
        "of 32-bit floats, or of bytes where its length is not a multiple of four",
    ),
    (
        ("$error_data",),
        "NN351",
        "errors have a code, but no text",
    ),
    (
        ("$nothing", "$context_drop"),
        "NN352",
        "the host keeps graphs and contexts until the guest ends",
    ),
)
