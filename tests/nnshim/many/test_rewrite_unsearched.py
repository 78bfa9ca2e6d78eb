"""rewrite of what it does not look into: that is said, and is in the output, byte for byte."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from nnshim.many.searching import search
from nnshim.rewriting.many import rewrite_all
from nnshim.rewriting.settings import Settings
from rewriter import RewriteOptions, rewrite
from rewriter.diagnostics import Diagnostic
from tests.nnshim.many.test_clusters import CLUSTER, Elsewhere
from tests.rewriter.trees.test_archives import tar_of, zip_of
from tests.support.artifacts import sha256
from tests.support.command import nnshim
from tests.support.wasm import assemble

GUEST = assemble("""(module
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start")))""")

FOR_WAMR = RewriteOptions(host="wamr-legacy")
REWRITTEN = rewrite(GUEST, FOR_WAMR)

TEXT = b'(module (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32))))'
TAR = tar_of(("guest.wasm", GUEST))
LAYER = f"blobs/sha256/{sha256(lzma.compress(TAR)).removeprefix('sha256:')}"

UNSEARCHED = {
    "text.wat": TEXT,
    "x.whl": zip_of(("guest.wasm", GUEST)),
    "t.tar.xz": lzma.compress(TAR),
    "tar with another name": TAR,
    "compressed/t.bin": gzip.compress(TAR),
    "broken.whl": gzip.compress(TAR)[:-20],
    "guest.wasm.xz": lzma.compress(GUEST),
    LAYER: lzma.compress(TAR),
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for name, data in {"a.wasm": GUEST, **UNSEARCHED}.items():
        path = Path("in", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o640)
    return {"a.wasm": REWRITTEN, **UNSEARCHED}


def contents(folder: str) -> dict[str, bytes]:
    top = Path(folder)
    files = (path for path in top.rglob("*") if path.is_file())
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("options", [(), ("--jobs", "2"), ("--fail-fast",)])
def test_it_is_copied_from_a_folder_and_said(
    options: tuple[str, ...], tree: dict[str, bytes]
) -> None:
    done = nnshim("rewrite", "--for", "wamr-legacy", *options, "in", "out")
    assert done.returncode == 0, done.stderr
    assert contents("out") == tree
    assert {Path("out", name).stat().st_mode & 0o777 for name in tree} == {0o640}
    for name in UNSEARCHED:
        assert f"warning[NN008]: in/{name}: ".encode() in done.stderr
    assert done.stderr.endswith(b"1 file: 1 changed\n")


def test_it_is_copied_where_a_pattern_names_it(tree: dict[str, bytes]) -> None:
    done = nnshim("rewrite", "--for", "wamr-legacy", "in/*", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert contents("out") == tree


def test_it_is_copied_where_a_cluster_does_the_work(
    tree: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnshim.many.engines.actors.Actors", Elsewhere)
    where = search(["in"], None, (), None, None, CLUSTER)
    told = list(rewrite_all(where, "out", Settings(FOR_WAMR)))
    assert sum(isinstance(each, Diagnostic) for each in told) == len(UNSEARCHED)
    assert contents("out") == tree


def test_in_place_it_stays(tree: dict[str, bytes]) -> None:
    assert nnshim("rewrite", "--for", "wamr-legacy", "in", "in").returncode == 0
    assert contents("in") == tree


def test_a_link_to_what_is_excluded_stays_one(tree: dict[str, bytes]) -> None:
    Path("in/link.whl").symlink_to("x.whl")
    done = nnshim("rewrite", "--for", "wamr-legacy", "--exclude", "x.whl", "in", "out")
    assert done.returncode == 0, done.stderr
    assert Path("out/link.whl").readlink() == Path("x.whl")


def test_json_has_the_modules_alone(tree: dict[str, bytes]) -> None:
    done = nnshim("rewrite", "--json", "--for", "wamr-legacy", "in", "out")
    assert [found["file"] for found in json.loads(done.stdout)] == ["in/a.wasm"]
    assert done.stderr.count(b"warning[NN008]") == len(UNSEARCHED)


@pytest.mark.parametrize("also", [(), (("guest.wasm", GUEST),)], ids=["alone", "with a module"])
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
@pytest.mark.parametrize("in_folder", [True, False], ids=["in a folder", "by itself"])
def test_it_stays_in_an_archive(
    in_folder: bool,
    name: str,
    also: tuple[tuple[str, bytes], ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    members = (("text.wat", TEXT), *also, ("nested.tar", TAR), ("x.whl", zip_of(("a", b"b"))))
    packed = zip_of(*members) if name.endswith("zip") else tar_of(*members)
    Path("in").mkdir()
    Path("in", name).write_bytes(gzip.compress(packed) if name.endswith("gz") else packed)
    paths = ("in", "out") if in_folder else (f"in/{name}", name)
    done = nnshim("rewrite", "--for", "wamr-legacy", *paths)
    assert done.returncode == (0 if also else 1), done.stderr  # NN010: there is no module
    written = Path("out", name) if in_folder else Path(name)
    expected = {member: REWRITTEN if data == GUEST else data for member, data in members}
    assert unpacked(written) == expected
    assert done.stderr.count(b"warning[NN008]") == 3


def unpacked(path: Path) -> dict[str, bytes]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_a_module_that_is_called_like_an_archive_is_rewritten_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/a.tar").write_bytes(GUEST)
    done = nnshim("rewrite", "--for", "wamr-legacy", "in", "out")
    assert done.returncode == 0, done.stderr
    assert b"warning[NN008]: in/a.tar: it is a module by its first bytes" in done.stderr
    assert contents("out") == {"a.tar": REWRITTEN}


@pytest.mark.parametrize("paths", [("in", "out"), ("in/x.wat", "out/x.wat")])
def test_a_module_that_is_called_like_text_is_rewritten(
    paths: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("out").mkdir()
    Path("in/x.wat").write_bytes(GUEST)
    done = nnshim("rewrite", "--for", "wamr-legacy", *paths)
    assert done.returncode == 0, done.stderr
    assert contents("out") == {"x.wat": REWRITTEN}


def test_text_does_not_become_a_binary_that_is_called_like_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.wat").write_bytes(TEXT)
    done = nnshim("rewrite", "--for", "wamr-legacy", "x.wat", "y.wat")
    assert done.returncode == 2
    assert b"y.wat: the output is binary; to see it as text" in done.stderr
    assert not Path("y.wat").exists()
