"""A WebAssembly artifact: found in a registry or a layout, or put there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from rewriter.errors import InputError
from rewriter.oci.changing import TITLE, Written
from rewriter.oci.descriptor import Descriptor
from rewriter.oci.manifest import (
    INDEX_TYPES,
    LARGEST_MANIFEST,
    MANIFEST_TYPES,
    WASM_TYPES,
    Manifest,
    parse_index,
    parse_manifest,
)
from rewriter.wasm.limits import LARGEST_MODULE

__all__ = [
    "Artifact",
    "Found",
    "Sink",
    "Store",
    "find",
    "push",
    "wasm_in",
]

_DEEPEST = 4
"""Indexes in indexes."""

_MOST = 200
"""Manifests that are read to find the one with WebAssembly."""


class Store(Protocol):
    """Where artifacts are: a repository, or a layout. `name` is for messages. What it gives is not
    compared with the descriptors yet, and is at most one byte larger than they say. Each raises
    InputError."""

    name: str

    def roots(self) -> Sequence[Descriptor]:
        """What the reference names: a manifest or an index, or all that a layout lists."""

    def manifest(self, wanted: Descriptor) -> bytes:
        """A manifest or an index."""

    def blob(self, wanted: Descriptor) -> bytes:
        """A config or a layer."""


class Sink(Protocol):
    """Where an artifact is put. Each raises OutputError."""

    def has(self, wanted: Descriptor) -> bool:
        """Whether a config or a layer is there already."""

    def put_blob(self, content: Descriptor, data: bytes) -> None: ...

    def put_manifest(self, content: Descriptor, data: bytes) -> None:
        """Put it there under the tag, after all that it names."""


class Found(NamedTuple):
    """A layer of WebAssembly. `entry` is the descriptor of the manifest, by the list that has it;
    `depth` is 0 if the reference names the manifest itself."""

    entry: Descriptor
    content: bytes
    manifest: Manifest
    layer: Descriptor
    depth: int


class Artifact(NamedTuple):
    """A layer of WebAssembly with its data, from the store that has the other layers."""

    store: Store
    found: Found
    config: bytes
    data: bytes

    @property
    def digest(self) -> str:
        """Of the manifest."""
        return self.found.entry.digest


def find(store: Store) -> Artifact:
    """The only module or component. Raises InputError (NN025 if there is none, or several), with
    everything compared with its digest and size."""
    roots = store.roots()
    others: list[str] = []
    found = list(wasm_in(store, roots, others))
    if not found:
        what = "; ".join(others[:5]) or "nothing"
        raise InputError(f"{store.name} has no WebAssembly: it is {what}", "NN025")
    if len(found) > 1:
        raise InputError(
            f"{store.name} has {len(found)} modules, and one has to be named by the digest of its"
            f" manifest: {', '.join(map(_title, found))}",
            "NN025",
        )
    (one,) = found
    where = store.name
    if one.layer.size > LARGEST_MODULE:
        raise InputError(f"{where} has more than {LARGEST_MODULE} bytes, which no engine accepts")
    config = one.manifest.config
    _check_size(config, "config", where)
    return Artifact(
        store,
        one,
        config.check(store.blob(config), where),
        one.layer.check(store.blob(one.layer), where),
    )


def wasm_in(
    store: Store, entries: Iterable[Descriptor], others: list[str] | None = None
) -> Iterator[Found]:
    """The layers of WebAssembly in manifests and in indexes of them, without their data. `others`
    gets what each manifest without any is."""
    count = 0
    waiting = [(entry, 0) for entry in reversed(list(entries))]
    while waiting:
        entry, depth = waiting.pop()
        count += 1
        if count > _MOST or depth > _DEEPEST:
            raise InputError(
                f"{store.name}: an index with more than {_MOST} manifests, or with more than"
                f" {_DEEPEST} indexes in each other, is not read",
                "NN025",
            )
        where = f"{store.name}: the manifest {entry.digest}"
        if entry.media_type in (*INDEX_TYPES, *MANIFEST_TYPES):
            _check_size(entry, "manifest", store.name)
            content = entry.check(store.manifest(entry), store.name)
        if entry.media_type in INDEX_TYPES:
            listed = parse_index(content, entry.media_type, where)
            waiting += [(item, depth + 1) for item in reversed(listed)]
        elif entry.media_type in MANIFEST_TYPES:
            manifest = parse_manifest(content, entry.media_type, where)
            layers = [layer for layer in manifest.layers if layer.media_type in WASM_TYPES]
            yield from (Found(entry, content, manifest, layer, depth) for layer in layers)
            if not layers and others is not None:
                others.append(manifest.kind)
        elif others is not None:
            others.append(f"something of type {entry.media_type}")


def push(written: Written, sink: Sink, source: Store | None) -> str:
    """Put an artifact somewhere, and return the digest of its manifest. What it has not been given
    comes from `source`. Raises InputError and OutputError; the tag is the last thing to change."""
    for part in {each.digest: each for each in written.parts}.values():
        if sink.has(part):
            continue
        data = written.blobs.get(part.digest)
        if data is None and source is not None:
            if part.size > LARGEST_MODULE:
                raise InputError(f"{source.name}: a layer of {part.size} bytes is not copied")
            data = part.check(source.blob(part), source.name)
        if data is not None:
            sink.put_blob(part, data)
    sink.put_manifest(written.manifest, written.content)
    return written.manifest.digest


def _check_size(entry: Descriptor, what: str, where: str) -> None:
    if entry.size > LARGEST_MANIFEST:
        raise InputError(f"{where}: a {what} of {entry.size} bytes is too large", "NN026")


def _title(found: Found) -> str:
    name = found.layer.annotation(TITLE) or found.entry.annotation(
        "org.opencontainers.image.ref.name"
    )
    return f"{found.entry.digest} ({name})" if name else found.entry.digest
