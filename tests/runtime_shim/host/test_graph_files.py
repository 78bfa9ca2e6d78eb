"""The models of a folder as named graphs: none of their files is outside of it, whenever they are
read."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from rewriter.abi.dialects import Errno
from runtime_shim import HostError, NNHost
from runtime_shim.backends.interface import NO_OPTIONS, Options
from runtime_shim.host.graph_specs import graph_in
from tests.support.models import identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def errno_of(host: NNHost, name: str, options: Options = NO_OPTIONS) -> Errno:
    with pytest.raises(HostError) as caught:
        host.load_by_name(name, options)
    return caught.value.errno


def test_weights_outside_of_the_folder_are_not_found(folder: Path) -> None:
    (folder / "a.xml").write_text("<net/>")
    outside = folder.parent / "outside.bin"
    outside.write_bytes(b"secret")
    os.symlink(outside, folder / "a.bin")
    host = NNHost(graph_files=str(folder))
    assert errno_of(host, "a.xml") is Errno.NOT_FOUND


def test_weights_by_a_link_inside_of_the_folder_are_found(folder: Path) -> None:
    (folder / "a.xml").write_text("<net/>")
    (folder / "weights").write_bytes(b"")
    os.symlink("weights", folder / "a.bin")
    found = graph_in(str(folder), "a.xml")
    assert found is not None
    assert found.paths == (str(folder / "a.xml"), str(folder / "weights"))


def test_links_inside_of_the_folder_do_not_give_a_model_more_names(folder: Path) -> None:
    (folder / "a.onnx").write_bytes(identity())
    os.symlink(".", folder / "again")
    host = NNHost(graph_files=str(folder))
    names = "a.onnx", "again/a.onnx", "again/again/a.onnx"
    assert len({id(host.load_by_name(name)) for name in names}) == 1


@pytest.mark.parametrize("name", ["\ud800", "a\ud800/b", "a/" * 32_000, "a" * 5000])
def test_names_that_no_file_can_have_are_not_found(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = NNHost(graph_files=str(folder))
    looked_up: list[str] = []
    lstat = os.lstat

    def counted(path: str) -> os.stat_result:
        looked_up.append(path)
        return lstat(path)

    monkeypatch.setattr(os, "lstat", counted)
    assert errno_of(host, name) is Errno.NOT_FOUND
    parts = len(folder.resolve().parts)
    assert len(looked_up) <= 3 * parts  # those of the folder's own path, and not of the name


@pytest.mark.parametrize("options", [{}, {"threads": 1}], ids=["plain", "configured"])
def test_a_file_that_becomes_a_link_to_outside_is_not_loaded(
    options: Options, folder: Path
) -> None:
    (folder / "a.onnx").write_bytes(b"\x08 which cannot be loaded")
    outside = folder.parent / "outside.onnx"
    outside.write_bytes(identity())
    host = NNHost(graph_files=str(folder))
    assert errno_of(host, "a.onnx", options) is not Errno.NOT_FOUND
    (folder / "a.onnx").unlink()
    os.symlink(outside, folder / "a.onnx")
    assert errno_of(host, "a.onnx", options) is Errno.NOT_FOUND
    assert host.stats() == []


@pytest.mark.parametrize("options", [{}, {"threads": 1}], ids=["plain", "configured"])
def test_a_file_that_becomes_a_link_after_it_was_found_is_not_loaded(
    options: Options, folder: Path
) -> None:
    (folder / "a.onnx").write_bytes(identity())
    host = NNHost(graph_files=str(folder))
    wanted = host.find_named("a.onnx", options)
    (folder / "a.onnx").rename(folder.parent / "outside.onnx")
    os.symlink("../outside.onnx", folder / "a.onnx")
    with pytest.raises(HostError, match=r"the files of the graph 'a\.onnx' have changed"):
        wanted.load()
    assert host.stats() == []


def test_a_loaded_model_whose_file_became_a_link_to_outside_is_not_loaded_with_other_options(
    folder: Path,
) -> None:
    (folder / "a.onnx").write_bytes(identity())
    host = NNHost(graph_files=str(folder))
    host.load_by_name("a.onnx")
    (folder / "a.onnx").rename(folder.parent / "outside.onnx")
    os.symlink("../outside.onnx", folder / "a.onnx")
    assert errno_of(host, "a.onnx", {"threads": 1}) is Errno.NOT_FOUND


def test_a_model_that_could_not_be_loaded_may_be_replaced_by_one_of_another_format(
    folder: Path,
) -> None:
    (folder / "model").write_bytes(b"GGUF, as far as it goes")
    host = NNHost(graph_files=str(folder))
    assert errno_of(host, "model") is not Errno.NOT_FOUND
    (folder / "model").write_bytes(identity())
    assert host.load_by_name("model").device == "cpu"


def test_an_ir_whose_weights_are_missing_is_not_found_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"<net/>")
    host = NNHost(graph_files=str(tmp_path))
    words = f"{tmp_path}/a.bin does not exist; it has the weights of {tmp_path}/a.xml"
    with pytest.raises(HostError, match=re.escape(words)) as caught:
        host.load_by_name("a.xml")
    assert caught.value.errno is Errno.NOT_FOUND
