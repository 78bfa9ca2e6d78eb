"""rewrite of an OCI layout: all its modules, with manifests that are true for the results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rewriter import RewriteOptions, rewrite
from rewriter.oci.container import Layer, wasm_layers
from tests.support.artifacts import GUEST, WASM, Blobs, manifest_of, sha256, write_layout
from tests.support.command import nnshim
from tests.support.wasm import assemble, custom

TAG = "org.opencontainers.image.ref.name"
REWRITTEN = rewrite(GUEST, RewriteOptions(to="wasi_nn"))
OTHER = GUEST + custom("x")
PLAIN = assemble("(module)")


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With two guests, a module without wasi-nn, and an artifact of another kind."""
    monkeypatch.chdir(tmp_path)
    return made(("one", GUEST), ("two", OTHER), ("plain", PLAIN))


def made(*modules: tuple[str, bytes]) -> Path:
    blobs: Blobs = {}
    entries = [
        {**manifest_of(blobs, (WASM, data)), "annotations": {TAG: tag}} for tag, data in modules
    ]
    other = manifest_of(blobs, ("text/plain", b"not a module"), config=("x/y", b"{}"))
    return write_layout(Path("in"), blobs, [*entries, other])


def modules(folder: str) -> dict[str, bytes]:
    layers = (each for each in wasm_layers(folder) if isinstance(each, Layer))
    return {layer.name: layer.read() for layer in layers}


@pytest.mark.parametrize("words", [("in", "out"), ("in", "-o", "out")])
def test_every_module_is_rewritten_and_named_by_its_digest(
    words: tuple[str, ...], layout: Path
) -> None:
    before = {path: path.read_bytes() for path in layout.rglob("*") if path.is_file()}
    done = nnshim("rewrite", *words)
    assert done.returncode == 0, done.stderr
    assert modules("out") == {
        "one": REWRITTEN,
        "two": rewrite(OTHER, RewriteOptions(to="wasi_nn")),
        "plain": PLAIN,
    }
    (entry,) = (
        each
        for each in json.loads(Path("out/index.json").read_text())["manifests"]
        if each.get("annotations") == {TAG: "one"}
    )
    manifest = Path("out/blobs", entry["digest"].replace(":", "/")).read_bytes()
    assert sha256(manifest) == entry["digest"]
    assert f"is now {entry['digest']}".encode() in done.stderr
    assert Path("out/blobs", sha256(b"not a module").replace(":", "/")).exists()
    assert not Path("out/blobs", sha256(GUEST).replace(":", "/")).exists()
    assert before == {path: path.read_bytes() for path in layout.rglob("*") if path.is_file()}


def test_it_is_rewritten_in_place(layout: Path) -> None:
    assert nnshim("rewrite", "in", "in").returncode == 0
    assert modules("in")["one"] == REWRITTEN
    again = nnshim("rewrite", "in", "in")
    assert (again.returncode, b"is now" in again.stderr) == (0, False)


def test_a_dry_run_writes_nothing_and_json_has_each_module(layout: Path) -> None:
    before = Path("in/index.json").read_bytes()
    done = nnshim("rewrite", "--dry-run", "--json", "in")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [each["file"] for each in told] == ["in!one", "in!two", "in!plain"]
    assert [each["result"] for each in told] == ["changed", "changed", "nothing_to_do"]
    assert (Path("in/index.json").read_bytes(), Path("out").exists()) == (before, False)


def test_nothing_is_written_if_a_module_fails(tmp_path: Path, layout: Path) -> None:
    broken = Path("in/blobs", sha256(OTHER).replace(":", "/"))
    broken.write_bytes(OTHER[:-1] + b"y")
    done = nnshim("rewrite", "in", "out")
    assert (done.returncode, Path("out").exists()) == (1, False)
    assert b"error[NN026]" in done.stderr
    assert b"cannot write out: a module in in was not rewritten" in done.stderr


def test_a_layout_without_modules_does_not_pass(tmp_path: Path, layout: Path) -> None:
    (layout / "index.json").write_text('{"schemaVersion": 2, "manifests": []}')
    done = nnshim("rewrite", "in", "out")
    assert (done.returncode, Path("out").exists()) == (1, False)
    assert b"error[NN010]" in done.stderr


@pytest.mark.parametrize("out", ["in/out", "."])
def test_one_in_the_other_is_refused(out: str, layout: Path) -> None:
    done = nnshim("rewrite", "in", out)
    assert done.returncode == 1
    assert b"is in the other" in done.stderr
    assert sorted(path.name for path in layout.iterdir()) == ["blobs", "index.json", "oci-layout"]


def test_what_is_beside_the_layout_is_copied(layout: Path) -> None:
    (layout / "docs").mkdir()
    (layout / "docs/README.md").write_text("about")
    (layout / "docs/x.whl").write_bytes(b"PK\3\4 and more")
    (layout / "link").symlink_to("docs/README.md")
    done = nnshim("rewrite", "in", "out")
    assert done.returncode == 0, done.stderr
    assert b"warning[NN008]: in/docs/x.whl: " in done.stderr
    assert Path("out/docs/README.md").read_text() == "about"
    assert Path("out/docs/x.whl").read_bytes() == b"PK\3\4 and more"
    assert Path("out/link").readlink() == Path("docs/README.md")
