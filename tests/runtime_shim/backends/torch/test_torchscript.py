"""What a TorchScript archive may have in it. PyTorch is not needed to read it."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile

import pytest

from rewriter.abi.dialects import Errno
from runtime_shim.backends.torch.archive.contents import repack
from runtime_shim.errors import HostError
from tests.support.torchscript import CODE, PLAIN, RESTORED, archive, refused


def names(data: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        return set(read.namelist())


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
    refused(newer, "is missing")
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
        HostError, match=r"code/__torch__.py line [56], (may access|cannot)"
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
    refused(archive(RESTORED.format(line, 'x.save("f")')), "may access the host")


def test_what_only_computes_may_run_while_a_model_loads() -> None:
    line = "_0 = torch.add((self).helper(state, ), state)"
    repack(archive(RESTORED.format(line, "torch.mul(x, 2)")))


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
        (
            archive(PLAIN, folder="a").replace(b"data.pkl", b"dota.pkl"),
            "data.pkl, constants.pkl or version is missing",
        ),
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
    with pytest.raises(HostError, match="duplicate entries"):
        repack(output.getvalue())
