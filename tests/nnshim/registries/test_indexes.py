"""Commands on indexes and manifests of several modules: what they name, list and leave alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.nnshim.registries.using import REWRITTEN, guest
from tests.support.artifacts import (
    GUEST,
    INDEX,
    TAG,
    WASM,
    Blobs,
    descriptor,
    manifest_of,
    sha256,
    write_layout,
)
from tests.support.command import nnshim
from tests.support.played_registry import Played


@pytest.fixture
def registry(registry: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    """In an empty folder."""
    monkeypatch.chdir(tmp_path)
    return registry


def test_the_tag_of_an_index_is_not_replaced_by_one_of_its_modules(registry: Played) -> None:
    blobs: Blobs = {}
    image = manifest_of(blobs, ("application/x-tar", b"tar"), config=("application/x", b"{}"))
    listed = [image, manifest_of(blobs, (WASM, GUEST))]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    entry = descriptor(INDEX, json.dumps(index).encode(), blobs)
    source = registry.publish("1", entry, blobs)
    done = nnshim("rewrite", source, source)
    assert done.returncode == 1
    assert b"error[NN028]" in done.stderr
    assert registry.manifests["1"][0] == blobs[entry["digest"]]
    assert nnshim("rewrite", source, source.replace(":1", ":2")).returncode == 0
    write_layout(Path("layout"), blobs, [{**entry, "annotations": {TAG: "1"}}])
    before = Path("layout/index.json").read_bytes()
    done = nnshim("rewrite", "oci-layout:layout:1", "oci-layout:./layout:1")
    assert b"error[NN028]" in done.stderr
    assert Path("layout/index.json").read_bytes() == before


def indexed(blobs: Blobs, *listed: dict[str, Any]) -> dict[str, Any]:
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    return descriptor(INDEX, json.dumps(index).encode(), blobs)


def test_an_index_and_its_manifest_have_their_names_and_the_others_are_listed(
    registry: Played,
) -> None:
    blobs: Blobs = {}
    tar = ("application/vnd.oci.image.layer.v1.tar+gzip", b"tar")
    amd64 = {"architecture": "amd64", "os": "linux"}
    image = {
        **manifest_of(blobs, tar, config=("application/vnd.oci.image.config.v1+json", b"{}")),
        "platform": amd64,
    }
    about = manifest_of(blobs, ("application/vnd.in-toto+json", b"{}"), config=("x/y", b"{}"))
    wasm = manifest_of(blobs, (WASM, GUEST))
    entry = indexed(blobs, image, wasm, about)
    source = registry.publish("1", entry, blobs)
    lines = [
        f"nnshim: {source} is the index {entry['digest']}; its module is in the manifest"
        f" {wasm['digest']}",
        f"  left alone: {image['digest']} (linux/amd64): a container image with layers of"
        " application/vnd.oci.image.layer.v1.tar+gzip, which was not looked into",
        f"  left alone: {about['digest']} (no platform): an artifact of type x/y with layers of"
        " application/vnd.in-toto+json",
    ]
    output = source.replace(":1", ":2")
    for words in (["inspect"], ["check", "--for", "wamr-legacy"], ["rewrite"]):
        done = nnshim(*words, source, *([output] if words == ["rewrite"] else []))
        assert "\n".join(lines) in done.stderr.decode()
        assert f"{source} is {wasm['digest']}" not in done.stderr.decode()
    assert f"warning[NN029]: {output} has only" in done.stderr.decode()
    expected = {
        "manifest": wasm["digest"],
        "index": entry["digest"],
        "passed_over": [
            {
                "digest": each["digest"],
                "platform": platform,
                "reason": line.partition("): ")[2],
            }
            for each, platform, line in zip(
                (image, about), ("linux/amd64", None), lines[1:], strict=True
            )
        ],
    }
    for words in (["inspect"], ["check", "--for", "wamr-legacy"]):
        (found,) = json.loads(nnshim(*words, "--json", source).stdout)
        assert found["artifact"] == expected
    found = json.loads(nnshim("rewrite", "--json", source, output).stdout)
    assert found["input"]["artifact"] == expected
    assert [each["code"] for each in found["diagnostics"]].count("NN029") == 1
    quiet = nnshim("rewrite", "--quiet", source, output).stderr
    assert image["digest"].encode() in quiet
    assert about["digest"].encode() in quiet
    assert b"NN029" not in nnshim("rewrite", source, "out.wasm").stderr
    unchanged = nnshim("rewrite", "--to", "wasi_ephemeral_nn", source, output).stderr
    assert b"NN029" in unchanged


def test_a_manifest_that_is_named_itself_has_no_index(registry: Played) -> None:
    source = guest(registry)
    (found,) = json.loads(nnshim("inspect", "--json", source).stdout)
    digest = sha256(registry.manifests["1"][0])
    assert found["artifact"] == {"manifest": digest, "index": None, "passed_over": []}
    by_digest = source.replace(":1", f"@{digest}")
    assert nnshim("inspect", by_digest).stderr == b""
    Path("in.wasm").write_bytes(GUEST)
    (found,) = json.loads(nnshim("inspect", "--json", "in.wasm").stdout)
    assert "artifact" not in found


def test_of_several_modules_none_is_pushed(registry: Played) -> None:
    blobs: Blobs = {}
    both = [manifest_of(blobs, (WASM, GUEST), annotations={"n": str(n)}) for n in range(2)]
    one_manifest = manifest_of(blobs, (WASM, GUEST), (WASM, REWRITTEN))
    for entry in (indexed(blobs, *both), one_manifest):
        source = registry.publish("1", entry, blobs)
        done = nnshim("rewrite", source, source.replace(":1", ":2"))
        assert done.returncode == 1
        assert b"error[NN025]" in done.stderr
        assert b"`check` and `rewrite` take all of them in a layout" in done.stderr
        assert "2" not in registry.manifests
