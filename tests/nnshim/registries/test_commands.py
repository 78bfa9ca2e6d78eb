"""Commands on artifacts: what they read, what they write, and how they end."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nnshim.registries.places import rewrite_any
from rewriter import InvalidModule, InvalidResult, RewriteOptions, rewrite
from rewriter.files import wasm_tools
from tests.support.artifacts import (
    GUEST,
    INDEX,
    OLD_WASM,
    TAG,
    WASM,
    Blobs,
    descriptor,
    manifest_of,
    sha256,
    write_layout,
)
from tests.support.command import nnshim
from tests.support.played_registry import Asked, Played, played
from tests.support.wasm import assemble

REWRITTEN = rewrite(GUEST, RewriteOptions(to="wasi_nn"))
RUNS = assemble('(module (memory (export "memory") 1) (func (export "_start")))')


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with played() as running:
        yield running


def published(registry: Played, data: bytes = GUEST, media_type: str = WASM) -> str:
    blobs: Blobs = {}
    return registry.publish("1", manifest_of(blobs, (media_type, data)), blobs)


def manifest(registry: Played, tag: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(registry.manifests[tag][0])
    return found


@pytest.mark.parametrize("media_type", [WASM, OLD_WASM])
def test_a_module_goes_from_one_tag_to_another(media_type: str, registry: Played) -> None:
    source = published(registry, media_type=media_type)
    output = source.replace(":1", ":2")
    done = nnshim("rewrite", source, output)
    digest = sha256(registry.manifests["2"][0])
    assert done.returncode == 0, done.stderr
    assert f"nnshim: the artifact is {output}@{digest}\n".encode() in done.stderr
    (layer,) = manifest(registry, "2")["layers"]
    assert layer["mediaType"] == media_type
    assert registry.blobs[layer["digest"]] == REWRITTEN
    assert nnshim("verify", source, output).returncode == 0
    assert nnshim("verify", output, "-", stdin=REWRITTEN).returncode == 0


def test_json_has_the_digest(registry: Played) -> None:
    source = published(registry)
    done = nnshim("rewrite", "--json", source, source.replace(":1", ":2"))
    printed = json.loads(done.stdout)["output"]
    assert printed["digest"] == sha256(registry.manifests["2"][0])
    assert printed["sha256"] == sha256(REWRITTEN).removeprefix("sha256:")


def test_files_and_layouts_and_registries_are_inputs_and_outputs(registry: Played) -> None:
    Path("in.wasm").write_bytes(GUEST)
    places = [
        "in.wasm",
        f"oci://{registry.host}/some/guest:1",
        "oci-layout:layout:1",
        f"oci://{registry.host}/some/guest:2",
        "out.wasm",
    ]
    for source, output in itertools.pairwise(places):
        done = nnshim("rewrite", source, output)
        assert done.returncode == 0, done.stderr
    assert Path("out.wasm").read_bytes() == REWRITTEN
    for path in places[1:]:
        done = nnshim("inspect", "--json", path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)[0]["size"] == len(REWRITTEN)
        assert json.loads(done.stdout)[0]["file"] == path


def test_what_needs_no_change_keeps_its_digest_and_its_own_tag_is_not_written(
    registry: Played,
) -> None:
    source = published(registry, REWRITTEN)
    before = registry.manifests["1"]
    done = nnshim("rewrite", source, source.replace(":1", ":2"))
    assert done.returncode == 0, done.stderr
    assert registry.manifests["2"] == before
    registry.asked.clear()
    done = nnshim("rewrite", source, source)
    assert (done.returncode, registry.manifests["1"]) == (0, before)
    assert sha256(before[0]).encode() in done.stderr
    assert {method for method, _, _ in registry.asked} == {"GET"}


def test_other_layers_go_along(registry: Played) -> None:
    blobs: Blobs = {}
    entry = manifest_of(blobs, ("text/plain", b"read me"), (WASM, GUEST), annotations={"a": "b"})
    write_layout(Path("layout"), blobs, [entry])
    done = nnshim("rewrite", "oci-layout:layout", f"oci://{registry.host}/some/guest:1")
    assert done.returncode == 0, done.stderr
    assert registry.blobs[sha256(b"read me")] == b"read me"
    assert manifest(registry, "1")["annotations"] == {"a": "b"}


def test_a_verdict_says_which_digest_it_is_about(registry: Played) -> None:
    source = published(registry)
    done = nnshim("check", "--for", "wamr-legacy", source)
    assert done.returncode == 1, done.stderr
    digest = sha256(registry.manifests["1"][0])
    assert f"nnshim: {source} is {digest}\n".encode() in done.stderr
    assert b"guest.wamr-legacy" in done.stdout


def test_a_guest_runs(registry: Played) -> None:
    done = nnshim("run", published(registry, RUNS))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "refused"),
    [(["inspect"], 1), (["check", "--for", "wasmtime"], 6), (["run"], 1)],
)
@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("{here}:2", "NN024"),
        ("{here}", "NN021"),
        ("oci://127.0.0.1:1/a:1", "NN022"),
        ("oci-layout:missing", "NN024"),
        ("oci-layout:", "NN021"),
    ],
)
def test_what_cannot_be_read_ends_as_for_files(
    command: list[str], refused: int, reference: str, code: str, registry: Played
) -> None:
    here = f"oci://{registry.host}/some/guest"
    done = nnshim(*command, reference.replace("{here}", here))
    assert done.returncode == refused, done.stderr
    assert f"error[{code}]".encode() in done.stderr


def test_one_that_cannot_be_read_does_not_hide_the_others(registry: Played) -> None:
    source = published(registry, RUNS)
    done = nnshim("check", "--json", "--for", "wasmtime", source + "0", source)
    printed = json.loads(done.stdout)
    assert [item["verdict"] for item in printed] == ["no_verdict", "runs"]
    assert printed[0]["errors"][0]["code"] == "NN024"
    assert done.returncode == 6


@pytest.mark.parametrize("reference", ["oci://me:s3cret@h/a:1", "oci://s3cret@h/a:1"])
@pytest.mark.parametrize(
    "command",
    [["inspect"], ["inspect", "--json"], ["check"], ["rewrite", "--dry-run"], ["run"]],
)
def test_a_password_in_a_reference_is_not_printed(command: list[str], reference: str) -> None:
    done = nnshim(*command, reference)
    assert done.returncode == 2
    assert b"s3cret" not in done.stdout + done.stderr


def test_a_failed_push_ends_with_an_error_and_leaves_the_tag(registry: Played) -> None:
    source = published(registry)
    before = registry.manifests["1"]
    for status, code in ((403, b"NN023"), (500, b"NN027")):

        def first(asked: Asked, status: int = status) -> bool:
            return asked.command == "PUT" and asked.refuse(status, "read-only")

        registry.first = first
        done = nnshim("rewrite", source, source)
        assert done.returncode == 1
        assert b"error[" + code + b"]" in done.stderr
        assert b"read-only" in done.stderr
        assert b"the artifact is" not in done.stderr
    assert registry.manifests["1"] == before


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
    source = published(registry)
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


@pytest.mark.parametrize("media_type", ["application/wasm+gzip", "application/octet-stream"])
def test_a_compressed_layer_stays_compressed(media_type: str, registry: Played) -> None:
    source = published(registry, gzip.compress(GUEST), media_type)
    output = source.replace(":1", ":2")
    assert nnshim("rewrite", source, output).returncode == 0
    (layer,) = manifest(registry, "2")["layers"]
    assert layer["mediaType"] == media_type
    assert gzip.decompress(registry.blobs[layer["digest"]]) == REWRITTEN
    assert nnshim("verify", source, output).returncode == 0


def test_a_layer_that_is_not_looked_into_is_said_beside_the_module(registry: Played) -> None:
    blobs: Blobs = {}
    packed = ("application/wasm+zstd", b"\x28\xb5\x2f\xfd rest")
    source = registry.publish("1", manifest_of(blobs, (WASM, GUEST), packed), blobs)
    done = nnshim("check", "--for", "wamr-legacy", source)
    assert done.returncode == 1
    assert b"layers of application/wasm+zstd, which were not looked into" in done.stderr


def test_an_invalid_result_is_not_pushed(registry: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(module: bytes | str) -> None:
        if module == REWRITTEN:
            raise InvalidModule("not by this validator", 0)

    monkeypatch.setattr(wasm_tools, "validate", validate)
    source = published(registry)
    with pytest.raises(InvalidResult):
        rewrite_any(source, source.replace(":1", ":2"), RewriteOptions(), digests=False)
    assert {method for method, _, _ in registry.asked} == {"GET"}


def test_an_invalid_module_is_not_pushed(registry: Played) -> None:
    source = published(registry, GUEST + b"\x01\x01\x7f")
    done = nnshim("rewrite", source, source.replace(":1", ":2"))
    assert done.returncode == 1
    assert "2" not in registry.manifests
    assert {method for method, _, _ in registry.asked} == {"GET"}


def test_bytes_that_look_like_text_are_not_assembled(registry: Played) -> None:
    done = nnshim("inspect", published(registry, b"(module)"))
    assert done.returncode == 1
    assert b"not WebAssembly" in done.stderr or b"error[NN10" in done.stderr


def test_a_registry_needs_a_package_and_a_layout_does_not(registry: Played, tmp_path: Path) -> None:
    blobs: Blobs = {}
    write_layout(tmp_path / "layout", blobs, [manifest_of(blobs, (WASM, GUEST))])
    hidden = "import sys; sys.modules['requests'] = None; sys.argv[1:] = {!r}\n"
    code = hidden + "from nnshim.__main__ import main; main()"
    ends = [
        subprocess.run(
            [sys.executable, "-c", code.format(["inspect", path])], capture_output=True, check=False
        )
        for path in ("oci://h/a:1", f"oci-layout:{tmp_path}/layout")
    ]
    assert [done.returncode for done in ends] == [3, 0]
    assert b"error[NN003]" in ends[0].stderr
    assert b"requests" in ends[0].stderr


def test_a_folder_that_is_a_layout_is_called_one(tmp_path: Path) -> None:
    blobs: Blobs = {}
    path = write_layout(tmp_path / "layout", blobs, [manifest_of(blobs, (WASM, GUEST))])
    done = nnshim("inspect", str(path))
    assert done.returncode == 1
    assert f"name what is in it, as oci-layout:{path}:TAG".encode() in done.stderr


def test_an_artifact_is_attested_in_a_file(registry: Played) -> None:
    source = published(registry)
    output = source.replace(":1", ":2")
    attest = ("--attestation", "made.jsonl", "--unsigned")
    done = nnshim("rewrite", *attest, source, output)
    assert done.returncode == 0, done.stderr
    done = nnshim("verify", *attest, source, output)
    assert done.returncode == 0, done.stderr
    assert nnshim("verify", *attest, source, source).returncode == 1
