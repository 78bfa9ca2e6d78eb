"""check and rewrite by workers that have no access to the files."""

from __future__ import annotations

import os
import pickle
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nnshim.checking.many import judge_all
from nnshim.checking.settings import Settings
from nnshim.config.by_path import ByPath
from nnshim.many.engines.actors import _Actor, _told_if_gone, unreached
from nnshim.many.engines.interface import Answer, Ready
from nnshim.many.engines.worker import Do, answer
from nnshim.many.searching import Search, search
from nnshim.rewriting.many import rewrite_all
from nnshim.rewriting.settings import Settings as Rewriting
from nnshim.rewriting.together import Rewrote
from rewriter import RewriteOptions
from rewriter.errors import ClusterError, UsageError
from rewriter.hosts.table import find_hosts
from tests.support.command import nnshim
from tests.support.wasm import assemble, import_module

TEXT = """(module
  (import "wasi_ephemeral_nn" "load" (func $load (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $load (i32.const 0) (i32.const 1) (i32.const 5) (i32.const 0)
    (i32.const 8)))))"""

CLUSTER = "ray://here:1"


class Elsewhere:
    """An engine of one worker, which gets copies and is in another folder, from where nothing of
    the inputs is to be found."""

    most = 1

    def __init__(self, make: Callable[[], Do], address: str) -> None:
        assert address == CLUSTER
        self._do: Do = pickle.loads(pickle.dumps(make()))
        self._given: Sequence[Any] | None = None
        self._is_ready = False

    def start(self) -> Elsewhere:
        return self

    def give(self, items: Sequence[Any]) -> None:
        self._given = pickle.loads(pickle.dumps(items))

    def wait(self, *, at_most: float | None = None) -> Sequence[tuple[Elsewhere, Answer]]:
        if not self._is_ready:
            self._is_ready = True
            return [(self, Ready())]
        assert self._given is not None
        folder = Path.cwd()
        hidden = folder.with_name("hidden")
        folder.rename(hidden)
        os.chdir("/")
        try:
            found = answer(self._do, self._given)
        finally:
            hidden.rename(folder)
            os.chdir(folder)
        return [(self, pickle.loads(pickle.dumps(found)))]

    def close(self) -> None:
        pass


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr("nnshim.many.engines.actors.Actors", Elsewhere)
    guest = assemble(TEXT)
    files = {
        "a.wasm": guest,
        "b/plain.wasm": import_module("env"),
        "b/text.wat": TEXT.encode(),
        "cut.wasm": guest[:-1],
        "data.bin": bytes(range(256)),
    }
    for number in range(20):
        files[f"many/{number}.wasm"] = guest + b"\0\3\1x" + bytes([number])
    for name, data in files.items():
        (here / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "in" / name).write_bytes(data)
    with tarfile.open(here / "in/all.tar.gz", "w:gz") as archive:
        archive.add("in/a.wasm")
        archive.add("in/data.bin")
    return here


def found_in(workers: str | None, name: str = "in") -> Search:
    return search([name], None, (), None, None, workers)


def test_files_get_the_reports_that_they_get_here(tree: Path) -> None:
    accepting = ByPath(str(tree), [("in/many/*", frozenset({"NN262"}))])
    settings = Settings((find_hosts("wasmtime"), find_hosts("wamr")), accept_by_path=accepting)
    here = list(judge_all(found_in(None), settings))
    assert list(map(repr, judge_all(found_in(CLUSTER), settings))) == list(map(repr, here))
    accepted = {
        judged.report.path
        for judged in here
        if judged.report is not None
        and any(checked.found.accepted for checked in judged.report.checked)
    }
    assert accepted == {f"in/many/{number}.wasm" for number in range(20)}


@pytest.mark.parametrize("name", ["in", "in/all.tar.gz"])
def test_outputs_are_those_that_are_made_here(tree: Path, name: str) -> None:
    def contents(out: str) -> dict[str, bytes]:
        path = tree / out
        if path.is_file():
            return {"": path.read_bytes()}
        return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}

    def results(workers: str | None, out: str) -> list[tuple[str, str, str, object]]:
        settings = Rewriting(RewriteOptions(host="wamr-legacy"), as_json=True)
        return [
            (
                each.report.path,
                each.report.result,
                str(each.report.error),
                dict(each.report.data or {}, output=None),
            )
            for each in rewrite_all(found_in(workers, name), out, settings)
            if isinstance(each, Rewrote)
        ]

    end = name.removeprefix("in/all").removeprefix("in")
    here, there = results(None, f"here{end}"), results(CLUSTER, f"there{end}")
    assert there == here
    assert contents(f"there{end}") == contents(f"here{end}")
    assert "changed" in {result for _, result, *_ in there}


def test_a_binary_is_not_called_text(tree: Path) -> None:
    where = search(["in/a.wasm", "in/b/text.wat"], None, (), None, None, CLUSTER)
    settings = Rewriting(RewriteOptions(host="wamr-legacy"))
    found = rewrite_all(where, "out", settings)
    reports = [each.report for each in found if isinstance(each, Rewrote)]
    assert [report.result for report in reports] == ["changed", "failed"]
    assert "the output is binary" in str(reports[1].error)
    assert sorted(path.name for path in (tree / "out").rglob("*.*")) == ["a.wasm"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("check --for wasmtime --workers 4 in", "--workers 4: expected ray://HOST"),
        ("check --for wasmtime --workers ray:// in", "--workers ray://: expected ray://HOST"),
        ("check --for wasmtime --workers ray://h --jobs 2 in", "--jobs is for processes"),
        ("rewrite --workers http://h in out", "--workers http://h: expected ray://HOST"),
    ],
)
def test_other_addresses_are_usage_errors(tree: Path, words: str, said: str) -> None:
    done = nnshim(*words.split())
    assert done.returncode == 2
    assert said in done.stderr.decode()


def test_files_that_a_worker_would_look_for_are_refused(tree: Path) -> None:
    (tree / "mine.toml").write_bytes(
        (Path(__file__).parents[3] / "docs/profiles/wamr-legacy-2.3.1.toml").read_bytes()
    )
    profile = find_hosts("./mine.toml")
    for settings in (Settings((profile,)), Settings((find_hosts("wamr"),), fix=True)):
        with pytest.raises(UsageError, match="--workers"):
            list(judge_all(found_in(CLUSTER), settings))
    for options in (
        RewriteOptions(host="./mine.toml"),
        RewriteOptions(to="wasi:nn", wasi_adapter="adapter.wasm"),
    ):
        with pytest.raises(UsageError, match="--workers"):
            list(rewrite_all(found_in(CLUSTER), "out", Rewriting(options)))
    assert not (tree / "out").exists()


class FutureTimeoutError(Exception):
    """As gRPC's, which has no text."""


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("ray client connection timeout"),
        TimeoutError(),
        TimeoutError("timed out"),
        FutureTimeoutError(),
    ],
    ids=["Ray's", "TimeoutError", "with a text", "gRPC's"],
)
def test_a_cluster_that_does_not_answer_is_told_with_the_time_and_no_name_of_an_exception(
    error: Exception,
) -> None:
    said = unreached("ray://head:10001", error, 30.4)
    assert said.startswith("no cluster answered at ray://head:10001 in 30 seconds: check the host")
    assert "Error" not in said
    assert "timeout" not in said


def test_a_cluster_that_cannot_serve_yet_is_told_with_what_ray_says_and_what_to_do() -> None:
    raised = ConnectionAbortedError(
        "Initialization failure from server:\nTraceback (most recent call last):\n"
        "TimeoutError: GetOrCreateRuntimeEnv request failed after 5 attempts."
    )
    said = unreached("ray://head:10001", raised, 9)
    assert said == (
        "the cluster ray://head:10001 cannot be used: TimeoutError: GetOrCreateRuntimeEnv request"
        " failed after 5 attempts; if its head is busy, or has only just started, try again in a"
        " minute"
    )


class RpcError(Exception):
    """As gRPC's."""

    def details(self) -> str:
        return "Channel for client not found"

    def __str__(self) -> str:
        return (
            "<_MultiThreadedRendezvous of RPC that terminated with:\n"
            "\tstatus = StatusCode.NOT_FOUND\n"
            f'\tdetails = "{self.details()}"\n\tdebug_error_string = "timeout"\n>'
        )


def test_of_an_error_of_grpc_its_details_are_told() -> None:
    assert unreached("ray://head:10001", RpcError(), 9) == (
        "the cluster ray://head:10001 cannot be used: Channel for client not found; if its head is"
        " busy, or has only just started, try again in a minute"
    )


def test_what_is_not_about_time_is_told_as_ray_says_it() -> None:
    wrong = RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.59.0")
    said = unreached("ray://head:10001", wrong, 1)
    assert said == "cannot reach the cluster ray://head:10001: Ray: 2.59.0"


class FakeRpcError(Exception):
    """As gRPC's, which Ray's client raises when its server has ended."""

    def details(self) -> str:
        return "Stream removed"


@pytest.mark.parametrize("error", [ConnectionError("no server"), FakeRpcError("no server")])
def test_what_rays_client_raises_without_its_server_says_that_the_cluster_is_gone(
    error: Exception,
) -> None:
    def remote(_: object) -> None:
        raise error

    actor = _Actor(SimpleNamespace(begin=SimpleNamespace(remote=lambda: "asked")))
    actor.handle = SimpleNamespace(work=SimpleNamespace(remote=remote))
    with pytest.raises(ClusterError, match="the cluster is gone: no server"):
        actor.give([b"one"])
    with pytest.raises(ValueError, match="ours"), _told_if_gone():
        raise ValueError("ours")
