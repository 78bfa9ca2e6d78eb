"""rewrite of folders and archives: what has to change does, all else is the same byte for byte."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest

from nnshim.many.searching import search
from nnshim.rewriting.many import rewrite_all
from nnshim.rewriting.settings import Settings
from nnshim.rewriting.together import Rewrote
from rewriter import RewriteOptions, rewrite, rewrite_file
from rewriter.errors import NNShimError
from tests.nnshim.test_schema import problems
from tests.support.command import nnshim
from tests.support.wasm import assemble, import_module

GUEST = assemble("""(module
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start")))""")

CONFORMANCE = Path(__file__).parents[3] / "conformance" / "modules"

FOR_WAMR = RewriteOptions(host="wamr-legacy")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    files = {
        "a.wasm": GUEST,
        "b/c.wasm": GUEST,
        "b/plain.wasm": import_module("env"),
        "b/component.wasm": assemble("(component)"),
        "data.bin": bytes(range(256)),
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "link").symlink_to("a.wasm")
    (folder / "data.bin").chmod(0o640)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_folder_becomes_a_folder_with_only_guests_changed(tree: Path) -> None:
    done = nnshim("rewrite", "--for", "wamr-legacy", "in", "out")
    assert done.returncode == 0, done.stderr
    expected = contents(tree)
    for name in ("a.wasm", "b/c.wasm", "link"):
        expected[name] = rewrite(GUEST, FOR_WAMR)
    assert contents(Path("out")) == expected
    assert os.readlink("out/link") == "a.wasm"
    assert Path("out/data.bin").stat().st_mode & 0o777 == 0o640
    assert done.stderr.endswith(b"4 files: 2 changed, 2 have nothing to do\n")
    assert done.stdout == b""


def test_one_that_fails_has_no_output_and_stops_no_other(tree: Path) -> None:
    (tree / "aa.wasm").write_bytes(GUEST[:-1])
    done = nnshim("rewrite", "--for", "wamr-legacy", "in", "out")
    assert done.returncode == 1
    assert b"nnshim: error[NN102]: in/aa.wasm: " in done.stderr
    assert b"nnshim: out/aa.wasm: not written\n" in done.stderr
    assert not Path("out/aa.wasm").exists()
    assert Path("out/b/c.wasm").read_bytes() == rewrite(GUEST, FOR_WAMR)


def test_what_stood_at_the_output_of_one_that_fails_still_stands(tree: Path) -> None:
    (tree / "aa.wasm").write_bytes(GUEST[:-1])
    Path("out").mkdir()
    Path("out/aa.wasm").write_bytes(b"before")
    done = nnshim("rewrite", "--for", "wamr-legacy", "in", "out")
    assert b"nnshim: out/aa.wasm: unchanged\n" in done.stderr
    assert Path("out/aa.wasm").read_bytes() == b"before"


def test_quiet_prints_only_what_is_wrong(tree: Path) -> None:
    done = nnshim("rewrite", "--quiet", "--abi", "wamr", "in", "out")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert Path("out/a.wasm").read_bytes() == rewrite(GUEST, RewriteOptions(abi="wamr"))
    (tree / "aa.wasm").write_bytes(GUEST[:-1])
    done = nnshim("rewrite", "-q", "--abi", "wamr", "in/a.wasm", "in/aa.wasm", "-o", "two")
    assert done.returncode == 1
    assert [line.split(b": ")[1] for line in done.stderr.splitlines()] == [
        b"error[NN102]",
        b"two/aa.wasm",
    ]


def test_quiet_prints_what_remains_to_be_done_of_each_file(tree: Path) -> None:
    done = nnshim("rewrite", "-q", "--to", "wasi_nn", "in/a.wasm", "in/b", "-o", "out")
    assert done.returncode == 0
    found = [line.split(b": ")[1] for line in done.stderr.splitlines()]
    warned = b"  warning[NN334]"
    assert found == [b"in/a.wasm -> out/a.wasm", warned, b"in/b/c.wasm -> out/b/c.wasm", warned]


def test_quiet_says_nothing_of_one_file_but_what_remains(tree: Path) -> None:
    done = nnshim("rewrite", "--quiet", "--abi", "wamr", "in/a.wasm", "out.wasm")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert Path("out.wasm").read_bytes() == rewrite(GUEST, RewriteOptions(abi="wamr"))
    done = nnshim("rewrite", "--quiet", "--to", "wasi_nn", "in/a.wasm", "out.wasm")
    assert [line.split(b": ")[1] for line in done.stderr.splitlines()] == [b"warning[NN334]"]
    done = nnshim("rewrite", "--quiet", "--dry-run", "in/a.wasm")
    assert done.returncode == 2
    assert b"--quiet would hide what --dry-run prints" in done.stderr


def test_fail_fast_leaves_the_others_out_and_says_so(tree: Path) -> None:
    (tree / "aa.wasm").write_bytes(GUEST[:-1])
    done = nnshim("rewrite", "--fail-fast", "--for", "wamr-legacy", "in", "out")
    assert done.returncode == 1
    assert b"2 files: 1 changed, 1 failed; --fail-fast skipped the rest" in done.stderr


def test_an_archive_becomes_an_archive(tree: Path) -> None:
    with tarfile.open("in.tar", "w") as archive:
        archive.add("in")
    assert nnshim("rewrite", "--for", "wamr-legacy", "in.tar", "out.tar").returncode == 0
    with tarfile.open("in.tar") as before, tarfile.open("out.tar") as after:
        assert after.getnames() == before.getnames()
        for member in before:
            if member.isfile():
                old, new = before.extractfile(member), after.extractfile(member.name)
                assert old is not None
                assert new is not None
                data = old.read()
                expected = rewrite(data, FOR_WAMR) if data == GUEST else data
                assert new.read() == expected, member.name


def test_an_archive_with_one_that_fails_is_not_written(tree: Path) -> None:
    (tree / "aa.wasm").write_bytes(GUEST[:-1])
    with tarfile.open("in.tar.gz", "w:gz") as archive:
        archive.add("in")
    before = sorted(os.listdir())
    done = nnshim("rewrite", "--for", "wamr-legacy", "--json", "in.tar.gz", "out.tar.gz")
    assert done.returncode == 1
    assert sorted(os.listdir()) == before
    found = json.loads(done.stdout)
    assert problems("rewrite", found) == []
    results = {each["file"]: each["result"] for each in found}
    assert results["in.tar.gz!in/aa.wasm"] == "failed"
    assert "failed" in (each["result"] for each in found if "!" not in each["file"])
    assert not any(each["rewrite"]["written"] for each in found if each["rewrite"])


def test_json_has_an_object_for_each_file(tree: Path) -> None:
    (tree / "aa.wasm").write_bytes(GUEST[:-1])
    done = nnshim("rewrite", "--for", "wamr-legacy", "--json", "-o", "out", "in")
    found = json.loads(done.stdout)
    assert problems("rewrite", found) == []
    assert [(each["file"], each["result"], each["output"]) for each in found] == [
        ("in/a.wasm", "changed", "out/a.wasm"),
        ("in/aa.wasm", "failed", "out/aa.wasm"),
        ("in/b/c.wasm", "changed", "out/b/c.wasm"),
        ("in/b/component.wasm", "nothing_to_do", "out/b/component.wasm"),
        ("in/b/plain.wasm", "nothing_to_do", "out/b/plain.wasm"),
    ]
    assert found[0]["rewrite"]["written"]
    assert [error["code"] for error in found[1]["errors"]] == ["NN102"]


def test_a_dry_run_says_the_same_and_writes_nothing(tree: Path) -> None:
    before = contents(Path())
    done = nnshim("rewrite", "--for", "wamr-legacy", "--dry-run", "in", "out")
    assert done.returncode == 0
    assert b"in/a.wasm\n  wasi_ephemeral_nn -> wasi_nn: 1 import\n" in done.stdout
    assert done.stderr == b"nnshim: 4 files: 2 changed, 2 have nothing to do\n"
    assert contents(Path()) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in/a.wasm", "in/b/c.wasm", "out"], "3 paths: two are IN and OUT"),
        (["in"], "OUT is missing"),
        ([], "IN and OUT are missing"),
        (["--files-from", "list"], "--files-from needs --output"),
        (["-o", "in/out", "in"], "in/out cannot be written"),
    ],
)
def test_what_does_not_say_where_the_output_goes_is_refused(
    tree: Path, arguments: list[str], said: str
) -> None:
    before = contents(Path())
    done = nnshim("rewrite", *arguments)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert contents(Path()) == before


def test_files_go_by_their_names_into_a_folder(tree: Path) -> None:
    done = nnshim("rewrite", "-o", "out", "--for", "wamr-legacy", "in/a.wasm", "in/b/c.wasm")
    assert done.returncode == 0
    assert contents(Path("out")) == dict.fromkeys(("a.wasm", "c.wasm"), rewrite(GUEST, FOR_WAMR))


def test_a_list_copies_what_is_not_webassembly(tree: Path) -> None:
    names = b"in/a.wasm\nin/data.bin\n"
    done = nnshim("rewrite", "-o", "out", "--files-from", "-", "--for", "wamr-legacy", stdin=names)
    assert done.returncode == 0, done.stderr
    assert contents(Path("out")) == {
        "a.wasm": rewrite(GUEST, FOR_WAMR),
        "data.bin": bytes(range(256)),
    }


def test_a_list_copies_text_for_wasi_nn_and_says_so(tree: Path) -> None:
    text = b'(module (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32))))'
    Path("in/text.wat").write_bytes(text)
    names = b"in/a.wasm\nin/text.wat\n"
    done = nnshim("rewrite", "-o", "out", "--files-from", "-", "--for", "wamr-legacy", stdin=names)
    assert done.returncode == 0, done.stderr
    assert b"warning[NN008]: in/text.wat: a module in text form that names wasi-nn" in done.stderr
    assert contents(Path("out")) == {"a.wasm": rewrite(GUEST, FOR_WAMR), "text.wat": text}


def test_require_is_about_all_files_together(tree: Path) -> None:
    assert nnshim("rewrite", "--require", "--for", "wamr-legacy", "in", "out").returncode == 0
    done = nnshim(
        "rewrite", "--require", "--for", "wamr-legacy", "in/b/", "out2", "--exclude", "c*"
    )
    assert done.returncode == 1
    assert b"none of the files needs a change" in done.stderr


def test_a_folder_without_webassembly_is_an_error(tree: Path) -> None:
    done = nnshim("rewrite", "in", "out", "--exclude", "*.wasm", "--exclude", "link")
    assert done.returncode == 1
    assert b"error[NN010]: there is no WebAssembly in in besides what is excluded\n" in done.stderr


@pytest.mark.parametrize("host", ["wamr", "wasmedge", None])
def test_many_are_rewritten_as_each_alone(tmp_path: Path, host: str | None) -> None:
    """Validated together, with the same bytes and the same errors."""
    options = RewriteOptions(host=host)
    where = search([str(CONFORMANCE / "onnx")], None, (), None, 1)
    assert isinstance(where.inputs, tuple)
    found = list(rewrite_all(where, str(tmp_path / "out"), Settings(options)))
    assert len(found) > 50
    for each in found:
        assert isinstance(each, Rewrote)
        source = Path(each.report.path)
        expected: bytes | str
        try:
            rewrite_file(str(source), str(tmp_path / "alone"), options)
            expected = (tmp_path / "alone").read_bytes()
        except NNShimError as error:
            expected = str(error)
        if each.report.error is not None:
            assert str(each.report.error) == expected
        else:
            assert each.report.output is not None
            assert Path(each.report.output).read_bytes() == expected
