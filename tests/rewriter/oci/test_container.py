"""A layout as a container: all its modules, and a copy with changed ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rewriter.errors import InputError, OutputError
from rewriter.oci.changing import Change
from rewriter.oci.container import Layer, wasm_layers, write_changed
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
from tests.support.wasm import import_module

OTHER, NEW = import_module("wasi_nn"), import_module("new")
TITLE = "org.opencontainers.image.title"


def layout(folder: Path) -> tuple[Path, Blobs]:
    """Two modules under tags, one of them in an index beside an image, and a loose blob."""
    blobs: Blobs = {}
    one = manifest_of(blobs, (WASM, GUEST))
    two = manifest_of(blobs, (WASM, OTHER), ("text/plain", b"read me"))
    image = manifest_of(blobs, ("application/x-tar", b"tar"), config=("application/x", b"{}"))
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [image, two], "x": "kept"}
    entry = descriptor(INDEX, json.dumps(index).encode(), blobs)
    blobs[sha256(b"loose")] = b"loose"
    entries = [{**one, "annotations": {TAG: "1"}}, {**entry, "annotations": {TAG: "2"}}]
    return write_layout(folder, blobs, entries), blobs


def modules(path: Path) -> list[Layer]:
    return [each for each in wasm_layers(str(path)) if isinstance(each, Layer)]


def changed(before: bytes) -> Change:
    return Change(NEW, NEW, sha256(before))


def held(folder: Path) -> Blobs:
    return {
        f"sha256:{path.name}": path.read_bytes() for path in (folder / "blobs/sha256").iterdir()
    }


def test_all_modules_are_listed_with_their_names(tmp_path: Path) -> None:
    path, _ = layout(tmp_path / "in")
    layers = modules(path)
    assert [(each.name, each.digest, each.read()) for each in layers] == [
        ("1", sha256(GUEST), GUEST),
        ("2", sha256(OTHER), OTHER),
    ]


def test_a_module_that_is_broken_is_an_error_only_when_it_is_read(tmp_path: Path) -> None:
    path, _ = layout(tmp_path / "in")
    (path / "blobs" / sha256(GUEST).replace(":", "/")).write_bytes(OTHER)
    one, two = modules(path)
    assert two.read() == OTHER
    with pytest.raises(InputError):
        one.read()


def test_a_copy_has_the_changes_and_all_else_byte_for_byte(tmp_path: Path) -> None:
    path, blobs = layout(tmp_path / "in")
    out = tmp_path / "out"
    digests = write_changed(str(path), str(out), {sha256(OTHER): changed(OTHER)})
    one, two = modules(out)
    assert (one.read(), two.read()) == (GUEST, NEW)
    before, after = (json.loads((each / "index.json").read_text()) for each in (path, out))
    assert after["manifests"][0] == before["manifests"][0]
    old, new = before["manifests"][1], after["manifests"][1]
    assert digests[old["digest"]] == new["digest"]
    assert new["annotations"] == {TAG: "2"}
    copied = held(out)
    assert json.loads(copied[new["digest"]])["x"] == "kept"
    config = json.loads(copied[two.found.manifest.config.digest])
    assert config["layerDigests"] == [sha256(NEW), sha256(b"read me")]
    kept = {name: data for name, data in blobs.items() if name not in {sha256(OTHER), *digests}}
    assert kept.items() <= copied.items()
    assert not {sha256(OTHER), *digests} & set(copied)
    assert all(sha256(data) == name for name, data in copied.items())


def test_without_changes_a_copy_is_the_same(tmp_path: Path) -> None:
    path, blobs = layout(tmp_path / "in")
    assert write_changed(str(path), str(tmp_path / "out"), {}) == {}
    assert held(tmp_path / "out") == blobs
    before, after = (
        json.loads((each / "index.json").read_text()) for each in (path, tmp_path / "out")
    )
    assert before == after


def test_in_place_what_is_replaced_is_not_listed(tmp_path: Path) -> None:
    path, blobs = layout(tmp_path / "in")
    write_changed(
        str(path), str(path), {sha256(GUEST): changed(GUEST), sha256(OTHER): changed(OTHER)}
    )
    assert [each.read() for each in modules(path)] == [NEW, NEW]
    assert blobs.items() <= held(path).items()


def test_a_folder_with_something_in_it_is_not_written_to(tmp_path: Path) -> None:
    path, _ = layout(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("x")
    with pytest.raises(OutputError, match="not empty"):
        write_changed(str(path), str(tmp_path / "out"), {})


def test_a_link_is_not_copied_and_not_written_through(tmp_path: Path) -> None:
    """A layout that somebody else made could lead to any file, and knows what will be written."""
    path, _ = layout(tmp_path / "in")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (path / "blobs/sha256" / ("0" * 64)).symlink_to(secret)
    with pytest.raises(InputError) as raised:
        write_changed(str(path), str(tmp_path / "out"), {})
    assert raised.value.code == "NN026"
    assert not (tmp_path / "out" / "index.json").exists()
    (path / "blobs" / sha256(NEW).replace(":", "/")).symlink_to(secret)
    with pytest.raises(OutputError, match="symbolic link"):
        write_changed(str(path), str(path), {sha256(GUEST): changed(GUEST)})
    assert secret.read_text() == "secret"
    assert [each.digest for each in modules(path)] == [sha256(GUEST), sha256(OTHER)]
