"""What a server says of a model and of outputs, checked: no server is trusted with lengths."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from rewriter.plurals import counted
from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.answers.datatypes import element_for
from runtime_shim.backends.remote.failures import contradiction, inexpressible, other_model
from runtime_shim.backends.remote.interface import Answered, Tensors
from runtime_shim.backends.remote.speaker import Speaker
from runtime_shim.errors import HostError

__all__ = [
    "MOST_DIMENSIONS",
    "MOST_PORTS",
    "check_answer",
    "check_passable",
    "check_same",
    "ports_of",
]

MOST_PORTS = 10_000
MOST_DIMENSIONS = 64
_LONGEST = 1 << 40
"""Bounds on what a server may say of a model; all of them are beyond what models have."""


def ports_of(server: Speaker, kind: str, described: Sequence[Tensors]) -> tuple[Port, ...]:
    """The inputs or outputs of a model. Raises HostError for a description that makes no sense, and
    for one that names none, because some servers do not know."""
    if not described:
        raise inexpressible(
            f"{server} names no {kind}s of the model, so their types and shapes are not known;"
            " the server's configuration of the model has to list them"
        )
    if len(described) > MOST_PORTS:
        raise contradiction(server, f"the model has {len(described)} {kind}s")
    ports = tuple(_port(server, kind, each) for each in described)
    names = {port.name for port in ports}
    if len(names) < len(ports) or not all(map(_is_name, names)):
        raise contradiction(server, f"{kind}s have the same name, or none")
    return ports


def _is_name(name: str) -> bool:
    """Whether it is a text that a component can get. JSON can spell halves of characters."""
    return bool(name) and not any("\ud800" <= char <= "\udfff" for char in name)


def _port(server: Speaker, kind: str, described: Tensors) -> Port:
    name, datatype, shape = described
    if server.repeats_secret(name):
        raise contradiction(server, f"the name of an {kind} has a header's value in it")
    if len(shape) > MOST_DIMENSIONS or not all(_is_dim(dim) for dim in shape):
        raise contradiction(
            server, f"the {kind} {server.quoted(name)} has the shape {server.quoted(shape)}"
        )
    dims = tuple(None if dim == -1 else dim for dim in shape if isinstance(dim, int))
    return Port(name, server.quoted(datatype)[1:-1], element_for(datatype), dims)


def _is_dim(dim: object) -> bool:
    return type(dim) is int and -1 <= dim < _LONGEST


def check_passable(server: Speaker, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
    """Raise HostError for a model that no guest can use: one with an input that has a type which
    wasi-nn lacks, such as text, or without an output that has another one."""
    for port in inputs:
        if port.element is None:
            raise inexpressible(
                f"no guest can use the model on {server}: the input {port} has a type that no"
                " wasi-nn tensor can have"
            )
    if all(port.element is None for port in outputs):
        raise inexpressible(
            f"no guest can use the model on {server}: the output {outputs[0]} has a type that no"
            " wasi-nn tensor can have, and there is none of another type"
        )


def check_same(
    server: Speaker, where: str, kind: str, known: Sequence[Port], found: Sequence[Port]
) -> None:
    """Raise OtherModel unless the inputs or outputs that a server has `found` have the names and
    types of the `known` ones, which the server `where` has described, and no other shapes. Their
    order may be another one, because requests name them."""
    others = {port.name: port for port in found}
    for port in known:
        other = others.pop(port.name, None)
        if other is None:
            raise other_model(server, where, f"it has no {kind} {port}")
        if other.described_type != port.described_type or not _may_be_same(port, other):
            raise other_model(server, where, f"it has the {kind} {other} instead of {port}")
    if others:
        raise other_model(server, where, f"it also has the {kind} {next(iter(others.values()))}")


def _may_be_same(one: Port, other: Port) -> bool:
    """Whether there is a shape that both take."""
    mine, others = one.dims or (), other.dims or ()
    return len(mine) == len(others) and all(
        dim == its or dim is None or its is None for dim, its in zip(mine, others, strict=True)
    )


def check_answer(server: Speaker, port: Port, answered: Answered, size: int) -> tuple[int, ...]:
    """The shape of an output of `size` bytes. Raises HostError unless it is what the server said of
    the model, and its bytes are as many as its type and shape need."""
    element = port.element
    if element is None or answered.datatype != port.described_type:
        raise _other(server, port, f"has the type {server.quoted(answered.datatype)}")
    shape = tuple([dim for dim in answered.shape if type(dim) is int and 0 <= dim < _LONGEST])
    if len(shape) != len(answered.shape) or not port.accepts(shape):
        raise _other(server, port, f"has the shape {server.quoted(list(answered.shape))}")
    needed = prod(shape) * element.size
    if size != needed:
        what = f"of shape {list(shape)} has {counted(size, 'byte')}, and needs {needed}"
        raise _other(server, port, what)
    return shape


def _other(server: Speaker, port: Port, what: str) -> HostError:
    return contradiction(server, f"the output {port} {what}")
