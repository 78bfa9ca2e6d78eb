"""WasmEdge's ABI: witx with more encodings, and six more functions."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rewriter.dialects import WASMEDGE, Errno
from runtime_shim.abi import witx
from runtime_shim.errors import HostError
from runtime_shim.memory import GuestMemory
from runtime_shim.session import Session

__all__ = ["FUNCTIONS"]


def load_by_name_with_config(
    session: Session,
    guest: GuestMemory,
    name: int,
    name_len: int,
    config: int,
    config_len: int,
    graph_out: int,
) -> int:
    """The configuration is a JSON object, or nothing at all."""
    guest.check_writable(graph_out, 4)
    text = witx.read_text(guest, config, config_len, "configuration")
    try:
        options = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise HostError(
            Errno.INVALID_ARGUMENT, f"the configuration is not JSON: {error}"
        ) from error
    if not isinstance(options, dict):
        raise HostError(Errno.INVALID_ARGUMENT, "the configuration is no JSON object")
    graph = session.load_by_name(witx.read_text(guest, name, name_len, "name"), options)
    guest.write_u32(graph_out, graph)
    return witx.SUCCESS


def unload(session: Session, graph: int) -> int:
    session.unload(graph)
    return witx.SUCCESS


def finalize_execution_context(session: Session, context: int) -> int:
    session.finalize_execution_context(context)
    return witx.SUCCESS


def _streaming(session: Session, context: int) -> int:
    session.contexts[context]
    raise HostError(Errno.UNSUPPORTED_OPERATION, "the backend does not stream")


def get_output_single(
    session: Session,
    _guest: GuestMemory,
    context: int,
    _index: int,
    _out_buffer: int,
    _out_buffer_max_size: int,
    _written_out: int,
) -> int:
    return _streaming(session, context)


FUNCTIONS: Mapping[str, Callable[..., int]] = MappingProxyType(
    {
        **witx.FUNCTIONS,
        "load": functools.partial(witx.load, dialect=WASMEDGE),
        "load_by_name_with_config": load_by_name_with_config,
        "compute_single": _streaming,
        "get_output_single": get_output_single,
        "fini_single": _streaming,
        "unload": unload,
        "finalize_execution_context": finalize_execution_context,
    }
)
"""As witx.FUNCTIONS."""
