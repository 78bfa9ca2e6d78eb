"""Whether an NN runtime hands out memory that nobody wrote: the models that ONNX tests operators
with compute twice, in processes whose memory is filled with two patterns when it is taken, and give
the same bytes both times if it is not.

    python -m tests.tools.unwritten [onnx|openvino ...]
    python -m tests.tools.unwritten onnx --device cuda

The pattern is glibc's (https://man7.org/linux/man-pages/man3/mallopt.3.html, M_PERTURB), which the
environment variable MALLOC_PERTURB_ sets; on CUDA, that of an allocator that ONNX Runtime is given
(gpu_external_alloc). On any other device, where memory cannot be filled from outside, models
compute in one process, again after other inputs. Operators that are meant to be random, models that
a backend refuses, and those of which a part is on the CPU nevertheless, are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
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
from runtime_shim.backends.interface import NO_OPTIONS, ExecutionContext

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


def outputs(context: ExecutionContext, inputs: list[Any]) -> Iterator[bytes]:
    """What a guest would get."""
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


def others(inputs: list[Any]) -> list[Any]:
    """Tensors like these with something else in them; integers stay, as they may be indices."""
    return [np.full_like(array, 0.7) if array.dtype.kind == "f" else array for array in inputs]


def compute(runtime: str, device: str, pattern: int) -> None:
    """Print, of each model, in short what it gives at first, and after other inputs."""
    taken = fill_cuda(pattern) if device == "cuda" else [0]
    backend = import_backend(Encoding[runtime.upper()])
    place = Target.CPU if device == "cpu" else device
    found: dict[str, list[str]] = {}
    for name, model, inputs in models():
        with contextlib.suppress(Exception):
            graph = backend.load([model], place, NO_OPTIONS)
            if graph.device.startswith(f"{device}, and cpu for"):
                continue  # CUDA's or WebGPU's memory is what this is about
            context = graph.init_execution_context()
            given = []
            for tensors in (inputs, others(inputs), inputs)[: 1 if device == "cpu" else 3]:
                given.append(hashlib.sha256(repr(list(outputs(context, tensors))).encode()))
            found[name] = [given[0].hexdigest(), given[-1].hexdigest()]
    if not taken:
        raise RuntimeError("ONNX Runtime has not taken memory from the allocator that fills it")
    print(json.dumps(found))


def fill_cuda(pattern: int) -> list[int]:
    """Have ONNX Runtime take its memory on CUDA from an allocator that fills it. Returns the bytes
    of each piece, as they are taken."""
    import onnxruntime as ort

    taken: list[int] = []
    ort.preload_dlls()
    cuda = ctypes.CDLL("libcudart.so.13")

    def allocate(size: int) -> int | None:
        address = ctypes.c_void_p()
        if cuda.cudaMalloc(ctypes.byref(address), ctypes.c_size_t(size)):
            return None
        cuda.cudaMemset(address, pattern, ctypes.c_size_t(size))
        cuda.cudaDeviceSynchronize()
        taken.append(size)
        return address.value

    def free(address: int) -> None:
        cuda.cudaFree(ctypes.c_void_p(address))

    def nothing() -> None:
        pass

    calls = {
        "gpu_external_alloc": ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t)(allocate),
        "gpu_external_free": ctypes.CFUNCTYPE(None, ctypes.c_void_p)(free),
        "gpu_external_empty_cache": ctypes.CFUNCTYPE(None)(nothing),
    }
    options = {name: str(ctypes.cast(call, ctypes.c_void_p).value) for name, call in calls.items()}
    opened = ort.InferenceSession

    @functools.wraps(opened, updated=())
    def with_allocator(*arguments: Any, **named: Any) -> Any:
        named["providers"] = [
            (provider, {**given, **options}) for provider, given in named["providers"]
        ]
        return opened(*arguments, **named)

    with_allocator.calls = calls  # type: ignore[attr-defined]  # they have to live on
    ort.InferenceSession = with_allocator
    return taken


def runs_of(runtime: str, device: str) -> list[dict[str, list[str]]]:
    """What `compute` prints, with each pattern."""
    started = []
    for pattern in PATTERNS:
        command = [sys.executable, "-m", "tests.tools.unwritten", "--compute", pattern, runtime]
        environment = {**os.environ, "MALLOC_PERTURB_": pattern, "GLIBC_TUNABLES": NO_CACHE}
        started.append(
            subprocess.Popen(
                [*command, "--device", device], env=environment, stdout=subprocess.PIPE
            )
        )
    printed = [process.communicate()[0] for process in started]
    for process in started:
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return [json.loads(text.splitlines()[-1]) for text in printed]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.unwritten")
    parser.add_argument("runtimes", nargs="*", default=list(RUNTIMES))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compute", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compute is not None:
        compute(options.runtimes[0], options.device, int(options.compute))
        return 0
    differing = 0
    for runtime in options.runtimes:
        first, second = runs_of(runtime, options.device)
        names = sorted(
            name
            for name in first
            if len({*first[name], *second.get(name, ())}) > 1 or name not in second
        )
        differing += len(names)
        print(f"{runtime}: {len(first)} models, {len(names)} differ: {', '.join(names) or 'none'}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
