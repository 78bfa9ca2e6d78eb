"""Finds modules in OCI layouts: by their manifests, and not by the files that they are in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rewriter.errors import InputError
from rewriter.file_kinds import HEAD, MAGIC
from rewriter.oci.container import Aside, Layer, blobs_in, wasm_layers
from rewriter.oci.kinds import Kind, kind_of_layer
from rewriter.oci.layout import blob_path
from rewriter.trees.heads import not_wasm, read_head
from rewriter.trees.item import Blob, Found, Item, Refused, Unsearched, unsearched
from rewriter.trees.names import Exclusion
from rewriter.wasm.limits import LARGEST_MODULE

__all__ = ["find_in_layout"]


def find_in_layout(path: str, exclude: Sequence[str], max_unpacked: int) -> Iterator[Found]:
    """The modules in the layout at `path`, in its order, each by all of its names
    (`layout!TAG`), compared with their digests; and what was not looked into: layers that are
    archives or compressed in another way than with gzip, and blobs that could be modules and that
    no manifest has. One module that is compressed may unpack to `max_unpacked` bytes."""
    seen: set[str] = set()
    path = path.rstrip("/") or path
    left_out, left_out_files = Exclusion(exclude, f"{path}!"), Exclusion(exclude, f"{path}/")
    try:
        for found in wasm_layers(path):
            seen |= _digests(found)
            if found.name not in left_out:
                yield from _looked_at(path, found, min(LARGEST_MODULE, max_unpacked))
        for digest in blobs_in(path):
            blob = blob_path(path, digest)
            relative = blob_path("", digest).removeprefix("/")
            if digest not in seen and relative not in left_out_files:
                yield from _loose(blob)
    except InputError as error:
        yield Refused(path, error)


def _digests(found: Layer | Aside) -> set[str]:
    if isinstance(found, Layer):
        return {found.digest}
    return {part.digest for part in found.parts}


def _looked_at(path: str, found: Layer | Aside, most: int) -> Iterator[Found]:
    name = f"{path}!{found.name}"
    if isinstance(found, Aside):
        for part in found.parts:
            yield unsearched(name, f"its {found.what} {part.digest}, of type {part.media_type}")
        return
    try:
        data = found.read()
    except InputError as error:
        yield Refused(name, error)
        return
    if found.found.gzip or data.startswith(MAGIC):
        blob = Blob(path, found.digest)
        yield Item(name, found.blob, False, most, gzip=found.found.gzip, blob=blob)
    else:
        yield Refused(name, not_wasm(name, data[:HEAD]))


def _loose(blob: str) -> Iterator[Unsearched]:
    """What is said of a blob that no manifest has as a layer: rewrites in place leave some, and
    manifests of unknown types are not read."""
    head = read_head(blob)
    if kind_of_layer("", lambda: head) is not Kind.OTHER:
        yield unsearched(blob, "a blob that no manifest that was read has as a layer")
