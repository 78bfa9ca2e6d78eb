"""The witx ABI: six functions that decode a guest's arguments and encode the results.

Signatures, structures and constants are in rewriter.abi.

set_input and get_output are implemented twice: runtime_shim/engine/trampolines/copies.witx.wat has
the case in which they succeed with a tensor that was used before. Change both together;
tests/runtime_shim/engine/test_fast_path.py compares the two.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from rewriter.abi.dialects import WASMEDGE, WITX, Dialect, Encoding, Errno, Target
from rewriter.abi.structures import BUILDER, TENSOR
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.errors import HostError, Unreadable
from runtime_shim.host.session import AUTO, Place, Session

__all__ = ["SUCCESS", "Check", "functions", "load", "meaning", "read_shape", "read_text"]

log = logging.getLogger("runtime_shim")

M = TypeVar("M")

TARGETS: Mapping[int, Place] = MappingProxyType({target.value: target for target in Target})

_WASMEDGE_TARGETS: Mapping[int, Place] = MappingProxyType({**TARGETS, 3: AUTO})
"""https://github.com/WasmEdge/WasmEdge/blob/d516c5d/plugins/wasi_nn/wasinntypes.h (Device)"""

_ENCODINGS = MappingProxyType({**WITX.encodings, 6: Encoding.GGML})
"""The specification's encodings, plus the one that guests of the same functions use on WasmEdge and
on WAMR."""

# A plain number, because ctypes takes four times as long to store a member of an enumeration.
SUCCESS = int(Errno.SUCCESS)
_INVALID_ARGUMENT = int(Errno.INVALID_ARGUMENT)

_NO_CONTEXT = (
    "compute",
    HostError(Errno.INVALID_ARGUMENT, "the argument is not a handle of an execution context"),
)

Check = Callable[[Encoding, Sequence[bytes]], None]
"""Raises HostError for a model, by its encoding and parts, that one host does not accept."""

_MAX_RANK = 64
"""Maximum number of dimensions. No backend can have more than NumPy's arrays (NPY_MAXDIMS, since
2.0)."""


def load(
    session: Session,
    guest: GuestMemory,
    builders: int,
    builders_len: int,
    encoding: int,
    target: int,
    graph_out: int,
    *,
    dialect: Dialect,
    check: Check | None = None,
) -> int:
    """With a `check` of models, only the dialect's encodings are known, and a model has to be of
    the encoding that the guest passes."""
    guest.check_writable(graph_out, 4)
    lenient = dialect.encodings is WITX.encodings and check is None
    known = _ENCODINGS if lenient else dialect.encodings
    kind = meaning(known, encoding, "encoding", Errno.INVALID_ENCODING)
    targets = _WASMEDGE_TARGETS if dialect.name == WASMEDGE.name else TARGETS
    device = meaning(targets, target, "target", Errno.INVALID_ARGUMENT)
    session.check_parts(kind, builders_len)
    fields = guest.u32s(builders, builders_len * BUILDER.size // 4)
    size = sum(fields[1::2])
    if size > guest.current_size():  # parts may overlap, and copies of them could have any size
        raise HostError(Errno.INVALID_ARGUMENT, "the builders are larger than the guest's memory")
    session.check_load(size)
    parts = [guest.read(fields[i], fields[i + 1]) for i in range(0, len(fields), 2)]
    if check is not None:
        check(kind, parts)
    # This is WAMR's number for GGML; 6 accepts any format.
    only_this = check is not None or (kind is Encoding.GGML and encoding != kind)
    guest.write_u32(graph_out, session.load(parts, kind, device, only_this=only_this))
    return SUCCESS


def load_by_name(
    session: Session, guest: GuestMemory, name: int, name_len: int, graph_out: int
) -> int:
    guest.check_writable(graph_out, 4)
    text = read_text(guest, name, name_len, "name", session.usage.check_name)
    guest.write_u32(graph_out, session.load_by_name(text))
    return SUCCESS


def init_execution_context(
    session: Session, guest: GuestMemory, graph: int, context_out: int
) -> int:
    guest.check_writable(context_out, 4)
    guest.write_u32(context_out, session.init_execution_context(graph))
    return SUCCESS


def set_input(
    session: Session,
    guest: GuestMemory,
    context: int,
    index: int,
    tensor: int,
    *,
    dialect: Dialect,
) -> int:
    dims, dims_len, tensor_type, data, data_len = guest.unpack(TENSOR, tensor)
    shape = read_shape(guest, dims, dims_len)
    with guest.view(data, data_len) as view:
        session.set_input(context, index, tensor_type, shape, view, dialect)
    return SUCCESS


def compute(session: Session, context: int) -> int:
    # A guest can ask for this in a loop, and an exception would cost as much as an inference.
    if context not in session.contexts:
        session.refused = _NO_CONTEXT
        if log.isEnabledFor(logging.INFO):  # takes half as long as a call that logs nothing
            log.info(
                "compute: invalid_argument: %d is not a handle of an execution context", context
            )
        return _INVALID_ARGUMENT
    session.compute(context)
    return SUCCESS


def get_output(
    session: Session,
    guest: GuestMemory,
    context: int,
    index: int,
    out_buffer: int,
    out_buffer_max_size: int,
    written_out: int,
) -> int:
    return copy_output(
        session.output_in_place, guest, context, index, out_buffer, out_buffer_max_size, written_out
    )


def copy_output(
    get: Callable[[int, int], memoryview],
    guest: GuestMemory,
    context: int,
    index: int,
    out_buffer: int,
    out_buffer_max_size: int,
    written_out: int,
) -> int:
    """Copy an output of a context, returned by `get`, into the guest's memory."""
    guest.check_writable(written_out, 4)
    guest.check_writable(out_buffer, out_buffer_max_size)
    output = get(context, index)
    size = len(output)
    if size > out_buffer_max_size:
        guest.write_u32(written_out, size)
        raise HostError(
            Errno.TOO_LARGE,
            f"output {index} has {size} bytes, but the buffer has {out_buffer_max_size}",
        )
    guest.write(out_buffer, output)
    guest.write_u32(written_out, size)
    return SUCCESS


def meaning(known: Mapping[int, M], value: int, what: str, errno: Errno) -> M:
    """The meaning of a number that the guest passes. Raises Unreadable with `errno` for unknown
    numbers."""
    found = known.get(value)
    if found is None:
        raise Unreadable(errno, f"unknown {what} {value}")
    return found


def read_shape(guest: GuestMemory, dimensions: int, count: int) -> tuple[int, ...]:
    """The dimensions of a tensor."""
    if count > _MAX_RANK:
        raise HostError(
            Errno.INVALID_ARGUMENT, f"a tensor cannot have {count} dimensions (at most {_MAX_RANK})"
        )
    return guest.u32s(dimensions, count)


def read_text(
    guest: GuestMemory, pointer: int, length: int, what: str, check: Callable[[int], None]
) -> str:
    """A string in UTF-8. `check` gets its `length` in bytes and may refuse it before any is
    read."""
    guest.check_writable(pointer, length)
    check(length)
    try:
        return guest.read(pointer, length).decode("utf-8")
    except UnicodeDecodeError as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"the {what} is not UTF-8: {error}") from error


def functions(dialect: Dialect) -> dict[str, Callable[..., int]]:
    """See runtime_shim.abi."""
    return {
        "load": partial(load, dialect=dialect),
        "load_by_name": load_by_name,
        "init_execution_context": init_execution_context,
        "set_input": partial(set_input, dialect=dialect),
        "compute": compute,
        "get_output": get_output,
    }
