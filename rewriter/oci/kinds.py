"""What a layer of an artifact is: by its first bytes, and where these do not tell, by its type."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from enum import Enum, auto

from rewriter.file_kinds import GZIP, HEAD, MAGIC, begins_as_archive
from rewriter.files.gzip import BITS

__all__ = ["Kind", "kind_of_layer", "says_wasm"]


class Kind(Enum):
    """`GZIP` is a module that is compressed with gzip. Modules may be in what is `UNSEARCHED`."""

    MODULE = auto()
    GZIP = auto()
    UNSEARCHED = auto()
    OTHER = auto()


def says_wasm(media_type: str) -> bool:
    """Whether a type is that of WebAssembly: `application/wasm`, which is the CNCF's, or one with
    the suffix `+wasm`, both also with a suffix of a compression after it.

    https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/,
    https://github.com/engineerd/wasm-to-oci, https://www.rfc-editor.org/rfc/rfc6838#section-4.2.8
    """
    name, *suffixes = _parts(media_type)
    return name == "application/wasm" or "wasm" in suffixes


def kind_of_layer(media_type: str, read_head: Callable[[], bytes]) -> Kind:
    """`read_head` gives the first HEAD bytes, or all of fewer; it is not called for the type of a
    plain module, or of a compressed archive. Raises what it raises.

    ORAS gives every file the type of a plain archive, if the user names none:
    https://github.com/oras-project/oras-go/blob/v2.6.0/content/file/file.go
    """
    name, *suffixes = _parts(media_type)
    wasm = says_wasm(media_type)
    if wasm and suffixes in ([], ["wasm"]):
        return Kind.MODULE
    words = name.replace("/", ".").split(".")
    is_archive = "tar" in (*words, *suffixes) and not wasm
    if is_archive and (suffixes or words[-1] != "tar"):
        return Kind.UNSEARCHED
    head = read_head()
    if head.startswith(MAGIC):
        return Kind.MODULE
    is_gzip = head.startswith(GZIP)
    if is_gzip:
        head = _unpacked(head)
        if head.startswith(MAGIC):
            return Kind.GZIP
    if begins_as_archive(head) or head.startswith(GZIP) or is_archive:
        return Kind.UNSEARCHED
    if wasm:
        return Kind.GZIP if is_gzip else Kind.MODULE
    return Kind.OTHER


def _parts(media_type: str) -> list[str]:
    """The name of a type, and its suffixes, without parameters."""
    return media_type.partition(";")[0].strip().lower().split("+")


def _unpacked(head: bytes) -> bytes:
    """As much as there is of the data that these bytes are the start of."""
    try:
        return zlib.decompressobj(BITS).decompress(head, HEAD)
    except zlib.error:
        return b""
