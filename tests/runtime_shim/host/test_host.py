from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from rewriter.installation import install_line
from runtime_shim import HostError, NamedGraph, NNHost, Session
from runtime_shim.backends import encodings, import_backend
from runtime_shim.backends.interface import NO_OPTIONS, Options, Part, Place
from runtime_shim.host import host as runtime_host
from runtime_shim.testing import FakeBackend, FakeContext, FakeGraph, echo
from tests.support.models import identity

MODEL = identity(dims=(1,))


class FailingBackend(FakeBackend):
    """Doubles one byte. Fails where the model says so."""

    def __init__(self) -> None:
        super().__init__(
            lambda inputs: [bytes([2 * inputs[0][0]])],
            [("fake", Target.CPU), ("fake gpu", Target.GPU)],
        )
        self.pause = threading.Event()
        self.pause.set()

    def load(self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS) -> FakeGraph:
        self.pause.wait(60)
        graph = super().load(parts, place, options)
        for method in ("load", "init_execution_context", "set_input", "compute", "get_output"):
            if parts[0] == f"fail at {method}".encode():
                return fail() if method == "load" else FailingGraph(graph, method)
        return graph


class FailingGraph(FakeGraph):
    def __init__(self, graph: FakeGraph, method: str) -> None:
        super().__init__(echo, graph.device)
        self._method = method

    def init_execution_context(self) -> FakeContext:
        if self._method == "init_execution_context":
            fail()
        context = super().init_execution_context()
        setattr(context, self._method, fail)
        return context


def fail(*_: object) -> NoReturn:
    raise ZeroDivisionError


@pytest.fixture
def backend() -> FailingBackend:
    return FailingBackend()


@pytest.fixture
def host(backend: FailingBackend) -> NNHost:
    return NNHost(backends={Encoding.PYTORCH: backend})


def load(session: Session, model: bytes = b"mine", target: Target = Target.CPU) -> int:
    return session.load([model], Encoding.PYTORCH, target)


def use(session: Session, model: bytes) -> int:
    context = session.init_execution_context(load(session, model))
    session.set_input(context, 0, TensorType.U8, (1,), memoryview(b"\x15"))
    session.compute(context)
    return session.get_output(context, 0)[0]


def test_a_backend_of_ones_own_can_be_given(host: NNHost) -> None:
    assert use(host.session(), b"mine") == 42


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with backends for an encoding that nnshim has one for, and for one more."""
    (tmp_path / "other_nn.py").write_text(
        "from runtime_shim.testing import FakeBackend\n"
        "def create(settings): return FakeBackend(lambda inputs: [b'other'])\n"
    )
    info = tmp_path / "other_nn-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-nn\nVersion: 1\n")
    points = "mlx = other_nn:create\nonnx = other_nn:create\nno-encoding = other_nn:create\n"
    (info / "entry_points.txt").write_text("[nnshim.backends]\n" + points)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("other_package")
def test_another_package_can_add_a_backend_and_not_replace_one() -> None:
    host = NNHost()
    with host.session() as session:
        graph = session.load([b"any"], Encoding.MLX, Target.CPU)
        context = session.init_execution_context(graph)
        session.compute(context)
        assert bytes(session.get_output(context, 0)) == b"other"
    assert "onnxruntime" in import_backend(Encoding.ONNX).describe().version
    assert Encoding.MLX in encodings()
    with pytest.raises(HostError, match="no backend for piper"):
        host.load([b"any"], Encoding.PIPER, Target.CPU)


def test_a_model_is_loaded_once_for_all_guests(host: NNHost, backend: FailingBackend) -> None:
    first, second = host.session(), host.session()
    load(first)
    load(first)
    load(second)
    assert len(backend.loads) == 1


def test_another_target_or_other_bytes_are_another_model(
    host: NNHost, backend: FailingBackend
) -> None:
    session = host.session()
    load(session)
    load(session, target=Target.GPU)
    load(session, b"other")
    assert len(backend.loads) == 3


def test_a_model_that_no_guest_has_any_more_is_freed(host: NNHost, backend: FailingBackend) -> None:
    with host.session() as session:
        load(session)
    gc.collect()
    load(host.session())
    assert len(backend.loads) == 2


def test_a_context_keeps_its_graph_and_closing_frees_both(host: NNHost) -> None:
    session = host.session()
    load(session)
    graph = weakref.ref(host.load([b"mine"], Encoding.PYTORCH, Target.CPU))
    session.init_execution_context(1)
    del session._graphs[1]
    assert graph() is not None
    session.close()
    gc.collect()
    assert graph() is None


def test_guests_that_load_at_once_share_one_load(host: NNHost, backend: FailingBackend) -> None:
    backend.pause.clear()
    sessions = [host.session() for _ in range(8)]
    threads = [threading.Thread(target=load, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    backend.pause.set()
    for thread in threads:
        thread.join()
    assert len(backend.loads) == 1


def test_handles_are_never_used_again(host: NNHost) -> None:
    session = host.session()
    handles = [load(session), session.init_execution_context(1), load(session)]
    session.close()
    handles.append(load(session))
    assert handles == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "place",
    [b"load", b"init_execution_context", b"set_input", b"compute", b"get_output"],
    ids=bytes.decode,
)
def test_whatever_a_backend_raises_is_a_runtime_error(host: NNHost, place: bytes) -> None:
    with pytest.raises(HostError) as caught:
        use(host.session(), b"fail at " + place)
    assert caught.value.errno is Errno.RUNTIME_ERROR


def test_a_gpu_that_is_not_there_is_the_cpu_only_where_that_is_allowed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runtime_host._warn_once.cache_clear()
    with pytest.raises(HostError) as caught:
        NNHost().load([MODEL], Encoding.ONNX, Target.GPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION
    assert not caplog.messages
    host = NNHost(gpu_fallback=True)
    for _ in range(2):
        gc.collect()
        assert host.load([MODEL], Encoding.ONNX, Target.GPU) is not None
    (message,) = caplog.messages
    assert message.endswith("has cpu here; the model runs on the cpu instead")
    with pytest.raises(HostError):
        host.load([MODEL], Encoding.ONNX, Target.TPU)
    with pytest.raises(HostError) as caught:
        host.load([MODEL, MODEL], Encoding.ONNX, Target.GPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("builders", "encoding"),
    [
        ([MODEL], Encoding.ONNX),
        ([b'<?xml version="1.0"?><net/>', b""], Encoding.OPENVINO),
        ([b"\n<net/>", b""], Encoding.OPENVINO),
        ([b"GGUF\3\0\0\0"], Encoding.GGML),
        ([b"\x1c\0\0\0TFL3"], Encoding.TENSORFLOWLITE),
        ([b"PK\3\4"], Encoding.PYTORCH),
    ],
)
def test_autodetect_looks_at_the_bytes(builders: list[bytes], encoding: Encoding) -> None:
    backend = FakeBackend()
    NNHost(backends={encoding: backend}).session().load(builders, Encoding.AUTODETECT, Target.CPU)
    assert len(backend.loads) == 1


@pytest.mark.parametrize("builders", [[], [b""], [b"nobody's"], [MODEL, MODEL]])
def test_autodetect_of_no_known_format_is_an_invalid_argument(builders: list[bytes]) -> None:
    with pytest.raises(HostError) as caught:
        NNHost().session().load(builders, Encoding.AUTODETECT, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


MISSING = """
import logging, sys

logging.basicConfig(format="%(message)s")

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == sys.argv[2]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nowhere())
from rewriter.abi.dialects import Encoding, Target
from runtime_shim import HostError, NNHost
for _ in range(3):
    try:
        NNHost().load([b""], Encoding[sys.argv[1]], Target.CPU)
    except HostError as error:
        print(error.errno.name)
"""


@pytest.mark.parametrize(
    ("encoding", "module", "extra"),
    [
        ("ONNX", "onnxruntime", "onnx"),
        ("OPENVINO", "openvino", "openvino"),
        ("TENSORFLOW", "openvino", "tensorflow"),
        ("TENSORFLOWLITE", "ai_edge_litert", "litert"),
        ("PYTORCH", "torch", "torch"),
        ("GGML", "xllamacpp", "ggml"),
    ],
)
def test_a_backend_that_is_not_installed_names_the_line_that_installs_it(
    encoding: str, module: str, extra: str
) -> None:
    command = [sys.executable, "-c", MISSING, encoding, module]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "INVALID_ENCODING\n" * 3)
    (message,) = done.stderr.splitlines()  # a guest that tries again does not fill the log
    assert install_line(extra) in message


def test_an_encoding_without_a_backend_is_an_invalid_encoding() -> None:
    with pytest.raises(HostError, match="no backend for whisper models") as caught:
        NNHost().load([b""], Encoding.WHISPER, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ENCODING


def test_options_go_to_the_backend_and_make_another_graph(
    host: NNHost, backend: FailingBackend, tmp_path: Path
) -> None:
    (tmp_path / "model").write_bytes(b"mine")
    graph = NamedGraph("it", Encoding.PYTORCH, Target.CPU, (str(tmp_path / "model"),))
    host = NNHost(backends={Encoding.PYTORCH: backend}, graphs=[graph])
    plain = host.load_by_name("it")
    configured = host.load_by_name("it", {"temp": 0.5, "seed": 1})
    assert backend.loads[-1].options == {"temp": 0.5, "seed": 1}
    assert host.load_by_name("it", {"seed": 1, "temp": 0.5}) is configured
    assert configured is not plain
    assert len(backend.loads) == 2


def test_all_packages_that_are_missing_are_named_and_not_the_first_module(tmp_path: Path) -> None:
    folder = tmp_path / "nnshim-0.1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: nnshim\nVersion: 0.1.0\nProvides-Extra: litert\n"
        "Requires-Dist: no-such-litert>=2.2; extra == 'litert'\n"
        "Requires-Dist: no-such-dtypes>=0.5; extra == 'litert'\n"
        "Requires-Dist: numpy>=1.26; extra == 'litert'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", MISSING, "TENSORFLOWLITE", "ml_dtypes"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "models (not installed: no-such-litert, no-such-dtypes); " in done.stderr
    assert "ml_dtypes" not in done.stderr
