"""What a TorchScript module keeps from one call to the next."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import pytest
import torch

from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim import HostError, NNHost, Session, parse_nn_graph
from runtime_shim.backends.torch.backend import TorchBackend
from tests.heavy.torch_models import F32, Identity, feed, rewritten, scripted, traced_with

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


class Counts(torch.nn.Module):
    """Keeps its input in each of the ways in which a module can."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way: Final = way
        self.kept = torch.zeros(1)
        self.all = [torch.zeros(1)]
        self.by_name = {"a": torch.zeros(1)}
        self.number = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = self.kept + self.all[-1] + self.by_name["a"] + self.number
        if self.way == "attribute":
            self.number = float(x.sum())
        elif self.way == "buffer":
            self.kept.add_(x)
        elif self.way == "view":
            self.kept.view(-1)[0].copy_(x[0])
        elif self.way == "replaced":
            self.kept = x.clone()
        elif self.way == "list":
            self.all.append(x)
        elif self.way == "dictionary":
            self.by_name["a"] = x
        elif self.way == "aside":
            torch.jit.wait(torch.jit.fork(_add_in_place, self.kept, x))
        return before + x


def _add_in_place(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x.add_(y)


@pytest.mark.parametrize(
    "way", ["attribute", "buffer", "view", "replaced", "list", "dictionary", "aside", "none"]
)
@pytest.mark.parametrize("named", [False, True])
def test_what_a_module_keeps_stays_in_its_context(way: str, named: bool, tmp_path: Path) -> None:
    data = scripted(Counts(way))
    (tmp_path / "counts").mkdir()
    (tmp_path / "counts" / "model.pt").write_bytes(data)
    host = NNHost(graphs=[parse_nn_graph(f"pytorch::{tmp_path / 'counts'}")])

    def graph_of(guest: Session) -> int:
        if named:
            return guest.load_by_name("counts")
        return guest.load([data], Encoding.PYTORCH, Target.CPU)

    with host.session() as one, host.session() as other:
        for guest in (one, other, other):
            context = guest.init_execution_context(graph_of(guest))
            outputs: list[float] = []
            for _ in range(2):
                guest.set_input(context, 0, F32, (1,), memoryview(struct.pack("<f", 5)))
                guest.compute(context)
                outputs += struct.unpack("<f", guest.get_output(context, 0))
            assert outputs == [5, 5 if way == "none" else 10]


class WithConstant(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.tensor([1.0, 2.0])


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_constant_that_a_module_overwrites_stays_in_its_context() -> None:
    traced = traced_with(WithConstant(), torch.ones(2))
    data = rewritten("y = CONSTANTS.c0\n_0 = torch.add_(y, x)\nreturn y", module=traced)
    graph = TorchBackend().load([data], Target.CPU)
    for _ in range(2):
        context = graph.init_execution_context()
        feed(context, 0, 1.0, 1.0)
        context.compute()
        assert struct.unpack("<2f", context.get_output(0)) == (2, 3)


def test_a_module_that_keeps_nothing_is_shared() -> None:
    class_ = torch.nn.Sequential(
        torch.nn.Conv1d(1, 1, 1), torch.nn.BatchNorm1d(1), torch.nn.ReLU(inplace=True)
    )
    graph = TorchBackend().load([scripted(class_.eval())], Target.CPU)
    one, other = graph.init_execution_context(), graph.init_execution_context()
    assert one._module is other._module


def test_copies_of_a_module_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime_shim.backends.torch.backend._MOST_COPIED", 1 << 20)
    graph = TorchBackend().load([scripted(Counts("buffer"))], Target.CPU)
    contexts = [graph.init_execution_context() for _ in range(3)]
    with pytest.raises(HostError) as caught:
        graph.init_execution_context()
    assert caught.value.errno is Errno.TOO_LARGE
    del contexts
    graph.init_execution_context()


def test_a_model_that_overwrites_its_input_finds_it_again() -> None:
    context = (
        TorchBackend().load([rewritten("return torch.add_(x, 1)")], Target.CPU)
    ).init_execution_context()
    feed(context, 0, 1.0)
    for _ in range(2):
        context.compute()
        assert struct.unpack("<f", context.get_output(0)) == (2,)


def test_an_input_that_could_not_be_set_has_to_be_set_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = TorchBackend().load([scripted(Identity())], Target.CPU).init_execution_context()
    feed(context, 0, 1.0)
    context.compute()

    def failing(_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(torch, "from_numpy", failing)
        with pytest.raises(MemoryError):
            feed(context, 0, 2.0)
    with pytest.raises(HostError, match="not set"):
        context.compute()
