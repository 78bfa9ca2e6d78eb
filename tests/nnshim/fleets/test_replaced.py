"""A model whose file is replaced while a job runs: no two results come from different models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nnshim
from nnshim import Encoding, NamedGraph, Target
from nnshim.fleets.guests import guest_with
from nnshim.fleets.remote.placed import placed_guests
from rewriter.errors import InputError
from runtime_shim import RunOptions
from runtime_shim.engine.options import HostOptions
from tests.support.fleets import GUEST
from tests.support.wasm import assemble


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "same"
    path.write_bytes(b"model")
    return path


def renamed_over(model: Path) -> None:
    other = model.with_name("other")
    other.write_bytes(model.read_bytes())
    os.replace(other, model)


def written_to(model: Path) -> None:
    model.write_bytes(model.read_bytes() + b"\0")


def written_as_if_it_had_not_been(model: Path) -> None:
    """As `tar -x` and `cp -p` write the same size into the same file, with the same time."""
    before = model.stat()
    model.write_bytes(bytes(before.st_size))
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = model.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def replaced_and_put_back(model: Path) -> None:
    model.rename(model.with_name("kept"))
    model.write_bytes(b"other")
    model.with_name("kept").replace(model)


def as_before(model: Path) -> None:
    assert model.read_bytes()


def inputs(at_third: Callable[[Path], None], model: Path) -> Iterator[bytes]:
    for number in range(6):
        if number == 3:
            at_third(model)
        yield b""


def codes(results: Iterator[nnshim.MapResult]) -> list[str | None]:
    found = sorted(results, key=lambda result: result.number)
    assert all((each.outcome is None) == (each.error is not None) for each in found)
    return [None if each.error is None else each.error.code for each in found]


@pytest.mark.parametrize(
    ("change", "expected", "in_folder"),
    [
        (renamed_over, "NN012", False),
        (written_to, "NN012", False),
        (Path.unlink, "NN012", False),
        (written_as_if_it_had_not_been, "NN012", False),
        (written_as_if_it_had_not_been, "NN012", True),
        (replaced_and_put_back, "NN012", False),
        (renamed_over, "NN012", True),
        (as_before, None, False),
        (as_before, None, True),
    ],
)
def test_inputs_after_a_change_fail(
    model: Path, change: Callable[[Path], None], expected: str | None, in_folder: bool
) -> None:
    graph = NamedGraph("same", Encoding.ONNX, Target.CPU, (str(model),))
    host: HostOptions = {"graph_files": str(model.parent)} if in_folder else {"graphs": [graph]}
    results = nnshim.map(assemble(GUEST), inputs(change, model), workers=1, **host)
    found = codes(results)
    assert found[:2] == [None, None]  # what runs while the file changes may have read either
    assert found[3:] == [expected] * 3


def pointed(link: Path, folder: str) -> None:
    link.with_name("new").symlink_to(folder)
    link.with_name("new").replace(link)


@pytest.mark.parametrize("leads_to_folder", [True, False])
def test_a_link_that_leads_elsewhere_meanwhile_is_a_change(
    tmp_path: Path, leads_to_folder: bool
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model").write_bytes(b"model")
    ending = "" if leads_to_folder else "/model"
    (tmp_path / "link").symlink_to(f"a{ending}")
    (tmp_path / "outer").symlink_to("link")
    path = tmp_path / "outer" / ("model" if leads_to_folder else "")
    graph = NamedGraph("same", Encoding.ONNX, Target.CPU, (str(path),))
    models = guest_with(b"", RunOptions(), {"graphs": [graph]}).models
    assert models.replaced() is None
    pointed(tmp_path / "link", f"b{ending}")
    pointed(tmp_path / "link", f"a{ending}")
    assert "outer" in str(models.replaced())


def test_a_cluster_gets_no_model_but_the_one_that_the_job_began_with(model: Path) -> None:
    graph = NamedGraph("same", Encoding.ONNX, Target.CPU, (str(model),))
    guest = guest_with(assemble(GUEST), RunOptions(), {"graphs": [graph]})
    model.unlink()
    with pytest.raises(InputError, match="same was replaced or changed during the job"):
        placed_guests(guest)
