"""Fleets on a Ray cluster of two nodes, which are processes of this machine."""

from __future__ import annotations

import filecmp
import os
import re
import signal
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import nnshim
from rewriter.errors import UsageError
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.model import RemoteModel
from runtime_shim.host.graph_specs import remote_graph
from tests.heavy.ray_nodes import Nodes, ray
from tests.support.command import nnshim as command
from tests.support.fleets import GUEST, NAMED, Fleets, lines
from tests.support.models import identity, with_external_data
from tests.support.processes import PATIENCE, wait_for
from tests.support.wasm import assemble

pytestmark = pytest.mark.filterwarnings(  # what Ray itself leaves open
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    found = Nodes()
    try:
        yield found
    finally:
        found.close()


class TestActors(Fleets):
    """What holds for every kind of worker."""

    @pytest.fixture(autouse=True)
    def _in_the_cluster(self, nodes: Nodes) -> None:
        self.workers = nodes.address


def test_both_nodes_have_an_actor_and_none_is_left(nodes: Nodes) -> None:
    inputs = [b"%d" % number for number in range(300)]
    results = nnshim.map(assemble(GUEST), inputs, workers=nodes.address)
    most: Counter[str] = Counter()
    for count, result in enumerate(results):
        assert result.error is None
        if count % 50 == 49:
            most |= nodes.actors()
    assert sorted(most.values()) == [1, 1]
    wait_for(lambda: not nodes.actors())
    assert not ray.is_initialized()


@pytest.mark.parametrize(
    ("gpus", "devices", "each"),
    [
        (None, {}, [0, 0]),
        (None, {"onnx": "cuda"}, [1, 1]),
        (0.5, {}, [0.5, 0.5]),
        (0, {"onnx": "cuda"}, [0, 0]),
    ],
)
def test_actors_have_the_gpus_that_devices_or_the_option_ask_for(
    nodes: Nodes, gpus: float | None, devices: dict[str, str], each: list[float]
) -> None:
    wait_for(lambda: not nodes.actors())
    most: list[float] = []

    def inputs() -> Iterator[bytes]:
        for number in range(20_000):
            if len(most) == 2:
                return
            yield b"%d" % number

    results = nnshim.map(
        assemble(GUEST), inputs(), workers=nodes.address, gpus=gpus, devices=devices
    )
    for count, result in enumerate(results):
        assert result.error is None
        if count % 50 == 49:
            most = max(most, nodes.gpus(), key=len)
    assert most == each


def test_a_node_that_is_killed_loses_no_input_and_doubles_none(nodes: Nodes) -> None:
    inputs = (b"%d" % number for number in range(2000))
    found: Counter[int] = Counter()
    for result in nnshim.map(assemble(GUEST), inputs, workers=nodes.address):
        assert result.error is None
        assert result.outcome is not None
        assert result.outcome.stdout == b"%d" % result.number
        found[result.number] += 1
        if found.total() == 500:
            assert len(nodes.actors()) == 2
            nodes.kill_one()
    nodes.mend()
    assert found == Counter(range(2000))


def test_a_driver_that_is_killed_goes_on_with_what_is_left(nodes: Nodes, tmp_path: Path) -> None:
    (tmp_path / "guest.wasm").write_bytes(assemble(GUEST))
    arguments = ["map", str(tmp_path / "guest.wasm"), "--inputs", str(lines(tmp_path, 1000))]
    arguments += ["-o", str(tmp_path / "out"), "--workers", nodes.address]
    with subprocess.Popen([sys.executable, "-m", "nnshim", *arguments]) as process:
        wait_for(lambda: (tmp_path / "out" / "00000300").exists())
        process.send_signal(signal.SIGKILL)
    there = len(list((tmp_path / "out").glob("0*")))
    assert 0 < there < 1000  # not in their order, because there are two workers
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    kept = int(done.stderr.splitlines()[-1].split(b" written, ")[1].split()[0])
    assert there - 1 <= kept <= there  # the last may not have been recorded
    results = {path.name: path.read_text() for path in (tmp_path / "out").glob("0*")}
    assert results == {f"{number + 1:08}": f"line {number}\n" for number in range(1000)}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_actors_while_guests_run(
    nodes: Nodes, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "guest.wasm").write_bytes(assemble(GUEST))
    (tmp_path / "in.txt").write_text("one\n" + "@\n" * 10)
    arguments = ["map", str(tmp_path / "guest.wasm"), "--inputs", str(tmp_path / "in.txt")]
    arguments += ["-o", str(tmp_path / "out"), "--workers", nodes.address]
    with subprocess.Popen(
        [sys.executable, "-m", "nnshim", *arguments], stderr=subprocess.PIPE
    ) as process:
        wait_for(lambda: (tmp_path / "out" / "00000001").exists())
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    # A result is there a moment before it is counted.
    counted = rb"nnshim: interrupted with (0 results|1 result); the same command resumes the job\n"
    assert re.fullmatch(counted, said), said
    wait_for(lambda: not nodes.actors())


def test_a_process_that_is_forked_meanwhile_ends_no_actor(nodes: Nodes) -> None:
    results = nnshim.map(assemble(GUEST), [b"one"] * 20, workers=nodes.address, chunksize=1)
    assert next(results).error is None
    child = os.fork()
    if child == 0:
        results.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert [result.error for result in results] == [None] * 19


def test_a_job_that_waits_for_the_cpus_of_another_says_so(nodes: Nodes, tmp_path: Path) -> None:
    (tmp_path / "guest.wasm").write_bytes(assemble(GUEST))
    (tmp_path / "in.txt").write_text("one\n")
    arguments = ["map", str(tmp_path / "guest.wasm"), "--inputs", str(tmp_path / "in.txt")]
    arguments += ["-o", str(tmp_path / "out"), "--workers", nodes.address]
    other = nnshim.map(assemble(GUEST), [b"1", b"2", b"3", b"@", b"@"], workers=nodes.address)
    assert next(other).error is None
    wait_for(lambda: nodes.actors().total() == 2)
    with subprocess.Popen(
        [sys.executable, "-m", "nnshim", *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        other.close()
        assert process.wait(PATIENCE) == 0
    assert "no worker has started in 10 seconds, and no CPU of" in said
    assert (tmp_path / "out" / "00000001").read_text() == "one\n"


def test_a_model_that_a_node_does_not_have_comes_from_the_object_store(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("guest.wasm").write_bytes(assemble(NAMED))
    Path("same.onnx").write_bytes(identity(dims=(1, 2)))
    moved = tmp_path / "moved.onnx"
    graph = nnshim.NamedGraph("same", nnshim.Encoding.ONNX, nnshim.Target.CPU, ("same.onnx",))
    results = nnshim.map(
        Path("guest.wasm").read_bytes(), take(moved), workers=nodes.address, graphs=[graph]
    )
    assert [result.error for result in results] == [None] * 3


def take(moved: Path) -> Iterator[bytes]:
    """Inputs, before the first of which the file is no longer where the workers look for it."""
    Path("same.onnx").rename(moved)
    yield from (b"one", b"two", b"three")


SUMS = """(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "init_execution_context" (func $init (param i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "set_input" (func $set (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_ephemeral_nn" "get_output"
    (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "sums\\00\\04\\00\\00")  ;; the shape at 4
  (data (i32.const 16) "\\04\\00\\00\\00\\01\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 28) "\\00\\10\\00\\00\\00\\10\\00\\00")  ;; 4,096 bytes at 4,096
  (func (export "_start") (local $context i32)
    (drop (call $load (i32.const 0) (i32.const 4) (i32.const 64)))
    (drop (call $init (i32.load (i32.const 64)) (i32.const 68)))
    (local.set $context (i32.load (i32.const 68)))
    (drop (call $set (local.get $context) (i32.const 0) (i32.const 16)))
    (drop (call $compute (local.get $context)))
    (drop (call $get (local.get $context) (i32.const 0)
      (i32.const 8192) (i32.const 4096) (i32.const 72)))
    (call $exit (i32.trunc_f32_u (f32.load (i32.const 8192))))))"""
"""Exits with the first sum of zeros and weights."""


def test_weights_that_a_node_has_in_another_version_come_from_the_object_store(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sums.onnx").write_bytes(with_external_data("part/weights"))
    weights = tmp_path / "part" / "weights"
    weights.parent.mkdir()
    weights.write_bytes(struct.pack("<f", 7) * 1024)

    def inputs() -> Iterator[bytes]:
        weights.write_bytes(struct.pack("<f", 9) * 1024)
        yield from (b"one", b"two", b"three")

    graph = nnshim.NamedGraph("sums", nnshim.Encoding.ONNX, nnshim.Target.CPU, ("sums.onnx",))
    results = nnshim.map(assemble(SUMS), inputs(), workers=nodes.address, graphs=[graph])
    assert [result.outcome and result.outcome.exit_code for result in results] == [7] * 3


def test_modules_are_judged_and_rewritten_as_here_while_a_node_is_lost(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for number in range(400):
        module = assemble(MODULE) + b"\0\4\1x" + number.to_bytes(2, "big")
        Path(f"in/{number:03}.wasm").write_bytes(module[:-1] if number % 50 == 7 else module)
    cluster = ("--workers", nodes.address)
    check = ("check", "--for", "wasmtime", "--for", "wamr-legacy", "--json", "in")
    here, there = command(*check), command(*check, *cluster)
    assert there.stdout == here.stdout, there.stderr
    assert there.returncode == here.returncode == 6
    rewrite = ("rewrite", "--for", "wamr-legacy", "--json", "in")
    here = command(*rewrite, "here")
    arguments = [sys.executable, "-m", "nnshim", *rewrite, "there", *cluster]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(lambda: Path("there/040.wasm").exists())
        nodes.kill_one()
        said, errors = process.communicate(timeout=PATIENCE)
    nodes.mend()
    assert process.returncode == here.returncode == 1, errors
    assert said == here.stdout.replace(b'"here/', b'"there/')
    compared = filecmp.dircmp("here", "there")
    assert len(compared.same_files) == 392
    assert compared.diff_files + compared.left_only + compared.right_only == []


MODULE = """(module
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start")))"""


def test_a_cluster_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "guest.wasm").write_bytes(assemble(GUEST))
    done = command(
        *("map", tmp_path / "guest.wasm", "--inputs", lines(tmp_path, 3)),
        *("-o", tmp_path / "out", "--workers", "ray://127.0.0.1:1"),
    )
    assert done.returncode == 1
    assert done.stderr.startswith(
        b"nnshim: error[NN011]: no cluster answered at ray://127.0.0.1:1 in "
    )


def test_a_cluster_that_goes_away_is_not_replaced_by_one_of_this_process(tmp_path: Path) -> None:
    (tmp_path / "guest.wasm").write_bytes(assemble(GUEST))
    (tmp_path / "in.txt").write_text("one\n" + "@\n" * 10)
    temporary = tmp_path / "t"
    temporary.mkdir()
    arguments = ["map", str(tmp_path / "guest.wasm"), "--inputs", str(tmp_path / "in.txt")]
    gone = Nodes()
    try:
        arguments += ["-o", str(tmp_path / "out"), "--workers", gone.address]
        with subprocess.Popen(
            [sys.executable, "-m", "nnshim", *arguments],
            stderr=subprocess.PIPE,
            env={**os.environ, "RAY_TMPDIR": str(temporary), "HOME": str(temporary)},
        ) as process:
            wait_for(lambda: (tmp_path / "out" / "00000001").exists())
            gone.kill_all()
            _, said = process.communicate(timeout=PATIENCE)
    finally:
        gone.close()
    assert process.returncode == 1
    assert b"nnshim: error[NN011]: the cluster is gone" in said
    assert list(temporary.iterdir()) == []


def test_workers_that_lack_the_variable_of_a_header_run_no_guest(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITS_AUTHORIZATION", "Bearer s3cret")
    monkeypatch.setenv("NNSHIM_REMOTE_TOKEN", "s3cret-token")
    by_header = RemoteModel((ENDPOINT,), headers={"authorization": "DIGITS_AUTHORIZATION"})
    graph = nnshim.NamedGraph(
        "m", nnshim.Encoding.AUTODETECT, nnshim.Target.CPU, (), remote=by_header
    )
    for host, variable in (
        ({"graphs": [graph]}, "DIGITS_AUTHORIZATION"),
        ({"graphs": [remote_graph(ENDPOINT)]}, "NNSHIM_REMOTE_TOKEN"),
        ({"devices": {"Remote": ENDPOINT.url}}, "NNSHIM_REMOTE_TOKEN"),
    ):
        results = nnshim.map(assemble(GUEST), [b"one"], workers=nodes.address, **host)
        with pytest.raises(UsageError, match=f"{variable}.* is not set for the workers") as caught:
            next(results)
        assert "s3cret" not in str(caught.value)


ENDPOINT = parse_endpoint("http://127.0.0.1:9/m")
