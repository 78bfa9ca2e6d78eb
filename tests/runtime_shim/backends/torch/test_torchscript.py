"""What a TorchScript archive may have in it. PyTorch is not needed to read it."""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zipfile

import pytest

from rewriter.abi.dialects import Errno
from runtime_shim.backends.torch.archive.contents import repack
from runtime_shim.errors import HostError

CODE = """class M(Module):
  __parameters__ = []
  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
    return {}
"""
PLAIN = CODE.format("torch.relu(x)")
RESTORED = """class M(Module):
  kept : Tensor
  def __getstate__(self: __torch__.M) -> Tensor:
    return self.kept
  def __setstate__(self: __torch__.M,
    state: Tensor) -> NoneType:
    {}
    self.kept = state
    return None
  def helper(self: __torch__.M,
    x: Tensor) -> Tensor:
    return {}
"""

MODULE = b"c__torch__\nM\n)\x81"
EMPTY = MODULE + b"}(ub"
FLOATS = b"ctorch\nFloatStorage\n"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x08" + struct.pack("<q", value)


def storage(count: int = 16, key: str = "0", kind: bytes = FLOATS) -> bytes:
    return b"(" + text("storage") + kind + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(
    stored: bytes,
    offset: int = 0,
    shape: tuple[int, ...] = (4, 4),
    strides: tuple[int, ...] = (4, 1),
) -> bytes:
    sizes, steps = (b"(" + b"".join(map(number, each)) + b"t" for each in (shape, strides))
    hooks = b"ccollections\nOrderedDict\n)R"
    made = b"ctorch._utils\n_rebuild_tensor_v2\n"
    return made + b"(" + stored + number(offset) + sizes + steps + b"\x89" + hooks + b"tR"


def attributes(**values: bytes) -> bytes:
    """The pickle of a module with attributes."""
    items = b"".join(text(name) + value for name, value in values.items())
    return b"\x80\x02" + MODULE + b"}(" + items + b"ub."


def archive(
    code: str = PLAIN, entries: dict[str, bytes] | None = None, *, folder: str = "m"
) -> bytes:
    output = io.BytesIO()
    given = {
        "version": b"3\n",
        "data.pkl": b"\x80\x02" + EMPTY + b".",
        "constants.pkl": b"\x80\x02).",
        "data/0": bytes(64),
        "code/__torch__.py": code.encode(),
        **(entries or {}),
    }
    with zipfile.ZipFile(output, "w") as made:
        for name, content in given.items():
            made.writestr(f"{folder}/{name}", content)
    return output.getvalue()


def declaring(*declarations: str) -> str:
    """Code of a module with attributes."""
    return PLAIN.replace("  def", "".join(f"  {line}\n" for line in declarations) + "  def", 1)


def names(data: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        return set(read.namelist())


def refused(data: bytes, words: str) -> None:
    with pytest.raises(HostError, match=words) as caught:
        repack(data)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_an_archive_keeps_what_a_model_needs_and_nothing_else() -> None:
    extra = {
        "code/__torch__.py.debug_pkl": b"x",
        "code/__torch__/torch/nn/modules/linear.py": PLAIN.encode(),
        "extra/notes": b"x",
        ".data/serialization_id": b"1",
        "data/../../etc": b"x",
        "bytecode.pkl": b"x",
    }
    assert names(repack(archive(PLAIN, extra))) == {
        "archive/version",
        "archive/data.pkl",
        "archive/constants.pkl",
        "archive/data/0",
        "archive/code/__torch__.py",
        "archive/code/__torch__/torch/nn/modules/linear.py",
    }


def test_the_version_may_be_in_either_place() -> None:
    newer = archive(PLAIN).replace(b"m/version", b"m/versiom")
    refused(newer, "without")
    moved = archive(PLAIN, {".data/version": b"10"}).replace(b"m/version", b"m/versiom")
    assert "archive/.data/version" in names(repack(moved))


@pytest.mark.parametrize(
    "call",
    [
        'torch.save(x, "/tmp/x")',
        'torch.from_file("/etc/passwd", False, 10)',
        'torch . save(x, "/tmp/x")',
        'torch.\n  from_file("/etc/passwd")',
        'ops.aten.from_file("/etc/passwd")',
        "ops.c10d.send(x)",
        "ops.debugprims.load_tensor(x)",
        "ops . debugprims.load_tensor(x)",
        "ops.\n  symm_mem.stream_write_value32_(x)",
        "ops.image.read_file(x)",
        "ops.mkldnn.data_ptr(x)",
        "[ops][0].c10d.send(x)",
        "(ops).c10d.send(x)",
        "__torch__.torch.classes._nnapi.Compilation()",
        "__torch__.torch.classes.c10d.Store()",
        "__torch__.torch.classes",
        "(__torch__).torch.classes._nnapi.Compilation()",
        "(__torch__.torch).classes._nnapi.Compilation()",
        "x is notops.c10d.send(x)",
    ],
)
def test_code_that_reaches_for_the_host_is_refused_with_its_place(call: str) -> None:
    with pytest.raises(
        HostError, match=r"code/__torch__.py line [56], (may reach|cannot)"
    ) as caught:
        repack(archive(CODE.format(call)))
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "call",
    [
        "torch.relu(x)",
        "ops.prim.NumToTensor(x)",
        "ops.quantized.linear(x, self.p, 1., 0)",
        "self.saved",
        "self.save",
        "self.ops.save",
        "(self.ops).forward(x, )",
        "torch.add(x, self.props)",
        'x # torch.save(x, "f"), ops.c10d.send(x)',
        """torch.mul(x, len('torch.save(x, "f")'))""",
        """torch.mul(x, len("ops.c10d.send(\\"x\\")"))""",
    ],
)
def test_code_that_computes_is_left_alone(call: str) -> None:
    packed = repack(archive(CODE.format(call)))
    with zipfile.ZipFile(io.BytesIO(packed)) as read:
        assert read.read("archive/code/__torch__.py").decode() == CODE.format(call)


@pytest.mark.parametrize(
    "expression",
    [
        "'''x''' and torch.relu(x)",
        '"""x"""',
        "x \\\n + x",
        "x\t+ x",
        "x\r",
        "x\0",
        "'\n'",
        "xé",
        "0x1F",
        "1_000",
        "1if x else 2",
        "x # type: Tensor",
        "u'x' + `x`",
        "x)",
        "(x",
        "(" * 200 + "x" + ")" * 200,
        "x" + " + x" * 2000,
    ],
)
def test_code_that_could_be_read_in_two_ways_is_refused(expression: str) -> None:
    refused(archive(CODE.format(expression)), "code/__torch__.py")


@pytest.mark.parametrize(
    "line",
    [
        'state.save("f")',
        '(state).save("f")',
        'getattr(state, "save")("f")',
        "f = state.save\n    f('f')",
        't = torch\n    t.save(state, "f")',
        'fork(state.save, "f")',
        '[state][0].save("f")',
        "_0 = (self).helper(state, )",
        '_0 = getattr(self, "helper")',
        "_0 = state._reshape_alias([1000], [1])",
        "_0 = unchecked_cast(__torch__.M, state)",
        "_0 = torch.add(state, state, out=state)",
        "_0 = torch.to(state, 1000000)",
    ],
)
def test_what_runs_while_a_model_loads_does_not_reach_for_the_host(line: str) -> None:
    refused(archive(RESTORED.format(line, 'x.save("f")')), "may reach for the host")


def test_what_only_computes_may_run_while_a_model_loads() -> None:
    line = "_0 = torch.add((self).helper(state, ), state)"
    repack(archive(RESTORED.format(line, "torch.mul(x, 2)")))


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
    refused(archive(FITTING, {"data.pkl": attributes(w=given)}), "not a TorchScript archive")


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
        with pytest.raises(HostError, match="not a TorchScript archive"):
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
        refused(data, "not a TorchScript archive")


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
    refused(archive(PLAIN, {"data.pkl": b"\x80\x02" + body + b"."}), "not a TorchScript archive")


def test_a_pickle_of_another_protocol_is_refused() -> None:
    refused(archive(PLAIN, {"data.pkl": pickle.dumps({"a": 1}, 4)}), "protocol 2")


@pytest.mark.parametrize(
    "code",
    [
        "class M(Module):\n  a : int\n  a : Tensor\n",
        "class M(Module):\n  a : int\nclass M(Module):\n  b : int\n",
        "class M(Module):\n  a : int\n    b : int\n",
        "class M(Module):\n  a : int\nx = 1\n",
        "class M(Enum):\n  a = 1\n",
        "class M(NamedTuple):\n  a : int\n",
    ],
)
def test_classes_that_could_be_understood_in_two_ways_are_refused(code: str) -> None:
    refused(archive(code), "invalid_argument")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a zip file"),
        (pickle.dumps({"a": 1}), "not a zip file"),
        (archive(PLAIN)[:-30], "not a zip file"),
        (archive(PLAIN, folder="a").replace(b"data.pkl", b"dota.pkl"), "without data.pkl"),
    ],
    ids=["empty", "pickle", "cut off", "no data"],
)
def test_what_is_not_an_archive_is_refused(data: bytes, words: str) -> None:
    refused(data, words)


def test_an_archive_that_grows_a_thousand_times_is_refused() -> None:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("m/code/__torch__.py", bytes(100 << 20))
    with pytest.raises(HostError, match="too large"):
        repack(output.getvalue())


@pytest.mark.parametrize("name", ["m/code/__torch__.py", "m/CODE/__TORCH__.py", "m/Data/0"])
def test_an_entry_that_is_there_twice_is_refused(name: str) -> None:
    output = io.BytesIO(archive(PLAIN))
    with zipfile.ZipFile(output, "a") as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.writestr(name, CODE.format("torch.save(x)"))
    with pytest.raises(HostError, match="twice"):
        repack(output.getvalue())


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
    refused(archive(ENUM.replace('B = "b"', line)), "not as PyTorch writes it")
