"""How the tests use a registry."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from nnshim.registries.registry import Registry
from rewriter import RewriteOptions, rewrite
from rewriter.errors import InputError, OutputError
from rewriter.oci.artifact import Artifact, find, push
from rewriter.oci.changing import new
from rewriter.oci.reference import parse_registry_reference
from tests.support.artifacts import GUEST, WASM, Blobs, manifest_of
from tests.support.played_registry import Played

SECRET = "pass:word"
BASIC = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
REWRITTEN = rewrite(GUEST, RewriteOptions(to="wasi_nn"))


def log_in(folder: Path, registry: Played) -> None:
    auth = BASIC.removeprefix("Basic ")
    (folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))


def guest(registry: Played, data: bytes = GUEST, media_type: str = WASM) -> str:
    blobs: Blobs = {}
    return registry.publish("1", manifest_of(blobs, (media_type, data)), blobs)


def pull(reference: str) -> Artifact:
    return find(Registry(parse_registry_reference(reference, InputError), InputError))


def put(reference: str) -> str:
    sink = Registry(parse_registry_reference(reference, OutputError), OutputError)
    return push(new(GUEST, None), sink, None)


def refused(reference: str, code: str) -> str:
    with pytest.raises(InputError) as raised:
        pull(reference)
    assert raised.value.code == code, raised.value
    assert SECRET not in str(raised.value)
    return str(raised.value)
