"""A layout as a container of modules: all of them, and a copy with some of them changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Literal, NamedTuple

from rewriter.errors import InputError, OutputError
from rewriter.file_kinds import special
from rewriter.files.locks import locked
from rewriter.files.whole import copy_whole, make_folder, names_in, write_whole
from rewriter.oci.artifact import Found, wasm_in
from rewriter.oci.changing import TITLE, Change, with_changes
from rewriter.oci.descriptor import DIGEST, Descriptor, parse_descriptor
from rewriter.oci.layout import TAG, LayoutStore, blob_path, read_index, write_index
from rewriter.oci.manifest import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    parse_index,
    parse_json,
    parse_manifest,
    to_json,
)
from rewriter.oci.reference import LayoutReference
from rewriter.wasm.limits import LARGEST_MODULE

__all__ = ["Aside", "Layer", "blobs_in", "wasm_layers", "write_changed"]


class Layer(NamedTuple):
    """A layer of WebAssembly in a layout. `name` is what it is called there: by the tag, or else
    the digest, of what the layout lists; of several modules in that, also by the name of the file
    that each was made of, or its digest."""

    path: str
    name: str
    found: Found

    @property
    def digest(self) -> str:
        return self.found.layer.digest

    @property
    def blob(self) -> str:
        """The path of its file."""
        return blob_path(self.path, self.digest)

    def read(self) -> bytes:
        """The bytes of the layer, compared with its digest. Raises InputError."""
        store = LayoutStore(LayoutReference(self.path, None, None))
        layer = self.found.layer
        if layer.size > LARGEST_MODULE:
            raise InputError(
                f"{self.digest} in {self.path} has more than {LARGEST_MODULE} bytes, which no"
                " engine accepts"
            )
        return layer.check(store.blob(layer), store.name)


class Aside(NamedTuple):
    """Layers of a manifest in a layout that were not looked into, or what is listed as a manifest
    and has an unknown type. `name` is that of the entry."""

    name: str
    what: Literal["layer", "manifest"]
    parts: Sequence[Descriptor]


def wasm_layers(path: str) -> Iterator[Layer | Aside]:
    """All layers of WebAssembly in the layout at `path`, in its order: one that two manifests have
    is there twice. Raises InputError (NN024 if there is no layout, NN026)."""
    store = LayoutStore(LayoutReference(path, None, None))
    for item in read_index(path)["manifests"]:
        entry = parse_descriptor(item, path)
        called = entry.annotation(TAG) or entry.digest
        found: list[Found] = []
        for each in wasm_in(store, [entry]):
            if isinstance(each, Found):
                found.append(each)
            elif each.unsearched:
                yield Aside(called, "layer", each.unsearched)
            elif each.entry.media_type not in MANIFEST_TYPES:
                yield Aside(called, "manifest", [each.entry])
        for one, name in zip(found, _names(called, found), strict=True):
            yield Layer(path, name, one)


def blobs_in(path: str) -> Iterator[str]:
    """The digests of all blobs that a layout has, listed or not; files with other names, too.
    Raises InputError (NN026) for a file or a folder where a layout has none."""
    for algorithm in sorted(names_in(f"{path}/blobs")):
        folder = f"{path}/blobs/{algorithm}"
        if special(folder) != "a folder":
            raise InputError(f"{folder} is not a folder of blobs", "NN026")
        for name in sorted(names_in(folder)):
            if special(f"{folder}/{name}") == "a folder":
                raise InputError(f"{folder}/{name} is a folder, not a blob", "NN026")
            yield f"{algorithm}:{name}"


def _names(called: str, found: Sequence[Found]) -> Sequence[str]:
    """One for each module, by which users tell them apart."""
    if len(found) == 1:
        return [called]
    titles = [each.layer.annotation(TITLE) for each in found]
    if len({*titles} - {None}) < len(found):
        titles = [each.layer.digest for each in found]
    return [f"{called}!{title}" for title in titles]


def write_changed(path: str, output: str, changes: Mapping[str, Change]) -> Mapping[str, str]:
    """Write the layout at `path` to the folder `output`, which is missing, empty, or `path`, with
    other data in the layers that have the digests in `changes`. All else is copied byte for byte,
    except for the manifests, configs and indexes that a change concerns. In place, what is replaced
    stays in `blobs`, and is not listed.

    Returns the new digests of manifests and indexes that have changed, by the old ones. Raises
    InputError, OutputError, and ModuleError for a component that cannot be read. The list of
    artifacts is written last.
    """
    if output == path:
        with locked(path):
            return _write_changed(path, output, changes)
    if names_in(output):
        raise OutputError(f"cannot write {output}: the folder is not empty", "NN027")
    return _write_changed(path, output, changes)


def _write_changed(path: str, output: str, changes: Mapping[str, Change]) -> Mapping[str, str]:
    fields = read_index(path)
    entries = [parse_descriptor(item, path) for item in fields["manifests"]]
    copy = _Copy(LayoutStore(LayoutReference(path, None, None)), output, changes)
    copy.check(entries)
    listed = [dict(copy.entry(entry).fields) for entry in entries]
    if output != path:
        _copy_blobs(path, output, {*changes, *copy.digests})
    write_index(output, {**fields, "manifests": listed})
    return copy.digests


class _Copy:
    """`digests` has the new ones of manifests and indexes by the old ones."""

    def __init__(self, store: LayoutStore, output: str, changes: Mapping[str, Change]) -> None:
        self.digests: dict[str, str] = {}
        self._store, self._output, self._changes = store, output, changes

    def check(self, entries: Sequence[Descriptor]) -> None:
        """Raise InputError where not all manifests can be read, or too many."""
        for _ in wasm_in(self._store, entries):
            pass

    def entry(self, entry: Descriptor) -> Descriptor:
        """The entry of a list, with the changes, of which manifests and blobs are written."""
        if entry.media_type not in (*INDEX_TYPES, *MANIFEST_TYPES):
            return entry
        where = self._store.name
        content = entry.check(self._store.manifest(entry), where)
        if entry.media_type in INDEX_TYPES:
            listed = parse_index(content, entry.media_type, where)
            after = [self.entry(each) for each in listed]
            if after == list(listed):
                return entry
            fields = parse_json(content, where)
            new = to_json({**fields, "manifests": [dict(each.fields) for each in after]})
        else:
            manifest = parse_manifest(content, entry.media_type, where)
            if not any(layer.digest in self._changes for layer in manifest.layers):
                return entry
            config = manifest.config.check(self._store.blob(manifest.config), where)
            written = with_changes(entry.media_type, content, config, self._changes, where)
            for digest, data in written.blobs.items():
                _write_blob(self._output, digest, data)
            new = written.content
        changed = entry.with_content(new)
        _write_blob(self._output, changed.digest, new)
        self.digests[entry.digest] = changed.digest
        return changed


def _write_blob(folder: str, digest: str, data: bytes) -> None:
    path = blob_path(folder, digest)
    make_folder(path.rpartition("/")[0])
    write_whole(path, data)


def _copy_blobs(path: str, output: str, without: Set[str]) -> None:
    for algorithm in names_in(f"{path}/blobs"):
        for name in names_in(f"{path}/blobs/{algorithm}"):
            if f"{algorithm}:{name}" in without or name.startswith("."):
                continue  # a name with a dot is that of a file that somebody is writing
            if not DIGEST.fullmatch(f"{algorithm}:{name}"):
                raise InputError(
                    f"{path}/blobs/{algorithm}/{name} is not named by a digest", "NN026"
                )
            make_folder(f"{output}/blobs/{algorithm}")
            to = f"{output}/blobs/{algorithm}/{name}"
            copy_whole(f"{path}/blobs/{algorithm}/{name}", to, algorithm, name)
