"""gRPC that is not installed, or cannot be imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rewriter.abi.dialects import Errno
from rewriter.errors import DependencyMissing
from rewriter.installation import install_line
from runtime_shim import HostError, NNHost
from samples.build import SAMPLES
from tests.runtime_shim.backends.remote.remote_graphs import host_of, inferred, two_floats
from tests.support.command import nnshim
from tests.support.inference_server import Model, http_server

SERVER = "runtime_shim.backends.remote.over_grpc.server"


@pytest.mark.parametrize("module", ["grpc", "google.protobuf"])
def test_a_graph_that_needs_grpc_is_an_error_at_the_start(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    for url in ("grpc://127.0.0.1:9/m", "grpcs://127.0.0.1:9/m"):
        with pytest.raises(DependencyMissing) as caught:
            host_of("http://127.0.0.1:9/m", url)
        assert str(caught.value).endswith(install_line("remote"))
        with pytest.raises(DependencyMissing):
            NNHost(devices={"remote": url.removesuffix("/m")})


def test_http_needs_no_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    with http_server(Model()) as url:
        assert inferred(host_of(url)) == two_floats


def test_the_command_ends_with_the_code_of_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['grpc'] = None")
    graph = "nn-graph=remote::grpc://127.0.0.1:9/digits"
    path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', os.getcwd())}"}
    done = nnshim("run", "-S", graph, str(SAMPLES / "digits_by_name.wat"), env=path)
    assert done.returncode == 3
    assert b"error[NN003]: grpc://127.0.0.1:9 needs gRPC" in done.stderr
    assert install_line("remote").encode() in done.stderr


def test_grpc_that_cannot_be_imported_is_an_error_with_a_code_at_the_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = host_of("grpc://127.0.0.1:9/m")
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, SERVER, raising=False)
    with pytest.raises(HostError, match=r"NN501.*cannot import gRPC") as caught:
        host.load_by_name("m")
    assert caught.value.errno is Errno.INVALID_ENCODING
    assert caught.value.reason.endswith(install_line("remote"))
