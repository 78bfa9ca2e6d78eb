"""check of folders, archives and lists: every file has an answer, in order, and none hides."""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
from pathlib import Path

import pytest

from nnshim.checking.settings import Settings
from rewriter.hosts.table import find_hosts
from tests.support.command import nnshim
from tests.support.wasm import HEADER, assemble, import_module

TEXT = """(module
  (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start")))"""

GUEST = assemble(TEXT)
PLAIN = import_module("env")
COMPONENT = assemble("(component)")
INVALID = assemble("(module (func (result i32) (i64.const 0)))")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `in`: two guests, a plain module, a component, a text, and what is not WebAssembly,
    with a broken module where `broken.wasm` is asked for."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    files = {
        "a.wasm": GUEST,
        "b/with\na newline": GUEST,
        "b/component.wasm": COMPONENT,
        "b/plain.wasm": PLAIN,
        "b/text.wat": TEXT.encode(),
        "notes.txt": b"not WebAssembly",
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def check(*arguments: str, stdin: bytes = b"") -> tuple[int, list[str], str]:
    """The exit code, the lines that begin with a file's name, or the number of all, and errors."""
    done = nnshim("check", "--for", "wasmtime", *arguments, stdin=stdin)
    lines = [line for line in done.stdout.decode().splitlines() if line[:1] != " "]
    return done.returncode, lines, done.stderr.decode()


def objects(*arguments: str, stdin: bytes = b"") -> tuple[int, list[tuple[str, str]]]:
    done = nnshim("check", "--for", "wasmtime", "--json", *arguments, stdin=stdin)
    found = json.loads(done.stdout)
    return done.returncode, [(each["file"], each["verdict"]) for each in found]


def test_a_folder_has_an_answer_for_each_module_in_it(tree: Path) -> None:
    code, found = objects("in")
    assert (code, found) == (
        0,
        [
            ("in/a.wasm", "runs"),
            ("in/b/component.wasm", "nothing_to_do"),
            ("in/b/plain.wasm", "nothing_to_do"),
            ("in/b/text.wat", "not_looked_into"),
            ("in/b/with\na newline", "runs"),
        ],
    )


def test_what_has_nothing_to_do_is_only_counted_in_text(tree: Path) -> None:
    code, lines, _ = check("in")
    assert code == 0
    assert lines[:2] == [
        "in/a.wasm: runs on wasmtime as it is",
        "in/b/with\\na newline: runs on wasmtime as it is",
    ]
    assert lines[-1] == "4 files: 2 run, 2 have nothing to do"


def test_what_is_named_itself_is_judged_whatever_it_is(tree: Path) -> None:
    code, found = objects("in/b/plain.wasm", "in/b/text.wat", "in/notes.txt")
    assert (code, [verdict for _, verdict in found]) == (6, ["cannot", "runs", "no_verdict"])


@pytest.mark.parametrize(
    "name", ["wasi-nn", "WASI_NN", "wasinn", "wasi:nn/graph@0.2.0-rc-2024-10-28"]
)
def test_a_module_that_means_wasi_nn_by_another_name_does_not_pass(tree: Path, name: str) -> None:
    """No host has that name. To say that there is nothing to do would let it through."""
    (tree / "other.wasm").write_bytes(import_module(name))
    code, found = objects("in")
    assert code == 4
    assert ("in/other.wasm", "cannot") in found


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GUEST[:-3], "error[NN102]"),
        (HEADER[:6], "error[NN102]"),
        (b"PK", "error[NN101]"),
        (INVALID, "error[NN108]: in/broken.wasm: it is not valid: func 0 failed"),
    ],
    ids=["cut off", "cut off in the header", "something else", "not valid"],
)
def test_what_cannot_be_read_fails_and_stops_nothing(tree: Path, data: bytes, said: str) -> None:
    (tree / "broken.wasm").write_bytes(data)
    code, lines, errors = check("in")
    assert code == 6
    assert lines[-1] == "5 files: 2 run, 1 has no verdict, 2 have nothing to do"
    assert said in errors
    assert ("in/broken.wasm", "no_verdict") in objects("in")[1]


def test_an_error_about_one_of_many_is_that_about_one_alone(tree: Path) -> None:
    """Several are validated at once, but the reason and the offset are those of the file."""
    for name in ("x", "y", "z"):
        (tree / f"{name}.wasm").write_bytes(GUEST + b"\0\2\1x" if name != "y" else INVALID)
    _, _, together = check("in")
    _, _, alone = check("in/y.wasm")
    assert alone in together
    assert "(at byte offset 0x" in alone


def test_all_processes_say_what_one_says(tree: Path) -> None:
    for number in range(40):
        data = (GUEST, PLAIN, INVALID, GUEST[:-1])[number % 4]
        (tree / f"{number:02}.wasm").write_bytes(data)
    one = nnshim("check", "--jobs", "1", "--for", "wamr", "--for", "wasmedge@0.13.4", "in")
    four = nnshim("check", "--jobs", "4", "--for", "wamr", "--for", "wasmedge@0.13.4", "in")
    assert (four.returncode, four.stdout) == (one.returncode, one.stdout)
    assert four.stderr == one.stderr
    assert one.returncode == 6
    assert b"44 files: " in one.stdout


def test_a_folder_without_webassembly_does_not_pass(tree: Path) -> None:
    (tree / "empty").mkdir()
    code, _, errors = check("in/empty")
    assert (code, errors) == (
        6,
        "nnshim: error[NN010]: there is no WebAssembly in in/empty\n",
    )
    assert check("in", "--exclude", "*.wasm", "--exclude", "with*")[0] == 6
    assert check("no such folder")[0] == 6


def test_a_list_has_names_on_lines_or_with_nul(tree: Path) -> None:
    assert objects("--files-from", "-", stdin=b"in/a.wasm\nin/notes.txt\nin/b/plain.wasm\n") == (
        0,
        [("in/a.wasm", "runs"), ("in/b/plain.wasm", "nothing_to_do")],
    )
    found = objects("--files-from", "-", stdin=b"in/b/with\na newline\0in/b\0")[1]
    assert [name for name, _ in found] == [
        "in/b/with\na newline",
        "in/b/component.wasm",
        "in/b/plain.wasm",
        "in/b/text.wat",
    ]


def test_text_for_wasi_nn_does_not_pass_in_silence(tree: Path) -> None:
    """In a folder, in a list, and in a folder that has nothing else."""
    said = "nnshim: warning[NN008]: {}: a module in text form that names wasi-nn, which was not"
    assert said.format("in/b/text.wat") in check("in")[2]
    listed = objects("--files-from", "-", stdin=b"in/a.wasm\nin/b/text.wat\n")
    assert listed == (0, [("in/a.wasm", "runs"), ("in/b/text.wat", "not_looked_into")])
    (tree / "only").mkdir()
    (tree / "only/text.wat").write_text(TEXT)
    code, _, errors = check("in/only")
    assert (code, "error[NN010]" in errors) == (6, True)
    assert said.format("in/only/text.wat") in errors


def test_a_list_leaves_out_nothing_that_is_named(tree: Path) -> None:
    for arguments in (["in/notes.txt"], ["in/b/plain.wasm", "--exclude", "*.wasm"]):
        alone = objects(*arguments)
        assert alone[1] != []
        assert objects(*arguments, "--files-from", "-", stdin=arguments[0].encode()) == alone


@pytest.mark.parametrize("option", [[], ["--exclude", "link"]])
def test_a_link_in_a_list_does_not_hide_what_it_leads_to(option: list[str], tree: Path) -> None:
    (tree / "broken.wasm").write_bytes(b"not WebAssembly")
    os.symlink("in/broken.wasm", "link")
    code, found = objects("in", "--files-from", "-", *option, stdin=b"link\n")
    assert (code, ("in/broken.wasm", "no_verdict") in found) == (6, True)


def test_an_empty_list_passes_and_a_missing_file_in_one_does_not(tree: Path) -> None:
    assert check("--files-from", "-")[:2] == (0, ["0 files"])
    code, lines, errors = check("--files-from", "-", stdin=b"in/a.wasm\nin/gone.wasm\n")
    assert (code, lines[-1]) == (6, "2 files: 1 runs, 1 has no verdict")
    assert "cannot read in/gone.wasm: No such file or directory" in errors


def test_the_list_and_the_module_cannot_both_be_standard_input(tree: Path) -> None:
    assert check("--files-from", "-", "-")[0] == 2


def test_standard_input_is_one_of_many(tree: Path) -> None:
    code, found = objects("in/a.wasm", "-", "in/b", stdin=GUEST)
    assert code == 0
    assert found[1] == ("-", "runs")


def test_fail_fast_ends_at_the_first_that_fails_and_says_so(tree: Path) -> None:
    (tree / "aa.wasm").write_bytes(INVALID)
    code, lines, _ = check("--fail-fast", "in")
    assert code == 6
    assert lines[-1] == "2 files: 1 runs, 1 has no verdict; --fail-fast skipped the rest"


def test_members_of_an_archive_are_judged_like_files(tree: Path) -> None:
    with tarfile.open("all.tar.gz", "w:gz") as archive:
        archive.add("in")
        broken = tarfile.TarInfo("in/broken.wasm")
        broken.size = 20
        archive.addfile(broken, io.BytesIO(GUEST[:20]))
    code, found = objects("all.tar.gz")
    assert code == 6
    assert sorted(found) == [
        ("all.tar.gz!in/a.wasm", "runs"),
        ("all.tar.gz!in/b/component.wasm", "nothing_to_do"),
        ("all.tar.gz!in/b/plain.wasm", "nothing_to_do"),
        ("all.tar.gz!in/b/text.wat", "not_looked_into"),
        ("all.tar.gz!in/b/with\na newline", "runs"),
        ("all.tar.gz!in/broken.wasm", "no_verdict"),
    ]


def test_another_process_has_the_same_rows_of_hosts() -> None:
    """Parts of them are compared by identity."""
    settings = Settings(tuple(map(find_hosts, ("wasmtime", "wamr@2.2"))), strict=True)
    copied = pickle.loads(pickle.dumps(settings))
    assert copied == settings
    assert copied.travels
    for ours, theirs in zip(settings.hosts, copied.hosts, strict=True):
        assert all(one is other for one, other in zip(ours.rows, theirs.rows, strict=True))


def test_a_profile_from_a_pipe_stays_in_one_process() -> None:
    (host,) = map(find_hosts, ("wasmtime",))
    assert not Settings((host._replace(name="/dev/fd/63"),)).travels


def test_what_has_nothing_to_do_still_has_to_keep_to_the_policy(tree: Path) -> None:
    Path("nnshim.toml").write_text('[policy]\nimports = ["env"]\nencodings = ["onnx"]\n')
    assert ("in/b/plain.wasm", "nothing_to_do") in objects("in")[1]
    Path("nnshim.toml").write_text('[policy]\nimports = ["wasi_snapshot_preview1"]\n')
    code, found = objects("in")
    assert code == 4
    assert dict(found)["in/b/plain.wasm"] == "cannot"


def test_the_configuration_leaves_files_out(tree: Path) -> None:
    Path("nnshim.toml").write_text('files = ["in"]\nexclude = ["plain.wasm", "component.wasm"]\n')
    assert objects() == (
        0,
        [
            ("in/a.wasm", "runs"),
            ("in/b/text.wat", "not_looked_into"),
            ("in/b/with\na newline", "runs"),
        ],
    )


def test_an_artifact_is_one_of_many(tree: Path) -> None:
    """It is not looked for among files."""
    code, found = objects("in/a.wasm", "oci-layout:nowhere:1")
    assert code == 6
    assert found == [("in/a.wasm", "runs"), ("oci-layout:nowhere:1", "no_verdict")]


def test_a_file_is_judged_once_however_often_it_is_reached(tree: Path) -> None:
    artifact = "oci-layout:none[1]:tag"
    again = ("in/a.wasm", "in/../in/a.wasm", artifact, "in", "*/a.wasm")
    code, found = objects("in", artifact, *again)
    assert [name for name, _ in found] == [
        "in/b/component.wasm",
        "in/b/plain.wasm",
        "in/b/text.wat",
        "in/b/with\na newline",
        artifact,
        "in/a.wasm",
    ]
    assert code == 6
    Path("list").write_text(f"in/a.wasm\n{artifact}\n")
    _, found = objects("in/a.wasm", "--files-from", "list")
    assert [name for name, _ in found] == ["in/a.wasm", artifact]
