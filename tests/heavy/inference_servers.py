"""Triton and MLServer with the samples' digits, each from a virtual environment of its own, on free
ports of 127.0.0.1."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from samples.build import SAMPLES

__all__ = ["Running", "free_port", "mlserver", "triton"]

_SECONDS_TO_START = 60

_DIGITS = """
name: "digits"
backend: "python"
max_batch_size: 0
input [{ name: "pixels" data_type: TYPE_FP32 dims: [ -1, 64 ] }]
output [{ name: "probabilities" data_type: TYPE_FP32 dims: [ -1, 10 ] }]
instance_group [{ kind: KIND_CPU }]
"""

_ECHO = """
name: "echo_TYPE"
backend: "python"
max_batch_size: 0
input [{ name: "in" data_type: TYPE_TYPE dims: [ SHAPE ] }]
output [{ name: "out" data_type: TYPE_TYPE dims: [ SHAPE ] }]
instance_group [{ kind: KIND_CPU }]
"""

_RUNS_DIGITS = """
import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as utils

class TritonPythonModel:
    def initialize(self, args):
        self.session = ort.InferenceSession(MODEL)

    def execute(self, requests):
        responses = []
        for request in requests:
            pixels = np.from_dlpack(utils.get_input_tensor_by_name(request, "pixels"))
            found, = self.session.run(None, {"pixels": pixels})
            output = utils.Tensor.from_dlpack("probabilities", found)
            responses.append(utils.InferenceResponse([output]))
        return responses
"""

_ECHOES = """
import triton_python_backend_utils as utils

class TritonPythonModel:
    def execute(self, requests):
        return [utils.InferenceResponse([utils.Tensor.from_dlpack(
            "out", utils.get_input_tensor_by_name(request, "in").to_dlpack())])
            for request in requests]
"""

_MLSERVER_RUNS_DIGITS = """
import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, NumpyRequestCodec
from mlserver.types import InferenceResponse

class Digits(MLModel):
    async def load(self):
        self.session = ort.InferenceSession(MODEL)
        return True

    async def predict(self, payload):
        pixels = NumpyCodec.decode_input(payload.inputs[0])
        found, = self.session.run(None, {"pixels": pixels})
        output = NumpyCodec.encode_output("probabilities", found)
        return InferenceResponse(model_name=self.name, outputs=[output])
"""


class Running(NamedTuple):
    """A server that is ready."""

    http: int
    grpc: int
    process: subprocess.Popen[bytes]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def triton(environment: Path, folder: Path, echoes: Mapping[str, str] = {}) -> Iterator[Running]:
    """nvidia-pytriton's Triton, with the digits, and with models `echo_TYPE` that return their
    input, each with its shape."""
    model = repr(str(SAMPLES / "digits" / "model.onnx"))
    repository = folder / "models"
    _write(repository / "digits", _DIGITS, _RUNS_DIGITS.replace("MODEL", model))
    for kind, shape in echoes.items():
        config = _ECHO.replace("TYPE_TYPE", f"TYPE_{kind}").replace("echo_TYPE", f"echo_{kind}")
        _write(repository / f"echo_{kind}", config.replace("SHAPE", shape), _ECHOES)
    (packages,) = environment.glob("lib/python3*/site-packages")
    installed = packages / "pytriton" / "tritonserver"
    version = packages.parent.name.removeprefix("python")
    backend = folder / "backends" / "python"
    shutil.copytree(installed / "backends" / "python", backend)
    shutil.copy(
        installed / "python_backend_stubs" / version / "triton_python_backend_stub", backend
    )
    http, grpc = free_port(), free_port()
    libraries = f"{packages / 'nvidia_pytriton.libs'}:{sysconfig.get_config_var('LIBDIR')}"
    command = [
        str(installed / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={folder / 'backends'}",
        "--http-address=127.0.0.1",
        f"--http-port={http}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={grpc}",
        "--allow-metrics=false",
        "--exit-timeout-secs=3",
        f"--backend-config=python,shm-region-prefix-name={folder.name}",
    ]
    try:
        with _started(command, environment, folder, {"LD_LIBRARY_PATH": libraries}) as process:
            _wait(process, http, folder)
            yield Running(http, grpc, process)
    finally:
        for left in Path("/dev/shm").glob(f"{folder.name}*"):  # by a server that was killed
            left.unlink()


@contextlib.contextmanager
def mlserver(environment: Path, folder: Path) -> Iterator[Running]:
    """MLServer with the digits, in one process."""
    http, grpc = free_port(), free_port()
    model = repr(str(SAMPLES / "digits" / "model.onnx"))
    (folder / "digits.py").write_text(_MLSERVER_RUNS_DIGITS.replace("MODEL", model))
    (folder / "settings.json").write_text(
        f'{{"host": "127.0.0.1", "http_port": {http}, "grpc_port": {grpc},'
        ' "parallel_workers": 0, "metrics_endpoint": null}'
    )
    (folder / "model-settings.json").write_text(
        textwrap.dedent("""\
            {"name": "digits", "implementation": "digits.Digits",
             "inputs": [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}],
             "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]}
            """)
    )
    command = [str(environment / "bin" / "mlserver"), "start", str(folder)]
    with _started(command, environment, folder, {"PYTHONPATH": str(folder)}) as process:
        _wait(process, http, folder)
        yield Running(http, grpc, process)


def _write(folder: Path, config: str, program: str) -> None:
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(config)
    (folder / "1" / "model.py").write_text(program)


@contextlib.contextmanager
def _started(
    command: list[str], environment: Path, folder: Path, variables: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a group of its own, which ends with all of its processes."""
    path = f"{environment / 'bin'}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, **variables}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    url = f"http://127.0.0.1:{port}/v2/models/digits/ready"
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError((folder / "log").read_text(errors="replace")[-4000:])
