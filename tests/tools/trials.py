"""Makes the models that `nnshim doctor` tries NN runtimes with: python -m tests.tools.trials

That of PyTorch is made where PyTorch is installed.
"""

from __future__ import annotations

import io
import lzma
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import runtime_shim
from tests.support import models, tensorflow_models, tflite_models
from tests.support.gguf_models import successors

FOLDER = Path(runtime_shim.__file__).with_name("trials")


def make() -> dict[str, bytes]:
    """Each model by its file's name, all but PyTorch's."""
    with tempfile.TemporaryDirectory() as folder:
        gguf = successors(Path(folder) / "model.gguf", "abc", context=16).read_bytes()
    return {
        "identity.onnx": models.identity(dims=(1,)),
        "identity.pb": tensorflow_models.identity((1,)),
        "identity.tflite": tflite_models.identity(np.float32, [1]),
        "successors.gguf.xz": lzma.compress(gguf, preset=9),
    }


def make_torch() -> bytes:
    import torch

    class Identity(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

    output = io.BytesIO()
    torch.jit.save(torch.jit.script(Identity()), output)
    return output.getvalue()


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, data in make().items():
        (FOLDER / name).write_bytes(data)
    if find_spec("torch") is not None:
        (FOLDER / "identity.pt").write_bytes(make_torch())


if __name__ == "__main__":
    main()
