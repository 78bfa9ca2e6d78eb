"""TorchScript models on PyTorch."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from rewriter.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost, parse_nn_graph
from runtime_shim.backends import guest_output
from runtime_shim.backends.base import guarded
from runtime_shim.backends.torch import TorchBackend, TorchContext
from runtime_shim.backends.torch_operators import is_allowed_operator
from runtime_shim.backends.trials import TRIALS
from runtime_shim.doctor import examine
from runtime_shim.session import Session
from tests.digits import ABIS, layers, printed_digits
from tests.mutations import try_mutations

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")

F32 = TensorType.F32


class SumAndMore(torch.nn.Module):
    def forward(
        self, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor], dict[str, torch.Tensor]]:
        return x + y, [x * y, x - y], {"last": x / y}


class Identity(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clone()


class Scaled(torch.nn.Module):
    def forward(self, x: torch.Tensor, factor: float = 2.0) -> torch.Tensor:
        return x * factor


class Reads(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_file("/etc/passwd", False, 10, dtype=torch.uint8)


class Words(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> str:
        return "words"


def scripted(module: torch.nn.Module) -> bytes:
    output = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = module if isinstance(module, torch.jit.ScriptModule) else torch.jit.script(module)
        torch.jit.save(made, output)
    return output.getvalue()


def traced_with(module: torch.nn.Module, example: torch.Tensor) -> Any:
    trace: Any = torch.jit.trace
    return trace(module, example)


def feed(context: TorchContext, index: int, *values: float) -> None:
    data = struct.pack(f"<{len(values)}f", *values)
    context.set_input(index, F32, (len(values),), memoryview(data))


@pytest.mark.parametrize("kind", TensorType)
def test_tensors_of_every_type_go_in_and_come_out(kind: TensorType) -> None:
    from runtime_shim.backends.arrays import DTYPES

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
    with pytest.raises(HostError, match="output 4 of a model that gave 4"):
        context.get_output(4)
    with pytest.raises(HostError, match="input 2 of a model that has 2"):
        feed(context, 2, 1.0)


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


def test_an_output_that_is_no_tensor_is_an_unsupported_operation() -> None:
    context = TorchBackend().load([scripted(Words())], Target.CPU).init_execution_context()
    feed(context, 0, 1.0)
    context.compute()
    with pytest.raises(HostError) as caught:
        context.get_output(0)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


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


def test_every_operator_that_names_a_file_is_refused() -> None:
    """By the names of all that this PyTorch has: a newer one may have others."""
    suspicious = re.compile(
        r"file|save|load|path|open|url|write|read|socket|send|recv|reduce_scatter"
    )
    for name in {schema.name for schema in torch._C._jit_get_all_schemas()}:
        assert not (is_allowed_operator(name) and suspicious.search(name)), name


def test_a_broken_model_is_an_errno_or_computes() -> None:
    given = F32, (1,), bytes(4)
    outcomes = try_mutations(Encoding.PYTORCH, [TRIALS[Encoding.PYTORCH].model()], given, 2000, 0)
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
    assert [(device.tried, device.problem) for device in report.devices] == [(True, None)]


def test_a_backend_is_found_by_its_encoding() -> None:
    host = NNHost()
    assert host.load([scripted(Identity())], Encoding.AUTODETECT, Target.CPU).device == "cpu"
    assert host.stats()[0].encoding == "pytorch"


@pytest.mark.parametrize("abi", ABIS)
def test_the_digits_are_the_same(
    abi: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    linear = []
    for weights, biases in zip(*layers(), strict=True):
        layer = torch.nn.Linear(*weights.shape)
        layer.weight.data = torch.from_numpy(weights.T.copy())
        layer.bias.data = torch.from_numpy(biases.copy())
        linear.append(layer)
    model = torch.nn.Sequential(linear[0], torch.nn.ReLU(), linear[1], torch.nn.Softmax(dim=1))
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "model.pt").write_bytes(scripted(model.eval()))
    host = NNHost(graphs=[parse_nn_graph(f"pytorch::{tmp_path / 'digits'}")])
    assert printed_digits(host, abi, capfd) == "0123456789"


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
            if name.endswith("/code/__torch__/tests/heavy/test_torch.py"):
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


class Steps(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.save = [4, 6]
        self.from_file = torch.nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        given: torch.Tensor = self.from_file(x)
        return given * 2


class Mixed(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ops = torch.nn.ModuleList([torch.nn.Identity(), torch.nn.ReLU()])
        self.classes = torch.nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        given: torch.Tensor = self.ops[0](self.classes(x))
        return given + x


def test_attributes_may_have_the_names_of_operators() -> None:
    values = 1.0, 0.0, 3.0, -4.0
    for module in (Steps(), Mixed()):
        traced = io.BytesIO()
        torch.jit.save(traced_with(module, torch.ones(1, 4)), traced)
        for data in (scripted(module), traced.getvalue()):
            assert struct.unpack("<4f", computed(data, *values)) == (2, 0, 6, -8)


@pytest.mark.parametrize(
    "body",
    [
        'torch.save(x, "{}")\nreturn x',
        'x.save("{}")\nreturn x',
        '(x).save("{}")\nreturn x',
        'f = x.save\nf("{}")\nreturn x',
        't = torch\nt.save(x, "{}")\nreturn x',
        'o = ops\no.aten.save(x, "{}")\nreturn x',
        'ops.aten.save(x, "{}")\nreturn x',
        'getattr(x, "save")("{}")\nreturn x',
        '_0 = fork(x.save, "{}")\ntorch.wait(_0)\nreturn x',
        'if True:\n  x.save("{}")\nelse:\n  pass\nreturn x',
        '(5).save("{}")\nreturn x',
        '"a".save("{}")\nreturn x',
        "x.set_(x)\nreturn x",
        "return torch.zeros([x.data_ptr()])",
        'return torch.from_file("/etc/passwd", False, 10)',
        't = torch\nreturn t.from_file("/etc/passwd", False, 10)',
        "return torch.add(x, hash(x))",
        "return torch.add(x, len(str(self)))",
        "return x._reshape_alias([1000], [1])",
        "t = torch\nreturn t._reshape_alias(x, [1000], [1])",
        "t = torch\nreturn t._cummax_helper(x, x, x, 0)",
        "return torch.add(x, x, out=x)",
        "_0 = unchecked_cast(__torch__.Large, self)\nreturn _0.b",
        "t = torch\nreturn t.slow_conv3d(x, x, [1, 1, 1])",
        "return torch.zeros([2, 2], layout=1)",
        "return torch.to(x, -1)",
        "_0 = unchecked_cast(Tuple[Tensor, Tensor], (x,))\na, b, = _0\nreturn b",
        "return torch.softmax(x, 0, 1000000)",
    ],
)
def test_code_that_a_model_may_not_have_does_not_load(body: str, tmp_path: Path) -> None:
    path = tmp_path / "made"
    data = rewritten(body.replace("{}", str(path)))
    with pytest.raises(HostError) as caught:
        TorchBackend().load([data], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    assert not path.exists()


def test_a_value_is_not_taken_for_an_object_of_another_class() -> None:
    classes = "class Small:\n  a : int\n  def __init__(self: {0}.Small) -> NoneType:\n"
    classes += "    self.a = 1\n    return None\n"
    classes += "class Large:\n  a : int\n  b : Tensor\n"
    qualifier = "__torch__.tests.heavy.test_torch"
    for given in ("_0 = {0}.Small()", "_0 = annotate(Any, {0}.Small())"):
        body = f"{given}\n_1 = unchecked_cast({{0}}.Large, _0)\nreturn _1.b".format(qualifier)
        with pytest.raises(HostError, match=r"unchecked|may not") as caught:
            TorchBackend().load([rewritten(body, before=classes.format(qualifier))], Target.CPU)
        assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "body",
    [
        "k = torch.zeros([1, 1, 4000, 8])\nq = torch.zeros([1, 1, 4, 8])\n"
        "return torch.scaled_dot_product_attention(q, k, q)",
        "return torch.repeat_interleave(torch.full([4], 4611686018427387904, dtype=4))",
        "h = torch.zeros([1, 2, 4])\nw = torch.zeros([1, 1])\nb = torch.zeros([1])\n"
        "_0, _1, _2, = torch.lstm(torch.zeros([3, 2, 4]), [h, h], [w, w, b, b], True, 1, 0.,"
        " False, False, False)\nreturn _0",
        "return torch._weight_norm(torch.zeros([1000, 4]), torch.zeros([1, 1]))",
        "i = torch.zeros([2, 0], dtype=4)\n_0, _1, _2, _3, = torch.embedding_bag("
        "torch.zeros([4, 300]), i, i, True, 0, False, torch.zeros([300, 4]), False)\nreturn _0",
        "return torch.to(x, torch.sub(0, torch.len(x)))",
        "return torch.zeros([2], layout=torch.len(x))",
        "return torch.clone(x, memory_format=torch.mul(torch.len(x), 1000000000))",
    ],
)
def test_arguments_that_do_not_fit_each_other_are_a_runtime_error(body: str) -> None:
    context = TorchBackend().load([rewritten(body)], Target.CPU).init_execution_context()
    feed(context, 0, 1.0)
    with pytest.raises(HostError) as caught:
        guarded(context.compute)
    assert caught.value.errno is Errno.RUNTIME_ERROR


class Recurrent(torch.nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(4, 6, 2, **options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.lstm(x.reshape(3, 2, 4))[0]
        return output


class Attends(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.reshape(1, 2, 3, 4)
        return torch.nn.functional.scaled_dot_product_attention(x, x[:, :, :2], x[:, :, 1:])


class Repeats(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.repeat_interleave(x.to(torch.int64))


class Resized(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.reshape(1, 1, 4, 6)
        x = torch.nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", antialias=True)
        return torch.nn.functional.interpolate(x, size=(5, 5))


@pytest.mark.parametrize(
    "module",
    [
        Recurrent(),
        Recurrent(bidirectional=True),
        pytest.param(
            Recurrent(bidirectional=True, proj_size=3),
            marks=pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning"),
        ),
        Recurrent(bias=False, batch_first=True),
        Attends(),
        Repeats(),
        Resized(),
        torch.nn.TransformerEncoder(
            torch.nn.TransformerEncoderLayer(24, 4, 8, batch_first=True), 2
        ),
    ],
)
def test_models_compute_what_pytorch_does(module: torch.nn.Module) -> None:
    values = torch.arange(24, dtype=torch.float32) % 5
    shape = (1, 1, 24) if isinstance(module, torch.nn.TransformerEncoder) else (24,)
    context = TorchBackend().load([scripted(module)], Target.CPU).init_execution_context()
    context.set_input(0, F32, shape, memoryview(values.numpy().tobytes()))
    context.compute()
    with torch.inference_mode():
        expected = module.eval()(values.reshape(shape)).reshape(-1)
    output = torch.frombuffer(bytearray(context.get_output(0)), dtype=torch.float32)
    torch.testing.assert_close(output, expected)


def test_every_operator_that_a_model_may_call_returns_memory_that_it_wrote() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.heavy.torch_probe"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    report = json.loads(run.stdout)
    assert report["called"] > 500
    assert {"aten::empty", "aten::empty_strided", "aten::new_empty"} <= set(report["unwritten"])
    assert report["foreign"] == []
    assert report["ended"] == []


SECRET = b"the secret of another guest, " * 4000
EMPTY = (
    "torch.empty([{}], dtype=0)",
    "torch.new_empty(x, [{}], dtype=0)",
    "torch.resize_(torch.empty([0], dtype=0), [{}])",
    "torch.empty_strided([{}], [1], dtype=0)",
    "ops.prims.empty_strided([{}], [1], dtype=0, device=torch.device('cpu'), requires_grad=False)",
)


@pytest.mark.parametrize("isolate", [False, True])
def test_memory_that_was_never_written_is_zero(isolate: bool) -> None:
    host = NNHost(isolate=isolate)

    def outcome(data: bytes, kind: TensorType, given: bytes) -> bytes:
        with host.session() as guest:
            context = guest.init_execution_context(guest.load([data], Encoding.PYTORCH, Target.CPU))
            size = len(given) // (1 if kind is TensorType.U8 else 4)
            guest.set_input(context, 0, kind, (size,), memoryview(given))
            guest.compute(context)
            return bytes(guest.get_output(context, 0))

    for form in EMPTY:
        spy = rewritten("return " + form.format(len(SECRET)))
        for _ in range(3):
            outcome(rewritten("return torch.add(x, 1)"), TensorType.U8, SECRET)
            assert outcome(spy, F32, bytes(16)) == bytes(len(SECRET))


class Weighted(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = torch.zeros(1 << 18)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.w


@pytest.mark.parametrize("body", ["return self.w", "return torch.fill_(self.w, 1.)"])
def test_a_weight_that_is_longer_than_its_record_does_not_load(body: str) -> None:
    output = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(rewritten(body, module=Weighted()))) as read,
        zipfile.ZipFile(output, "w") as made,
    ):
        for name in read.namelist():
            data = read.read(name)
            made.writestr(name, data[:64] if name.endswith("/data/0") else data)
    with pytest.raises(HostError, match="has 1048576 bytes, of which its record has 64") as caught:
        TorchBackend().load([output.getvalue()], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


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
            torch.jit.wait(torch.jit.fork(_add_in_place, self.kept, x))  # type: ignore[no-untyped-call]
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
    monkeypatch.setattr("runtime_shim.backends.torch._MOST_COPIED", 1 << 20)
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


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return torch.gt(x, 0)", b"\x01\x00\x01"),
        ("return torch.to(x, 1)", b"\x01\xff\x02"),
        ("return torch.to(x, 15)", bytes.fromhex("803f80bf0040")),
        ("return torch.permute(torch.slice(x, 0, 0, 0), [0])", b""),
        ("return torch.zeros([0, 4], dtype=11)", b""),
        ("return torch.permute(torch.reshape(x, [3, 1]), [1, 0])", struct.pack("<3f", 1, -1, 2)),
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
    reader, writer = os.pipe()
    guest_output.use(writer)
    try:
        context.compute()
    finally:
        guest_output.use(1)
    assert os.read(reader, 100) == "one 1\nzwei ü\n".encode()
    os.close(reader)
    os.close(writer)
