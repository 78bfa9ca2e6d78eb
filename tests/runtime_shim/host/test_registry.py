"""Named graphs: from command lines, from files, and what of them goes through Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rewriter.abi.dialects import Encoding, Target, TensorType
from rewriter.errors import InputError
from runtime_shim import NamedGraph, NNHost, parse_nn_preload, read_graphs
from runtime_shim.testing import FakeBackend
from tests.support.models import identity, with_external_data
from tests.support.native import openvino_model

TOML = """
[graphs.small]
paths = ["models/small.onnx"]

[graphs."with.dots"]
encoding = "OpenVINO"
target = "auto"
paths = ["models/a.xml", "models/a.bin"]
options = { threads = 2, fast-math = true }

[graphs.elsewhere]
encoding = "onnx"
target = "cuda:1"
paths = ["models/small.onnx"]
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("small.onnx", "a.xml", "a.bin"):
        (folder / name).write_bytes(identity(dims=(1,)))
    return tmp_path


def test_a_file_of_graphs_that_has_no_end_is_refused() -> None:
    with pytest.raises(InputError, match="/dev/zero is larger than 16777216 bytes"):
        read_graphs("/dev/zero")


def test_a_file_names_many_graphs_with_paths_from_where_it_is(models: Path) -> None:
    (models / "graphs.toml").write_text(TOML)
    small, dots, elsewhere = read_graphs(str(models / "graphs.toml"))
    path = str(models / "models" / "small.onnx")
    assert small == NamedGraph("small", Encoding.AUTODETECT, Target.CPU, (path,))
    assert (dots.name, dots.encoding, dots.target) == ("with.dots", Encoding.OPENVINO, "auto")
    assert [Path(path).name for path in dots.paths] == ["a.xml", "a.bin"]
    assert dots.options == {"threads": 2, "fast-math": True}
    assert elsewhere.target == "cuda:1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("graphs = 3", "invalid value for graphs: 3"),
        ("[graph.x]", "unknown key 'graph'; expected one of graphs"),
        ("[graphs.x]", "graphs.x needs paths"),
        ("[graphs]\nx = 1", "graphs.x must be a table"),
        ("[graphs.x]\npaths = 'small.onnx'", "invalid value for paths: 'small.onnx'"),
        ("[graphs.x]\npaths = [1]", "needs paths"),
        (
            "[graphs.x]\npaths = ['models/a.xml']\nencoding = 'onyx'",
            "graphs.x: unknown encoding 'onyx'",
        ),
        ("[graphs.x]\npaths = ['models/a.xml']\nfast = true", "unknown key 'fast'"),
        ("[graphs", "is not valid TOML"),
        ("", "names no graph"),
        ("[graphs]", "names no graph"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(models: Path, text: str, words: str) -> None:
    (models / "graphs.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_graphs(str(models / "graphs.toml"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: No such file"):
        read_graphs(str(tmp_path / "none.toml"))


def test_the_encoding_of_a_named_graph_can_be_found_out(models: Path) -> None:
    (models / "graphs.toml").write_text(TOML)
    host = NNHost(graphs=read_graphs(str(models / "graphs.toml")))
    assert host.load_by_name("small").device == "cpu"
    assert host.stats()[0].encoding == "onnx"


def test_options_of_a_guest_go_before_the_graphs_own(models: Path) -> None:
    backend = FakeBackend(devices=[("auto", Target.CPU)])
    (models / "graphs.toml").write_text(TOML)
    graphs = read_graphs(str(models / "graphs.toml"))
    host = NNHost(backends={Encoding.OPENVINO: backend}, graphs=graphs)
    host.load_by_name("with.dots", {"threads": 1})
    assert backend.loads[0].options == {"threads": 1, "fast-math": True}


def test_a_preload_of_ggml_has_one_path_with_colons_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a:b.gguf"
    path.touch()
    graph = parse_nn_preload(f"default:GGML:AUTO:{path}")
    assert graph == NamedGraph("default", Encoding.GGML, "auto", (str(path),))


def test_weights_of_openvino_are_mapped_from_disk(tmp_path: Path) -> None:
    # a weight large enough that it is no constant copied into the model
    from onnx import helper

    from tests.support.models import F32, model

    weights = np.random.default_rng(1).normal(size=(512, 512)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    data = model([node], [("x", F32, (1, 512))], [("y", F32, (1, 512))], {"w": weights})
    names = openvino_model(data, tmp_path).split("+")
    paths = tuple(str(tmp_path / name) for name in names)
    host = NNHost(graphs=[NamedGraph("it", Encoding.OPENVINO, Target.CPU, paths)])
    graph = host.load_by_name("it")
    assert paths[1] in Path("/proc/self/maps").read_text()
    assert graph.device == "CPU"


def test_a_named_onnx_graph_may_have_its_data_in_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(with_external_data("weights"))
    (tmp_path / "weights").write_bytes(np.arange(1024, dtype=np.float32).tobytes())
    for encoding in (Encoding.ONNX, Encoding.OPENVINO):
        graph = NamedGraph("it", encoding, Target.CPU, (str(tmp_path / "model.onnx"),))
        context = NNHost(graphs=[graph]).load_by_name("it").init_execution_context()
        context.set_input(0, TensorType.F32, (1024,), memoryview(bytes(4096)))
        context.compute()
        assert np.frombuffer(context.get_output(0), np.float32).tolist() == list(range(1024))
