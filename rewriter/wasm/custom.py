"""Custom sections by name: what each describes, and which changes to a module make it outdated."""

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
"""Zeros that keep the sections after it in their place (rewriter.rewriting.renaming.padding)."""

RECORD = "nnshim.record"
"""What was done to the module (rewriter.rewriting.provenance)."""

GUEST = "nnshim.guest"
"""The ABI of a guest that does not show it otherwise (rewriter.analysis.adapted.guest_mark)."""


class Change(Flag):
    """The changes of a rewrite that can make a custom section outdated."""

    IMPORTS = auto()
    """An import has a new module name or a new name."""

    FILE = auto()
    """Code has moved in the file."""

    SECTION = auto()
    """Code has moved in the code section, and therefore in the file."""

    FUNCTION = auto()
    """Code has moved in its function, and therefore in the section."""

    FUNCTIONS = auto()
    """Adapters were added or removed, and calls redirected."""


class Custom(Enum):
    """The kinds of custom sections."""

    LINKING = auto()
    """Data for the linker, in relocatable object files and in modules that were linked with
    `wasm-ld --emit-relocs`.

    https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
    """

    DWARF = auto()
    """Debug information, which refers to code by its position in the code section.

    https://yurydelendik.github.io/webassembly-dwarf/
    """

    EXTERNAL_DWARF = auto()
    """The location of the DWARF sections.

    https://github.com/WebAssembly/tool-conventions/blob/main/Debugging.md
    """

    CODE_METADATA = auto()
    """Branch hints, which refer to code by its function and its position in the function. A rewrite
    keeps the indices of functions.

    https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md
    """

    SOURCE_MAP = auto()
    """The location of a source map, which refers to code by its position in the file.

    https://github.com/WebAssembly/tool-conventions/blob/main/Debugging.md#source-maps
    """

    SIGNATURE = auto()
    """A part of a signature of the module.

    https://github.com/WebAssembly/tool-conventions/blob/main/Signatures.md
    """

    DYLINK = auto()
    """Data for dynamic linking. It names imports, and a rewrite changes these names too.

    https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md
    """

    COMPONENT_TYPE = auto()
    """The types that the module imports and exports as a component, by name.

    https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wit-component
    """

    NATIVE_CODE = auto()
    """Native code that WasmEdge compiled from the functions. It calls imports by index.

    https://github.com/WasmEdge/WasmEdge/tree/0.17.1/lib (loader/ast/module.cpp, llvm/codegen.cpp)
    """

    ABOUT = auto()
    """Metadata that a rewrite does not change: the module's origin and name, and the requirements
    that it has of an engine or a loader."""

    NAMES = auto()
    """The names of functions by index. Adapters get names too."""

    PADDING = auto()
    RECORD = auto()
    GUEST = auto()
    OTHER = auto()
    """An unknown custom section, or a section that is not custom."""


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
    "dylink": Custom.ABOUT,  # the older format, which names libraries but not imports
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
"""The only list of custom sections. A star stands for any ending."""

OUTDATED_BY: Mapping[Custom, Change] = {
    Custom.DWARF: Change.SECTION,
    Custom.EXTERNAL_DWARF: Change.SECTION,
    Custom.CODE_METADATA: Change.FUNCTION,
    Custom.SOURCE_MAP: Change.FILE,
    Custom.DYLINK: Change.IMPORTS,
    Custom.COMPONENT_TYPE: Change.IMPORTS,
    Custom.NATIVE_CODE: Change.FUNCTIONS,
}
"""The changes that make each kind outdated. Any change invalidates signatures. Unknown sections may
become outdated by any change. All other kinds stay valid."""

DESCRIBE_CODE = frozenset(
    (Custom.DWARF, Custom.EXTERNAL_DWARF, Custom.CODE_METADATA, Custom.SOURCE_MAP)
)
"""The kinds that describe code by its position and do not affect execution."""

_BY_PREFIX = {name[:-1]: kind for name, kind in _TABLE.items() if name.endswith("*")}
_PREFIXES = tuple(_BY_PREFIX)


def custom_kind(name: str | None) -> Custom:
    """The kind of a section by its name, which is None if the section is not custom."""
    if name is None:
        return Custom.OTHER
    if name.startswith(_PREFIXES):
        return next(kind for prefix, kind in _BY_PREFIX.items() if name.startswith(prefix))
    return _TABLE.get(name, Custom.OTHER)
