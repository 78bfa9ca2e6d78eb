"""Models that are whole files, and that no NN runtime loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from rewriter.errors import ModelError
from rewriter.models.reading import read_model
from tests.support import models

IR = """<net version="11"><layers>
  <layer id="0" name="x" type="Parameter"><data shape="{shape}" element_type="f32"/>
    <output><port id="0" precision="FP32"><dim>{dim}</dim></port></output></layer>
  <layer id="1" type="Const"><data element_type="f32" offset="{offset}" size="{size}"/></layer>
</layers></net>"""
WHOLE = {"shape": "4", "dim": "4", "offset": "0", "size": "4"}


def ir(folder: Path, **other: str) -> Path:
    (folder / "model.bin").write_bytes(b"\0\0\0\0")
    (folder / "model.xml").write_text(IR.format(**WHOLE | other))
    return folder / "model.xml"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        *(({"offset": text}, "offset of a constant") for text in ("-4", "0x0", "", "one")),
        *(({"size": text}, "size of a constant") for text in ("-4", "4.5", "")),
        *(
            ({"dim": text}, "a dimension is")
            for text in ("-2", "four", "?", "9" * 20, "-" + "9" * 30)
        ),
        *(({"shape": text}, "is not a dimension") for text in ("four", "1,,2", "4.5")),
    ],
)
def test_an_ir_with_numbers_that_openvino_refuses_is_an_error(
    other: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        read_model(ir(tmp_path, **other))
    assert caught.value.code == "NN701"


@pytest.mark.parametrize(
    ("other", "dims"),
    [
        ({}, (4,)),
        ({"shape": "?,-1,1..10,..3,3..,+4"}, (None, None, None, None, None, 4)),
        ({"shape": "..."}, None),
        ({"shape": ""}, ()),
        *(({"dim": text}, (4,)) for text in ("-1", "1..10", " 4 ", "")),
        ({"offset": " +0"}, (4,)),
    ],
)
def test_an_ir_with_numbers_that_openvino_takes_is_read(
    other: dict[str, str], dims: tuple[int | None, ...] | None, tmp_path: Path
) -> None:
    (port,) = read_model(ir(tmp_path, **other)).inputs or ()
    assert port.dims == dims


def test_an_ir_without_layers_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_text('<net version="11"><layers/><edges/></net>')
    with pytest.raises(ModelError, match="it has no layers"):
        read_model(tmp_path / "model.xml")


FLOATS = TensorProto.FLOAT


@pytest.mark.parametrize(
    ("takes", "gives", "words"),
    [
        (None, None, "empty"),
        ("x", None, "uses 'x'"),
        (None, "y", "empty"),
        ("x", "y", "uses 'x'"),
    ],
)
def test_an_onnx_graph_of_what_is_not_there_is_an_error(
    takes: str | None, gives: str | None, words: str, tmp_path: Path
) -> None:
    nodes = [helper.make_node("Identity", [takes], ["y"])] if takes else []
    path = tmp_path / "model"
    outputs = [helper.make_tensor_value_info(gives, FLOATS, (1,))] if gives else []
    path.write_bytes(
        helper.make_model(helper.make_graph(nodes, "g", [], outputs)).SerializeToString()
    )
    with pytest.raises(ModelError, match=words) as caught:
        read_model(path)
    assert caught.value.code == "NN701"


def test_an_onnx_graph_may_give_its_input_or_a_constant_and_leave_out_what_is_optional(
    tmp_path: Path,
) -> None:
    one = np.ones(1, np.float32)
    clip = helper.make_node("Clip", ["x", "", "one"], ["y"])
    outputs = [(name, FLOATS, (1,)) for name in ("y", "x", "one")]
    path = tmp_path / "model"
    path.write_bytes(models.model([clip], [("x", FLOATS, (1,))], outputs, {"one": one}))
    found = read_model(path)
    assert list(map(str, found.inputs or ())) == ["'x': f32, 1"]
    assert len(found.outputs or ()) == 3
