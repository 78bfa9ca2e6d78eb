"""Hosts with a graph on a server, and inferences with it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pytest

from rewriter.abi.dialects import Encoding, TensorType
from runtime_shim import HostError, NamedGraph, NNHost
from runtime_shim.backends.common.devices import AUTO
from runtime_shim.backends.remote.access import Access
from runtime_shim.backends.remote.endpoints import parse_endpoint
from runtime_shim.backends.remote.model import RemoteModel, Tls
from runtime_shim.backends.remote.speaker import Speaker

__all__ = ["SERVER", "code_of", "host_of", "host_with_local", "inferred", "two_floats"]

SERVER = Speaker("s", Access({}, Tls()))

two_floats = struct.pack("<2f", 1.5, -2.25)


def host_of(*urls: str, paths: Sequence[str] = (), **settings: Any) -> NNHost:
    """A host with a graph `m` at these URLs."""
    remote = RemoteModel(tuple(map(parse_endpoint, urls)), **settings)
    return NNHost(graphs=[NamedGraph("m", Encoding.AUTODETECT, AUTO, tuple(paths), remote=remote)])


def host_with_local(url: str, local: str) -> NNHost:
    """A host with a graph `m` at this URL, and a file that stands in."""
    return host_of(url, paths=[local], falls_back=True)


def inferred(host: NNHost, data: bytes = two_floats) -> bytes:
    """The output for pairs of floats."""
    with host.session() as session:
        context = session.init_execution_context(session.load_by_name("m"))
        shape = len(data) // 8, 2
        session.set_input(context, 0, TensorType.F32, shape, memoryview(data))
        session.compute(context)
        return session.get_output(context, 0)


def code_of(host: NNHost, data: bytes = two_floats) -> str | None:
    """The code of the error of an inference."""
    with pytest.raises(HostError) as caught:
        inferred(host, data)
    return caught.value.code
