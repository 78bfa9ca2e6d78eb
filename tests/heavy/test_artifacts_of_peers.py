"""Artifacts as other tools make them, in Debian's docker-registry: what is said of them, and that
skopeo reads back what a rewrite pushes, with all else as it was. Needs Debian's docker-registry,
skopeo and buildah.

The forms: https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/,
https://github.com/engineerd/wasm-to-oci, https://github.com/solo-io/wasm/tree/master/spec,
https://github.com/containerd/runwasi, https://github.com/fermyon/spin (crates/oci),
https://github.com/wasmCloud/wasmCloud (crates/wash-lib), https://oras.land/docs/
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import oras.provider
import pytest

from rewriter import RewriteOptions, rewrite
from tests.support.artifacts import (
    CONFIG,
    GUEST,
    INDEX,
    MANIFEST,
    TAG,
    WASM,
    Blobs,
    descriptor,
    manifest_of,
    sha256,
    write_layout,
)
from tests.support.command import nnshim
from tests.support.docker_registry import Running, running, skopeo

REWRITTEN = rewrite(GUEST, RewriteOptions(to="wasi_nn"))
IMAGE = "application/vnd.oci.image.config.v1+json"
TITLE = "org.opencontainers.image.title"
PACKED = gzip.compress(GUEST)


class Layer(NamedTuple):
    media_type: str
    data: bytes
    annotations: dict[str, str] = {}  # noqa: RUF012 - never changed


class Form(NamedTuple):
    """The config's type and fields, the layers, of which `module` is the module, and more fields of
    the manifest."""

    config: tuple[str, dict[str, Any]]
    layers: list[Layer]
    module: int = 0
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed


def cncf(digest: str) -> dict[str, Any]:
    return {
        "created": "2026-01-02T03:04:05Z",
        "author": "someone",
        "architecture": "wasm",
        "os": "wasip1",
        "layerDigests": [digest],
        "component": None,
    }


def image(*digests: str) -> dict[str, Any]:
    return {
        "architecture": "wasm",
        "os": "wasip1",
        "config": {"Entrypoint": ["/app.wasm"], "Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": list(digests)},
    }


README = Layer("text/markdown", b"read me", {TITLE: "README.md"})

FORMS = {
    "the CNCF's, with annotations": Form(
        (CONFIG, cncf(sha256(GUEST))),
        [Layer(WASM, GUEST, {TITLE: "app.wasm", "x": "y"}), README],
        more={"annotations": {"org.opencontainers.image.licenses": "MIT"}},
    ),
    "the CNCF's, compressed": Form(
        (CONFIG, cncf(sha256(PACKED))), [Layer("application/wasm+gzip", PACKED)]
    ),
    "wasm-to-oci": Form(
        ("application/vnd.wasm.config.v1+json", {}),
        [Layer("application/vnd.wasm.content.layer.v1+wasm", GUEST)],
    ),
    "wasmCloud's actor": Form(
        ("application/vnd.wasmcloud.actor.archive.config", {}),
        [Layer("application/vnd.module.wasm.content.layer.v1+wasm", GUEST, {TITLE: "a_s.wasm"})],
    ),
    "Envoy's filter": Form(
        ("application/vnd.module.wasm.config.v1+json", {"type": "envoy_proxy"}),
        [
            Layer("application/vnd.module.wasm.config.v1+json", b'{"type":"envoy_proxy"}'),
            Layer("application/vnd.module.wasm.content.layer.v1+wasm", GUEST),
        ],
        1,
    ),
    "runwasi's": Form(
        (IMAGE, image(sha256(GUEST), sha256(b"lib"))),
        [
            Layer("application/vnd.bytecodealliance.wasm.component.layer.v0+wasm", GUEST),
            Layer("application/vnd.bytecodealliance.wasm.lib", b"lib"),
        ],
    ),
    "an image with a compressed module": Form(
        (IMAGE, image(sha256(GUEST))), [Layer("application/wasm+gzip", PACKED)]
    ),
    "Spin's, without digests in its config": Form(
        ("application/vnd.fermyon.spin.application.v1+config", {"spin_lock_version": 1}),
        [
            Layer("application/vnd.wasm.content.layer.v1+wasm", GUEST),
            Layer("application/vnd.wasm.content.layer.v1+data", b"an asset"),
        ],
    ),
    "an artifact of plain bytes": Form(
        ("application/vnd.oci.empty.v1+json", {}),
        [Layer("application/octet-stream", GUEST, {TITLE: "app.wasm"})],
        more={"artifactType": "application/vnd.example.plugin"},
    ),
    "ORAS's type for any file": Form(
        ("application/vnd.unknown.config.v1+json", {}),
        [Layer("application/vnd.oci.image.layer.v1.tar", GUEST, {TITLE: "app.wasm"})],
    ),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with running(tmp_path) as registry:
        (registry.config / "config.json").write_text("{}")  # or buildah ends
        yield registry


def made(blobs: Blobs, form: Form) -> dict[str, Any]:
    media_type, fields = form.config
    layers = [
        descriptor(layer.media_type, layer.data, blobs)
        | ({"annotations": layer.annotations} if layer.annotations else {})
        for layer in form.layers
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(media_type, json.dumps(fields).encode(), blobs),
        "layers": layers,
        **form.more,
    }
    return descriptor(MANIFEST, json.dumps(manifest).encode(), blobs)


def address(registry: Running, tag: str) -> str:
    return f"docker://{registry.host}/some/guest:{tag}"


def upload(registry: Running, layout: str, tag: str = "1") -> None:
    to = address(registry, tag)
    skopeo("copy", "--all", "--preserve-digests", "--dest-tls-verify=false", f"oci:{layout}", to)


def manifest(registry: Running, tag: str) -> dict[str, Any]:
    raw = skopeo("inspect", "--raw", "--tls-verify=false", address(registry, tag))
    found: dict[str, Any] = json.loads(raw)
    return found


def download(registry: Running, tag: str) -> Path:
    """The blobs of what a tag names."""
    source = address(registry, tag)
    skopeo("copy", "--all", "--src-tls-verify=false", source, f"oci:got{tag}:{tag}")
    return Path(f"got{tag}", "blobs", "sha256")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_module_is_judged_and_all_else_stays(form: Form, registry: Running) -> None:
    blobs: Blobs = {}
    write_layout(Path("made"), blobs, [made(blobs, form)])
    upload(registry, "made")
    source, output = registry.reference("1"), registry.reference("2")
    judged = [nnshim("check", "--json", "--for", "wamr-legacy", each) for each in (source, "made")]
    for done in judged:
        (found,) = json.loads(done.stdout)
        assert (done.returncode, found["verdict"]) == (1, "rewrite")
    done = nnshim("rewrite", source, output)
    assert done.returncode == 0, done.stderr
    before, after = manifest(registry, "1"), manifest(registry, "2")
    old, new = before["layers"].pop(form.module), after["layers"].pop(form.module)
    changed = ("digest", "size")
    assert [{key: each[key] for key in each if key not in changed} for each in (old, new)] == [
        {key: old[key] for key in old if key not in changed}
    ] * 2
    got = download(registry, "2")
    data = (got / new["digest"][7:]).read_bytes()
    assert (gzip.decompress(data) if form.layers[form.module].data == PACKED else data) == REWRITTEN
    config = json.loads((got / after.pop("config")["digest"][7:]).read_bytes())
    text = json.dumps(form.config[1]).replace(old["digest"], new["digest"])
    assert config == json.loads(text.replace(sha256(GUEST), sha256(REWRITTEN)))
    del before["config"]
    assert after == before
    assert nnshim("verify", source, output).returncode == 0
    done = nnshim("rewrite", "made", "out")
    assert done.returncode == 0, done.stderr
    assert json.loads(skopeo("inspect", "--raw", "oci:out")) == manifest(registry, "2")


def test_a_spin_application_that_names_its_module_by_digest_is_refused(registry: Running) -> None:
    form = FORMS["Spin's, without digests in its config"]
    source = {"content_type": "application/wasm", "digest": sha256(GUEST)}
    config = {"components": [{"id": "a", "source": source}]}
    blobs: Blobs = {}
    entry = made(blobs, form._replace(config=(form.config[0], config)))
    write_layout(Path("made"), blobs, [entry])
    upload(registry, "made")
    for words in ((registry.reference("1"), registry.reference("2")), ("made", "out")):
        done = nnshim("rewrite", *words)
        assert done.returncode == 1
        assert b"error[NN028]" in done.stderr
    tags = json.loads(skopeo("list-tags", "--tls-verify=false", address(registry, "1")[:-2]))
    assert tags["Tags"] == ["1"]
    assert nnshim("check", "--for", "wamr-legacy", registry.reference("1")).returncode == 1


def buildah(*arguments: str) -> str:
    folders = (f"--root={Path('root').resolve()}", f"--runroot={Path('run').resolve()}")
    command = ["buildah", "--storage-driver=vfs", *folders, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_an_image_that_buildah_makes_is_not_said_to_have_no_modules(
    packing: str, registry: Running
) -> None:
    Path("app.wasm").write_bytes(GUEST)
    name = buildah("from", "scratch")
    buildah("copy", name, "app.wasm", "/app.wasm")
    annotation = "--annotation=module.wasm.image/variant=compat-smart"
    buildah("config", "--os=wasi", "--arch=wasm32", annotation, name)
    buildah("commit", "--format=oci", name, "oci:built:1")
    packed = f"--dest-compress-format={packing}"
    skopeo("copy", packed, "--dest-tls-verify=false", "oci:built:1", address(registry, "1"))
    done = nnshim("check", "--for", "wamr-legacy", registry.reference("1"))
    assert done.returncode == 6
    assert b"error[NN025]" in done.stderr
    assert b"which was not looked into" in done.stderr
    done = nnshim("check", "--for", "wamr-legacy", "built")
    assert done.returncode == 6
    assert b"warning[NN008]" in done.stderr
    assert nnshim("rewrite", registry.reference("1"), registry.reference("2")).returncode == 1


def test_an_index_of_several_modules_is_rewritten_in_a_layout_and_pushed_whole(
    registry: Running,
) -> None:
    """What the error of several modules says to do."""
    blobs: Blobs = {}
    tar = ("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(bytes(1024)))
    diff = json.dumps(image(sha256(bytes(1024)))).encode()
    forms = [FORMS["the CNCF's, with annotations"], FORMS["runwasi's"]]
    listed = [made(blobs, form) for form in forms]
    listed.append(manifest_of(blobs, tar, config=(IMAGE, diff)))
    platforms = (("wasip1", "wasm"), ("wasi", "wasm"), ("linux", "amd64"))
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {**each, "platform": {"os": os, "architecture": cpu}}
            for each, (os, cpu) in zip(listed, platforms, strict=True)
        ],
        "annotations": {"a": "b"},
    }
    entry = descriptor(INDEX, json.dumps(index).encode(), blobs)
    write_layout(Path("made"), blobs, [{**entry, "annotations": {TAG: "1"}}])
    upload(registry, "made:1")
    done = nnshim("rewrite", registry.reference("1"), registry.reference("2"))
    assert done.returncode == 1
    assert b"error[NN025]" in done.stderr
    source = address(registry, "1")
    skopeo("copy", "--all", "--src-tls-verify=false", source, "oci:folder:1")
    done = nnshim("rewrite", "folder", "out")
    assert done.returncode == 0, done.stderr
    upload(registry, "out:1", "2")
    before, after = manifest(registry, "1"), manifest(registry, "2")
    assert after["annotations"] == before["annotations"]
    assert after["manifests"][2] == before["manifests"][2]
    for number in (0, 1):
        old, new = before["manifests"][number], after["manifests"][number]
        assert old["platform"] == new["platform"]
        assert old["digest"] != new["digest"]
        by_digest = registry.reference("2").replace(":2", f"@{new['digest']}")
        done = nnshim("inspect", "--json", by_digest)
        (found,) = json.loads(done.stdout)
        assert found["import_modules"] == ["wasi_nn"]


def test_what_oras_pushes_by_default_is_a_module(registry: Running) -> None:
    client = oras.provider.Registry(insecure=True, auth_backend="token")
    Path("app.wasm").write_bytes(GUEST)
    Path("assets").mkdir()
    Path("assets", "a.txt").write_text("a")
    client.push(f"{registry.host}/some/guest:1", files=["app.wasm", "assets"])
    source, output = registry.reference("1"), registry.reference("2")
    done = nnshim("check", "--json", "--for", "wamr-legacy", source)
    (found,) = json.loads(done.stdout)
    assert found["verdict"] == "rewrite"
    assert b"layers of application/vnd.oci.image.layer.v1.tar+gzip, which were not" in done.stderr
    assert nnshim("rewrite", source, output).returncode == 0
    pulled = client.pull(f"{registry.host}/some/guest:2", outdir="pulled")
    names = {Path(each).name for each in pulled}
    assert "app.wasm" in names
    assert Path("pulled", "app.wasm").read_bytes() == REWRITTEN
    assert Path("pulled", "assets", "a.txt").read_text() == "a"


def test_an_oci_archive_goes_the_way_that_the_error_says() -> None:
    """As skopeo writes it."""
    Path("app.wasm").write_bytes(GUEST)
    keep = ("--to", "wasi_ephemeral_nn")
    assert nnshim("rewrite", *keep, "app.wasm", "oci-layout:in:1").returncode == 0
    skopeo("copy", "oci:in:1", "oci-archive:in.tar:1")
    assert nnshim("check", "--for", "wamr-legacy", "in.tar").returncode == 1
    done = nnshim("rewrite", "in.tar", "out.tar")
    assert done.returncode == 1
    assert b"`skopeo copy oci-archive:FILE:TAG oci:FOLDER:TAG`" in done.stderr
    skopeo("copy", "oci-archive:in.tar:1", "oci:folder:1")
    assert nnshim("rewrite", "folder", "out").returncode == 0
    skopeo("copy", "oci:out:1", "oci-archive:out.tar:1")
    done = nnshim("check", "--for", "wamr-legacy", "out.tar")
    assert done.returncode == 5, done.stdout
