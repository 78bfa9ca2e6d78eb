"""Models with code of PyTorch's own library in them: its quantized modules and its functions."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
import torch
from torch.ao import quantization

from rewriter.abi.dialects import Errno, Target
from runtime_shim import HostError
from runtime_shim.backends.torch.backend import TorchBackend
from tests.heavy.torch_models import F32, rewritten, scripted, traced_with

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit.*:DeprecationWarning",
    "ignore:.*torch.ao.quantization.*:DeprecationWarning",
    "ignore:.*reduce_range.*:UserWarning",
    "ignore:.*quantized tensor creation:UserWarning",
    "ignore:.*TypedStorage.*:UserWarning",
    "ignore::torch.jit.TracerWarning",
)


def output_of(data: bytes, given: torch.Tensor) -> torch.Tensor:
    context = TorchBackend().load([data], Target.CPU).init_execution_context()
    context.set_input(0, F32, tuple(given.shape), memoryview(given.numpy().tobytes()))
    context.compute()
    return torch.frombuffer(bytearray(context.get_output(0)), dtype=torch.float32)


def quantized(*layers: torch.nn.Module, example: torch.Tensor) -> torch.nn.Module:
    quantize: Any = quantization
    module = torch.nn.Sequential(quantize.QuantStub(), *layers, quantize.DeQuantStub()).eval()
    module.qconfig = quantize.get_default_qconfig("fbgemm")
    quantize.prepare(module, inplace=True)
    module(example)
    made: torch.nn.Module = quantize.convert(module)
    return made


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("way", ["scripted", "traced"])
def test_convolutions_and_linear_layers_are_quantized_in_one_module(
    dimensions: int, way: str
) -> None:
    layer = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)[dimensions - 1]
    example = torch.arange(4 * 5**dimensions).reshape(1, 4, *[5] * dimensions) / 100
    module = quantized(
        layer(4, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8 * 3**dimensions, 3), example=example
    )
    made = module if way == "scripted" else traced_with(module, example)
    with torch.inference_mode():
        expected = module(example).reshape(-1)
    torch.testing.assert_close(output_of(scripted(made), example), expected)


class Normed(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = x / torch.norm(x, dim=1, keepdim=True)
        return made


class Nuclear(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = torch.norm(x, "nuc")
        return made


class Contracted(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = torch.tensordot(x, x, dims=2)
        return made


class Filled(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.init.constant_(torch.empty(2), 3.0) + torch.nn.init.zeros_(torch.empty(2))


@pytest.mark.parametrize("module", [Normed(), Nuclear(), Contracted(), Filled()])
def test_functions_with_branches_for_a_given_result_compute(module: torch.nn.Module) -> None:
    given = torch.arange(12, dtype=torch.float32).reshape(3, 4) + 1
    with torch.inference_mode():
        expected = module(given).reshape(-1)
    torch.testing.assert_close(output_of(scripted(module), given), expected)


class Kept(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.kept = torch.zeros(1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.kept


OUT = (
    "torch.norm(x, 2, [0], True, out={})",
    "torch.frobenius_norm(x, [0], out={})",
    "torch.nuclear_norm(x, True, out={})",
    "torch.nuclear_norm(x, [0, 1], True, out={})",
    "torch.linalg_vector_norm(x, 2, [0], True, out={})",
    'torch.linalg_matrix_norm(x, "fro", [0, 1], True, out={})',
    "torch.tensordot(x, x, [0], [0], out={})",
    "torch._no_grad_fill_({}, 1.)",
)


@pytest.mark.parametrize("call", OUT)
def test_a_result_that_is_written_to_an_attribute_or_an_input_counts_as_written(call: str) -> None:
    for result in ("self.kept", "torch.view(self.kept, [1])"):
        body = "return " + call.format(result)
        graph = TorchBackend().load([rewritten(body, module=Kept())], Target.CPU)
        one, other = graph.init_execution_context(), graph.init_execution_context()
        assert one._module is not other._module
    assert TorchBackend().load([rewritten(f"return {call.format('x')}")], Target.CPU).writes_inputs


@pytest.mark.parametrize("call", ["torch.add(x, x, out=x)", "torch.norm(x, 2, out=x)"])
def test_other_forms_that_are_given_their_result_are_refused(call: str) -> None:
    with pytest.raises(HostError, match="a form that is not allowed in a model") as caught:
        TorchBackend().load([rewritten(f"return {call}")], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


class Mode(Enum):
    NEAREST = "nearest"
    BILINEAR = "bilinear"


class Step(Enum):
    LONG = 5000000000
    BACK = -2


class Slope(Enum):
    STEEP = 1e30
    FLAT = -0.5


class Chooses(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mode = Mode.BILINEAR
        self.step = Step.BACK
        self.slope = Slope.FLAT
        self.all = [Mode.NEAREST, Mode.NEAREST]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.step == Step.LONG or self.all[0] == self.mode:
            raise ValueError(f"not {self.mode}")
        made: torch.Tensor = x * self.step.value + self.slope.value * len(self.mode.value)
        return made


def test_attributes_are_of_enums_that_the_code_declares() -> None:
    output = output_of(scripted(Chooses()), torch.tensor([1.0, 2.0]))
    assert output.tolist() == [-6, -8]
