"""Artifacts in layouts: found, compared with their digests, and put there."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rewriter.errors import InputError, OutputError
from rewriter.oci.artifact import find, push
from rewriter.oci.changing import Change, new, with_changes
from rewriter.oci.descriptor import digest_of
from rewriter.oci.layout import LayoutSink, LayoutStore
from rewriter.oci.reference import LayoutReference
from tests.support.artifacts import (
    CONFIG,
    GUEST,
    INDEX,
    MANIFEST,
    OLD_WASM,
    TAG,
    WASM,
    Blobs,
    descriptor,
    manifest_of,
    sha256,
    write_layout,
)
from tests.support.wasm import assemble, import_module

OTHER = import_module("wasi_nn")
CHANGE = Change(OTHER, OTHER, sha256(GUEST))


def store(folder: Path, tag: str | None = None, digest: str | None = None) -> LayoutStore:
    return LayoutStore(LayoutReference(str(folder), tag, digest))


def tagged(entry: dict[str, Any], tag: str) -> dict[str, Any]:
    return {**entry, "annotations": {TAG: tag}}


def refused(folder: Path, code: str, tag: str | None = None) -> str:
    with pytest.raises(InputError) as raised:
        find(store(folder, tag))
    assert raised.value.code == code
    return str(raised.value)


@pytest.mark.parametrize("media_type", [WASM, OLD_WASM])
def test_a_module_is_found_in_both_forms(media_type: str, tmp_path: Path) -> None:
    blobs: Blobs = {}
    entry = manifest_of(blobs, (media_type, GUEST))
    write_layout(tmp_path, blobs, [entry])
    artifact = find(store(tmp_path))
    assert (artifact.data, artifact.digest) == (GUEST, entry["digest"])


def test_a_tag_or_a_digest_chooses_one_of_several(tmp_path: Path) -> None:
    blobs: Blobs = {}
    one, other = (manifest_of(blobs, (WASM, data)) for data in (GUEST, OTHER))
    write_layout(tmp_path, blobs, [tagged(one, "1"), tagged(other, "2")])
    assert find(store(tmp_path, "1")).data == GUEST
    assert find(store(tmp_path, "2")).data == OTHER
    assert find(store(tmp_path, digest=other["digest"])).data == OTHER
    said = refused(tmp_path, "NN025")
    assert f"{one['digest']} (1), {other['digest']} (2)" in said
    assert refused(tmp_path, "NN024", "3").endswith("it is not in the layout, which has 1, 2")


def test_the_module_of_an_index_is_found_among_images(tmp_path: Path) -> None:
    blobs: Blobs = {}
    image_config = ("application/vnd.oci.image.config.v1+json", b"{}")
    image = manifest_of(blobs, ("application/x-tar", b"tar"), config=image_config)
    wasm = manifest_of(blobs, (WASM, GUEST))
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [image, wasm]}
    entry = descriptor(INDEX, json.dumps(index).encode(), blobs)
    write_layout(tmp_path, blobs, [tagged(entry, "1")])
    found = find(store(tmp_path, "1"))
    assert (found.data, found.digest, found.found.depth) == (GUEST, wasm["digest"], 1)


@pytest.mark.parametrize(
    ("config", "more", "expected"),
    [
        ("application/vnd.oci.image.config.v1+json", {}, "it is a container image with layers of"),
        ("application/vnd.cncf.helm.config.v1+json", {}, "it is a Helm chart with layers of"),
        ("application/x", {}, "it is an artifact of type application/x with layers of"),
        ("x/y", {"artifactType": "a/b"}, "it is an artifact of type a/b with layers of"),
    ],
)
def test_what_is_not_wasm_is_said(
    config: str, more: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    blobs: Blobs = {}
    entry = manifest_of(blobs, ("application/x-tar", b"tar"), config=(config, b"{}"), **more)
    write_layout(tmp_path, blobs, [entry])
    assert f"{expected} application/x-tar" in refused(tmp_path, "NN025")


def test_an_index_that_holds_itself_comes_to_an_end(tmp_path: Path) -> None:
    blobs: Blobs = {}
    entry = descriptor(INDEX, b'{"schemaVersion": 2, "manifests": []}', blobs)
    for _ in range(8):
        listed = {"schemaVersion": 2, "manifests": [entry]}
        entry = descriptor(INDEX, json.dumps(listed).encode(), blobs)
    write_layout(tmp_path, blobs, [entry])
    refused(tmp_path, "NN025")
    wide = descriptor(INDEX, json.dumps({"manifests": [entry] * 300}).encode(), blobs)
    write_layout(tmp_path, blobs, [wide])
    refused(tmp_path, "NN025")


def in_place_of(part: str, blobs: Blobs, data: bytes) -> None:
    """Put other data in the place of the manifest, the config or the layer."""
    manifest = next(digest for digest, held in blobs.items() if b"schemaVersion" in held)
    fields = json.loads(blobs[manifest])
    digests = {
        "manifest": manifest,
        "config": fields["config"]["digest"],
        "layer": fields["layers"][0]["digest"],
    }
    blobs[digests[part]] = data


@pytest.mark.parametrize("part", ["manifest", "config", "layer"])
@pytest.mark.parametrize("lie", ["other bytes", "shorter", "longer"])
def test_everything_is_compared_with_its_digest_and_size(
    part: str, lie: str, tmp_path: Path
) -> None:
    blobs: Blobs = {}
    entry = manifest_of(blobs, (WASM, GUEST))
    write_layout(tmp_path / "right", blobs, [entry])
    assert find(store(tmp_path / "right")).data == GUEST
    before = {"manifest": blobs[entry["digest"]], "layer": GUEST}
    held = before.get(part, next(data for data in blobs.values() if b"layerDigests" in data))
    data = {
        "other bytes": held[:-1] + bytes([held[-1] ^ 1]),
        "shorter": held[:-1],
        "longer": held + b" ",
    }[lie]
    in_place_of(part, blobs, data)
    write_layout(tmp_path / "wrong", blobs, [entry])
    refused(tmp_path / "wrong", "NN026")


def test_a_size_that_is_a_lie_is_refused_though_the_digest_is_right(tmp_path: Path) -> None:
    blobs: Blobs = {}
    config = ("application/x", b"{}")
    for size in (len(GUEST) - 1, len(GUEST) + 1, 0):
        layer = {**descriptor(WASM, GUEST, blobs), "size": size}
        manifest = {"config": descriptor(*config, blobs), "layers": [layer]}
        entry = descriptor(MANIFEST, json.dumps(manifest).encode(), blobs)
        write_layout(tmp_path, blobs, [entry])
        refused(tmp_path, "NN026")


def test_more_than_an_engine_takes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    blobs: Blobs = {}
    layer = {**descriptor(WASM, GUEST, blobs), "size": (1 << 30) + 1}
    manifest = {"config": descriptor(CONFIG, b"{}", blobs), "layers": [layer]}
    entry = descriptor(MANIFEST, json.dumps(manifest).encode(), blobs)
    write_layout(tmp_path, blobs, [entry])
    assert "no engine accepts" in refused(tmp_path, "NN001")


@pytest.mark.parametrize("part", ["manifest", "config"])
def test_a_large_manifest_or_config_is_refused_before_it_is_read(part: str, tmp_path: Path) -> None:
    blobs: Blobs = {}
    large = (4 << 20) + 1
    config = descriptor(CONFIG, b"{}", blobs)
    if part == "config":
        config["size"] = large
    manifest = {"config": config, "layers": [descriptor(WASM, GUEST, blobs)]}
    entry = descriptor(MANIFEST, json.dumps(manifest).encode(), blobs)
    if part == "manifest":
        entry["size"] = large
    write_layout(tmp_path, blobs, [entry])
    assert f"a {part} of {large} bytes is too large" in refused(tmp_path, "NN026")


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"\xff",
        b"{" * 100_000,
        b'{"layers": []}',
        b'{"layers": 1, "config": {}}',
        b'{"layers": [], "manifests": [], "config": {}}',
        b'{"layers": [{"mediaType": "a", "digest": "sha256:../../../etc/passwd", "size": 1}]}',
        b'{"layers": [], "layers": [], "config": {}}',
        b'{"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}',
    ],
    ids=lambda data: data[:40].decode(errors="replace"),
)
def test_a_manifest_that_is_not_one_is_refused(manifest: bytes, tmp_path: Path) -> None:
    blobs: Blobs = {}
    write_layout(tmp_path, blobs, [descriptor(MANIFEST, manifest, blobs)])
    (tmp_path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    for digest, data in blobs.items():
        (tmp_path / "blobs" / digest.replace(":", "/")).write_bytes(data)
    refused(tmp_path, "NN026")


def test_what_is_not_a_layout_is_refused(tmp_path: Path) -> None:
    assert "has no file oci-layout" in refused(tmp_path, "NN024")
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": "9"}')
    assert "of version 9" in refused(tmp_path, "NN026")
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    assert "index.json is missing" in refused(tmp_path, "NN026")
    os.mkfifo(tmp_path / "index.json")
    assert "it is not a file" in refused(tmp_path, "NN001")


def test_a_new_layout_has_the_module_with_a_true_config(tmp_path: Path) -> None:
    out = tmp_path / "out"
    digest = push(new(GUEST, "guest.wasm"), LayoutSink(LayoutReference(str(out), "1", None)), None)
    artifact = find(store(out, "1"))
    assert (artifact.data, artifact.digest) == (GUEST, digest)
    assert artifact.found.layer.annotation("org.opencontainers.image.title") == "guest.wasm"
    config = json.loads(artifact.config)
    assert config["layerDigests"] == [sha256(GUEST)]
    assert (config["os"], config["architecture"], config["component"]) == ("wasip1", "wasm", None)


def test_the_config_of_a_component_has_its_imports_and_exports(tmp_path: Path) -> None:
    component = assemble(
        """(component
          (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" (instance))
          (import "wasi:io/streams@0.2.6" (instance $i))
          (export "a:b/c" (instance $i)))"""
    )
    written = new(component, None)
    config = json.loads(next(data for data in written.blobs.values() if data != component))
    assert config["os"] == "wasip2"
    assert config["component"] == {
        "exports": ["a:b/c"],
        "imports": ["wasi:nn/tensor@0.2.0-rc-2024-10-28", "wasi:io/streams@0.2.6"],
        "target": None,
    }


def test_a_change_keeps_all_else_and_makes_the_config_true(tmp_path: Path) -> None:
    blobs: Blobs = {}
    entry = manifest_of(
        blobs,
        ("text/plain", b"read me"),
        (WASM, GUEST),
        annotations={"org.opencontainers.image.licenses": "MIT"},
        artifactType="application/vnd.wasm.example",
    )
    manifest = json.loads(blobs[entry["digest"]])
    config = blobs[manifest["config"]["digest"]]
    written = with_changes(
        MANIFEST, blobs[entry["digest"]], config, {sha256(GUEST): CHANGE}, "here"
    )
    after = json.loads(written.content)
    assert after["layers"][0] == manifest["layers"][0]
    new_layer = {"digest": sha256(OTHER), "size": len(OTHER)}
    assert after["layers"][1] == {**manifest["layers"][1], **new_layer}
    for key in ("annotations", "artifactType", "schemaVersion", "mediaType"):
        assert after[key] == manifest[key]
    new_config = json.loads(written.blobs[after["config"]["digest"]])
    digests = [sha256(b"read me"), sha256(OTHER)]
    assert new_config == {**json.loads(config), "layerDigests": digests}


def test_an_image_config_gets_the_new_digest_and_any_other_that_has_it_is_refused() -> None:
    blobs: Blobs = {}
    rootfs: object = {"type": "layers", "diff_ids": [sha256(GUEST)]}
    image = {"os": "wasip1", "rootfs": rootfs}
    image_type = "application/vnd.oci.image.config.v1+json"
    changes = {sha256(GUEST): CHANGE}
    data = json.dumps(image).encode()
    entry = manifest_of(blobs, (WASM, GUEST), config=(image_type, data))
    written = with_changes(MANIFEST, blobs[entry["digest"]], data, changes, "here")
    config = written.blobs[json.loads(written.content)["config"]["digest"]]
    assert json.loads(config)["rootfs"]["diff_ids"] == [sha256(OTHER)]
    image["history"] = [{"comment": f"of {sha256(GUEST)}"}]
    data = json.dumps(image).encode()
    entry = manifest_of(blobs, (WASM, GUEST), config=(image_type, data))
    with pytest.raises(InputError, match="in a place that nnshim does not know") as raised:
        with_changes(MANIFEST, blobs[entry["digest"]], data, changes, "here")
    assert raised.value.code == "NN028"


def test_a_tag_is_replaced_and_others_stay(tmp_path: Path) -> None:
    blobs: Blobs = {}
    one, two = (manifest_of(blobs, (WASM, data)) for data in (GUEST, OTHER))
    write_layout(tmp_path, blobs, [tagged(one, "1"), tagged(two, "2")])
    third = import_module("third")
    push(new(third, None), LayoutSink(LayoutReference(str(tmp_path), "1", None)), None)
    assert find(store(tmp_path, "1")).data == third
    listed = json.loads((tmp_path / "index.json").read_text())["manifests"]
    assert tagged(two, "2") in listed
    assert len(listed) == 2
    for digest, data in blobs.items():
        assert (tmp_path / "blobs" / digest.replace(":", "/")).read_bytes() == data


def test_of_what_several_write_at_once_nothing_is_lost(tmp_path: Path) -> None:
    out = tmp_path / "out"
    data = {str(number): import_module(f"m{number}") for number in range(40)}

    def write(tag: str) -> None:
        push(new(data[tag], None), LayoutSink(LayoutReference(str(out), tag, None)), None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, data))
    assert {tag: find(store(out, tag)).data for tag in data} == data


def test_a_blob_that_is_broken_is_written_again(tmp_path: Path) -> None:
    place = LayoutReference(str(tmp_path), "1", None)
    push(new(GUEST, None), LayoutSink(place), None)
    blob = tmp_path / "blobs" / digest_of(GUEST).replace(":", "/")
    blob.write_bytes(b"broken")
    push(new(GUEST, None), LayoutSink(place), None)
    assert blob.read_bytes() == GUEST


def test_what_is_not_a_file_is_not_written_to(tmp_path: Path) -> None:
    place = LayoutReference(str(tmp_path), "1", None)
    push(new(GUEST, None), LayoutSink(place), None)
    blob = tmp_path / "blobs" / sha256(OTHER).replace(":", "/")
    os.mkfifo(blob)
    with pytest.raises(OutputError, match="it is not a file"):
        push(new(OTHER, None), LayoutSink(place), None)
    assert find(store(tmp_path, "1")).data == GUEST


def test_an_output_that_would_be_ambiguous_or_is_something_else_is_refused(tmp_path: Path) -> None:
    push(new(GUEST, None), LayoutSink(LayoutReference(str(tmp_path / "a"), None, None)), None)
    with pytest.raises(OutputError, match="name a tag") as raised:
        LayoutSink(LayoutReference(str(tmp_path / "a"), None, None))
    assert raised.value.code == "NN021"
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "precious").write_text("x")
    with pytest.raises(OutputError, match="not an OCI layout") as raised:
        LayoutSink(LayoutReference(str(tmp_path / "b"), "1", None))
    assert raised.value.code == "NN027"
    assert os.listdir(tmp_path / "b") == ["precious"]
    with pytest.raises(OutputError, match="Not a directory"):
        LayoutSink(LayoutReference(str(tmp_path / "b" / "precious"), "1", None))
