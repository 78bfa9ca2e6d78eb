"""Commands on artifacts: what they read, what they write, and how they end."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nnshim.registries.places import rewrite_any
from rewriter import InvalidModule, InvalidResult, RewriteOptions
from rewriter.files import wasm_tools
from tests.nnshim.registries.using import REWRITTEN, guest
from tests.support.artifacts import (
    GUEST,
    OLD_WASM,
    WASM,
    Blobs,
    manifest_of,
    sha256,
    write_layout,
)
from tests.support.command import nnshim
from tests.support.played_registry import Asked, Played
from tests.support.wasm import assemble

RUNS = assemble('(module (memory (export "memory") 1) (func (export "_start")))')


@pytest.fixture
def registry(registry: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    """In an empty folder."""
    monkeypatch.chdir(tmp_path)
    return registry


def manifest(registry: Played, tag: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(registry.manifests[tag][0])
    return found


@pytest.mark.parametrize("media_type", [WASM, OLD_WASM])
def test_a_module_goes_from_one_tag_to_another(media_type: str, registry: Played) -> None:
    source = guest(registry, media_type=media_type)
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
    source = guest(registry)
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
    source = guest(registry, REWRITTEN)
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
    source = guest(registry)
    done = nnshim("check", "--for", "wamr-legacy", source)
    assert done.returncode == 1, done.stderr
    digest = sha256(registry.manifests["1"][0])
    assert f"nnshim: {source} is {digest}\n".encode() in done.stderr
    assert b"guest.wamr-legacy" in done.stdout


def test_a_guest_runs(registry: Played) -> None:
    done = nnshim("run", guest(registry, RUNS))
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
    source = guest(registry, RUNS)
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
    source = guest(registry)
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


@pytest.mark.parametrize("media_type", ["application/wasm+gzip", "application/octet-stream"])
def test_a_compressed_layer_stays_compressed(media_type: str, registry: Played) -> None:
    source = guest(registry, gzip.compress(GUEST), media_type)
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
    source = guest(registry)
    with pytest.raises(InvalidResult):
        rewrite_any(source, source.replace(":1", ":2"), RewriteOptions(), digests=False)
    assert {method for method, _, _ in registry.asked} == {"GET"}


def test_an_invalid_module_is_not_pushed(registry: Played) -> None:
    source = guest(registry, GUEST + b"\x01\x01\x7f")
    done = nnshim("rewrite", source, source.replace(":1", ":2"))
    assert done.returncode == 1
    assert "2" not in registry.manifests
    assert {method for method, _, _ in registry.asked} == {"GET"}


def test_bytes_that_look_like_text_are_not_assembled(registry: Played) -> None:
    done = nnshim("inspect", guest(registry, b"(module)"))
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
    source = guest(registry)
    output = source.replace(":1", ":2")
    attest = ("--attestation", "made.jsonl", "--unsigned")
    done = nnshim("rewrite", *attest, source, output)
    assert done.returncode == 0, done.stderr
    done = nnshim("verify", *attest, source, output)
    assert done.returncode == 0, done.stderr
    assert nnshim("verify", *attest, source, source).returncode == 1
