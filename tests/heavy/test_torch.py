"""TorchScript models on PyTorch: what loads, and how they run."""

from __future__ import annotations

import io
import os
import re
import struct
from pathlib import Path

import pytest
import torch

from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim import HostError, NNHost, parse_nn_graph
from runtime_shim.backends.common import guest_output
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.torch.archive.operators import is_allowed_operator
from runtime_shim.backends.torch.backend import TorchBackend
from runtime_shim.diagnostics.doctor import examine
from tests.heavy.torch_models import (
    F32,
    Identity,
    SumAndMore,
    feed,
    rewritten,
    scripted,
    two_layers,
)
from tests.support.digits import ABIS, layers, printed_digits
from tests.tools.mutations import try_mutations

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


class Scaled(torch.nn.Module):
    def forward(self, x: torch.Tensor, factor: float = 2.0) -> torch.Tensor:
        return x * factor


class Reads(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_file("/etc/passwd", False, 10, dtype=torch.uint8)


def test_computing_without_all_inputs_is_a_runtime_error() -> None:
    context = TorchBackend().load([scripted(SumAndMore())], Target.CPU).init_execution_context()
    feed(context, 1, 2.0)
    with pytest.raises(HostError, match=r"input 0 .'x'. is not set") as caught:
        context.compute()
    assert caught.value.errno is Errno.RUNTIME_ERROR
    with pytest.raises(HostError, match="before compute"):
        context.get_output(0)


def test_an_argument_with_a_default_need_not_be_set() -> None:
    context = TorchBackend().load([scripted(Scaled())], Target.CPU).init_execution_context()
    feed(context, 0, 1.5)
    context.compute()
    assert struct.unpack("<f", context.get_output(0)) == (3.0,)


def test_code_that_reads_files_of_the_host_does_not_load() -> None:
    with pytest.raises(HostError, match="from_file") as caught:
        TorchBackend().load([scripted(Reads())], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_a_pickle_is_refused_and_not_read(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    for zipped in (True, False):
        output = io.BytesIO()
        torch.save(Evil(), output, _use_new_zipfile_serialization=zipped)
        with pytest.raises(HostError) as caught:
            TorchBackend().load([output.getvalue()], Target.CPU)
        assert caught.value.errno is Errno.INVALID_ARGUMENT
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"\x1f\x8b\x08" + bytes(20), "compressed with gzip"),
    ],
)
def test_the_reason_says_what_bytes_are_that_are_not_a_model(data: bytes, kind: str) -> None:
    with pytest.raises(HostError, match=f"this is {kind}") as caught:
        NNHost().load([data], Encoding.PYTORCH, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_every_operator_that_names_a_file_is_refused() -> None:
    """By the names of all that this PyTorch has: a newer one may have others."""
    suspicious = re.compile(
        r"file|save|load|path|open|url|write|read|socket|send|recv|reduce_scatter"
    )
    for name in {schema.name for schema in torch._C._jit_get_all_schemas()}:
        assert not (is_allowed_operator(name) and suspicious.search(name)), name


def test_a_broken_model_is_an_errno_or_computes() -> None:
    given = F32, (1,), bytes(4)
    model = FORMATS[Encoding.PYTORCH].trial.model()
    outcomes = try_mutations(Encoding.PYTORCH, [model], given, 2000, 0)
    assert outcomes.pop("computed") > 0
    assert set(outcomes) == {"INVALID_ARGUMENT"}


def test_a_gpu_that_is_not_there_is_an_unsupported_operation() -> None:
    if torch.cuda.is_available():
        assert TorchBackend().load([scripted(Identity())], Target.GPU).device.startswith("cuda")
        return
    with pytest.raises(HostError, match=r"gpu .cuda., .* has cpu here") as caught:
        TorchBackend().load([scripted(Identity())], Target.GPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_threads_are_those_that_the_host_allows() -> None:
    before = torch.get_num_threads()
    graph = TorchBackend().load([scripted(Identity())], Target.CPU, {"threads": 1})
    context = graph.init_execution_context()
    feed(context, 0, 1.0)
    context.compute()
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)


def test_the_doctor_tries_it() -> None:
    (report,) = (report for report in examine() if report.encoding == "pytorch")
    assert {(device.tried, device.problem) for device in report.devices} == {(True, None)}


def test_a_backend_is_found_by_its_encoding() -> None:
    host = NNHost()
    assert host.load([scripted(Identity())], Encoding.AUTODETECT, Target.CPU).device == "cpu"
    assert host.stats()[0].encoding == "pytorch"


@pytest.mark.parametrize("abi", ABIS)
def test_the_digits_are_the_same(
    abi: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "model.pt").write_bytes(two_layers(*layers()))
    host = NNHost(graphs=[parse_nn_graph(f"pytorch::{tmp_path / 'digits'}")])
    assert printed_digits(host, abi, capfd) == "0123456789"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk" * 100,
        b"PK\x05\x06" + bytes(18),
        rewritten("return y"),
        rewritten("return"),
        rewritten("return torch.nothing(x)"),
        rewritten("return torch.add(x)"),
        rewritten("return self.absent"),
        rewritten("return 1"),
        rewritten("x", returns="Nothing"),
        rewritten("return x").replace(b"forward", b"forwart"),
        scripted(Identity())[:-50],
    ],
)
def test_what_pytorch_cannot_load_is_an_invalid_argument(data: bytes) -> None:
    with pytest.raises(HostError) as caught:
        TorchBackend().load([data], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


class Prints(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("one", 1)
        print("zwei ü")
        return x


def test_what_a_model_prints_goes_to_the_guests_output_at_once(
    capfd: pytest.CaptureFixture[str],
) -> None:
    context = TorchBackend().load([scripted(Prints())], Target.CPU).init_execution_context()
    feed(context, 0, 1.0)
    os.write(1, b"before\n")
    context.compute()
    os.write(1, b"after\n")
    assert capfd.readouterr().out == "before\none 1\nzwei ü\nafter\n"
    taken: list[bytes] = []
    with guest_output.goes_to(taken.append):
        context.compute()
    assert b"".join(taken) == "one 1\nzwei ü\n".encode()
