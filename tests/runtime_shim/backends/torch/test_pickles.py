"""What the pickles of a TorchScript archive may have in them: tensors, objects, enums."""

from __future__ import annotations

import pickle
import struct

import pytest

from runtime_shim.backends.torch.archive.contents import repack
from runtime_shim.errors import HostError
from tests.support.torchscript import (
    EMPTY,
    MODULE,
    PLAIN,
    archive,
    attributes,
    declaring,
    number,
    refused,
    storage,
    tensor,
    text,
)

FITTING = declaring("w : Tensor")


@pytest.mark.parametrize(
    "given",
    [
        tensor(storage()),
        tensor(storage(), 3, (2, 3), (4, 1)),
        tensor(storage(), 15, (1,), (100,)),
        tensor(storage(), 16, (0, 4), (4, 1)),
        tensor(storage(), 0, (), ()),
        tensor(storage(), 0, (1000, 16), (0, 1)),
        tensor(storage(0, "9"), 0, (0,), (1,)),
        tensor(storage(64, kind=b"ctorch\nBoolStorage\n"), 0, (64,), (1,)),
    ],
)
def test_tensors_within_their_records_are_accepted(given: bytes) -> None:
    repack(archive(FITTING, {"data.pkl": attributes(w=given)}))


@pytest.mark.parametrize(
    "given",
    [
        tensor(storage(17), 0, (4, 4), (4, 1)),
        tensor(storage(1 << 62), 0, (4, 4), (4, 1)),
        tensor(storage(-1), 0, (4, 4), (4, 1)),
        tensor(storage(16, "1"), 0, (4, 4), (4, 1)),
        tensor(storage(0), 0, (1,), (1,)),
        tensor(storage(16, "../constants/0"), 0, (4, 4), (4, 1)),
        tensor(storage(16, kind=b"ctorch\nDoubleStorage\n")),
        tensor(storage(16, kind=b"ctorch\nQInt8Storage\n")),
        tensor(storage(16, kind=b"ctorch\nQUInt4x2Storage\n")),
        tensor(storage(), 1),
        tensor(storage(), -1),
        tensor(storage(), 0, (4, 5)),
        tensor(storage(), 0, (4, 4), (5, 1)),
        tensor(storage(), 0, (-4, -4)),
        tensor(storage(), 15, (2,), (-1,)),
        tensor(storage(), 0, (4,), (4, 1)),
        tensor(storage(), 17, (0,), (1,)),
        tensor(storage(), 0, (1 << 62, 1 << 62), (0, 0)),
        tensor(storage(), 0, (2,), ((1 << 62),)),
        tensor(storage(), 0, (1,) * 65, (1,) * 65),
        tensor(number(0)),
        tensor(storage()).replace(b"J\0\0\0\0(", b"\x88("),
        storage(),
        number(1),
        b"N",
    ],
)
def test_tensors_beyond_their_records_are_refused(given: bytes) -> None:
    refused(archive(FITTING, {"data.pkl": attributes(w=given)}), "invalid TorchScript archive")


def test_a_storage_has_one_type_and_length() -> None:
    code = declaring("w : Tensor", "v : Tensor")
    one, other = tensor(storage()), tensor(storage(4), 0, (4,), (1,))
    repack(archive(code, {"data.pkl": attributes(w=one, v=one)}))
    refused(archive(code, {"data.pkl": attributes(w=one, v=other)}), "two types or lengths")


def quantized(scheme: str, *parameters: bytes) -> bytes:
    stored = storage(16, kind=b"ctorch\nQInt8Storage\n")
    plain = tensor(stored).replace(b"_rebuild_tensor_v2", b"_rebuild_qtensor")
    given = b"(ctorch\n" + scheme.encode() + b"\n" + b"".join(parameters) + b"t"
    return plain.replace(b"\x89ccollections", given + b"\x89ccollections")


def test_a_quantized_tensor_has_a_scale_for_each_channel() -> None:
    scale = b"G" + struct.pack(">d", 0.5)
    four, three = (tensor(storage(16, "1"), 0, (count,), (1,)) for count in (4, 3))
    entries = {"data/1": bytes(64)}

    def try_it(given: bytes) -> None:
        repack(archive(FITTING, {**entries, "data.pkl": attributes(w=given)}))

    try_it(quantized("per_tensor_affine", scale, number(0)))
    try_it(quantized("per_channel_affine", four, four, number(1)))
    for given in (
        quantized("per_channel_affine", three, four, number(0)),
        quantized("per_channel_affine", four, three, number(0)),
        quantized("per_channel_affine", four, four, number(2)),
        quantized("per_channel_affine", four, four, number(-1)),
        quantized("per_tensor_affine", scale, scale),
        quantized("per_tensor_symmetric", scale, number(0)),
    ):
        with pytest.raises(HostError, match="invalid TorchScript archive"):
            try_it(given)


OTHER = """class Small(Module):
  one : int
class Large(Module):
  one : int
  two : int
class Pair(NamedTuple):
  first : int
  second : __torch__.Large
"""
SMALL = b"c__torch__\nSmall\n)\x81}(" + text("one") + number(1) + b"ub"
LARGE = b"c__torch__\nLarge\n)\x81}(" + text("one") + number(1) + text("two") + number(2) + b"ub"


def tagged(container: bytes, spelled: str) -> bytes:
    return b"ctorch.jit._pickle\nrestore_type_tag\n" + container + text(spelled) + b"\x86R"


@pytest.mark.parametrize(
    ("type_", "given", "fits"),
    [
        ("__torch__.Large", LARGE, True),
        ("__torch__.Large", SMALL, False),
        ("__torch__.Large", number(1), False),
        ("__torch__.Absent", LARGE, False),
        ("Optional[__torch__.Large]", b"N", True),
        ("Optional[__torch__.Large]", SMALL, False),
        ("List[__torch__.Large]", b"](" + LARGE + b"e", True),
        ("List[__torch__.Large]", b"](" + LARGE + SMALL + b"e", False),
        ("List[__torch__.Large]", tagged(b"](e", "List[__torch__.Small]"), False),
        ("Dict[str, __torch__.Large]", b"}(" + text("a") + LARGE + b"u", True),
        ("Dict[str, __torch__.Large]", b"}(" + text("a") + SMALL + b"u", False),
        ("Tuple[int, __torch__.Large]", number(1) + LARGE + b"\x86", True),
        ("Tuple[int, __torch__.Large]", number(1) + SMALL + b"\x86", False),
        ("Tuple[int, __torch__.Large]", LARGE + b"\x85", False),
        ("__torch__.Pair", number(1) + LARGE + b"\x86", True),
        ("__torch__.Pair", number(1) + SMALL + b"\x86", False),
        ("List[int]", tagged(b"](" + number(1) + b"e", "List[int]"), True),
        ("List[int]", tagged(b"](" + text("1") + b"e", "List[int]"), False),
        ("Any", SMALL, True),
        ("int", b"\x88", False),
        ("Tuple[int, ...]", number(1) + b"\x85", False),
    ],
)
def test_an_attribute_is_of_the_type_that_the_code_declares(
    type_: str, given: bytes, fits: bool
) -> None:
    data = archive(OTHER + declaring(f"a : {type_}"), {"data.pkl": attributes(a=given)})
    if fits:
        repack(data)
    else:
        refused(data, "invalid TorchScript archive")


@pytest.mark.parametrize(
    "body",
    [
        b"cposix\nsystem\n(" + text("true") + b"tR",
        b"c__torch__.torch.classes._nnapi\nCompilation\n)\x81)b",
        b"c__torch__.torch.classes.dist_rpc\nWorkerInfo\n)\x81)b",
        b"ctorch._utils\n_rebuild_sparse_tensor\n)R",
        b"ctorch.distributed.rpc\nrref\n)R",
        b"c__main__\nTensorID\n" + number(0) + b"R",
        EMPTY + b"0" + EMPTY,
        EMPTY + b"2\x86",
        b"(" + EMPTY,
        b"(" + EMPTY + b"t",
        EMPTY + EMPTY,
        EMPTY + b"q\x01",
        EMPTY + b"q\0h\0q\0",
        b"]q\0",
        b"](e(e",
        b"]" + b"(" + EMPTY + b"eh\0",
        b"}(" + text("a") + b"u",
        MODULE + b"}(" + text("a") + number(1) + text("a") + number(2) + b"ub",
        number(3) + b")R",
        b"\x85",
        b"R",
        b"t",
        b"e",
        b"." * 3,
        b"",
        b")" + b"\x85" * 300,
        b"X\1\0\0\0\xff",
    ],
)
def test_pickles_that_pytorch_does_not_write_are_refused(body: bytes) -> None:
    refused(archive(PLAIN, {"data.pkl": b"\x80\x02" + body + b"."}), "invalid TorchScript archive")


def test_a_pickle_of_another_protocol_is_refused() -> None:
    refused(archive(PLAIN, {"data.pkl": pickle.dumps({"a": 1}, 4)}), "protocol 2")


ENUM = declaring("mode : __torch__.Mode") + 'class Mode(Enum):\n  A = "a"\n  B = "b"\n'


def chosen(value: bytes) -> bytes:
    return b"c__torch__\nMode\n" + value + b"R"


def test_an_enum_has_the_values_that_it_declares() -> None:
    repack(archive(ENUM, {"data.pkl": attributes(mode=chosen(text("b")))}))
    for value in (text("c"), number(1), b"N", chosen(text("a")), text("a") + b"\x85"):
        refused(archive(ENUM, {"data.pkl": attributes(mode=chosen(value))}), "have the value")
    numbers = ENUM.replace('"a"', "1").replace('"b"', "-2")
    repack(archive(numbers, {"data.pkl": attributes(mode=chosen(number(-2)))}))
    for value in (b"\x88", b"G" + struct.pack(">d", 1), text("1"), number(2)):
        refused(archive(numbers, {"data.pkl": attributes(mode=chosen(value))}), "have the value")


@pytest.mark.parametrize(
    "value", [text("a"), b"c__torch__\nMode\n", b"c__torch__\nOther\n" + number(1) + b"R"]
)
def test_an_attribute_that_is_an_enum_has_a_value_of_that_enum(value: bytes) -> None:
    code = ENUM + "class Other(Enum):\n  A = 1\n"
    refused(archive(code, {"data.pkl": attributes(mode=value)}), "not of type __torch__.Mode")


def test_an_enum_is_made_from_nothing_but_a_value() -> None:
    made = b"c__torch__\nMode\n)\x81"
    refused(archive(ENUM, {"data.pkl": attributes(mode=made)}), "without a class")
    undeclared = ENUM.replace("class Mode(Enum)", "class Mode(NamedTuple)")
    refused(archive(undeclared, {"data.pkl": attributes(mode=chosen(text("a")))}), "names")


@pytest.mark.parametrize(
    "line", ["B = 1", "B = 010", 'A = "b"', "B : str", "B = x", "B = 1j", "B = (1,)"]
)
def test_an_enum_declares_values_of_one_type(line: str) -> None:
    refused(archive(ENUM.replace('B = "b"', line)), "does not look like PyTorch's output")
