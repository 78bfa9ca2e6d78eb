"""TorchScript models for tests, written by PyTorch or by hand."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from rewriter.abi.dialects import Target, TensorType
from runtime_shim.backends.torch.backend import TorchBackend, TorchContext

F32 = TensorType.F32


class Identity(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clone()


class SumAndMore(torch.nn.Module):
    def forward(
        self, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor], dict[str, torch.Tensor]]:
        return x + y, [x * y, x - y], {"last": x / y}


def scripted(module: torch.nn.Module) -> bytes:
    output = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = module if isinstance(module, torch.jit.ScriptModule) else torch.jit.script(module)
        torch.jit.save(made, output)
    return output.getvalue()


Arrays = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def two_layers(weights: Arrays, biases: Arrays) -> bytes:
    """Two layers with ReLU between and softmax behind them; weights are of inputs by outputs."""
    linear = []
    for matrix, offsets in zip(weights, biases, strict=True):
        layer = torch.nn.Linear(*matrix.shape)
        layer.weight.data = torch.from_numpy(matrix.T.copy())
        layer.bias.data = torch.from_numpy(offsets.copy())
        linear.append(layer)
    first, second = linear
    return scripted(torch.nn.Sequential(first, torch.nn.ReLU(), second, torch.nn.Softmax(1)).eval())


def convolution(k: npt.NDArray[np.float32], w: npt.NDArray[np.float32]) -> bytes:
    """A convolution with square kernels, ReLU, and a product with weights of inputs by outputs."""
    convolve = torch.nn.Conv2d(k.shape[1], k.shape[0], k.shape[2], bias=False)
    convolve.weight.data = torch.from_numpy(k)
    linear = torch.nn.Linear(len(w), w.shape[1], bias=False)
    linear.weight.data = torch.from_numpy(w.T.copy())
    return scripted(
        torch.nn.Sequential(convolve, torch.nn.ReLU(), torch.nn.Flatten(), linear).eval()
    )


def traced_with(module: torch.nn.Module, example: torch.Tensor) -> Any:
    trace: Any = torch.jit.trace
    return trace(module, example)


def feed(context: TorchContext, index: int, *values: float) -> None:
    data = struct.pack(f"<{len(values)}f", *values)
    context.set_input(index, F32, (len(values),), memoryview(data))


def rewritten(
    body: str,
    returns: str = "Tensor",
    module: torch.nn.Module | None = None,
    before: str = "",
) -> bytes:
    """A module's archive whose `forward` has another body, with code before its class."""
    output = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(scripted(module or Identity()))) as read,
        zipfile.ZipFile(output, "w") as made,
    ):
        for name in read.namelist():
            data = read.read(name)
            if "/code/__torch__/tests/heavy/" in name and name.endswith(".py"):
                head, _, rest = data.decode().partition("  def forward(self: ")
                own = rest.partition(",")[0]
                lines = "".join(f"    {line}\n" for line in body.splitlines())
                text = f"{head}  def forward(self: {own},\n    x: Tensor) -> {returns}:\n{lines}"
                data = (before + text).encode()
            made.writestr(name, data)
    return output.getvalue()


def computed(data: bytes, *values: float, index: int = 0) -> bytes:
    """An output of a model that was given one input."""
    context = TorchBackend().load([data], Target.CPU).init_execution_context()
    feed(context, 0, *values)
    context.compute()
    return bytes(context.get_output(index))
