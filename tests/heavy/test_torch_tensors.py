"""Inputs and outputs of TorchScript models: their names, types and shapes."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
import pytest
import torch

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from rewriter.abi.numbers import ComponentType
from runtime_shim import HostError, NNHost
from runtime_shim.backends.torch.backend import TorchBackend
from tests.heavy.torch_models import (
    Identity,
    SumAndMore,
    computed,
    feed,
    rewritten,
    scripted,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


class Both(NamedTuple):
    total: torch.Tensor
    product: torch.Tensor


class Named(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Both:
        return Both(x + y, x * y)


class Keyed(torch.nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"1": x + y, "0": x * y}


class Smaller(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [x.to(torch.bfloat16), x > 1, x.to(torch.int16), x[x > 1]]


class Doubled(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + x


class Words(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> str:
        return "words"


@pytest.mark.parametrize("kind", TensorType)
def test_tensors_of_every_type_go_in_and_come_out(kind: TensorType) -> None:
    from runtime_shim.backends.common.arrays import DTYPES

    context = TorchBackend().load([scripted(Identity())], Target.CPU).init_execution_context()
    data = np.array([[0, 1, 2], [3, 4, 250]]).astype(DTYPES[kind]).tobytes()
    context.set_input(0, kind, (2, 3), memoryview(data))
    context.compute()
    assert bytes(context.get_output(0)) == data


def test_outputs_are_taken_apart_in_order() -> None:
    graph = TorchBackend().load([scripted(SumAndMore())], Target.CPU)
    context = graph.init_execution_context()
    feed(context, 0, 6.0)
    feed(context, 1, 2.0)
    context.compute()
    outputs = [struct.unpack("<f", context.get_output(index))[0] for index in range(4)]
    assert outputs == [8, 12, 4, 3]
    assert graph.device == "cpu"
    with pytest.raises(HostError, match="no output 4: the model returned 4"):
        context.get_output(4)
    with pytest.raises(HostError, match="no input 2: the model has 2"):
        feed(context, 2, 1.0)


OUTPUTS = {
    Named: ["total", "product"],
    Keyed: ["1", "0"],
    SumAndMore: ["0", "1", "2", "3"],
}


@pytest.mark.parametrize("isolate", [False, True], ids=["here", "isolated"])
def test_outputs_have_the_names_that_python_gives_them(isolate: bool) -> None:
    with NNHost(isolate=isolate).session() as session:
        for module, names in OUTPUTS.items():
            graph = session.load([scripted(module())], Encoding.PYTORCH, Target.CPU)
            context = session.init_execution_context(graph)
            with pytest.raises(HostError, match="before compute"):
                session.outputs(context)
            for name, value in {"y": 2.0, "x": 6.0}.items():
                data = memoryview(struct.pack("<f", value))
                index = session.input_index(context, name)
                session.set_tensor(context, index, ComponentType.F32, (1,), data)
            for _ in range(2):
                session.compute(context)
                found = {each.name: each for each in session.outputs(context)}
                assert list(found) == names
                assert [session.output_index(context, name) for name in names] == [
                    *range(len(names))
                ]
                first, second = list(found.values())[:2]
                assert struct.unpack("<2f", bytes(first.data) + bytes(second.data)) == (8, 12)
            with pytest.raises(HostError, match="no input 'z': the model's inputs are"):
                session.input_index(context, "z")


def test_a_single_input_has_any_name_and_a_single_output_that_of_wasmtime() -> None:
    with NNHost().session() as session:
        graph = session.load([scripted(Identity())], Encoding.PYTORCH, Target.CPU)
        context = session.init_execution_context(graph)
        assert [session.input_index(context, name) for name in ("x", "input", "7")] == [0, 0, 0]
        session.set_tensor(context, 0, ComponentType.I64, (1, 0), memoryview(b""))
        session.compute(context)
        ((*described, data),) = session.outputs(context)
        assert (described, bytes(data)) == (["output", ComponentType.I64, (1, 0)], b"")


def test_types_that_wasi_nn_lacks_are_bytes_and_bf16_is_bf16() -> None:
    with NNHost().session() as session:
        graph = session.load([scripted(Smaller())], Encoding.PYTORCH, Target.CPU)
        context = session.init_execution_context(graph)
        data = memoryview(struct.pack("<3f", 1, 2, 3))
        session.set_tensor(context, 0, ComponentType.F32, (3,), data)
        session.compute(context)
        halves = b"".join(struct.pack("<f", value)[2:] for value in (1, 2, 3))
        assert [(*described, bytes(data)) for *described, data in session.outputs(context)] == [
            ("0", ComponentType.BF16, (3,), halves),
            ("1", ComponentType.U8, (3,), b"\0\1\1"),
            ("2", ComponentType.U8, (3,), struct.pack("<3h", 1, 2, 3)),
            ("3", ComponentType.F32, (2,), struct.pack("<2f", 2, 3)),
        ]


@pytest.mark.parametrize("isolate", [False, True], ids=["here", "isolated"])
def test_a_tensor_of_bf16_is_an_input_of_bf16(isolate: bool) -> None:
    halves = b"".join(struct.pack("<f", value)[2:] for value in (1, -2, 3.5))
    with NNHost(isolate=isolate).session() as session:
        graph = session.load([scripted(Doubled())], Encoding.PYTORCH, Target.CPU)
        context = session.init_execution_context(graph)
        session.set_tensor(context, 0, ComponentType.BF16, (3,), memoryview(halves))
        for size in (0, 5, 12):
            with pytest.raises(HostError, match="needs 6 bytes"):
                session.set_tensor(context, 0, ComponentType.BF16, (3,), memoryview(bytes(size)))
        with pytest.raises(HostError, match="no input 1: the model has 1"):
            session.set_tensor(context, 1, ComponentType.BF16, (3,), memoryview(halves))
        session.compute(context)
        ((*described, data),) = session.outputs(context)
        assert described == ["output", ComponentType.BF16, (3,)]
        assert bytes(data) == b"".join(struct.pack("<f", value)[2:] for value in (2, -4, 7))
        session.set_tensor(context, 0, ComponentType.BF16, (), memoryview(halves[:2]))
        session.compute(context)
        assert session.outputs(context)[0].shape == ()


def test_an_output_that_is_no_tensor_is_an_unsupported_operation() -> None:
    context = TorchBackend().load([scripted(Words())], Target.CPU).init_execution_context()
    feed(context, 0, 1.0)
    context.compute()
    with pytest.raises(HostError) as caught:
        context.get_output(0)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return torch.gt(x, 0)", b"\x01\x00\x01"),
        ("return torch.to(x, 1)", b"\x01\xff\x02"),
        ("return torch.to(x, 15)", bytes.fromhex("803f80bf0040")),
        ("return torch.permute(torch.slice(x, 0, 0, 0, 2), [0])", b""),
        ("return torch.zeros([0, 4], dtype=11)", b""),
        ("return torch.permute(torch.reshape(x, [3, 1]), [1, 0])", struct.pack("<3f", 1, -1, 2)),
        ("return torch.slice(x, 0, 1, 3, 2)", struct.pack("<f", -1)),
        ("return torch.select(torch.reshape(x, [1, 3]), 1, 2)", struct.pack("<f", 2)),
        ("return torch.sum(x)", struct.pack("<f", 2)),
        ("return torch.expand(torch.sum(x), [2])", struct.pack("<2f", 2, 2)),
    ],
)
def test_outputs_of_types_and_shapes_that_wasi_nn_does_not_have(body: str, expected: bytes) -> None:
    assert computed(rewritten(body), 1.0, -1.0, 2.0) == expected


class Parameter(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight


def test_a_parameter_can_be_an_output() -> None:
    assert computed(scripted(Parameter()), 5.0) == struct.pack("<f", 1)


@pytest.mark.filterwarnings("ignore:.*quantized tensor creation:UserWarning")
@pytest.mark.parametrize(
    "body",
    [
        "return torch.complex(x, x)",
        "return torch.quantize_per_tensor(x, 1., 0, 13)",
        "return torch.zeros([2], device=torch.device('meta'))",
    ],
)
def test_outputs_that_are_not_dense_numbers_are_an_unsupported_operation(body: str) -> None:
    with pytest.raises(HostError) as caught:
        computed(rewritten(body), 1.0)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION
