"""Attestations beside an artifact in its registry: rewrite attaches them, verify finds them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewriter import RewriteOptions, rewrite
from tests.support.artifacts import GUEST, sha256
from tests.support.attestations import Pair, pair
from tests.support.command import nnshim
from tests.support.played_registry import Asked, Played, played

INDEX = "application/vnd.oci.image.index.v1+json"
REWRITTEN = rewrite(GUEST, RewriteOptions(to="wasi_nn"))


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.chdir(tmp_path)
    Path("app.wasm").write_bytes(GUEST)
    Path("keys").mkdir()
    with played() as found:
        yield found


@pytest.fixture
def keys(registry: Played) -> Pair:
    return pair(Path("keys"))


def push(registry: Played, keys: Pair, tag: str = "1") -> str:
    out = f"oci://{registry.host}/some/guest:{tag}"
    signing = ("--attestation", "auto", "--key", keys.private, "--sbom", "auto")
    done = nnshim("rewrite", "app.wasm", out, *signing)
    assert done.returncode == 0, done.stderr
    assert b"attached: attestation, signed with the key sha256:" in done.stderr
    assert b"attached: sbom\n" in done.stderr
    return out


def verify(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return nnshim("verify", "--attestation", "auto", *arguments)


def fallback(registry: Played, tag: str = "1") -> str:
    return sha256(registry.manifests[tag][0]).replace(":", "-")


def test_what_is_attached_is_found_by_the_fallback_tag(registry: Played, keys: Pair) -> None:
    out = push(registry, keys)
    listed = json.loads(registry.manifests[fallback(registry)][0])["manifests"]
    assert [each["artifactType"] for each in listed] == [
        "application/vnd.in-toto.provenance+dsse",
        "application/vnd.cyclonedx+json",
    ]
    done = verify("--key", keys.public, "app.wasm", out)
    assert done.returncode == 0, done.stderr
    assert b"no other difference" in done.stdout


def test_a_second_push_of_the_same_adds_nothing(registry: Played, keys: Pair) -> None:
    push(registry, keys)
    before = json.loads(registry.manifests[fallback(registry)][0])
    push(registry, keys)
    after = json.loads(registry.manifests[fallback(registry)][0])
    assert len(before["manifests"]) == 2
    kinds = [each["artifactType"] for each in after["manifests"]]
    assert kinds.count("application/vnd.cyclonedx+json") == 1


@pytest.mark.parametrize("per_page", [1, 100])
def test_a_registry_that_lists_referrers_gets_no_fallback_tag(
    per_page: int, registry: Played, keys: Pair
) -> None:
    """The attestation comes last, with others before it, and maybe in another part of the list."""
    listed = []

    def lists(asked: Asked) -> bool:
        if asked.command == "PUT" and b'"subject"' in asked.body:
            made = json.loads(asked.body)
            found = {"mediaType": made["mediaType"], "digest": sha256(asked.body)}
            listed.append({**found, "size": len(asked.body), "artifactType": made["artifactType"]})
            registry.put(sha256(asked.body), asked.body, made["mediaType"])
            return asked.answer(201, OCI_Subject=made["subject"]["digest"])
        if "/referrers/" in asked.path:
            path, _, start = asked.path.partition("?n=")
            first = int(start or 0)
            part = listed[::-1][first : first + per_page]
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": part}
            link = {"Link": f'<{path}?n={first + per_page}>; rel="next"'}
            more = link if first + per_page < len(listed) else {}
            return asked.answer(200, json.dumps(index).encode(), Content_Type=INDEX, **more)
        return False

    registry.first = lists
    out = push(registry, keys)
    assert not any(name.startswith("sha256-") for name in registry.manifests)
    assert len(listed) == 2
    assert verify("--key", keys.public, out).returncode == 0


def test_another_key_is_refused(registry: Played, keys: Pair) -> None:
    out = push(registry, keys)
    Path("others").mkdir()
    done = verify("--key", pair(Path("others")).public, out)
    assert done.returncode == 1
    assert b"error[NN432]" in done.stderr


def test_nothing_attached_is_an_error(registry: Played, keys: Pair) -> None:
    out = f"oci://{registry.host}/some/guest:1"
    assert nnshim("rewrite", "app.wasm", out).returncode == 0
    done = verify("--key", keys.public, out)
    assert done.returncode == 1
    assert f"error[NN431]: no attestation is attached to {out}".encode() in done.stderr


def test_a_list_with_an_attestation_of_another_artifact_is_refused(
    registry: Played, keys: Pair
) -> None:
    """A registry may put any list under the tag."""
    push(registry, keys)
    other = f"oci://{registry.host}/some/guest:2"
    Path("other.wasm").write_bytes(REWRITTEN + b"\x00\x02\x01x")
    assert nnshim("rewrite", "other.wasm", other).returncode == 0
    data, kind = registry.manifests[fallback(registry)]
    registry.manifests[fallback(registry, "2")] = (data, kind)
    done = verify("--key", keys.public, other)
    assert done.returncode == 1
    assert b"error[NN433]: a referrer is not about sha256:" in done.stderr


def test_a_changed_document_is_refused(registry: Played, keys: Pair) -> None:
    out = push(registry, keys)
    name = next(each for each, data in registry.blobs.items() if b'"payloadType"' in data)
    registry.blobs[name] = registry.blobs[name].replace(b'"payload":"', b'"payload":"A', 1)[:-1]
    done = verify("--key", keys.public, out)
    assert done.returncode == 1
    assert b"error[NN026]" in done.stderr


def test_a_tag_that_is_not_a_list_is_not_replaced(registry: Played, keys: Pair) -> None:
    out = push(registry, keys)
    kept = (b'{"mediaType": "text/plain"}', "text/plain")
    registry.manifests[fallback(registry)] = kept
    done = nnshim("rewrite", "app.wasm", out, "--sbom", "auto")
    assert done.returncode == 1
    assert b"error[NN431]: a registry has something else than" in done.stderr
    assert registry.manifests[fallback(registry)] == kept


@pytest.mark.parametrize("option", ["--attestation", "--sbom"])
def test_beside_a_layout_is_a_usage_error(option: str, registry: Played, keys: Pair) -> None:
    more = ("--key", keys.private) if option == "--attestation" else ()
    done = nnshim("rewrite", "app.wasm", "oci-layout:layout:1", option, "auto", *more)
    assert done.returncode == 2
    assert b"OUT is a layout; name a file" in done.stderr
    assert not Path("layout").exists()


def test_auto_for_a_file_is_a_usage_error(registry: Played, keys: Pair) -> None:
    done = verify("--key", keys.public, "app.wasm")
    assert done.returncode == 2
    assert b"is about an artifact in a registry" in done.stderr
