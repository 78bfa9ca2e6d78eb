"""Write down anew what nnshim and native Wasmtime do in the conformance suite, and its page."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from tests.support.native import NativeWasmtime

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "conformance"
PARTS = {
    "openvino": ("model.xml", "model.bin"),
    "onnx": ("model.onnx",),
    "tensorflowlite": ("model.tflite",),
}
"""The files of a model, in the order in which a guest passes them."""


class Host(NamedTuple):
    """A host's command as far as the module, and what is written down of it."""

    name: str
    version: str
    commit: str
    options: str
    encoding: str
    command: list[str]
    env: Mapping[str, str] | None = None

    @property
    def results(self) -> Path:
        return SUITE / "results" / f"{self.name.lower()}-{self.encoding}.json"


def preload(encoding: str) -> str:
    """The named graph that cases load, as `nnshim run --nn-preload` takes it."""
    folder = SUITE / "models" / encoding / "base"
    return ":".join(["base", encoding, "CPU", *(str(folder / part) for part in PARTS[encoding])])


def wasmtime(native: NativeWasmtime) -> Host:
    said = subprocess.run([native.command, "--version"], capture_output=True, text=True, check=True)
    _, release, commit, *_ = said.stdout.replace("(", "").split()
    options = f"-S nn,nn-graph=openvino::DIR; OpenVINO {version('openvino').partition('-')[0]}"
    command = native.prefix(f"openvino::{SUITE / 'models' / 'openvino' / 'base'}")
    return Host("Wasmtime", release, commit, options, "openvino", command, native.env)


def nnshim(encoding: str) -> Host:
    command = [sys.executable, "-m", "nnshim", "run", "--nn-preload", preload(encoding)]
    return Host("nnshim", version("nnshim"), "", "nnshim run --nn-preload", encoding, command)


def hosts(folder: Path) -> Iterator[Host]:
    yield wasmtime(NativeWasmtime(folder))
    yield from map(nnshim, PARTS)


def run(host: Host, out: Path, *options: str) -> None:
    """Run the suite with `options` of its own, and write the results into `out`."""
    subprocess.run(
        [
            sys.executable,
            *(str(SUITE / "run.py"), "--graph", "--quiet", "--jobs", "2"),
            *("--encoding", host.encoding, "--json", str(out), "--host", host.name),
            *("--version", host.version, "--commit", host.commit, "--options", host.options),
            *(*options, "--", *host.command, "{}"),
        ],
        env=host.env,
        check=False,
    )


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        for host in hosts(Path(folder)):
            print(host.name, host.encoding)
            run(host, host.results)
    page = subprocess.run([sys.executable, SUITE / "table.py"], capture_output=True, check=True)
    (ROOT / "docs" / "conformance.md").write_bytes(page.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
