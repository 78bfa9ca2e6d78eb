"""What only the OpenVINO backend has to do; test_backends.py has what all have to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import openvino
import pytest

from rewriter.dialects import Errno, Target
from runtime_shim.backends.openvino import OpenVinoBackend
from runtime_shim.errors import HostError
from tests.models import identity, with_external_data
from tests.native import openvino_model


@pytest.mark.parametrize("location", ["secret", "{}/secret", "../{}/secret"])
def test_a_model_cannot_read_the_hosts_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    monkeypatch.chdir(tmp_path)
    data = with_external_data(location.format(tmp_path))
    if location == "secret":  # OpenVINO itself would
        assert openvino.Core().read_model(data) is not None
    with pytest.raises(HostError, match="name other files") as caught:
        OpenVinoBackend().load([data], Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "builders",
    [
        pytest.param([], id="none"),
        pytest.param([b"<net/>", b"", b""], id="three"),
        pytest.param([b"/etc/passwd"], id="a path"),
        pytest.param([b"junk", b""], id="no XML"),
        pytest.param([b"PK\3\4"], id="another format"),
    ],
)
def test_what_is_no_openvino_model_is_an_invalid_argument(builders: list[bytes]) -> None:
    with pytest.raises(HostError) as caught:
        OpenVinoBackend().load(builders, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


@pytest.mark.parametrize("target", [Target.GPU, Target.TPU])
def test_a_device_that_is_not_there_is_no_reason_to_take_another(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino.Core, "available_devices", ["CPU"])
    with pytest.raises(HostError, match="there is only CPU") as caught:
        OpenVinoBackend().load([identity()], target)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


def test_a_model_that_ends_up_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino.CompiledModel, "get_property", lambda *_: ["GPU.0"])
    with pytest.raises(HostError, match=r"GPU\.0") as caught:
        OpenVinoBackend().load([identity()], Target.CPU)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


@pytest.mark.parametrize("cut", [0, 100, 2000])
def test_broken_models_raise_and_print_nothing(tmp_path: Path, cut: int) -> None:
    openvino_model(identity(), tmp_path)
    xml = (tmp_path / "model.xml").read_bytes()
    (tmp_path / "model.xml").write_bytes(b"<net>" + xml[: -1 - cut])
    code = (
        "from runtime_shim.backends.openvino import OpenVinoBackend\n"
        "from rewriter.dialects import Target\n"
        "parts = [open(f'model.{end}', 'rb').read() for end in ('xml', 'bin')]\n"
        "try: OpenVinoBackend().load(parts, Target.CPU)\n"
        "except Exception: pass\n"
        "else: raise SystemExit(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
