"""Manifests for WebAssembly: a new one, or one with other data in its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rewriter.oci.config import Change, changed_config, new_config
from rewriter.oci.descriptor import Descriptor, describe
from rewriter.oci.manifest import CONFIG_TYPE, MANIFEST_TYPE, WASM_TYPE, parse_manifest, to_json

__all__ = ["TITLE", "Change", "Written", "new", "unchanged", "with_changes"]

TITLE = "org.opencontainers.image.title"
"""The annotation that tools name a pulled file after.

https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
"""


class Written(NamedTuple):
    """An artifact that is to be put somewhere: its manifest, and all that this names. The data of
    what is not in `blobs`, by digest, is where the artifact came from."""

    manifest: Descriptor
    content: bytes
    parts: Sequence[Descriptor]
    blobs: Mapping[str, bytes]


def new(data: bytes, title: str | None) -> Written:
    """An artifact in the CNCF's form, for a module from a file with this name. Raises ModuleError
    for a component that cannot be read."""
    config_data = new_config(data)
    config, layer = describe(CONFIG_TYPE, config_data), describe(WASM_TYPE, data)
    named = {} if title is None else {"annotations": {TITLE: title}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": dict(config.fields),
        "layers": [{**layer.fields, **named}],
    }
    content = to_json(manifest)
    blobs = {config.digest: config_data, layer.digest: data}
    return Written(describe(MANIFEST_TYPE, content), content, (config, layer), blobs)


def unchanged(media_type: str, content: bytes, where: str) -> Written:
    """The artifact of a manifest, without a change."""
    manifest = parse_manifest(content, media_type, where)
    parts = (manifest.config, *manifest.layers)
    return Written(describe(media_type, content), content, parts, {})


def with_changes(
    media_type: str, content: bytes, config_data: bytes, changes: Mapping[str, Change], where: str
) -> Written:
    """The artifact of a manifest, with other data in the layers that have the digests in `changes`.
    Its config says what is true of the new data; annotations and other layers are kept.

    Raises what `changed_config` raises.
    """
    manifest = parse_manifest(content, media_type, where)
    config = manifest.config
    layers = [
        layer.with_content(changes[layer.digest].packed) if layer.digest in changes else layer
        for layer in manifest.layers
    ]
    new_data = changed_config(config.media_type, config_data, changes, manifest.layers, where)
    if new_data != config_data:
        config = config.with_content(new_data)
    fields = {
        **manifest.fields,
        "config": dict(config.fields),
        "layers": [dict(layer.fields) for layer in layers],
    }
    new_content = to_json(fields)
    blobs = {config.digest: new_data}
    for before, after in zip(manifest.layers, layers, strict=True):
        if before.digest in changes:
            blobs[after.digest] = changes[before.digest].packed
    return Written(describe(media_type, new_content), new_content, (config, *layers), blobs)
