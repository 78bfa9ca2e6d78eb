"""Broken forms of models, and what becomes of them.

    python -m tests.tools.mutations [COUNT] [--models onnx ...] [--place gpu]

Prints how many of so many forms, 2,000 unless given, compute, and how the others end. They run in a
process of their own, so that a crash is counted.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import table
from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import Settings
from runtime_shim.backends.isolated.client import IsolatedBackend
from runtime_shim.errors import HostError
from tests.support import tensorflow_models
from tests.support.digits import MODEL, TFLITE_MODEL, layers

__all__ = ["MODELS", "Input", "mutated", "try_mutations"]

Input = tuple[TensorType, tuple[int, ...], bytes]

MEMORY = 6 << 30
"""Bytes of address space of the process that has a model: a flipped bit in a dimension may ask for
any length."""

PATIENCE = 20
"""Seconds for a model to load and to compute."""

_WORDS = (b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xff" * 8, b"\x01\0\0\0")


IMAGE = TensorType.F32, (1, 64), bytes(256)
PROMPT = TensorType.U8, (1,), b"a"


def openvino_parts() -> list[bytes]:
    from tests.support.native import openvino_model  # OpenVINO is not there in every test

    with tempfile.TemporaryDirectory() as folder:
        names = openvino_model(MODEL.read_bytes(), Path(folder)).split("+")
        return [(Path(folder) / name).read_bytes() for name in names]


MODELS: dict[str, tuple[Encoding, Callable[[], list[bytes]], Input]] = {
    "onnx": (Encoding.ONNX, lambda: [MODEL.read_bytes()], IMAGE),
    "openvino": (Encoding.OPENVINO, openvino_parts, IMAGE),
    "tensorflow": (Encoding.TENSORFLOW, lambda: [tensorflow_models.two_layers(*layers())], IMAGE),
    "tensorflowlite": (
        Encoding.TENSORFLOWLITE,
        lambda: [TFLITE_MODEL.read_bytes()],
        IMAGE,
    ),
    "ggml": (Encoding.GGML, lambda: [FORMATS[Encoding.GGML].trial.model()], PROMPT),
}


def mutated(data: bytes, choose: random.Random) -> bytes:
    """The same bytes cut off, with some of them flipped, overwritten, repeated, moved or left out;
    or bytes that never made sense."""
    made = bytearray(data)
    kind = choose.randrange(8)
    if kind == 0:
        return choose.randbytes(choose.choice([0, 1, 8, 100, len(data)]))
    if kind == 1:
        return bytes(made[: choose.randrange(len(made))])
    for _ in range(choose.choice([1, 1, 2, 4, 16])):
        at = choose.randrange(len(made))
        end = min(len(made), at + choose.choice([1, 2, 4, 8, 64]))
        if kind <= 4:
            made[at] ^= 1 << choose.randrange(8)
        elif kind == 5:
            word = choose.choice(_WORDS)
            made[at : at + len(word)] = word
        elif kind == 6:
            made[at:at] = made[at:end]
        elif len(made) > 64:
            del made[at:end]
    return bytes(made)


def try_mutations(
    encoding: Encoding,
    parts: Sequence[bytes],
    given: Input,
    count: int,
    seed: int,
    target: Target = Target.CPU,
) -> Counter[str]:
    """How often a model, with one of its parts broken, "computed" an output, or ended with an
    errno, or how with its process."""
    choose = random.Random(seed)
    # Threads of llama.cpp wait for each other by spinning, which is most of what it does here.
    threads = 1 if encoding is Encoding.GGML else None
    backend = IsolatedBackend(encoding, Settings(threads=threads))
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        place = choose.randrange(len(parts))
        broken = [
            mutated(part, choose) if index == place else part for index, part in enumerate(parts)
        ]
        outcomes[_outcome(backend, broken, given, target)] += 1
    return outcomes


def _outcome(backend: IsolatedBackend, parts: Sequence[bytes], given: Input, target: Target) -> str:
    process = backend.running()
    if target is Target.CPU:  # a GPU's driver maps more than that
        resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
    patience = threading.Timer(PATIENCE, os.kill, (process.pid, signal.SIGKILL))
    patience.start()
    tensor_type, shape, data = given
    try:
        context = backend.load(parts, target).init_execution_context()
        context.set_input(0, tensor_type, shape, memoryview(data))
        context.compute()
        context.get_output(0)
    except HostError as error:
        return process.lost or error.errno.name
    finally:
        patience.cancel()
    return "computed"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutations")
    parser.add_argument("count", nargs="?", type=int, default=2000)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--place", choices=("cpu", "gpu"), default="cpu")
    options = parser.parse_args()
    target, rows = Target[options.place.upper()], []
    for name in options.models:
        encoding, make, given = MODELS[name]
        outcomes = try_mutations(encoding, make(), given, options.count, 0, target)
        computed = outcomes.pop("computed")
        errnos = sum(outcomes.pop(errno.name, 0) for errno in Errno)
        rows.append([name, *map(str, (computed, errnos, sum(outcomes.values())))])
    print(table(["backend", "computed all the same", "an errno", "its process ended"], rows))


if __name__ == "__main__":
    main()
