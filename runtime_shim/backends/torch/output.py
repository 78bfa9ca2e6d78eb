"""What comes out of a TorchScript model: its results, and what it prints, which PyTorch writes to
Python's current sys.stdout."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator, Sequence

import torch

from rewriter.abi.dialects import TensorType
from runtime_shim.backends.common import guest_output
from runtime_shim.backends.common.tensor_info import element_of
from runtime_shim.backends.interface import Element, Names

__all__ = ["element_of_dtype", "flat", "names_of", "printing"]

_SHORT_NAMES = {
    torch.float16: "f16",
    torch.float32: "f32",
    torch.float64: "f64",
    torch.bfloat16: "bf16",
    torch.uint8: "u8",
    torch.int32: "i32",
    torch.int64: "i64",
}
"""The types that wasi:nn has, with their short names for element_of."""

_ONLY = "output"
"""The name of a single output, as from Wasmtime:
https://github.com/bytecodealliance/wasmtime/blob/15339a8/crates/wasi-nn/src/backend/pytorch.rs
"""


class _TorchNames(Names):
    """TorchScript's names of arguments are those of Python's variables, and Wasmtime ignores the
    names that guests use: with one argument, every name means it."""

    vary = True

    def input_index(self, name: str) -> int | None:
        return 0 if len(self.inputs) == 1 else super().input_index(name)


def names_of(inputs: Sequence[str], result: object, outputs: Sequence[object] | None) -> Names:
    """The names of arguments, and of what a module returned: the keys of a dictionary, the fields
    of a named tuple, or numbers. `outputs` is None before an inference."""
    if outputs is None:
        return _TorchNames(inputs, None)
    named: dict[object, object] = {}
    if isinstance(result, dict):
        named = result
    elif isinstance(result, tuple):
        named = dict(zip(getattr(result, "_fields", ()), result, strict=False))
    if named and all(isinstance(key, str) and len(flat(named[key])) == 1 for key in named):
        return _TorchNames(inputs, tuple(map(str, named)))
    numbers = (_ONLY,) if len(outputs) == 1 else tuple(map(str, range(len(outputs))))
    return _TorchNames(inputs, numbers)


def flat(value: object) -> list[object]:
    """What a module returned, with dictionaries, tuples and lists as their items."""
    if isinstance(value, dict):
        return flat(list(value.values()))
    if isinstance(value, (tuple, list)):
        return [item for part in value for item in flat(part)]
    return [value]


def element_of_dtype(dtype: torch.dtype) -> Element:
    """How elements of a type are passed: as bytes, if wasi:nn lacks the type."""
    found = element_of(_SHORT_NAMES.get(dtype, ""))
    return found or Element(TensorType.U8, dtype.itemsize, name=str(dtype))


_lock = threading.Lock()


class _GuestOutput(io.TextIOBase):
    def write(self, text: str) -> int:
        guest_output.write(text.encode("utf-8", "surrogateescape"))
        return len(text)


@contextlib.contextmanager
def printing() -> Iterator[None]:
    """While this is active, what models print goes immediately to the guest's standard output. One
    model at a time; what other threads print through Python at the same time goes there too."""
    with _lock, contextlib.redirect_stdout(_GuestOutput()):
        yield
