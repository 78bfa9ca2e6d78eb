"""Artifacts made by hand, for layouts and registries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.wasm import import_module

__all__ = ["GUEST", "MANIFEST", "Blobs", "descriptor", "manifest_of", "sha256", "write_layout"]

GUEST = import_module("wasi_ephemeral_nn")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.wasm.config.v0+json"
WASM = "application/wasm"
OLD_WASM = "application/vnd.wasm.content.layer.v1+wasm"
TAG = "org.opencontainers.image.ref.name"

Blobs = dict[str, bytes]


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def descriptor(media_type: str, data: bytes, blobs: Blobs, **more: Any) -> dict[str, Any]:
    """The descriptor of data, which the blobs get."""
    blobs[sha256(data)] = data
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


def manifest_of(
    blobs: Blobs,
    *layers: tuple[str, bytes],
    config: tuple[str, bytes] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The descriptor of a manifest with these layers, by type and data, which the blobs get."""
    if config is None:
        digests = [sha256(data) for _, data in layers]
        fields = {
            "created": "2026-01-02T03:04:05Z",
            "author": "someone",
            "architecture": "wasm",
            "os": "wasip1",
            "layerDigests": digests,
            "component": None,
        }
        config = (CONFIG, json.dumps(fields).encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(*config, blobs),
        "layers": [descriptor(*layer, blobs) for layer in layers],
        **more,
    }
    return descriptor(MANIFEST, json.dumps(manifest, indent=1).encode(), blobs)


def write_layout(
    folder: Path, blobs: Mapping[str, bytes], entries: Sequence[Mapping[str, Any]]
) -> Path:
    for digest, data in blobs.items():
        place = folder / "blobs" / digest.replace(":", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    index = {"schemaVersion": 2, "manifests": list(entries)}
    (folder / "index.json").write_text(json.dumps(index))
    return folder
