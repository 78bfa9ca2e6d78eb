"""Compiled models in a folder: how large it gets, who reads what, and what is removed."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, Target, TensorType
from rewriter.errors import InputError, UsageError
from runtime_shim import NNHost
from runtime_shim.model_cache import clear, kept_models, key_of, workplace
from tests.support.command import nnshim
from tests.support.models import identity, model
from tests.support.wasm import assemble

ONE = memoryview(b"\0\0\x80\x3f")


def keep(folder: Path, what: str, size: int, most: int | None = None) -> bool:
    """Load and, where it is not kept, write. Whether it was kept."""
    with workplace(str(folder), most, "fake", key_of(what)) as work:
        assert work is not None
        there = (work / "blob").exists()
        if not there:
            (work / "blob").write_bytes(what[:1].encode() * size)
    return there


def sizes(folder: Path) -> list[int]:
    return sorted(item.size for item in kept_models(str(folder)))


def use_in_turn(folder: Path) -> None:
    """Let the times of use be a second apart, as they are kept by some file systems."""
    for second, item in enumerate(kept_models(str(folder))):
        os.utime(item.path, (second, second))


def test_what_was_used_longest_ago_is_removed_first(tmp_path: Path) -> None:
    for what, size in (("a", 40), ("b", 41), ("c", 10)):
        assert not keep(tmp_path, what, size, 100)
        use_in_turn(tmp_path)
    assert keep(tmp_path, "a", 40, 100)
    assert not keep(tmp_path, "d", 30, 100)
    assert sizes(tmp_path) == [10, 30, 40]
    assert keep(tmp_path, "a", 40, 100)


def test_what_is_larger_than_the_cache_is_not_kept_and_removes_nothing(tmp_path: Path) -> None:
    keep(tmp_path, "a", 40, 100)
    assert not keep(tmp_path, "b", 101, 100)
    assert sizes(tmp_path) == [40]
    assert not keep(tmp_path, "c", 1, 0)
    assert sizes(tmp_path) == []


def test_a_cache_may_be_without_a_limit(tmp_path: Path) -> None:
    keep(tmp_path, "a", 40)
    keep(tmp_path, "b", 40)
    assert sizes(tmp_path) == [40, 40]


def test_nobody_sees_what_is_not_yet_written(tmp_path: Path) -> None:
    with workplace(str(tmp_path), None, "fake", key_of("a")) as first:
        assert first is not None
        (first / "blob").write_bytes(b"half")
        assert not keep(tmp_path, "a", 8)
        (first / "blob").write_bytes(b"all of it")
    (item,) = kept_models(str(tmp_path))
    assert Path(item.path).read_bytes() == b"all of it"
    assert [path.name for path in tmp_path.iterdir()] == [Path(item.path).name]


def test_what_is_removed_stays_for_whoever_loads_it(tmp_path: Path) -> None:
    keep(tmp_path, "a", 40)
    with workplace(str(tmp_path), None, "fake", key_of("a")) as work:
        assert work is not None
        assert len(clear(str(tmp_path))) == 1
        assert (work / "blob").read_bytes() == b"a" * 40


def test_a_load_that_fails_keeps_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with workplace(str(tmp_path), None, "fake", key_of("a")) as work:
            assert work is not None
            (work / "blob").write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not list(tmp_path.iterdir())


def test_without_links_a_file_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_: object, **__: object) -> None:
        raise PermissionError("no links here")

    keep(tmp_path, "a", 40)
    monkeypatch.setattr("runtime_shim.model_cache.os.link", no_link)
    assert keep(tmp_path, "a", 40)
    assert sizes(tmp_path) == [40]


KILLED = """
import os, signal, sys
from runtime_shim.model_cache import workplace
with workplace(sys.argv[1], None, "fake", 64 * "0") as work:
    (work / "blob").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_load_has_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    keep(tmp_path, "a", 40)
    assert len(list(tmp_path.iterdir())) == 1
    assert sizes(tmp_path) == [40]


def test_only_what_nnshim_keeps_is_removed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("the user's")
    others = ["4633597547212691555.blob", "nnshim-notes.txt", "nnshim-work-notes", "x.onnx"]
    for name in others:
        (tmp_path / name).write_text("the user's")
    for name in (f"nnshim-fake-{key_of('folder')}.d", "nnshim-work-of-mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes").write_text("the user's")
    (tmp_path / f"nnshim-fake-{key_of('link')}.blob").symlink_to(elsewhere)
    before = set(tmp_path.rglob("*"))
    keep(tmp_path, "a", 40)
    assert [item.size for item in clear(str(tmp_path))] == [40]
    assert set(tmp_path.rglob("*")) == before
    keep(tmp_path, "a", 40, 0)
    assert set(tmp_path.rglob("*")) == before


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    for look in (kept_models, clear):
        with pytest.raises(InputError, match=r"cannot read .*none: No such file"):
            look(str(tmp_path / "none"))


def filled(count: int) -> bytes:
    """A model of some 150 bytes that is compiled to one with so many floats, and adds the last."""
    size = helper.make_tensor("size", TensorProto.INT64, (1,), [count])
    last = helper.make_tensor("last", TensorProto.INT64, (1,), [count - 1])
    nodes = [
        helper.make_node("Constant", [], ["size"], value=size),
        helper.make_node("Constant", [], ["last"], value=last),
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("Add", ["zeros", "x"], ["sums"]),
        helper.make_node("Gather", ["sums", "last"], ["y"]),
    ]
    shape = (TensorProto.FLOAT, (1,))
    return model(nodes, [("x", *shape)], [("y", *shape)])


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO], ids=lambda it: it.name)
@pytest.mark.parametrize("isolate", [False, True])
def test_a_small_model_that_becomes_large_does_not_fill_the_disk(
    encoding: Encoding, isolate: bool, tmp_path: Path
) -> None:
    for most, kept in ((100_000, False), (10_000_000, True)):
        host = NNHost(model_cache=str(tmp_path), model_cache_size=most, isolate=isolate)
        graph = host.load([filled(500_000)], encoding, Target.CPU)
        context = graph.init_execution_context()
        context.set_input(0, TensorType.F32, (1,), ONE)
        context.compute()
        assert context.get_output(0) == ONE
        del context, graph, host
        assert sum(sizes(tmp_path)) <= most
        assert bool(sizes(tmp_path)) is kept


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO], ids=lambda it: it.name)
@pytest.mark.parametrize("full", [False, True])
def test_where_nothing_can_be_written_models_run_all_the_same(
    encoding: Encoding, full: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    host = NNHost(model_cache=str(folder))
    if not full:
        folder.touch()  # so that it is no folder
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        graph = host.load([filled(500_000)], encoding, Target.CPU)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    context = graph.init_execution_context()
    context.set_input(0, TensorType.F32, (1,), ONE)
    context.compute()
    assert context.get_output(0) == ONE
    assert not full or not list(folder.iterdir())  # nor half of a file


@pytest.mark.parametrize("name", ["file", "file/deeper"])
def test_a_file_is_not_taken_for_a_cache(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        UsageError, match=f"cannot use {tmp_path / name} as .*/file is not a folder"
    ):
        NNHost(model_cache=str(tmp_path / name))


def test_a_folder_that_cannot_be_written_to_is_not_taken_for_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != str(tmp_path))
    with pytest.raises(UsageError, match=f"no permission to write in {tmp_path}$"):
        NNHost(model_cache=str(tmp_path / "new" / "cache"))


SHARES = """
import sys
from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import NNHost
from tests.support.models import identity
one = memoryview(b"1111")
for _ in range(4):
    host = NNHost(model_cache=sys.argv[1], model_cache_size=4_000)
    for dims in ((1,), (1, 1), (1, 1, 1)):
        for encoding in (Encoding.ONNX, Encoding.OPENVINO):
            graph = host.load([identity(dims=dims)], encoding, Target.CPU)
            context = graph.init_execution_context()
            context.set_input(0, TensorType.F32, dims, one)
            context.compute()
            assert context.get_output(0) == one
"""


def test_processes_share_a_cache_that_is_too_small_for_them(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SHARES, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    errors = [process.communicate()[1] for process in processes]
    assert errors == [""] * 3  # nor was anything found to be damaged
    assert sum(sizes(tmp_path)) <= 4_000
    assert all(path.name.startswith("nnshim-o") for path in tmp_path.iterdir())


def test_a_size_that_makes_no_sense_is_refused() -> None:
    for size in (-1, 1.5, 1 << 64):
        with pytest.raises(UsageError, match="model_cache_size cannot be"):
            NNHost(model_cache_size=size)  # type: ignore[arg-type]  # the test


LOADS = """(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "model")
  (func (export "_start")
    (if (call $load (i32.const 0) (i32.const 5) (i32.const 8)) (then unreachable))))"""


def test_the_command_fills_lists_and_empties_a_cache(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_bytes(identity(dims=(1,)))
    (tmp_path / "guest.wasm").write_bytes(assemble(LOADS))
    cache = tmp_path / "cache"
    graph = ("-S", f"nn-graph=onnx::{tmp_path / 'model'}")
    for size, count in (("1", 0), ("1M", 1)):
        options = ("--model-cache", cache, "--model-cache-size", size)
        assert nnshim("run", *options, *graph, tmp_path / "guest.wasm").returncode == 0
        done = nnshim("cache", "list", cache, "--json")
        listed = json.loads(done.stdout)
        assert [item["runtime"] for item in listed] == ["onnx"] * count
    (item,) = listed
    text = nnshim("cache", "list", cache).stdout.decode()
    assert text.startswith(f"{item['path']}: onnx, {item['size']} bytes, used 20")
    assert text.endswith(f"1 file, {item['size']} bytes\n")
    done = nnshim("cache", "clear", cache)
    assert done.stdout == f"removed 1 file, {item['size']} bytes\n".encode()
    assert nnshim("cache", "list", cache).stdout == b"0 files, 0 bytes\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["cache", "clear", "/none"], 1, b"cannot read /none: No such file or directory"),
        (["cache", "list"], 2, b"Missing argument 'DIR'"),
        (["cache", "burn", "/none"], 2, b"No such command 'burn'"),
        (
            ["run", "--model-cache", "c", "--model-cache-size", "1X", "x"],
            2,
            b"1X: expected a number",
        ),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], code: int, words: bytes) -> None:
    done = nnshim(*arguments)
    assert done.returncode == code
    assert words in done.stderr
