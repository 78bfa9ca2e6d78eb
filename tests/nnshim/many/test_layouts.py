"""check and rewrite of an OCI layout: both see the same modules, by the same names."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rewriter import RewriteOptions, rewrite
from tests.support.artifacts import (
    GUEST,
    TAG,
    WASM,
    Blobs,
    descriptor,
    manifest_of,
    sha256,
    write_layout,
)
from tests.support.command import nnshim
from tests.support.wasm import custom

REWRITTEN = rewrite(GUEST, RewriteOptions(to="wasi_nn"))
TITLE = "org.opencontainers.image.title"
IMAGE = "application/vnd.oci.image.config.v1+json"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(*layers: tuple[str, bytes], **more: Any) -> Path:
    """A layout with an artifact that has the tag 1."""
    blobs: Blobs = {}
    entry = {**manifest_of(blobs, *layers, **more), "annotations": {TAG: "1"}}
    return write_layout(Path("in"), blobs, [entry])


def checked(path: str = "in") -> dict[str, str]:
    """The verdict on each module of a layout, and what was not looked into."""
    done = nnshim("check", "--json", "--for", "wamr-legacy", path)
    said = {item["file"]: item["verdict"] for item in json.loads(done.stdout)}
    assert (done.returncode == 6) == ("no_verdict" in said.values())
    return said


def tar(name: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(GUEST)
        archive.addfile(member, io.BytesIO(GUEST))
    return data.getvalue()


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/wasm+gzip", gzip.compress(GUEST)),
        ("application/vnd.module.wasm.content.layer.v1+wasm", GUEST),
        ("application/vnd.bytecodealliance.wasm.component.layer.v0+wasm", GUEST),
        ("application/octet-stream", GUEST),
        ("application/octet-stream", gzip.compress(GUEST)),
    ],
    ids=["gzip", "wasmCloud and Envoy", "runwasi", "plain bytes", "compressed bytes"],
)
def test_a_module_of_any_type_is_judged_and_rewritten(media_type: str, data: bytes) -> None:
    made((WASM, GUEST), (media_type, data))
    assert set(checked().values()) == {"rewrite"}
    assert nnshim("rewrite", "in", "out").returncode == 0
    assert set(checked("out").values()) == {"only_if"}
    index = json.loads(Path("out/index.json").read_text())
    manifest = json.loads(blob("out", index["manifests"][0]["digest"]))
    assert [layer["mediaType"] for layer in manifest["layers"]] == [WASM, media_type]
    packed = [blob("out", layer["digest"]) for layer in manifest["layers"]]
    assert packed[1][:2] == data[:2]
    assert [gzip.decompress(each) if each[:1] == b"\x1f" else each for each in packed] == [
        REWRITTEN,
        REWRITTEN,
    ]
    config = json.loads(blob("out", manifest["config"]["digest"]))
    assert config["layerDigests"] == [layer["digest"] for layer in manifest["layers"]]


def blob(layout: str, digest: str) -> bytes:
    data = Path(layout, "blobs", digest.replace(":", "/")).read_bytes()
    assert sha256(data) == digest
    return data


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("application/wasm+zstd", b"\x28\xb5\x2f\xfd rest"),
        ("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(tar("a.wasm"))),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", gzip.compress(tar("a.wasm"))),
        ("application/octet-stream", tar("a.wasm")),
    ],
    ids=["zstd", "an image", "docker's image", "a tar"],
)
def test_what_is_not_looked_into_is_said_by_both(media_type: str, data: bytes) -> None:
    made((WASM, GUEST), (media_type, data))
    done = nnshim("check", "--json", "--for", "wamr-legacy", "in")
    verdicts = sorted(item["verdict"] for item in json.loads(done.stdout))
    assert verdicts == ["not_looked_into", "rewrite"]
    rewritten = nnshim("rewrite", "in", "out")
    assert rewritten.returncode == 0
    for said in (done.stderr, rewritten.stderr):
        assert f"NN008]: in!1: its layer {sha256(data)}, of type {media_type}".encode() in said
    assert blob("out", sha256(data)) == data


@pytest.mark.parametrize(
    "data", [b"no module", gzip.compress(b"no module"), b"(module)"], ids=["text", "gzip", "wat"]
)
def test_what_says_webassembly_and_is_not_fails_in_both(data: bytes) -> None:
    made((WASM, GUEST), ("application/wasm+gzip", data))
    assert sorted(checked().values()) == ["no_verdict", "rewrite"]
    assert nnshim("rewrite", "in", "out").returncode == 1
    assert not Path("out").exists()


def test_the_config_of_an_image_names_the_module_as_it_is_unpacked() -> None:
    fields = {"os": "wasip1", "rootfs": {"type": "layers", "diff_ids": [sha256(GUEST)]}}
    layer = ("application/wasm+gzip", gzip.compress(GUEST))
    made(layer, config=(IMAGE, json.dumps(fields).encode()))
    for words in (("in", "out"), ("oci-layout:in:1", "oci-layout:one:1")):
        assert nnshim("rewrite", *words).returncode == 0
        folder = words[1].removeprefix("oci-layout:").removesuffix(":1")
        index = json.loads(Path(folder, "index.json").read_text())
        manifest = json.loads(blob(folder, index["manifests"][0]["digest"]))
        config = json.loads(blob(folder, manifest["config"]["digest"]))
        assert config["rootfs"]["diff_ids"] == [sha256(REWRITTEN)]
        assert gzip.decompress(blob(folder, manifest["layers"][0]["digest"])) == REWRITTEN


def test_modules_of_one_manifest_go_by_their_titles_or_else_by_their_digests() -> None:
    other = GUEST + custom("x")
    made((WASM, GUEST), (WASM, other))
    assert set(checked()) == {f"in!1!{sha256(GUEST)}", f"in!1!{sha256(other)}"}
    blobs: Blobs = {}
    layers = [
        descriptor(WASM, data, blobs, annotations={TITLE: name})
        for name, data in (("a.wasm", GUEST), ("b.wasm", other))
    ]
    entry = manifest_of(blobs)
    fields = json.loads(blobs[entry["digest"]])
    data = json.dumps({**fields, "layers": layers}).encode()
    write_layout(Path("titled"), blobs, [descriptor(entry["mediaType"], data, blobs)])
    assert set(checked("titled")) == {f"titled!{sha256(data)}!{name}.wasm" for name in "ab"}


@pytest.mark.parametrize("out", ["oci-layout:out:1", "oci://localhost:1/a:1"])
def test_many_modules_do_not_become_one_artifact(out: str) -> None:
    made((WASM, GUEST))
    done = nnshim("rewrite", "in", out)
    assert done.returncode == 2
    assert b"name a folder" in done.stderr
    assert [path.name for path in Path().iterdir()] == ["in"]


def test_after_a_rewrite_in_place_only_what_is_listed_is_judged() -> None:
    made((WASM, GUEST))
    assert nnshim("rewrite", "in", "in").returncode == 0
    left = f"in/blobs/{sha256(GUEST).replace(':', '/')}"
    assert checked() == {"in!1": "only_if", left: "not_looked_into"}
    again = nnshim("rewrite", "in", "out")
    assert f"NN008]: {left}: a blob that no manifest".encode() in again.stderr


def test_a_manifest_of_an_unknown_type_is_named_with_the_blob_that_it_may_have() -> None:
    blobs: Blobs = {}
    known = {**manifest_of(blobs, (WASM, REWRITTEN)), "annotations": {TAG: "known"}}
    unknown = {**manifest_of(blobs, (WASM, GUEST)), "annotations": {TAG: "other"}}
    write_layout(Path("in"), blobs, [known, {**unknown, "mediaType": "application/vnd.other+json"}])
    done = nnshim("check", "--for", "wamr-legacy", "in")
    for what in (
        f"in!other: its manifest {unknown['digest']}, of type application/vnd.other+json, which",
        f"in/blobs/{sha256(GUEST).replace(':', '/')}: a blob that no manifest that was read has",
    ):
        assert f"NN008]: {what}".encode() in done.stderr


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("blobs/a.wasm", "in/blobs/a.wasm is not a folder of blobs"),
        (
            "blobs/sha256/x/a.wasm",
            "in/blobs/sha256/x is a folder, not a blob",
        ),
    ],
)
def test_what_does_not_belong_among_the_blobs_fails(name: str, what: str) -> None:
    made((WASM, REWRITTEN))
    (Path("in") / name).parent.mkdir(exist_ok=True)
    (Path("in") / name).write_bytes(GUEST)
    done = nnshim("check", "--for", "wamr-legacy", "in")
    assert done.returncode == 6
    assert f"error[NN026]: {what}" in (done.stdout + done.stderr).decode()


def test_a_file_beside_the_blobs_is_judged_and_not_rewritten_in_silence() -> None:
    made((WASM, GUEST))
    Path("in/more").mkdir()
    Path("in/more/a.wasm").write_bytes(GUEST)
    assert checked() == {"in!1": "rewrite", "in/more/a.wasm": "rewrite"}
    for words in (("in", "out"), ("--dry-run", "in")):
        done = nnshim("rewrite", *words)
        assert done.returncode == 1
        assert b"in/more/a.wasm is not in the layout in" in done.stderr
    done = nnshim("rewrite", "--exclude", "more/*", "in", "out")
    assert done.returncode == 0, done.stderr


def test_what_is_excluded_is_neither_judged_nor_rewritten() -> None:
    blobs: Blobs = {}
    other = GUEST + custom("x")
    entries = [
        {**manifest_of(blobs, (WASM, data)), "annotations": {TAG: tag}}
        for tag, data in (("one", GUEST), ("two", other))
    ]
    write_layout(Path("in"), blobs, entries)
    done = nnshim("check", "--json", "--exclude", "two", "--for", "wamr-legacy", "in")
    assert [item["file"] for item in json.loads(done.stdout)] == ["in!one"]
    assert nnshim("rewrite", "--exclude", "two", "in", "out").returncode == 0
    assert checked("out") == {"out!one": "only_if", "out!two": "rewrite"}


def test_a_layout_in_a_folder_is_judged_as_one_and_not_changed() -> None:
    made((WASM, GUEST))
    Path("tree").mkdir()
    Path("in").rename("tree/in")
    before = {path: path.read_bytes() for path in Path("tree").rglob("*") if path.is_file()}
    assert checked("tree") == {"tree/in!1": "rewrite"}
    for words in (("tree", "out"), ("tree", "tree"), ("--dry-run", "tree")):
        done = nnshim("rewrite", *words)
        assert done.returncode == 1
        assert b"`nnshim rewrite LAYOUT OUT` rewrites a whole layout" in done.stderr
    assert before == {path: path.read_bytes() for path in before}


def test_a_changed_module_is_noticed_by_its_digest() -> None:
    made((WASM, GUEST))
    Path("in/blobs", sha256(GUEST).replace(":", "/")).write_bytes(GUEST[:-1] + b"!")
    done = nnshim("check", "--for", "wamr-legacy", "in")
    assert done.returncode == 6
    assert b"error[NN026]" in done.stderr


def test_the_command_that_check_names_rewrites_the_layout() -> None:
    made((WASM, GUEST))
    done = nnshim("check", "--json", "--for", "wamr-legacy", "in")
    (item,) = json.loads(done.stdout)
    assert item["rewrite"] == "nnshim rewrite --for wamr-legacy in OUT"
    assert nnshim("check", "--json", "--for", "wamr-legacy", "in/").stdout == done.stdout
    assert nnshim("rewrite", "--dry-run", "in/").returncode == 0
    text = nnshim("check", "--for", "wamr-legacy", "in").stdout.decode()
    assert "help: nnshim rewrite --for wamr-legacy in in.wamr-legacy\n" in text


def test_an_archive_of_a_layout_is_not_changed_and_the_error_says_what_to_do() -> None:
    made((WASM, GUEST))
    subprocess.run(["tar", "-cf", "in.tar", "-C", "in", "."], check=True)
    assert nnshim("check", "--for", "wamr-legacy", "in.tar").returncode == 1
    done = nnshim("rewrite", "in.tar", "out.tar")
    assert (done.returncode, Path("out.tar").exists()) == (1, False)
    assert b"unpack the archive into a folder, and rewrite that" in done.stderr
    assert b"skopeo copy oci-archive:" in done.stderr
