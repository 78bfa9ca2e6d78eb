"""What custom sections mean to a rewrite, by their names."""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["DESCRIBE_CODE", "NAMES", "PADDING", "RECORD", "Custom", "custom_kind"]

NAMES = "name"
"""https://webassembly.github.io/spec/core/appendix/custom.html#name-section"""

PADDING = "nnshim"
"""Zeros that keep in its place what follows (rewriter.rewriting.padding)."""

RECORD = "nnshim.record"
"""What was done to the module (rewriter.rewriting.provenance)."""


class Custom(Enum):
    """What a custom section is."""

    LINKING = auto()
    """For the linker: it is in relocatable object files only.

    https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
    """

    DWARF = auto()
    """Debug information, which describes code by its positions in the code section.

    https://yurydelendik.github.io/webassembly-dwarf/
    """

    CODE_METADATA = auto()
    """Describes code by its positions in the code section too, or says where such a description is.

    https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md and Debugging.md
    """

    SOURCE_MAP = auto()
    """Says where a description of code by its positions in the file is.

    https://github.com/WebAssembly/tool-conventions/blob/main/Debugging.md#source-maps
    """

    SIGNATURE = auto()
    """Part of a signature of the module.

    https://github.com/WebAssembly/tool-conventions/blob/main/Signatures.md
    """

    NAMES = auto()
    PADDING = auto()
    RECORD = auto()
    OTHER = auto()
    """None of these, or not a custom section."""


DESCRIBE_CODE = Custom.DWARF, Custom.CODE_METADATA, Custom.SOURCE_MAP
"""What no longer matches where code has moved."""

_BY_NAME = {
    "linking": Custom.LINKING,
    "external_debug_info": Custom.CODE_METADATA,
    "sourceMappingURL": Custom.SOURCE_MAP,
    "signature": Custom.SIGNATURE,
    "signature_delimiter": Custom.SIGNATURE,
    NAMES: Custom.NAMES,
    PADDING: Custom.PADDING,
    RECORD: Custom.RECORD,
}
_BY_PREFIX = {
    "reloc.": Custom.LINKING,
    ".debug_": Custom.DWARF,
    "metadata.code.": Custom.CODE_METADATA,
}
_PREFIXES = tuple(_BY_PREFIX)


def custom_kind(name: str | None) -> Custom:
    """What a section of this name is. Only custom ones have a name."""
    if name is None:
        return Custom.OTHER
    if name.startswith(_PREFIXES):
        return next(kind for prefix, kind in _BY_PREFIX.items() if name.startswith(prefix))
    return _BY_NAME.get(name, Custom.OTHER)
