"""Whether an NN runtime hands out memory that nobody wrote: the models that ONNX tests operators
with compute twice, in processes whose memory is filled with two patterns when it is taken, and give
the same bytes both times if it is not.

    python -m tests.tools.unwritten [onnx|openvino ...]

The pattern is glibc's (https://man7.org/linux/man-pages/man3/mallopt.3.html, M_PERTURB), which the
environment variable MALLOC_PERTURB_ sets. Operators that are meant to be random, and models that a
backend refuses, are left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError
from runtime_shim.backends import import_backend
from runtime_shim.backends.common.arrays import DTYPES
from runtime_shim.backends.interface import NO_OPTIONS, Backend

PATTERNS = ("90", "165")
"""0x5A and 0xA5, and their complements."""

NO_CACHE = "glibc.malloc.tcache_count=0"
"""What is taken from a thread's cache keeps what it held."""

RANDOM = ("random", "bernoulli", "multinomial", "training_dropout", "dropout_ratio")

RUNTIMES = ("onnx", "openvino")

KINDS = {dtype: kind for kind, dtype in DTYPES.items()}


def models() -> Iterator[tuple[str, bytes, list[Any]]]:
    """Name, model and inputs of each case."""
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(""):
        if any(word in case.name for word in RANDOM) or case.model is None:
            continue
        for inputs, _ in case.data_sets or []:
            if all(isinstance(item, np.ndarray) for item in inputs):
                yield case.name, case.model.SerializeToString(), list(inputs)
                break


def outputs(backend: Backend, model: bytes, inputs: list[Any]) -> Iterator[bytes]:
    """What a guest would get."""
    graph = backend.load([model], Target.CPU, NO_OPTIONS)
    context = graph.init_execution_context()
    for index, array in enumerate(inputs):
        kind = KINDS.get(array.dtype, TensorType.U8)
        context.set_input(index, kind, array.shape, memoryview(array.tobytes()))
    context.compute()
    for index in range(64):
        try:
            yield bytes(context.get_output(index))
        except HostError as error:
            if error.errno is Errno.INVALID_ARGUMENT:  # that was the last one
                return
            yield error.reason.encode()


def compute(runtime: str) -> None:
    """Print what each model gives, in short."""
    backend, found = import_backend(Encoding[runtime.upper()]), {}
    for name, model, inputs in models():
        with contextlib.suppress(Exception):
            given = list(outputs(backend, model, inputs))
            found[name] = hashlib.sha256(repr(given).encode()).hexdigest()
    print(json.dumps(found))


def main() -> int:
    if sys.argv[1:2] == ["--compute"]:
        compute(sys.argv[2])
        return 0
    differing = 0
    for runtime in sys.argv[1:] or RUNTIMES:
        runs = []
        for pattern in PATTERNS:
            command = [sys.executable, "-m", "tests.tools.unwritten", "--compute", runtime]
            environment = {**os.environ, "MALLOC_PERTURB_": pattern, "GLIBC_TUNABLES": NO_CACHE}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
        first, second = runs
        names = sorted(name for name in first if first[name] != second.get(name))
        differing += len(names)
        print(f"{runtime}: {len(first)} models, {len(names)} differ: {', '.join(names) or 'none'}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
