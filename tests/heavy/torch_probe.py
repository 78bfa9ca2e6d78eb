"""Calls every operator that a model may, to see which return memory that was never written.

To be run as a program. It prints a JSON object: how many operators could be `called`, those that
returned `unwritten` memory of an allocator that marks it, and those that returned `foreign` memory
as the backend sets it up: a mark, or what was in a tensor that was freed just before.
"""

from __future__ import annotations

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
from runtime_shim.backends.torch.memory import fill_with_zeros

MARK = bytes.fromhex("efbeed7f")
"""What PyTorch's allocator marks with: c10/core/CPUAllocator.cpp, memset_junk."""

SECRET = 0xA5

MOST_MEMORY = 4 << 30
"""Bytes that calls may take."""

LONGEST = 10
"""Seconds that the calls of an operator may take."""

NOT_CALLED = {"aten::set_grad_enabled", "aten::manual_seed", "aten::seed", "aten::wait"}


def tensors() -> Iterator[torch.Tensor]:
    yield torch.ones(4, 4)
    yield torch.zeros(4, dtype=torch.int64)
    yield torch.ones(2, 4, 4, 4)
    yield torch.ones(4, 4, dtype=torch.uint8)
    yield torch.quantize_per_tensor(torch.ones(4, 4), 1.0, 0, torch.quint8)


def value_of(kind: str, tensor: torch.Tensor, size: list[int]) -> Any:
    """An argument of a type. Raises KeyError for a type that has none."""
    return {
        "Tensor": tensor,
        "List[Tensor]": [tensor, tensor],
        "List[Optional[Tensor]]": [torch.zeros(2, dtype=torch.int64)],
        "int": 1,
        "List[int]": size,
        "float": 1.0,
        "List[float]": [1.0, 1.0],
        "bool": True,
        "List[bool]": [True, True],
        "number": 1,
        "Device": torch.device("cpu"),
    }[kind]


def calls_of(schema: Any) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Arguments for an operator: its required ones."""
    for tensor, size in itertools.product(tensors(), ([4, 4], [16, 16, 4], [2], [1000])):
        given, named = [], {}
        try:
            for argument in schema.arguments:
                if argument.has_default_value():
                    continue
                kind = argument.type.annotation_str
                if kind.startswith("Optional["):
                    value = size if kind == "Optional[List[int]]" else None
                else:
                    value = value_of(kind, tensor.clone(), size)
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
        storage = value.untyped_storage()
        return ctypes.string_at(storage.data_ptr(), storage.nbytes()) if storage.nbytes() else b""
    if isinstance(value, (tuple, list)):
        return b"".join(map(found_in, value))
    return b""


class Allocator:
    """The switches of PyTorch's allocator."""

    def __init__(self) -> None:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
        flag = "FLAGS_caffe2_cpu_allocator_do_{}_fill"
        self.mark = ctypes.c_bool.in_dll(library, flag.format("junk"))
        self.zero = ctypes.c_bool.in_dll(library, flag.format("zero"))

    def call(self, schema: Any, marked: bool) -> tuple[bool, bool]:
        """Whether an operator could be called, and whether it returned memory that it had not
        written."""
        packet = getattr(torch.ops, schema.name.partition("::")[0])
        operator = getattr(
            getattr(packet, schema.name.partition("::")[2]), schema.overload_name or "default"
        )
        called = found = False
        for given, named in calls_of(schema):
            self.zero.value, self.mark.value = False, marked
            if not marked:
                fill_with_zeros()
            secrets = [
                torch.full((size,), SECRET, dtype=torch.uint8)
                for size in (64, 256, 1000, 1024, 4000, 4096)
            ]
            del secrets
            try:
                memory = found_in(operator(*given, **named))
            except Exception:  # noqa: BLE001 - what an operator thinks of its arguments
                continue
            finally:
                self.zero.value = self.mark.value = False
            called = True
            found |= MARK in memory or bytes([SECRET]) * 8 in memory
        return called, found


def probe(schemas: list[Any], start: int, output: int) -> None:
    """Try operators from one on, and write a line for each."""
    allocator = Allocator()
    for number in range(start, len(schemas)):
        signal.alarm(LONGEST)
        os.write(output, f"{number} ".encode())
        called, unwritten = allocator.call(schemas[number], marked=True)
        _, foreign = allocator.call(schemas[number], marked=False) if called else (False, False)
        os.write(output, f"{int(called)} {int(unwritten)} {int(foreign)}\n".encode())


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    schemas = [
        schema
        for schema in torch._C._jit_get_all_schemas()
        if schema.name not in NOT_CALLED
        and is_allowed_operator(schema.name)
        and not any(argument.name == "out" for argument in schema.arguments)
        and any("Tensor" in returned.type.annotation_str for returned in schema.returns)
        and schema.name.partition("::")[0] in ("aten", "prims", "quantized", "quantization")
    ]
    results: dict[int, list[str]] = {}
    start = 0
    while start < len(schemas):  # some of them end the process, given arguments that make no sense
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            probe(schemas, start, writer)
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
