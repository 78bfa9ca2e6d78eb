"""Named graphs in ONNX can have their weights in files beside them, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from rewriter.abi.dialects import Encoding, Errno, Target
from rewriter.wasm.leb128 import encode_u32
from runtime_shim.backends import import_backend
from runtime_shim.backends.onnx.files import check_files
from runtime_shim.errors import HostError
from tests.support.models import F32, identity, with_external_data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder, with links in it, beside a file that is none of its business."""
    (tmp_path / "secret").write_bytes(bytes(4096))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(bytes(4096))
    (folder / "same").symlink_to("weights")
    (folder / "file").symlink_to("../secret")
    (folder / "above").symlink_to("..")
    return folder


@pytest.mark.parametrize("encoding", [Encoding.ONNX, Encoding.OPENVINO])
@pytest.mark.parametrize(
    ("location", "inside"),
    [
        ("weights", True),
        ("./weights", True),
        ("same", True),
        ("../model/weights", True),
        ("../secret", False),
        ("x/../../secret", False),
        ("{}/secret", False),
        ("file", False),
        ("above/secret", False),
        ("/etc/passwd", False),
    ],
)
def test_weights_are_in_the_models_folder(
    folder: Path, encoding: Encoding, location: str, inside: bool
) -> None:
    path = folder / "model.onnx"
    path.write_bytes(with_external_data(location.format(folder.parent)))
    backend = import_backend(encoding)
    if inside:
        assert backend.load([path], Target.CPU, {}) is not None
        return
    with pytest.raises(HostError, match="outside its folder") as caught:
        backend.load([path], Target.CPU, {})
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_a_folder_of_links_to_where_the_files_are_is_one_folder(tmp_path: Path) -> None:
    """As the caches of model hubs have it."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    (blobs / "1").write_bytes(with_external_data("weights"))
    (blobs / "2").write_bytes(bytes(4096))
    (snapshot / "model.onnx").symlink_to("../blobs/1")
    (snapshot / "weights").symlink_to("../blobs/2")
    check_files(snapshot / "model.onnx")


def outside() -> onnx.TensorProto:
    tensor = onnx.TensorProto(name="w", data_type=F32, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    return tensor


def in_a_constant(made: onnx.ModelProto) -> None:
    made.graph.node.append(helper.make_node("Constant", [], ["c"], value=outside()))


def in_a_list(made: onnx.ModelProto) -> None:
    made.graph.node[0].attribute.append(helper.make_attribute("many", [outside()]))


def in_a_body(made: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [], [outside()])
    made.graph.node[0].attribute.append(helper.make_attribute("body", body))


def in_bodies(made: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [], [outside()])
    made.graph.node[0].attribute.append(helper.make_attribute("bodies", [body]))


def in_a_function(made: onnx.ModelProto) -> None:
    constant = helper.make_node("Constant", [], ["c"], value=outside())
    made.functions.append(helper.make_function("d", "f", [], [], [constant], made.opset_import))


def in_a_default(made: onnx.ModelProto) -> None:
    function = helper.make_function("d", "f", [], [], [], made.opset_import)
    function.attribute_proto.append(helper.make_attribute("value", outside()))
    made.functions.append(function)


def in_sparse_values(made: onnx.ModelProto) -> None:
    made.graph.sparse_initializer.add(values=outside())


def in_sparse_indices(made: onnx.ModelProto) -> None:
    made.graph.sparse_initializer.add(indices=outside())


def in_a_sparse_attribute(made: onnx.ModelProto) -> None:
    attribute = made.graph.node[0].attribute.add(name="s")
    attribute.sparse_tensor.values.CopyFrom(outside())
    attribute.sparse_tensors.add(values=outside())


def in_what_trains_it(made: onnx.ModelProto) -> None:
    made.training_info.add().initialization.initializer.append(outside())


def the_last_time(made: onnx.ModelProto) -> None:
    tensor = outside()
    tensor.external_data.insert(0, onnx.StringStringEntryProto(key="location", value="weights"))
    made.graph.initializer.append(tensor)


@pytest.mark.parametrize(
    "hide",
    [
        in_a_constant,
        in_a_list,
        in_a_body,
        in_bodies,
        in_a_function,
        in_a_default,
        in_sparse_values,
        in_sparse_indices,
        in_a_sparse_attribute,
        in_what_trains_it,
        the_last_time,
    ],
)
def test_a_file_is_found_wherever_it_is_named(
    folder: Path, hide: Callable[[onnx.ModelProto], None]
) -> None:
    made = onnx.load_from_string(identity())
    hide(made)
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    with pytest.raises(HostError, match=r"'\.\./secret', which is outside"):
        check_files(path)


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + encode_u32(len(content)) + content


def initializer(entry: bytes) -> bytes:
    """A model's only tensor, with one entry of external data."""
    return field(7, field(5, field(13, entry)))


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(field(2, b"../secret") + field(1, b"location"), id="value first"),
        pytest.param(
            field(2, b"weights") + field(1, b"location") + field(2, b"../secret"), id="value twice"
        ),
        pytest.param(b"\x0a\x88\x00location" + field(2, b"../secret"), id="a wide length"),
        pytest.param(
            b"\x08\x01" + field(1, b"location") + b"\x21" + bytes(8) + b"\x25" + bytes(4)
            + field(2, b"../secret"), id="other fields between",
        ),
    ],
)  # fmt: skip
def test_a_file_is_found_however_it_is_written(folder: Path, entry: bytes) -> None:
    path = folder / "model.onnx"
    path.write_bytes(initializer(entry))
    with pytest.raises(HostError, match=r"'\.\./secret', which is outside"):
        check_files(path)


def test_a_word_that_is_no_key_is_none(folder: Path) -> None:
    made = onnx.load_from_string(identity())
    made.graph.node[0].name = "location"
    made.graph.doc_string = "location: ../secret"
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString())
    check_files(path)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(initializer(field(1, b"location") + field(2, b"a"))[:-1], id="cut off"),
        pytest.param(field(7, b"\x2a\x7flocation"), id="extends beyond its message"),
        pytest.param(b"\x0b" + field(1, b"location"), id="a group"),
        pytest.param(field(1, b"location") + b"\x80" * 10 + b"\x01", id="a long number"),
        pytest.param(initializer(field(1, b"location") + field(2, b"\xff")), id="not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused(folder: Path, broken: bytes) -> None:
    path = folder / "model.onnx"
    path.write_bytes(broken)
    with pytest.raises(HostError, match="cannot read") as caught:
        check_files(path)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_messages_in_messages_end_somewhere(folder: Path) -> None:
    graph = field(5, outside().SerializeToString())
    for _ in range(50):
        graph = field(1, field(5, field(6, graph)))  # a node with an attribute
    path = folder / "model.onnx"
    path.write_bytes(field(7, graph))
    with pytest.raises(HostError, match="too deep"):
        check_files(path)
