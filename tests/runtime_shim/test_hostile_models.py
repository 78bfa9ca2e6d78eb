"""Models that are broken in thousands of ways, seeded: each computes, or is an errno.

They run in a process of their own, so that a crash would be counted, and the host would live.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.dialects import Encoding, TensorType
from runtime_shim.backends.trials import TRIALS
from tests import tensorflow_models, tflite_models
from tests.digits import MODEL, layers
from tests.mutations import Input, try_mutations
from tests.native import openvino_model

MUTATIONS = 2000
BATCHES = 4

IMAGE = TensorType.F32, (1, 64), bytes(256)
PROMPT = TensorType.U8, (1,), b"a"


def openvino_parts() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        names = openvino_model(MODEL.read_bytes(), Path(folder)).split("+")
        return [(Path(folder) / name).read_bytes() for name in names]


MODELS: dict[str, tuple[Encoding, Callable[[], list[bytes]], Input]] = {
    "onnx": (Encoding.ONNX, lambda: [MODEL.read_bytes()], IMAGE),
    "openvino": (Encoding.OPENVINO, openvino_parts, IMAGE),
    "tensorflow": (Encoding.TENSORFLOW, lambda: [tensorflow_models.two_layers(*layers())], IMAGE),
    "tensorflowlite": (
        Encoding.TENSORFLOWLITE,
        lambda: [tflite_models.two_layers(*layers())],
        IMAGE,
    ),
    "ggml": (Encoding.GGML, lambda: [TRIALS[Encoding.GGML].model()], PROMPT),
}


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("name", MODELS)
def test_a_broken_model_is_an_errno_or_computes(name: str, batch: int) -> None:
    encoding, make, given = MODELS[name]
    outcomes = try_mutations(encoding, make(), given, MUTATIONS // BATCHES, batch)
    assert outcomes.pop("computed") > 0
    assert outcomes.pop("RUNTIME_ERROR") > 0
    assert set(outcomes) <= {"INVALID_ARGUMENT", "CONTEXT_FULL"}
