"""Whatever a backend raises, wherever it does: the guest gets an errno, and goes on."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from rewriter.abi.dialects import DIALECTS, WAMR, Encoding, Errno, Target, TensorType
from runtime_shim import NNHost
from runtime_shim.backends.interface import Options, Part, Place, Runtime
from tests.support.guest import BUILDERS, DATA, DIMS, HANDLE, OUTPUT, TENSOR_AT, WRITTEN, Guest

FAULTS = [
    ValueError("no such value"),
    KeyError("no such key"),
    MemoryError(),
    RecursionError("too deep"),
    OSError(5, "Input/output error"),
    AssertionError(),
    StopIteration(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    type("OfItsOwn", (Exception,), {})("whatever"),
]

CONTENT = b"abcdefgh"

_ENCODINGS = (Encoding.ONNX, Encoding.PYTORCH, Encoding.OPENVINO)
"""Each ABI has one of them."""

_WITHOUT_RUNTIME_ERROR = {"witx-2020": 3, "witx-2021": 3, "wasmedge-0.11": 3, "wasmedge-0.12": 3}
"""What is returned there instead."""

_RUNTIME_ERROR = {"wamr-2.1": 4, "wamr-2.2": 4, "wamr-2.1-legacy": 4, **_WITHOUT_RUNTIME_ERROR}
"""Its number, where that is not 5."""


class Faulty:
    """Implements backends.interface.Backend, Graph, MovableContext and StreamingContext: it gives
    back what it is given, and raises `fault` in the method that `at` names."""

    def __init__(self) -> None:
        self.at: str | None = None
        self.fault: Exception = ValueError()
        self.tensor = memoryview(bytearray(len(CONTENT)))
        self.result = memoryview(bytearray(len(CONTENT)))

    def _pass(self, method: str) -> None:
        if method == self.at:
            raise self.fault

    def describe(self) -> Runtime:
        return Runtime("faulty", {"it": Target.CPU})

    def load(self, parts: Sequence[Part], place: Place, options: Options) -> Faulty:
        self._pass("load")
        return self

    @property
    def device(self) -> str:
        self._pass("device")
        return "it"

    def init_execution_context(self) -> Faulty:
        self._pass("init_execution_context")
        return self

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        self._pass("set_input")
        self.tensor[:] = data

    def compute(self) -> None:
        self._pass("compute")
        self.result[:] = self.tensor

    def get_output(self, index: int) -> memoryview:
        self._pass("get_output")
        return self.result

    def move_input(self, index: int, buffer: memoryview) -> bool:
        self._pass("move_input")
        buffer[:] = self.tensor
        self.tensor = buffer
        return True

    def move_output(self, index: int, buffer: memoryview) -> bool:
        self._pass("move_output")
        buffer[:] = self.result
        self.result = buffer
        return True

    def compute_single(self) -> None:
        self._pass("compute_single")
        self.compute()

    def get_output_single(self, index: int) -> memoryview:
        self._pass("get_output_single")
        return self.get_output(index)

    def fini_single(self) -> None:
        self._pass("fini_single")


def all_calls(guest: Guest, dialect: str) -> list[tuple[str, int]]:
    """Every function that gets to a backend, each with its errno."""
    wamr = DIALECTS[dialect].layout is WAMR.layout
    onnx = next(n for n, e in DIALECTS[dialect].encodings.items() if e in _ENCODINGS)
    guest.put(DATA, CONTENT)
    guest.put(BUILDERS, struct.pack("<II", DATA, len(CONTENT)))
    guest.put(32, struct.pack("<II", BUILDERS, 1))
    guest.put(DIMS, struct.pack("<I", len(CONTENT) // 4))
    if wamr:
        guest.put(40, struct.pack("<II", DIMS, 1))
        guest.put(TENSOR_AT, struct.pack("<III", 40, TensorType.F32, DATA))
    else:
        guest.put(TENSOR_AT, struct.pack("<IIIII", DIMS, 1, TensorType.F32, DATA, len(CONTENT)))
    guest.put(WRITTEN, struct.pack("<I", 64))
    guest.put(OUTPUT, bytes(len(CONTENT)))
    array = (32,) if wamr else (BUILDERS, 1)
    room = (WRITTEN,) if wamr else (64, WRITTEN)
    found = [("load", guest.load(*array, onnx, Target.CPU, HANDLE))]
    graph = guest.u32(HANDLE)
    found.append(("init_execution_context", guest.init_execution_context(graph, HANDLE)))
    context = guest.u32(HANDLE)
    for _ in range(3):  # so that tensors are moved, where they can be
        found.append(("set_input", guest.set_input(context, 0, TENSOR_AT)))
        found.append(("compute", guest.compute(context)))
        found.append(("get_output", guest.get_output(context, 0, OUTPUT, *room)))
    if dialect == "wasmedge":
        found.append(("compute_single", guest.compute_single(context)))
        single = guest.get_output_single(context, 0, OUTPUT, *room)
        found.append(("get_output_single", single))
        found.append(("fini_single", guest.fini_single(context)))
    return found


METHODS = (
    "load",
    "device",
    "init_execution_context",
    "set_input",
    "compute",
    "get_output",
    "compute_single",
    "get_output_single",
    "fini_single",
    "move_input",
    "move_output",
)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_fault_in_any_method_of_a_backend_is_a_runtime_error(
    dialect: str, fault: Exception, plain: bool
) -> None:
    for method in METHODS:
        backend = Faulty()
        backend.fault = fault
        guest = Guest(
            NNHost(backends=dict.fromkeys(_ENCODINGS, backend)),
            dialect=DIALECTS[dialect],
            plain=plain,
        )
        backend.at = method
        failed = "load" if method == "device" else method
        for name, errno in all_calls(guest, dialect):
            if name == failed:
                assert errno == _RUNTIME_ERROR.get(dialect, 5), (method, name)
            elif failed not in ("load", "init_execution_context"):
                assert errno == Errno.SUCCESS or name.endswith("single"), (method, name)
        if method.startswith("move_"):
            assert guest.take(OUTPUT, len(CONTENT)) == CONTENT
        backend.at = None
        assert {errno for _, errno in all_calls(guest, dialect)} == {Errno.SUCCESS}
        assert guest.take(OUTPUT, len(CONTENT)) == CONTENT
