"""Debian's docker-registry, and what skopeo and oras-py read and write there. Needs Debian's
docker-registry, skopeo and apache2-utils."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import oras.provider
import pytest

from rewriter import RewriteOptions, rewrite
from rewriter.files import wasm_tools
from tests.support.artifacts import (
    CONFIG,
    GUEST,
    INDEX,
    OLD_WASM,
    WASM,
    Blobs,
    descriptor,
    manifest_of,
    sha256,
    write_layout,
)
from tests.support.attestations import pair
from tests.support.command import nnshim
from tests.support.docker_registry import Running, running, skopeo
from tests.support.wasm import assemble

REWRITTEN = rewrite(GUEST, RewriteOptions(to="wasi_nn"))
USER, PASSWORD = "someone", "s3cret word"


@pytest.fixture(params=[False, True], ids=["open", "with a password"])
def has_password(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


@pytest.fixture
def registry(
    has_password: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.chdir(tmp_path)
    with running(tmp_path, (USER, PASSWORD) if has_password else None) as registry:
        yield registry


@pytest.fixture
def logged_in(registry: Running, has_password: bool, monkeypatch: pytest.MonkeyPatch) -> Running:
    """As `docker login` leaves it; skopeo reads the same file."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    auths = {registry.host: {"auth": auth}} if has_password else {}
    file = registry.config / "config.json"
    file.write_text(json.dumps({"auths": auths}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    return registry


def raw(registry: Running, tag: str) -> bytes:
    address = f"docker://{registry.host}/some/guest:{tag}"
    return skopeo("inspect", "--raw", "--tls-verify=false", address)


def test_skopeo_reads_what_is_pushed(logged_in: Running) -> None:
    Path("guest.wasm").write_bytes(GUEST)
    done = nnshim("rewrite", "--json", "guest.wasm", logged_in.reference("1"))
    assert done.returncode == 0, done.stderr
    manifest = raw(logged_in, "1")
    assert json.loads(done.stdout)["output"]["digest"] == sha256(manifest)
    fields = json.loads(manifest)
    assert fields["config"]["mediaType"] == CONFIG
    assert [layer["mediaType"] for layer in fields["layers"]] == [WASM]
    address = f"docker://{logged_in.host}/some/guest:1"
    skopeo("copy", "--src-tls-verify=false", address, "oci:copied:1")
    blob = Path("copied/blobs") / fields["layers"][0]["digest"].replace(":", "/")
    assert blob.read_bytes() == REWRITTEN
    config = skopeo("inspect", "--config", "--raw", "--tls-verify=false", address)
    assert json.loads(config)["layerDigests"] == [sha256(REWRITTEN)]


@pytest.mark.parametrize("media_type", [WASM, OLD_WASM])
def test_what_skopeo_pushes_is_rewritten_and_its_layouts_are_read(
    media_type: str, logged_in: Running
) -> None:
    blobs: Blobs = {}
    entry = manifest_of(blobs, (media_type, GUEST), annotations={"a": "b"})
    annotated = {**entry, "annotations": {"org.opencontainers.image.ref.name": "1"}}
    write_layout(Path("made"), blobs, [annotated])
    address = f"docker://{logged_in.host}/some/guest:1"
    skopeo("copy", "--dest-tls-verify=false", "oci:made:1", address)
    done = nnshim("rewrite", logged_in.reference("1"), logged_in.reference("2"))
    assert done.returncode == 0, done.stderr
    before, after = json.loads(raw(logged_in, "1")), json.loads(raw(logged_in, "2"))
    assert after["annotations"] == before["annotations"] == {"a": "b"}
    (layer,) = after["layers"]
    assert (layer["mediaType"], layer["digest"]) == (media_type, sha256(REWRITTEN))
    for tag in "12":
        source = f"docker://{logged_in.host}/some/guest:{tag}"
        skopeo("copy", "--src-tls-verify=false", source, f"oci:layout:{tag}")
    verified = nnshim("verify", "oci-layout:layout:1", "oci-layout:layout:2")
    assert verified.returncode == 0, verified.stdout
    assert nnshim("rewrite", "oci-layout:layout:2", "out.wasm").returncode == 0
    assert Path("out.wasm").read_bytes() == REWRITTEN


def test_skopeo_reads_a_layout_that_is_written(registry: Running) -> None:
    Path("guest.wasm").write_bytes(GUEST)
    assert nnshim("rewrite", "guest.wasm", "oci-layout:layout:1").returncode == 0
    back = ("--to", "wasi_ephemeral_nn")
    assert nnshim("rewrite", *back, "guest.wasm", "oci-layout:layout:2").returncode == 0
    fields = json.loads(skopeo("inspect", "--raw", "oci:layout:1"))
    assert fields["layers"][0]["digest"] == sha256(REWRITTEN)
    skopeo("copy", "oci:layout:2", "oci:again:2")
    assert nnshim("inspect", "oci-layout:again:2").returncode == 0


def test_the_module_of_an_index_that_skopeo_copied_is_found(logged_in: Running) -> None:
    blobs: Blobs = {}
    image_config = ("application/vnd.oci.image.config.v1+json", b"{}")
    wasm = {"architecture": "wasm", "os": "wasip1"}
    amd64 = {"architecture": "amd64", "os": "linux"}
    image_layer = ("application/vnd.oci.image.layer.v1.tar", bytes(1024))
    listed = [
        {**manifest_of(blobs, image_layer, config=image_config), "platform": amd64},
        {**manifest_of(blobs, (WASM, GUEST)), "platform": wasm},
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    entry = descriptor(INDEX, json.dumps(index).encode(), blobs)
    write_layout(Path("made"), blobs, [entry])
    address = f"docker://{logged_in.host}/some/guest:1"
    skopeo("copy", "--all", "--dest-tls-verify=false", "oci:made", address)
    before = raw(logged_in, "1")
    done = nnshim("check", "--for", "wamr-legacy", logged_in.reference("1"))
    assert done.returncode == 1, done.stderr
    assert listed[1]["digest"].encode() in done.stderr
    refused = nnshim("rewrite", logged_in.reference("1"), logged_in.reference("1"))
    assert b"error[NN028]" in refused.stderr
    assert raw(logged_in, "1") == before


def test_oras_reads_and_writes_the_same(
    logged_in: Running, has_password: bool, tmp_path: Path
) -> None:
    backend = "basic" if has_password else "token"
    client = oras.provider.Registry(insecure=True, auth_backend=backend)
    if has_password:
        client.auth.set_basic_auth(USER, PASSWORD)
    Path("guest.wasm").write_bytes(GUEST)
    Path("config.json").write_text("{}")
    target = f"{logged_in.host}/some/guest"
    config_file = str(logged_in.config / "config.json")
    client.push(
        f"{target}:1",
        config_path=config_file,
        files=[f"guest.wasm:{WASM}"],
        manifest_config=f"config.json:{CONFIG}",
        manifest_annotations={"a": "b"},
    )
    done = nnshim("rewrite", logged_in.reference("1"), logged_in.reference("2", "other"))
    assert done.returncode == 0, done.stderr
    pulled = client.pull(
        f"{logged_in.host}/other:2", config_path=config_file, outdir=str(tmp_path / "pulled")
    )
    (file,) = pulled
    assert Path(file).name == "guest.wasm"
    assert Path(file).read_bytes() == REWRITTEN


def test_a_component_has_the_imports_that_wasm_tools_shows(logged_in: Running) -> None:
    text = """(component
      (import "wasi:io/poll@0.2.6" (instance))
      (import "wasi:nn/errors@0.2.0-rc-2024-10-28" (instance $i))
      (export "local:guest/all" (instance $i)))"""
    Path("guest.wasm").write_bytes(assemble(text))
    renamed = ("--rename", "wasi:io/poll@0.2.6=wasi:io/poll@0.2.7")
    done = nnshim("rewrite", *renamed, "guest.wasm", logged_in.reference("1"))
    assert done.returncode == 0, done.stderr
    address = f"docker://{logged_in.host}/some/guest:1"
    config = skopeo("inspect", "--config", "--raw", "--tls-verify=false", address)
    fields = json.loads(config)
    assert fields["os"] == "wasip2"
    assert fields["component"]["imports"][0] == "wasi:io/poll@0.2.7"
    assert nnshim("rewrite", *renamed, logged_in.reference("1"), "out.wasm").returncode == 0
    show = [wasm_tools.find(), "component", "wit", "out.wasm"]
    world = subprocess.run(show, capture_output=True, check=True, text=True).stdout
    for name in fields["component"]["imports"]:
        assert f"import {name};" in world
    for name in fields["component"]["exports"]:
        assert f"export {name};" in world


@pytest.mark.parametrize("has_password", [True], indirect=True)
def test_without_a_login_and_with_a_wrong_one_nothing_is_read_or_written(
    registry: Running, tmp_path: Path
) -> None:
    Path("guest.wasm").write_bytes(GUEST)
    wrong = base64.b64encode(f"{USER}:wr0ng".encode()).decode()
    for auths in ({}, {registry.host: {"auth": wrong}}):
        (registry.config / "config.json").write_text(json.dumps({"auths": auths}))
        for command in (
            ["inspect", registry.reference("1")],
            ["rewrite", "guest.wasm", registry.reference("1")],
        ):
            done = nnshim(*command)
            assert done.returncode == 1
            assert b"error[NN023]" in done.stderr
            printed = done.stdout + done.stderr
            assert wrong.encode() not in printed
            assert b"wr0ng" not in printed
    assert list((tmp_path / "storage").rglob("link")) == []


@pytest.mark.parametrize("has_password", [True], indirect=True)
def test_a_credential_helper_logs_in(
    registry: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "docker-credential-test"
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (registry.config / "config.json").write_text(
        json.dumps({"credHelpers": {registry.host: "test"}})
    )
    Path("guest.wasm").write_bytes(GUEST)
    assert nnshim("rewrite", "guest.wasm", registry.reference("1")).returncode == 0
    assert nnshim("inspect", registry.reference("1")).returncode == 0


@pytest.mark.parametrize("has_password", [False], indirect=True)
def test_a_broken_blob_in_the_registry_is_noticed(registry: Running, tmp_path: Path) -> None:
    Path("guest.wasm").write_bytes(GUEST)
    assert nnshim("rewrite", "guest.wasm", registry.reference("1")).returncode == 0
    digest = sha256(REWRITTEN).removeprefix("sha256:")
    (blob,) = (tmp_path / "storage").rglob(f"{digest}/data")
    blob.write_bytes(REWRITTEN[:-1] + b"!")
    done = nnshim("rewrite", registry.reference("1"), "out.wasm")
    assert done.returncode == 1
    assert b"error[NN026]" in done.stderr
    assert not Path("out.wasm").exists()


@pytest.mark.parametrize("has_password", [False], indirect=True)
def test_what_is_not_there_is_said(registry: Running) -> None:
    for reference in (registry.reference("1"), registry.reference("1", "no/such")):
        done = nnshim("check", "--for", "wasmtime", reference)
        assert done.returncode == 6
        assert b"error[NN024]" in done.stderr


def test_attestations_are_attached_and_found_by_others(logged_in: Running, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "app.wasm").write_bytes(GUEST)
    keys = pair(tmp_path / "keys")
    out = logged_in.reference("1")
    signing = ("--attestation", "auto", "--key", keys.private, "--sbom", "auto", "--json")
    done = nnshim("rewrite", "app.wasm", out, *signing)
    assert done.returncode == 0, done.stderr
    digest = json.loads(done.stdout)["output"]["digest"]
    for _ in range(2):
        verified = nnshim("verify", "--attestation", "auto", "--key", keys.public, "app.wasm", out)
        assert verified.returncode == 0, verified.stderr
    tag = digest.replace(":", "-")
    where = f"docker://{logged_in.host}/some/guest:{tag}"
    listed = json.loads(skopeo("inspect", "--tls-verify=false", "--raw", where))["manifests"]
    assert [each["artifactType"] for each in listed] == [
        "application/vnd.in-toto.provenance+dsse",
        "application/vnd.cyclonedx+json",
    ]
    where = where.replace(f":{tag}", f"@{listed[0]['digest']}")
    attached = json.loads(skopeo("inspect", "--tls-verify=false", "--raw", where))
    assert attached["subject"]["digest"] == digest
