"""WasmEdge's ABI: witx with more encodings, and six more functions."""

from __future__ import annotations

from collections.abc import Callable

from rewriter.abi.dialects import Dialect, Errno
from runtime_shim.abi import witx
from runtime_shim.abi.memory import GuestMemory
from runtime_shim.guest_text import json_object
from runtime_shim.host.session import Session

__all__ = ["functions"]


def load_by_name_with_config(
    session: Session,
    guest: GuestMemory,
    name: int,
    name_len: int,
    config: int,
    config_len: int,
    graph_out: int,
) -> int:
    """The configuration is a JSON object, or empty."""
    guest.check_writable(graph_out, 4)
    usage = session.usage
    text = witx.read_text(guest, name, name_len, "name", usage.check_name)
    told = witx.read_text(guest, config, config_len, "configuration", usage.check_configuration)
    options = json_object(told, "configuration", Errno.INVALID_ARGUMENT) if told else {}
    guest.write_u32(graph_out, session.load_by_name(text, options))
    return witx.SUCCESS


def unload(session: Session, graph: int) -> int:
    session.unload(graph)
    return witx.SUCCESS


def finalize_execution_context(session: Session, context: int) -> int:
    session.finalize_execution_context(context)
    return witx.SUCCESS


def compute_single(session: Session, context: int) -> int:
    session.compute_single(context)
    return witx.SUCCESS


def get_output_single(
    session: Session,
    guest: GuestMemory,
    context: int,
    index: int,
    out_buffer: int,
    out_buffer_max_size: int,
    written_out: int,
) -> int:
    return witx.copy_output(
        session.get_output_single,
        guest,
        context,
        index,
        out_buffer,
        out_buffer_max_size,
        written_out,
    )


def fini_single(session: Session, context: int) -> int:
    session.fini_single(context)
    return witx.SUCCESS


def functions(dialect: Dialect) -> dict[str, Callable[..., int]]:
    """See runtime_shim.abi."""
    return {
        **witx.functions(dialect),
        "load_by_name_with_config": load_by_name_with_config,
        "compute_single": compute_single,
        "get_output_single": get_output_single,
        "fini_single": fini_single,
        "unload": unload,
        "finalize_execution_context": finalize_execution_context,
    }
