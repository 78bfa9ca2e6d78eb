"""The witx ABI: six functions that decode a guest's arguments and encode the results.

Signatures, structures and constants stand in rewriter.dialects. Every function returns an errno,
or raises the HostError that holds it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import TypeVar

from rewriter.dialects import BUILDER, TENSOR, Encoding, Errno, Target, TensorType
from runtime_shim.errors import HostError
from runtime_shim.memory import GuestMemory
from runtime_shim.session import Session

__all__ = ["FUNCTIONS", "WITHOUT_MEMORY"]

log = logging.getLogger("runtime_shim")

E = TypeVar("E", bound=IntEnum)

# Plain numbers: ctypes takes four times as long to store a member of an enumeration.
_SUCCESS = int(Errno.SUCCESS)
_INVALID_ARGUMENT = int(Errno.INVALID_ARGUMENT)

_MAX_RANK = 64
"""Dimensions; more than NumPy's arrays can have (NPY_MAXDIMS, since 2.0) no backend can take."""


def load(
    session: Session,
    guest: GuestMemory,
    builders: int,
    builders_len: int,
    encoding: int,
    target: int,
    graph_out: int,
) -> int:
    guest.check_writable(graph_out, 4)
    kind = _constant(Encoding, encoding, Errno.INVALID_ENCODING)
    device = _constant(Target, target, Errno.INVALID_ARGUMENT)
    fields = guest.u32s(builders, builders_len * BUILDER.size // 4)
    if sum(fields[1::2]) > guest.size:  # they overlap, and copies of them could be any size
        raise HostError(Errno.INVALID_ARGUMENT, "the builders are larger than the guest's memory")
    parts = [guest.read(fields[i], fields[i + 1]) for i in range(0, len(fields), 2)]
    guest.write_u32(graph_out, session.load(parts, kind, device))
    return _SUCCESS


def load_by_name(
    session: Session, guest: GuestMemory, name: int, name_len: int, graph_out: int
) -> int:
    guest.check_writable(graph_out, 4)
    try:
        text = guest.read(name, name_len).decode("utf-8")
    except UnicodeDecodeError as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"the name is not UTF-8: {error}") from error
    guest.write_u32(graph_out, session.load_by_name(text))
    return _SUCCESS


def init_execution_context(
    session: Session, guest: GuestMemory, graph: int, context_out: int
) -> int:
    guest.check_writable(context_out, 4)
    guest.write_u32(context_out, session.init_execution_context(graph))
    return _SUCCESS


def set_input(session: Session, guest: GuestMemory, context: int, index: int, tensor: int) -> int:
    dims, dims_len, tensor_type, data, data_len = guest.unpack(TENSOR, tensor)
    kind = _constant(TensorType, tensor_type, Errno.INVALID_ARGUMENT)
    if dims_len > _MAX_RANK:
        raise HostError(Errno.INVALID_ARGUMENT, f"a tensor of {dims_len} dimensions")
    shape = guest.u32s(dims, dims_len)
    with guest.view(data, data_len) as view:
        session.set_input(context, index, kind, shape, view)
    return _SUCCESS


def compute(session: Session, context: int) -> int:
    # A guest can ask for this in a loop, and an exception would cost as much as an inference.
    if context not in session.contexts:
        log.info("compute: invalid_argument: %d is no handle of an execution context", context)
        return _INVALID_ARGUMENT
    session.compute(context)
    return _SUCCESS


def get_output(
    session: Session,
    guest: GuestMemory,
    context: int,
    index: int,
    out_buffer: int,
    out_buffer_max_size: int,
    written_out: int,
) -> int:
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
    return _SUCCESS


def _constant(kind: type[E], value: int, errno: Errno) -> E:
    try:
        return kind(value)
    except ValueError:
        raise HostError(errno, f"{value} is no {kind.__name__}") from None


FUNCTIONS: Mapping[str, Callable[..., int]] = MappingProxyType(
    {
        "load": load,
        "load_by_name": load_by_name,
        "init_execution_context": init_execution_context,
        "set_input": set_input,
        "compute": compute,
        "get_output": get_output,
    }
)
"""By import name; each takes the session, the guest's memory and the u32 arguments."""

WITHOUT_MEMORY = frozenset({"compute"})
"""The functions that are not given the guest's memory: all of their arguments are handles."""
