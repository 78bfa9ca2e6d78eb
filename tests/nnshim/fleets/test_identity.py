"""Which jobs are the same job: what a result can depend on counts, and nothing else does."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

from nnshim import Encoding, Limits, NamedGraph, RunOptions, Target
from nnshim.fleets.files.identity import identity_of
from nnshim.fleets.guests import Guest, guest_with
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.model import RemoteModel
from runtime_shim.engine.options import HostOptions
from tests.support.models import with_external_data


def guest(folder: Path, limits: Limits = Limits()) -> Guest:  # noqa: B008 - it is a value
    (folder / "models").mkdir(exist_ok=True)
    graph = NamedGraph("same", Encoding.ONNX, Target.CPU, (str(folder / "model.onnx"),))
    host: HostOptions = {
        "graphs": [graph],
        "graph_files": str(folder / "models"),
        "limits": limits,
    }
    return guest_with(b"module", RunOptions(), host)


def differing(one: Guest, other: Guest) -> set[str]:
    first, second = (identity_of(each, ["argument"], "in") for each in (one, other))
    assert first.keys() == second.keys()
    return {name for name in first if first[name] != second[name]}


def test_the_module_and_the_arguments_count(tmp_path: Path) -> None:
    one = guest(tmp_path)
    assert differing(one, guest(tmp_path)) == set()
    assert differing(one, replace(one, module=b"other")) == {"module"}
    assert identity_of(one, ["a"], "in")["arguments"] != identity_of(one, ["b"], "in")["arguments"]


def test_the_place_of_the_inputs_counts_however_it_is_written(tmp_path: Path) -> None:
    one = guest(tmp_path)
    assert identity_of(one, [], "in") == identity_of(one, [], "./in/")
    assert identity_of(one, [], "in") != identity_of(one, [], "in.txt")


def test_what_a_model_holds_counts_by_the_same_name(tmp_path: Path) -> None:
    before = identity_of(guest(tmp_path), [], "in")
    (tmp_path / "model.onnx").write_bytes(b"one")
    first = identity_of(guest(tmp_path), [], "in")
    (tmp_path / "model.onnx").write_bytes(b"two")
    second = identity_of(guest(tmp_path), [], "in")
    assert len({str(each["named graphs"]) for each in (before, first, second)}) == 3


def test_a_change_in_a_folder_of_models_counts(tmp_path: Path) -> None:
    path = tmp_path / "models" / "a" / "model.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    first = identity_of(guest(tmp_path), [], "in")
    assert identity_of(guest(tmp_path), [], "in") == first
    path.write_bytes(b"two")
    second = identity_of(guest(tmp_path), [], "in")
    assert second["--graph-files"] != first["--graph-files"]
    os.utime(path, (1, 1))  # of the same size
    third = identity_of(guest(tmp_path), [], "in")
    assert len({str(each["--graph-files"]) for each in (first, second, third)}) == 3


def test_the_weights_that_a_model_names_count(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(with_external_data("weights"))
    (tmp_path / "weights").write_bytes(b"one")
    before = identity_of(guest(tmp_path), [], "in")["named graphs"]
    (tmp_path / "weights").write_bytes(b"two")
    assert identity_of(guest(tmp_path), [], "in")["named graphs"] != before


def test_all_parts_of_a_split_model_count(tmp_path: Path) -> None:
    parts = [tmp_path / f"model-0000{part}-of-00002.gguf" for part in (1, 2)]
    graph = NamedGraph("same", Encoding.GGML, Target.CPU, (str(parts[0]),))
    one = guest_with(b"module", RunOptions(), {"graphs": [graph]})
    for part in parts:
        part.write_bytes(b"one")
    before = identity_of(one, [], "in")["named graphs"]
    parts[1].write_bytes(b"two")
    assert identity_of(one, [], "in")["named graphs"] != before


def test_where_links_in_a_folder_of_models_lead_counts(tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        (tmp_path / "models" / name).mkdir(parents=True)
    (tmp_path / "models" / "now").symlink_to("v1")
    before = identity_of(guest(tmp_path), [], "in")["--graph-files"]
    (tmp_path / "models" / "now").unlink()
    (tmp_path / "models" / "now").symlink_to("v2")
    assert identity_of(guest(tmp_path), [], "in")["--graph-files"] != before


def test_limits_count_unless_they_only_end_a_guest(tmp_path: Path) -> None:
    one = guest(tmp_path)
    assert differing(one, guest(tmp_path, Limits(timeout=1, fuel=2, output=3))) == set()
    assert differing(one, guest(tmp_path, Limits(tensors=1))) == {"--limit tensors"}


def test_the_servers_of_a_model_count(tmp_path: Path) -> None:
    one = guest(tmp_path)
    jobs = []
    for remote in (
        RemoteModel((parse_endpoint("http://a/m"),)),
        RemoteModel((parse_endpoint("http://b/m"),)),
        RemoteModel((parse_endpoint("http://a/m/versions/2"),)),
        RemoteModel((parse_endpoint("http://a/m"),), headers={"x-tenant": "TENANT"}),
        RemoteModel((parse_endpoint("http://a/m"),), falls_back=True),
    ):
        (graph,) = one.host["graphs"]
        paths = graph.paths if remote.falls_back else ()
        graph = replace(graph, paths=paths, remote=remote)
        jobs.append(replace(one, host={**one.host, "graphs": [graph]}))
        assert differing(one, jobs[-1]) == {"named graphs"}
        assert json.dumps(identity_of(jobs[-1], [], "in"))
        assert pickle.loads(pickle.dumps(jobs[-1])) == jobs[-1]
    assert len({str(identity_of(job, [], "in")["named graphs"]) for job in jobs}) == len(jobs)


def test_each_variable_of_a_guest_counts() -> None:
    """Also those that -S inherit-env passes on, because a result can depend on any."""
    one, other, more = (
        guest_with(b"module", RunOptions(env=variables), {})
        for variables in ({"A": "1"}, {"A": "2"}, {"A": "1", "B": ""})
    )
    assert differing(one, other) == differing(one, more) == {"--env"}
