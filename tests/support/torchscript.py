"""TorchScript archives, put together by hand: PyTorch is not needed."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from rewriter.abi.dialects import Errno
from runtime_shim.backends.torch.archive.contents import repack
from runtime_shim.errors import HostError

__all__ = [
    "CODE",
    "EMPTY",
    "FLOATS",
    "MODULE",
    "PLAIN",
    "RESTORED",
    "archive",
    "attributes",
    "declaring",
    "number",
    "refused",
    "storage",
    "tensor",
    "text",
]

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


def refused(data: bytes, words: str) -> None:
    with pytest.raises(HostError, match=words) as caught:
        repack(data)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
