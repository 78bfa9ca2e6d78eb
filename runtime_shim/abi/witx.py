"""The witx ABI: six functions that decode a guest's arguments and encode the results.

Signatures, structures and constants stand in rewriter.dialects. Every function raises HostError
where the arguments are wrong; what it raises becomes the errno, and a return is `success`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, TypeVar

from rewriter.dialects import BUILDER, TENSOR, Encoding, Errno, Target, TensorType
from runtime_shim.errors import HostError
from runtime_shim.memory import GuestMemory
from runtime_shim.session import Session

__all__ = ["FUNCTIONS", "Memory"]

Memory = Callable[[], GuestMemory]
"""Looks the guest's memory up; raises HostError with `missing_memory` where it exports none."""

E = TypeVar("E", bound=IntEnum)


def load(
    session: Session,
    memory: Memory,
    builders: int,
    builders_len: int,
    encoding: int,
    target: int,
    graph_out: int,
) -> None:
    guest = memory()
    guest.check_writable(graph_out, 4)
    kind = _constant(Encoding, encoding, Errno.INVALID_ENCODING)
    device = _constant(Target, target, Errno.INVALID_ARGUMENT)
    fields = guest.u32s(builders, builders_len * BUILDER.size // 4)
    parts = [guest.read(fields[i], fields[i + 1]) for i in range(0, len(fields), 2)]
    guest.write_u32(graph_out, session.load(parts, kind, device))


def load_by_name(
    session: Session, memory: Memory, name: int, name_len: int, graph_out: int
) -> None:
    guest = memory()
    guest.check_writable(graph_out, 4)
    try:
        text = guest.read(name, name_len).decode("utf-8")
    except UnicodeDecodeError as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"the name is not UTF-8: {error}") from error
    guest.write_u32(graph_out, session.load_by_name(text))


def init_execution_context(session: Session, memory: Memory, graph: int, context_out: int) -> None:
    guest = memory()
    guest.check_writable(context_out, 4)
    guest.write_u32(context_out, session.init_execution_context(graph))


def set_input(session: Session, memory: Memory, context: int, index: int, tensor: int) -> None:
    guest = memory()
    dims, dims_len, tensor_type, data, data_len = guest.unpack(TENSOR, tensor)
    kind = _constant(TensorType, tensor_type, Errno.INVALID_ARGUMENT)
    shape = guest.u32s(dims, dims_len)
    with guest.view(data, data_len) as view:
        session.set_input(context, index, kind, shape, view)


def compute(session: Session, _memory: Memory, context: int) -> None:
    session.compute(context)


def get_output(
    session: Session,
    memory: Memory,
    context: int,
    index: int,
    out_buffer: int,
    out_buffer_max_size: int,
    written_out: int,
) -> None:
    guest = memory()
    guest.check_writable(written_out, 4)
    with guest.view(out_buffer, out_buffer_max_size) as buffer:
        output = session.get_output(context, index)
        if len(output) > out_buffer_max_size:
            guest.write_u32(written_out, len(output))
            raise HostError(
                Errno.TOO_LARGE,
                f"output {index} has {len(output)} bytes, the buffer {out_buffer_max_size}",
            )
        buffer[: len(output)] = output
    guest.write_u32(written_out, len(output))


def _constant(kind: type[E], value: int, errno: Errno) -> E:
    try:
        return kind(value)
    except ValueError:
        raise HostError(errno, f"{value} is no {kind.__name__}") from None


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            load,
            load_by_name,
            init_execution_context,
            set_input,
            compute,
            get_output,
        )
    }
)
"""By import name; each takes the session, the memory look-up and the u32 arguments."""
