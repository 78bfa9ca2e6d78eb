from __future__ import annotations

import hashlib
import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewriter
from rewriter import InvalidModule, MalformedModule, NothingToRename, UnsupportedModule, UsageError
from tests.support.wasm import HEADER, TYPES, assemble, custom, import_module, imported, imports

GUEST = '(module (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32))))'


def test_a_reason_why_the_host_cannot_run_the_result_is_a_warning(tmp_path: Path) -> None:
    text = """(module
      (import "wasi_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
      (import "env" "abort" (func (param i32 i32 i32 i32))) (memory (export "memory") 1))"""
    source = tmp_path / "guest.wasm"
    source.write_bytes(assemble(text))
    for host, warned in (("wasmtime", True), ("nnshim", True), ("wamr", False)):
        options = rewriter.RewriteOptions(host=host)
        notes = rewriter.rewrite_file(str(source), str(tmp_path / "out.wasm"), options).notes
        said = [note.message for note in notes if note.code == "NN312"]
        assert bool(said) == warned, host
        assert all("env.abort" in message for message in said)


def test_a_name_to_change_that_is_not_imported_is_reported(tmp_path: Path) -> None:
    source = tmp_path / "guest.wasm"
    source.write_bytes(assemble(GUEST))
    options = rewriter.RewriteOptions(renames={"wasi_ephemeral_nn": "nn", "wasi_nn": "other"})
    result = rewriter.rewrite_file(str(source), None, options)
    assert [(note.code, note.message) for note in result.notes] == [
        ("NN333", "nothing is imported from wasi_nn, so nothing is renamed to other")
    ]


def test_there_and_back_gives_the_original_bytes() -> None:
    module = assemble(GUEST)
    there = rewriter.rewrite(module)
    assert b"\x07wasi_nn" in there
    assert rewriter.rewrite(there, rewriter.RewriteOptions(to="wasi_ephemeral_nn")) == module


def test_running_it_again_changes_nothing() -> None:
    once = rewriter.rewrite(assemble(GUEST))
    assert rewriter.rewrite(once) == once


@pytest.mark.parametrize("width", range(1, 6))
@pytest.mark.parametrize("count", [1, 4, 6, 7, 8, 700, 900])
def test_there_and_back_restores_a_size_field_of_any_width(width: int, count: int) -> None:
    """Seven imports take 85 or 155 bytes, and 900 take 11 or 20 KB, so sizes cross 128 and
    16384."""
    module = HEADER + TYPES + imports(*[imported("wasi_ephemeral_nn")] * count, width=width)
    there = rewriter.rewrite(module, rewriter.RewriteOptions(validate=False))
    assert (
        rewriter.rewrite(there, rewriter.RewriteOptions(to="wasi_ephemeral_nn", validate=False))
        == module
    )


@given(st.lists(st.text(max_size=200).filter(bool), max_size=20), st.text(min_size=1))
def test_any_name_can_be_renamed_to_a_new_one_and_back(modules: list[str], new: str) -> None:
    module = import_module(*modules)
    for old in set(modules) - {new}:
        if new in modules:
            continue
        there = rewriter.rewrite(
            module, rewriter.RewriteOptions(renames={old: new}, validate=False)
        )
        assert there.count(new.encode()) >= modules.count(old)
        assert (
            rewriter.rewrite(there, rewriter.RewriteOptions(renames={new: old}, validate=False))
            == module
        )


def test_renaming_to_a_longer_name_and_back_gives_the_original() -> None:
    module = import_module(*["wasi_nn"] * 10)
    there = rewriter.rewrite(module, rewriter.RewriteOptions(to="wasi_ephemeral_nn"))
    assert rewriter.rewrite(there) == module


def test_an_invalid_module_is_refused_by_name_unless_validation_is_off() -> None:
    module = assemble('(module (func) (export "f" (func 0)))').replace(b"\x01f\0\0", b"\x01f\0\x09")
    with pytest.raises(InvalidModule, match=r"<bytes> is not valid.*unknown function 9") as caught:
        rewriter.rewrite(module)
    assert caught.value.offset is not None
    assert rewriter.rewrite(module, rewriter.RewriteOptions(validate=False)) == module


def test_nothing_to_rename_is_an_error_only_if_required() -> None:
    module = import_module("env")
    assert rewriter.rewrite(module) == module
    with pytest.raises(NothingToRename, match="nothing to change"):
        rewriter.rewrite(module, rewriter.RewriteOptions(require=True))


def test_from_file_to_file(tmp_path: Path) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(assemble(GUEST))
    result = rewriter.rewrite_file(str(source), str(output), digests=True)
    assert output.read_bytes() == rewriter.rewrite(assemble(GUEST))
    assert result.written
    assert result.input_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert result.output_sha256 == hashlib.sha256(output.read_bytes()).hexdigest()


def test_text_is_assembled_and_never_overwritten(tmp_path: Path) -> None:
    source, output = tmp_path / "in.wat", tmp_path / "out.wasm"
    source.write_text(GUEST)
    rewriter.rewrite_file(str(source), str(output))
    assert output.read_bytes() == rewriter.rewrite(assemble(GUEST))
    with pytest.raises(UsageError, match="binary"):
        rewriter.rewrite_file(str(source), str(source))
    assert source.read_text() == GUEST


def test_text_is_recognised_by_its_content_too(tmp_path: Path) -> None:
    source = tmp_path / "guest.txt"
    source.write_text(f"\n  ;; a guest\n{GUEST}")
    plan = rewriter.rewrite_file(str(source), None).plan
    assert [rename.imports for rename in plan.renames] == [1]


def test_text_that_does_not_assemble_is_refused_with_the_place(tmp_path: Path) -> None:
    source = tmp_path / "in.wat"
    source.write_text("(module (fun))")
    with pytest.raises(InvalidModule, match=r"does not assemble: .*line 1, column 10"):
        rewriter.rewrite_file(str(source), None)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        pytest.param(b"", MalformedModule, "empty.*fetch it again", id="empty"),
        pytest.param(import_module("env")[:-1], MalformedModule, "truncated", id="truncated"),
        pytest.param(b"\x7fELF", UnsupportedModule, "precompiled", id="cwasm"),
        pytest.param(
            assemble('(module (import "env" "__linear_memory" (memory 0)))') + custom("linking"),
            UnsupportedModule,
            "link",
            id="object",
        ),
    ],
)
def test_a_refused_file_is_named_and_the_output_left_alone(
    tmp_path: Path, data: bytes, error: type[Exception], words: str
) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(data)
    output.write_bytes(b"old")
    with pytest.raises(error, match=f"in.wasm.*{words}"):
        rewriter.rewrite_file(str(source), str(output))
    assert output.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == [source, output]


def test_in_place_with_nothing_to_rename_the_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(import_module("wasi_nn"))
    os.utime(path, ns=(0, 0))
    before = path.stat()
    assert not rewriter.rewrite_file(str(path), str(path)).written
    after = path.stat()  # reading the file may change st_atime
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, 0)
    assert after.st_ctime_ns == before.st_ctime_ns


def test_elsewhere_with_nothing_to_rename_the_output_is_the_input(tmp_path: Path) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(import_module("wasi_nn"))
    assert rewriter.rewrite_file(str(source), str(output)).written
    assert output.read_bytes() == source.read_bytes()


def test_standard_input_and_output(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(assemble(GUEST))))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, write_through=True))
    rewriter.rewrite_file("-", "-")
    assert output.getvalue() == rewriter.rewrite(assemble(GUEST))


def test_an_invalid_result_is_reported_as_a_bug_in_nnshim_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(assemble(GUEST))
    verdicts = iter([None, InvalidModule("bad", 7)])

    def validate(_: bytes | str) -> None:
        if verdict := next(verdicts):
            raise verdict

    monkeypatch.setattr("rewriter.files.wasm_tools.validate", validate)
    with pytest.raises(rewriter.NNShimError, match="a bug in nnshim"):
        rewriter.rewrite_file(str(source), str(output))
    assert list(tmp_path.iterdir()) == [source]
