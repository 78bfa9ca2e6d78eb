"""The config of a WebAssembly artifact, which says what its layers are.

Specification: https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/; what wkg reads
and writes: https://github.com/bytecodealliance/rust-oci-wasm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rewriter.components.component import Component
from rewriter.components.sections import is_component
from rewriter.errors import InputError
from rewriter.oci.descriptor import Descriptor, Json, digest_of
from rewriter.oci.kinds import says_wasm
from rewriter.oci.manifest import CONFIG_TYPE, parse_json, to_json

__all__ = ["Change", "changed_config", "new_config"]

_IMAGE_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)

_CREATED = "1970-01-01T00:00:00Z"
"""Of a new artifact: readers require a time, and the same module becomes the same artifact."""


class Change(NamedTuple):
    """What a layer becomes: `packed` are its new bytes, and `module` is the module in them.
    `before` is the digest of the module that it was, which is the layer's own unless that is
    compressed."""

    packed: bytes
    module: bytes
    before: str


def new_config(data: bytes) -> bytes:
    """The config for a module or component that has none. Raises ModuleError for a component that
    cannot be read."""
    fields: Json = {"created": _CREATED, "author": None, "architecture": "wasm"}
    return to_json({**fields, **_facts(data), "layerDigests": [digest_of(data)]})


def changed_config(
    media_type: str,
    config: bytes,
    changes: Mapping[str, Change],
    layers: Sequence[Descriptor],
    where: str,
) -> bytes:
    """The config for changed layers: `changes` has their new data by the old digests, and `layers`
    are all, as they were. The first of WebAssembly is the one that a config describes. What it says
    of other things is kept.

    Raises InputError (NN028) for a config of another type that has an old digest in it, and
    ModuleError for a component that cannot be read.
    """
    new = {change.before: digest_of(change.module) for change in changes.values()}
    new |= {old: digest_of(change.packed) for old, change in changes.items()}
    if media_type == CONFIG_TYPE:
        fields = parse_json(config, f"the config of {where}")
        main = next(
            layer.digest
            for layer in layers
            if layer.digest in changes or says_wasm(layer.media_type)
        )
        if main in changes:
            fields |= _facts(changes[main].module)
        given = fields.get("layerDigests")
        if not (isinstance(given, list) and any(each in new for each in map(str, given))):
            given = [layer.digest for layer in layers]
        digests = [new.get(str(each), each) for each in given]
        return to_json({**fields, "layerDigests": digests})
    if media_type in _IMAGE_TYPES:
        fields = parse_json(config, f"the config of {where}")
        roots = fields.get("rootfs")
        if isinstance(roots, dict) and isinstance(roots.get("diff_ids"), list):
            roots["diff_ids"] = [new.get(str(each), each) for each in roots["diff_ids"]]
            config = to_json(fields)
    if any(old.partition(":")[2].encode() in config for old in new):
        raise InputError(
            f"{where}: its config, of type {media_type}, has the digest of the WebAssembly in it,"
            " in a place that nnshim does not know",
            "NN028",
        )
    return config


def _facts(data: bytes) -> Json:
    """What a module or component itself shows. A world (`target`) is not named: the imports may be
    others than those of the world that was."""
    if not is_component(data):
        return {"os": "wasip1", "component": None}
    component = Component(data)
    shown = {
        "exports": [item.name.text for item in component.exports],
        "imports": [item.name.text for item in component.imports],
        "target": None,
    }
    return {"os": "wasip2", "component": shown}
