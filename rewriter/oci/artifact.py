"""A WebAssembly artifact: found in a registry or a layout, or put there."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from rewriter.errors import InputError
from rewriter.file_kinds import HEAD
from rewriter.files.gzip import unpack_whole
from rewriter.files.input import Origin, PassedOver
from rewriter.oci.changing import TITLE, Written
from rewriter.oci.descriptor import Descriptor
from rewriter.oci.kinds import Kind, kind_of_layer
from rewriter.oci.manifest import (
    INDEX_TYPES,
    LARGEST_MANIFEST,
    MANIFEST_TYPES,
    Manifest,
    parse_index,
    parse_manifest,
)
from rewriter.wasm.limits import LARGEST_MODULE

__all__ = [
    "Artifact",
    "Found",
    "Passed",
    "Sink",
    "Store",
    "find",
    "module_in",
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

    def head(self, wanted: Descriptor, size: int) -> bytes:
        """The first bytes of a layer, at least so many, or all. They are not compared."""


class Sink(Protocol):
    """Where an artifact is put. Each raises OutputError."""

    def has(self, wanted: Descriptor) -> bool:
        """Whether a config or a layer is there already."""

    def put_blob(self, content: Descriptor, data: bytes) -> None: ...

    def put_manifest(self, content: Descriptor, data: bytes) -> None:
        """Put it there under the tag, after all that it names."""


class Found(NamedTuple):
    """A layer of WebAssembly. `entry` is the descriptor of the manifest, by the list that has it;
    `depth` is 0 if the reference names the manifest itself. With `gzip`, the layer is a module that
    is compressed."""

    entry: Descriptor
    content: bytes
    manifest: Manifest
    layer: Descriptor
    depth: int
    gzip: bool


class Passed(NamedTuple):
    """What is left alone: a manifest without modules, or the layers of one in which some may be
    (`unsearched`). `kind` is what it is the manifest of."""

    entry: Descriptor
    kind: str
    has_modules: bool
    unsearched: Sequence[Descriptor]

    @property
    def reason(self) -> str:
        if not self.unsearched:
            return self.kind
        if not self.has_modules:
            return f"{self.kind}, which was not looked into"
        types = ", ".join(dict.fromkeys(layer.media_type for layer in self.unsearched))
        return f"layers of {types}, which were not looked into"


class Artifact(NamedTuple):
    """A layer of WebAssembly: the stored bytes (`packed`) and the module (`data`), from the store
    that has the other layers. `root` is what the reference names: the manifest, or an index."""

    store: Store
    root: Descriptor
    found: Found
    config: bytes
    packed: bytes
    data: bytes
    passed: Sequence[Passed]

    @property
    def digest(self) -> str:
        """Of the manifest."""
        return self.found.entry.digest

    @property
    def origin(self) -> Origin:
        index = self.root.digest if self.found.depth else None
        passed = [
            PassedOver(each.entry.digest, each.entry.platform, each.reason) for each in self.passed
        ]
        return Origin(self.digest, index, tuple(passed))


def find(store: Store) -> Artifact:
    """The only module or component. Raises InputError (NN025 if there is none, or several), with
    everything compared with its digest and size."""
    roots = store.roots()
    found: list[Found] = []
    passed: list[Passed] = []
    for each in wasm_in(store, roots):
        if isinstance(each, Found):
            found.append(each)
        else:
            passed.append(each)
    if not found:
        what = "; ".join(dict.fromkeys(each.reason for each in passed[:5])) or "nothing"
        raise InputError(f"{store.name} has no WebAssembly that can be read: it is {what}", "NN025")
    if len(found) > 1:
        raise InputError(_several(store.name, found), "NN025")
    (one,) = found
    where = store.name
    if one.layer.size > LARGEST_MODULE:
        raise InputError(f"{where} has more than {LARGEST_MODULE} bytes, which no engine accepts")
    config = one.manifest.config
    _check_size(config, "config", where)
    config_data = config.check(store.blob(config), where)
    packed = one.layer.check(store.blob(one.layer), where)
    # a layout may have several entries with the same tag, and one of them has the module
    root = roots[0] if len(roots) == 1 else one.entry
    return Artifact(store, root, one, config_data, packed, module_in(packed, one, where), passed)


def module_in(packed: bytes, found: Found, where: str) -> bytes:
    """The module that a layer is, of which `packed` are the bytes. Raises InputError."""
    if not found.gzip:
        return packed
    return unpack_whole(where, io.BytesIO(packed).read, LARGEST_MODULE)


def wasm_in(store: Store, entries: Iterable[Descriptor]) -> Iterator[Found | Passed]:
    """The layers of WebAssembly in manifests and in indexes of them, without their data, and what
    is left alone. Layers are known by their first bytes, whatever their type says, except where
    that is the type of a plain module or of an archive."""
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
            yield from _layers_in(store, entry, content, manifest, depth)
        else:
            yield Passed(entry, f"something of type {entry.media_type}", False, ())


def _layers_in(
    store: Store, entry: Descriptor, content: bytes, manifest: Manifest, depth: int
) -> Iterator[Found | Passed]:
    has_modules = False
    unsearched = []
    for layer in manifest.layers:
        kind = kind_of_layer(layer.media_type, partial(store.head, layer, HEAD))
        if kind in (Kind.MODULE, Kind.GZIP):
            has_modules = True
            yield Found(entry, content, manifest, layer, depth, kind is Kind.GZIP)
        elif kind is Kind.UNSEARCHED:
            unsearched.append(layer)
    if unsearched or not has_modules:
        yield Passed(entry, manifest.kind, has_modules, unsearched)


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


def _several(name: str, found: Sequence[Found]) -> str:
    """What is wrong with several modules where one is wanted, and what to do."""
    start = f"{name} has {len(found)} modules"
    if len({each.entry.digest for each in found}) == 1:
        named = ", ".join(each.layer.annotation(TITLE) or each.layer.digest for each in found)
        start += f" in one manifest: {named}"
    else:
        listed = ", ".join(map(_title, found))
        start += f", and one has to be named by the digest of its manifest: {listed}"
    return f"{start}; `check` and `rewrite` take all of them in a layout, which is a folder"


def _title(found: Found) -> str:
    name = found.layer.annotation(TITLE) or found.entry.annotation(
        "org.opencontainers.image.ref.name"
    )
    return f"{found.entry.digest} ({name})" if name else found.entry.digest
