"""What a TorchScript archive may have in it. PyTorch is not needed to read it."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile

import pytest

from rewriter.dialects import Errno
from runtime_shim.backends.torchscript import repack
from runtime_shim.errors import HostError

CODE = """class M(Module):
  __parameters__ = []
  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
    return {}
"""
PLAIN = CODE.format("torch.relu(x)")


def archive(code: str, entries: dict[str, bytes] | None = None, *, folder: str = "m") -> bytes:
    output = io.BytesIO()
    given = {
        "version": b"3\n",
        "data.pkl": b"\x80\x02.",
        "constants.pkl": b"\x80\x02).",
        "data/0": bytes(64),
        "code/__torch__.py": code.encode(),
        **(entries or {}),
    }
    with zipfile.ZipFile(output, "w") as made:
        for name, content in given.items():
            made.writestr(f"{folder}/{name}", content)
    return output.getvalue()


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


@pytest.mark.parametrize(
    "call",
    [
        'torch.save(x, "/tmp/x")',
        'torch.from_file("/etc/passwd", False, 10)',
        'torch . save(x, "/tmp/x")',
        'torch.\\\n  from_file("/etc/passwd")',
        'ops.aten.from_file("/etc/passwd")',
        "ops.c10d.send(x)",
        "ops.debugprims.load_tensor(x)",
        "ops . debugprims.load_tensor(x)",
        "ops.\n  symm_mem.stream_write_value32_(x)",
        "ops.image.read_file(x)",
    ],
)
def test_code_that_reaches_for_the_host_is_refused_with_its_place(call: str) -> None:
    with pytest.raises(HostError, match=r"code/__torch__.py line [56], may reach") as caught:
        repack(archive(CODE.format(call)))
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "call",
    [
        "torch.relu(x)",
        "ops.prim.NumToTensor(x)",
        "ops.quantized.linear(x, self.p, 1., 0)",
        "self.saved",
        "torch.add(x, self.props)",
    ],
)
def test_code_that_computes_is_left_alone(call: str) -> None:
    packed = repack(archive(CODE.format(call)))
    with zipfile.ZipFile(io.BytesIO(packed)) as read:
        assert read.read("archive/code/__torch__.py").decode() == CODE.format(call)


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
def test_what_is_no_archive_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(HostError, match=words) as caught:
        repack(data)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_an_archive_that_grows_a_thousand_times_is_refused() -> None:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("m/code/__torch__.py", bytes(100 << 20))
    with pytest.raises(HostError, match="too large"):
        repack(output.getvalue())


def test_an_entry_that_is_there_twice_is_refused() -> None:
    output = io.BytesIO(archive(PLAIN))
    with zipfile.ZipFile(output, "a") as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.writestr("m/code/__torch__.py", CODE.format("torch.save(x)"))
    with pytest.raises(HostError, match="twice"):
        repack(output.getvalue())
