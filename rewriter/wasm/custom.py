"""What custom sections mean to a rewrite, by their names: what they tell of a module, and by which
changes to it that is no longer so."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, Flag, auto

__all__ = [
    "DESCRIBE_CODE",
    "GUEST",
    "NAMES",
    "OUTDATED_BY",
    "PADDING",
    "RECORD",
    "Change",
    "Custom",
    "custom_kind",
]

NAMES = "name"
"""https://webassembly.github.io/spec/core/appendix/custom.html#name-section"""

PADDING = "nnshim"
"""Zeros that keep in its place what follows (rewriter.rewriting.padding)."""

RECORD = "nnshim.record"
"""What was done to the module (rewriter.rewriting.provenance)."""

GUEST = "nnshim.guest"
"""Of which ABI a guest is that shows it nowhere else (rewriter.analysis.adapted.guest_mark)."""


class Change(Flag):
    """What a rewrite changes, as far as custom sections tell of it. Any other change of bytes is
    none of these."""

    IMPORTS = auto()
    """An import has another module name, or another name."""

    FILE = auto()
    """Code is elsewhere in the file."""

    SECTION = auto()
    """Code is elsewhere in the code section, and so in the file."""

    FUNCTION = auto()
    """Code is elsewhere in its function, and so in the section."""

    FUNCTIONS = auto()
    """There are other functions than before, and others are called: adapters."""


class Custom(Enum):
    """What a custom section is."""

    LINKING = auto()
    """For the linker: it is in relocatable object files, and in modules that were linked to keep
    it (`wasm-ld --emit-relocs`).

    https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
    """

    DWARF = auto()
    """Debug information, which describes code by its positions in the code section.

    https://yurydelendik.github.io/webassembly-dwarf/
    """

    EXTERNAL_DWARF = auto()
    """Says where DWARF is.

    https://github.com/WebAssembly/tool-conventions/blob/main/Debugging.md
    """

    CODE_METADATA = auto()
    """Describes code by its function and its position in that: branch hints. No function gets
    another index.

    https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md
    """

    SOURCE_MAP = auto()
    """Says where a description of code by its positions in the file is.

    https://github.com/WebAssembly/tool-conventions/blob/main/Debugging.md#source-maps
    """

    SIGNATURE = auto()
    """Part of a signature of the module.

    https://github.com/WebAssembly/tool-conventions/blob/main/Signatures.md
    """

    DYLINK = auto()
    """What a dynamic library needs; it names imports, whose names are changed there too.

    https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md
    """

    COMPONENT_TYPE = auto()
    """The types of what the module imports and exports as a component, by their names.

    https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wit-component
    """

    NATIVE_CODE = auto()
    """What WasmEdge has compiled the functions to. It calls imports by their index.

    https://github.com/WasmEdge/WasmEdge/tree/0.17.1/lib (loader/ast/module.cpp, llvm/codegen.cpp)
    """

    ABOUT = auto()
    """Where the module comes from, what it is called, and what it takes of an engine or a loader:
    nothing that a rewrite changes."""

    NAMES = auto()
    """Of functions, by their index; adapters get some."""

    PADDING = auto()
    RECORD = auto()
    GUEST = auto()
    OTHER = auto()
    """None of these, or not a custom section. Nobody knows what it tells, and of what."""


_TABLE = {
    "linking": Custom.LINKING,
    "reloc.*": Custom.LINKING,
    ".debug_*": Custom.DWARF,
    "external_debug_info": Custom.EXTERNAL_DWARF,
    "metadata.code.*": Custom.CODE_METADATA,
    "sourceMappingURL": Custom.SOURCE_MAP,
    "signature": Custom.SIGNATURE,
    "signature_delimiter": Custom.SIGNATURE,
    "dylink.0": Custom.DYLINK,
    "component-type*": Custom.COMPONENT_TYPE,
    "wasmedge": Custom.NATIVE_CODE,
    NAMES: Custom.NAMES,
    PADDING: Custom.PADDING,
    RECORD: Custom.RECORD,
    GUEST: Custom.GUEST,
    # https://github.com/WebAssembly/tool-conventions (ProducersSection.md, Linking.md, BuildId.md)
    "producers": Custom.ABOUT,
    "target_features": Custom.ABOUT,
    "build_id": Custom.ABOUT,
    "dylink": Custom.ABOUT,  # the older one, which names libraries and no imports
    # https://github.com/golang/go/blob/master/src/cmd/link/internal/wasm/asm.go
    "go:buildid": Custom.ABOUT,
    "go.buildid": Custom.ABOUT,
    # https://github.com/rust-secure-code/cargo-auditable
    ".dep-v0": Custom.ABOUT,
    # https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wasm-metadata/src/oci_annotations
    "authors": Custom.ABOUT,
    "description": Custom.ABOUT,
    "homepage": Custom.ABOUT,
    "licenses": Custom.ABOUT,
    "revision": Custom.ABOUT,
    "source": Custom.ABOUT,
    "version": Custom.ABOUT,
}
"""The only list of custom sections; a star stands for any ending."""

OUTDATED_BY: Mapping[Custom, Change] = {
    Custom.DWARF: Change.SECTION,
    Custom.EXTERNAL_DWARF: Change.SECTION,
    Custom.CODE_METADATA: Change.FUNCTION,
    Custom.SOURCE_MAP: Change.FILE,
    Custom.DYLINK: Change.IMPORTS,
    Custom.COMPONENT_TYPE: Change.IMPORTS,
    Custom.NATIVE_CODE: Change.FUNCTIONS,
}
"""By which changes what they tell is no longer so. The others stay right, but for a signature,
which holds for no other bytes, and for what is not known."""

DESCRIBE_CODE = frozenset(
    (Custom.DWARF, Custom.EXTERNAL_DWARF, Custom.CODE_METADATA, Custom.SOURCE_MAP)
)
"""What tells something of code by where that is, and does not affect execution."""

_BY_PREFIX = {name[:-1]: kind for name, kind in _TABLE.items() if name.endswith("*")}
_PREFIXES = tuple(_BY_PREFIX)


def custom_kind(name: str | None) -> Custom:
    """What a section of this name is. Only custom ones have a name."""
    if name is None:
        return Custom.OTHER
    if name.startswith(_PREFIXES):
        return next(kind for prefix, kind in _BY_PREFIX.items() if name.startswith(prefix))
    return _TABLE.get(name, Custom.OTHER)
