"""A layout: artifacts in a folder, which other tools write and read as well.

Specification: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
"""

from __future__ import annotations

from collections.abc import Sequence

from rewriter.errors import InputError, OutputError
from rewriter.files.locks import locked
from rewriter.files.whole import make_folder, names_in, read_whole, write_whole
from rewriter.oci.descriptor import Descriptor, Json, digest_of, parse_descriptor
from rewriter.oci.manifest import INDEX_TYPE, LARGEST_MANIFEST, parse_json, to_json
from rewriter.oci.reference import LayoutReference

__all__ = [
    "BLOBS",
    "INDEX",
    "MARK",
    "TAG",
    "LayoutSink",
    "LayoutStore",
    "blob_path",
    "read_index",
    "write_index",
]

MARK = "oci-layout"
"""The file that makes a folder a layout."""

BLOBS = "blobs"
"""The folder in it with all that its manifests name, and these."""

_VERSION = "1.0.0"

INDEX = "index.json"

TAG = "org.opencontainers.image.ref.name"
"""The annotation of an entry that has its tag."""


class LayoutStore:
    """What a reference names in a layout. Raises InputError (NN024, NN026)."""

    def __init__(self, reference: LayoutReference) -> None:
        self.name = _name(reference)
        self.path = reference.path
        self._reference = reference

    def roots(self) -> Sequence[Descriptor]:
        tag, digest = self._reference.tag, self._reference.digest
        fields = read_index(self.path)
        entries = [parse_descriptor(item, self.path) for item in fields["manifests"]]
        tags = [found for entry in entries if (found := entry.annotation(TAG)) is not None]
        if tag is not None:
            entries = [entry for entry in entries if entry.annotation(TAG) == tag]
        if digest is not None:
            entries = [entry for entry in entries if entry.digest == digest]
        if not entries:
            what = "it is not in the layout" if fields["manifests"] else "the layout is empty"
            if tags:
                what += f", which has {', '.join(tags[:5])}{', …' if len(tags) > 5 else ''}"
            raise InputError(f"cannot read {self.name}: {what}", "NN024")
        return entries

    def manifest(self, wanted: Descriptor) -> bytes:
        return self.blob(wanted)

    def blob(self, wanted: Descriptor) -> bytes:
        data = read_whole(blob_path(self.path, wanted.digest), wanted.size)
        if data is None:
            raise InputError(f"{self.name}: {wanted.digest} is missing in the layout", "NN024")
        return data

    def head(self, wanted: Descriptor, size: int) -> bytes:
        data = read_whole(blob_path(self.path, wanted.digest), size)
        if data is None:
            raise InputError(f"{self.name}: {wanted.digest} is missing in the layout", "NN024")
        return data


class LayoutSink:
    """A tag in a layout, which is made if there is none. The list of artifacts is written last.
    Raises OutputError (NN002, NN027), at once where the folder holds something else."""

    def __init__(self, reference: LayoutReference) -> None:
        self.path = reference.path
        self._reference = reference
        with locked(self.path):
            _index_for(reference)

    def has(self, wanted: Descriptor) -> bool:
        path = blob_path(self.path, wanted.digest)
        try:
            data = read_whole(path, wanted.size)
        except InputError as error:
            raise OutputError(f"cannot write {path}: {error}") from error
        algorithm = wanted.digest.partition(":")[0]
        return data is not None and digest_of(data, algorithm) == wanted.digest

    def put_blob(self, content: Descriptor, data: bytes) -> None:
        path = blob_path(self.path, content.digest)
        make_folder(path.rpartition("/")[0])
        write_whole(path, data)

    def put_manifest(self, content: Descriptor, data: bytes) -> None:
        if not self.has(content):
            self.put_blob(content, data)
        entry, tag = dict(content.fields), self._reference.tag
        if tag is not None:
            entry["annotations"] = {TAG: tag}
        with locked(self.path):  # or what another process adds meanwhile would be lost
            fields = _index_for(self._reference)
            others = [item for item in fields["manifests"] if not self._is_replaced(item, entry)]
            write_index(self.path, {**fields, "manifests": [*others, entry]})

    def _is_replaced(self, item: Json, entry: Json) -> bool:
        listed = parse_descriptor(item, self.path)
        tag = listed.annotation(TAG)
        return tag == self._reference.tag and (tag is not None or listed.digest == entry["digest"])


def blob_path(folder: str, digest: str) -> str:
    """Where a layout has the content with a digest, which has been parsed."""
    return f"{folder}/{BLOBS}/{digest.replace(':', '/')}"


def read_index(path: str) -> Json:
    """The list of a layout's artifacts, with a list of `manifests`. Raises InputError (NN024 if
    there is no layout, NN026)."""
    mark = read_whole(f"{path}/{MARK}", LARGEST_MANIFEST)
    if mark is None:
        raise InputError(f"{path} is not an OCI layout: it has no file {MARK}", "NN024")
    version = parse_json(mark, f"{path}/{MARK}").get("imageLayoutVersion")
    if version != _VERSION:
        raise InputError(f"{path} is an OCI layout of version {version}, not {_VERSION}", "NN026")
    data = read_whole(f"{path}/{INDEX}", LARGEST_MANIFEST)
    if data is None or len(data) > LARGEST_MANIFEST:
        what = "is missing" if data is None else f"has more than {LARGEST_MANIFEST} bytes"
        raise InputError(f"{path}/{INDEX} {what}", "NN026")
    fields = parse_json(data, f"{path}/{INDEX}")
    if not isinstance(fields.get("manifests"), list):
        raise InputError(f"{path}/{INDEX} has no list of manifests", "NN026")
    return fields


def write_index(path: str, fields: Json) -> None:
    """Write the list of a layout's artifacts, whose blobs are there. Raises OutputError."""
    make_folder(path)
    write_whole(f"{path}/{MARK}", to_json({"imageLayoutVersion": _VERSION}))
    write_whole(f"{path}/{INDEX}", to_json(fields))


def _index_for(reference: LayoutReference) -> Json:
    """What the layout lists already, or an empty list for a new one."""
    try:
        if set(names_in(reference.path)) <= {"blobs"}:  # which another process may be writing
            return {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}
        fields = read_index(reference.path)
        listed = [parse_descriptor(item, reference.path) for item in fields["manifests"]]
    except InputError as error:
        raise OutputError(f"cannot write {_name(reference)}: {error}", "NN027") from error
    if listed and reference.tag is None:
        raise OutputError(
            f"cannot write {_name(reference)}: the layout has artifacts already; name a tag"
            f" (oci-layout:{reference.path}:TAG)",
            "NN021",
        )
    return fields


def _name(reference: LayoutReference) -> str:
    tag = "" if reference.tag is None else f":{reference.tag}"
    return f"oci-layout:{reference.path}{tag}" + (f"@{reference.digest}" * bool(reference.digest))
