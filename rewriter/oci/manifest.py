"""Manifests and image indexes, as JSON that was read with care.

Specification: https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md, image-index.md
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from rewriter.errors import InputError
from rewriter.oci.descriptor import Descriptor, Json, parse_descriptor

__all__ = [
    "CONFIG_TYPE",
    "INDEX_TYPE",
    "INDEX_TYPES",
    "LARGEST_MANIFEST",
    "MANIFEST_TYPE",
    "MANIFEST_TYPES",
    "WASM_TYPE",
    "Manifest",
    "parse_index",
    "parse_json",
    "parse_manifest",
    "to_json",
]

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPES = (MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v2+json")
INDEX_TYPES = (INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json")

WASM_TYPE = "application/wasm"
"""Of the layer in new artifacts."""

CONFIG_TYPE = "application/vnd.wasm.config.v0+json"
"""Of the config that belongs to WASM_TYPE."""

LARGEST_MANIFEST = 4 << 20
"""Bytes that registries have to take, and nobody needs more.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
"""

_KINDS = {
    "application/vnd.oci.image.config.v1+json": "a container image",
    "application/vnd.docker.container.image.v1+json": "a container image",
    "application/vnd.cncf.helm.config.v1+json": "a Helm chart",
}
"""By the type of the config."""


class Manifest(NamedTuple):
    """The content of a manifest, read. `fields` has all of its JSON."""

    fields: Json
    config: Descriptor
    layers: Sequence[Descriptor]

    @property
    def kind(self) -> str:
        """What it is the manifest of, for a message about one without WebAssembly."""
        artifact_type = self.fields.get("artifactType")
        named = artifact_type if isinstance(artifact_type, str) else self.config.media_type
        kind = _KINDS.get(named, f"an artifact of type {named}")
        types = list(dict.fromkeys(layer.media_type for layer in self.layers))
        more = "" if len(types) < 4 else f" and {len(types) - 3} more types"
        return f"{kind} with layers of {', '.join(types[:3])}{more}" if types else kind


def parse_json(data: bytes, where: str) -> Json:
    """An object. Raises InputError (NN026) for anything else, and for a key that is there twice,
    which readers understand differently."""
    try:
        value = json.loads(data, object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON that can be read: {error}", "NN026") from error
    if not isinstance(value, dict):
        raise InputError(f"{where} is not a JSON object", "NN026")
    return value


def to_json(value: object) -> bytes:
    """Compact, in ASCII."""
    return json.dumps(value, separators=(",", ":")).encode()


def parse_manifest(data: bytes, media_type: str, where: str) -> Manifest:
    """Raises InputError (NN026)."""
    fields = _of_type(data, media_type, where)
    layers = fields.get("layers")
    if not isinstance(layers, list) or "manifests" in fields:
        raise InputError(f"{where} is not the manifest of an image or an artifact", "NN026")
    config = parse_descriptor(fields.get("config"), where)
    return Manifest(fields, config, [parse_descriptor(layer, where) for layer in layers])


def parse_index(data: bytes, media_type: str, where: str) -> Sequence[Descriptor]:
    """What an index lists. Raises InputError (NN026)."""
    fields = _of_type(data, media_type, where)
    manifests = fields.get("manifests")
    if not isinstance(manifests, list) or "layers" in fields:
        raise InputError(f"{where} is not an index of manifests", "NN026")
    return [parse_descriptor(item, where) for item in manifests]


def _of_type(data: bytes, media_type: str, where: str) -> Json:
    """The fields, whose own type has to be the one that is stated outside."""
    fields = parse_json(data, where)
    own = fields.get("mediaType", media_type)
    if own != media_type:
        raise InputError(f"{where} is of type {own}, and {media_type} was stated", "NN026")
    return fields


def _without_repeats(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
