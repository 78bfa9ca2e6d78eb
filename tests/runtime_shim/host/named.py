"""How the tests use tensors by name."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target
from rewriter.abi.numbers import ComponentType
from runtime_shim import HostError
from runtime_shim.host.session import Session


def context_for(session: Session, made: bytes, encoding: Encoding) -> int:
    return session.init_execution_context(session.load([made], encoding, Target.CPU))


def floats(*values: float) -> memoryview:
    return memoryview(struct.pack(f"<{len(values)}f", *values))


def feed(session: Session, context: int, name: str, *values: float) -> None:
    index = session.input_index(context, name)
    session.set_tensor(context, index, ComponentType.F32, (len(values),), floats(*values))


Shown = tuple[str, ComponentType, tuple[int, ...], bytes]


def computed(session: Session, context: int) -> list[Shown]:
    """All outputs, which have to be the same as one by one."""
    session.compute(context)
    outputs = session.outputs(context)
    found = [(each.name, each.type, each.shape, bytes(each.data)) for each in outputs]
    for index, each in enumerate(found):
        name, kind, shape, data = session.output(context, index)
        assert (name, kind, shape, bytes(data)) == each
        assert session.get_output(context, index) == each[3]
    return found


@contextmanager
def refused(errno: Errno, match: str | None = None) -> Iterator[None]:
    with pytest.raises(HostError, match=match) as caught:
        yield
    assert caught.value.errno is errno
