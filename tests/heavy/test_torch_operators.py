"""What a TorchScript model may call, and what it finds in memory."""

from __future__ import annotations

import ctypes
import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError, NNHost
from runtime_shim.backends.interface import guarded
from runtime_shim.backends.torch.backend import TorchBackend
from tests.heavy.torch_models import F32, computed, feed, rewritten, scripted, traced_with

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


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
        "return torch.batch_norm_elemt(x, x, x, x, x, 1.)",
        "return torch.rrelu_with_noise(x, x)",
        "return ops.prims.copy_strided(x, [2])",
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
    qualifier = "__torch__.tests.heavy.torch_models"
    for given in ("_0 = {0}.Small()", "_0 = annotate(Any, {0}.Small())"):
        body = f"{given}\n_1 = unchecked_cast({{0}}.Large, _0)\nreturn _1.b".format(qualifier)
        with pytest.raises(HostError, match=r"without a check|not allowed") as caught:
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
        "return torch.linalg_eigvals(torch.full([6, 6], nan))",
        "return torch.embedding_renorm_(torch.zeros([4, 4]), torch.full([1], 4, dtype=4), 1., 2.)",
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
        x = torch.nn.functional.interpolate(x, size=(5, 5))
        return torch.nn.functional.normalize(x)


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
        torch.nn.GELU(),
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
def test_memory_that_was_never_written_holds_nothing_of_another_guest(isolate: bool) -> None:
    """It is zero, or the largest integer where a model has been on a GPU."""
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
            assert set(outcome(spy, F32, bytes(16))) in ({0}, {255})


def test_new_memory_is_zeroed_where_the_allocator_does_not_do_it() -> None:
    """As on a GPU; between the elements of a tensor, too."""
    forms = (
        *EMPTY[:2],
        "torch.empty_like(torch.full([{}], 1, dtype=0))",
        "torch.as_strided(torch.empty_strided([2], [{}], dtype=0), [{}], [1])",
    )
    contexts = [
        TorchBackend()
        .load([rewritten("return " + form.replace("{}", "1000"))], Target.CPU)
        .init_execution_context()
        for form in forms
    ]
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    zero, junk = (
        ctypes.c_bool.in_dll(library, f"FLAGS_caffe2_cpu_allocator_do_{kind}_fill")
        for kind in ("zero", "junk")
    )
    zero.value, junk.value = False, True
    try:
        for context in contexts:
            feed(context, 0, 1.0)
            context.compute()
            assert bytes(context.get_output(0)) == bytes(1000)
    finally:
        zero.value, junk.value = True, False


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
    with pytest.raises(
        HostError, match="needs 1048576 bytes, but the size of its record is 64"
    ) as caught:
        TorchBackend().load([output.getvalue()], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
