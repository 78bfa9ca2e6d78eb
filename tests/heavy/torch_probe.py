"""Calls every operator that a model may, to see which return memory that was never written.

    python -m tests.heavy.torch_probe [--device cuda] [--part 1/8]

Prints a JSON object: how many operators could be `called`, those that returned `unwritten` memory
of an allocator that marks it, those that returned `foreign` memory as the backend sets it up (a
mark, or what was in a tensor that was freed just before), and those that `ended` the process, or
left a GPU that refuses whatever comes next. On a GPU there is no allocator that marks: there,
`unwritten` is what was in a freed tensor before the backend sets anything up.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from runtime_shim.backends.torch.archive.operators import is_allowed_operator
from runtime_shim.backends.torch.memory import fill_on_gpus, fill_with_zeros

MARK = bytes.fromhex("efbeed7f")
"""What PyTorch's allocator marks with: c10/core/CPUAllocator.cpp, memset_junk."""

SECRET = 0xA5

SIZES = (64, 256, 1000, 1024, 4000, 4096)
"""Bytes of tensors that are freed before a call."""

SIZES_ON_GPU = (*SIZES, *[1 << 20] * 4)
"""Those of 1 MiB fill what PyTorch's allocator takes from CUDA for small ones, 2 MiB at a time:
https://github.com/pytorch/pytorch/blob/main/c10/cuda/CUDACachingAllocator.h (kSmallBuffer)."""

MOST_MEMORY = 4 << 30
"""Bytes that calls may take. CUDA maps more than that, so it is not for a GPU."""

LONGEST = 10
"""Seconds that the calls of an operator may take."""

LONGEST_ON_GPU = 100
"""Likewise, where PyTorch compiles some operators when they are called first."""

NOT_CALLED = {"aten::set_grad_enabled", "aten::manual_seed", "aten::seed", "aten::wait"}


def tensors() -> Iterator[torch.Tensor]:
    yield torch.ones(4, 4)
    yield torch.zeros(4, dtype=torch.int64)
    yield torch.ones(2, 4, 4, 4)
    yield torch.ones(4, 4, dtype=torch.uint8)
    yield torch.quantize_per_tensor(torch.ones(4, 4), 1.0, 0, torch.quint8)


def value_of(kind: str, tensor: torch.Tensor, size: list[int], device: str) -> Any:
    """An argument of a type. Raises KeyError for a type that has none."""
    return {
        "Tensor": tensor,
        "List[Tensor]": [tensor, tensor],
        "List[Optional[Tensor]]": [torch.zeros(2, dtype=torch.int64, device=device)],
        "int": 1,
        "List[int]": size,
        "float": 1.0,
        "List[float]": [1.0, 1.0],
        "bool": True,
        "List[bool]": [True, True],
        "number": 1,
        "Device": torch.device(device),
    }[kind]


def calls_of(schema: Any, device: str) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Arguments for an operator: its required ones."""
    for tensor, size in itertools.product(tensors(), ([4, 4], [16, 16, 4], [2], [1000])):
        given: list[Any] = []
        named: dict[str, Any] = {}
        try:
            for argument in schema.arguments:
                if argument.has_default_value():
                    if argument.name == "device" and device != "cpu":
                        named["device"] = torch.device(device)
                    continue
                kind = argument.type.annotation_str
                if kind.startswith("Optional["):
                    value = size if kind == "Optional[List[int]]" else None
                else:
                    value = value_of(kind, tensor.to(device, copy=True), size, device)
                if argument.kwarg_only:
                    named[argument.name] = value
                else:
                    given.append(value)
        except KeyError:
            return
        yield given, named


def found_in(value: object) -> bytes:
    """The bytes of all memory that belongs to a result."""
    if isinstance(value, torch.Tensor):
        storage = value.untyped_storage().cpu()
        return ctypes.string_at(storage.data_ptr(), storage.nbytes()) if storage.nbytes() else b""
    if isinstance(value, (tuple, list)):
        return b"".join(map(found_in, value))
    return b""


class Memory:
    """PyTorch's allocator for a device. On the CPU it has switches."""

    def __init__(self, device: str) -> None:
        self._device = device
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
        flag = "FLAGS_caffe2_cpu_allocator_do_{}_fill"
        self._mark = ctypes.c_bool.in_dll(library, flag.format("junk"))
        self._zero = ctypes.c_bool.in_dll(library, flag.format("zero"))

    def prepare(self, as_the_backend_does: bool) -> None:
        """For one call: leave what was in tensors that are freed."""
        on_gpu = self._device != "cpu"
        self._zero.value, self._mark.value = False, not as_the_backend_does and not on_gpu
        if as_the_backend_does:
            fill_with_zeros()
            if on_gpu:
                fill_on_gpus()
        elif on_gpu:
            torch.use_deterministic_algorithms(False)
        sizes = SIZES_ON_GPU if on_gpu else SIZES
        secrets = [
            torch.full((size,), SECRET, dtype=torch.uint8, device=self._device) for size in sizes
        ]
        del secrets

    def leave(self) -> None:
        self._zero.value = self._mark.value = False


def try_operator(
    schema: Any, memory: Memory, device: str, as_the_backend_does: bool
) -> tuple[bool, bool]:
    """Whether an operator could be called, and whether it returned memory that it had not
    written."""
    packet = getattr(torch.ops, schema.name.partition("::")[0])
    operator = getattr(
        getattr(packet, schema.name.partition("::")[2]), schema.overload_name or "default"
    )
    called = found = False
    for given, named in calls_of(schema, device):
        memory.prepare(as_the_backend_does)
        try:
            held = found_in(operator(*given, **named))
        except Exception:  # noqa: BLE001 - what an operator thinks of its arguments
            if device != "cpu":
                torch.cuda.synchronize()  # raises where the device is lost
            continue
        finally:
            memory.leave()
        called = True
        found |= MARK in held or bytes([SECRET]) * 8 in held
    return called, found


def probe(schemas: list[Any], start: int, output: int, device: str) -> None:
    """Try operators from one on, and write a line for each."""
    memory = Memory(device)
    for number in range(start, len(schemas)):
        signal.alarm(LONGEST if device == "cpu" else LONGEST_ON_GPU)
        os.write(output, f"{number} ".encode())
        called, unwritten = try_operator(schemas[number], memory, device, False)
        foreign = called and try_operator(schemas[number], memory, device, True)[1]
        os.write(output, f"{int(called)} {int(unwritten)} {int(foreign)}\n".encode())


def arguments() -> tuple[str, int, int]:
    """The device, and which of how many parts of the operators to call."""
    parser = argparse.ArgumentParser(prog="python -m tests.heavy.torch_probe")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--part", default="1/1", metavar="N/OF")
    options = parser.parse_args()
    part, of = map(int, options.part.split("/"))
    return options.device, part - 1, of


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    device, part, parts = arguments()
    schemas = [
        schema
        for schema in torch._C._jit_get_all_schemas()
        if schema.name not in NOT_CALLED
        and is_allowed_operator(schema.name)
        and not any(argument.name == "out" for argument in schema.arguments)
        and any("Tensor" in returned.type.annotation_str for returned in schema.returns)
        and schema.name.partition("::")[0] in ("aten", "prims", "quantized", "quantization")
    ][part::parts]
    results: dict[int, list[str]] = {}
    start = 0
    while start < len(schemas):  # some of them end the process, given arguments that make no sense
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            if device == "cpu":
                resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                probe(schemas, start, writer, device)
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader) as lines:
            for line in lines:
                number, *result = line.split()
                results[int(number)] = result
                start = int(number) + 1
        os.waitpid(child, 0)
    done = {number: result for number, result in results.items() if len(result) == 3}

    def names(column: int) -> list[str]:
        return sorted({str(schemas[at].name) for at in done if done[at][column] == "1"})

    report = {
        "called": len(names(0)),
        "unwritten": names(1),
        "foreign": names(2),
        "ended": sorted({str(schemas[at].name) for at in results.keys() - done.keys()}),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
