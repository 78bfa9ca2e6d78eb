"""The tensors in answers over gRPC."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.answers.datatypes import format_of
from runtime_shim.backends.remote.answers.described import MOST_DIMENSIONS
from runtime_shim.backends.remote.failures import contradiction
from runtime_shim.backends.remote.interface import Answered, Region
from runtime_shim.backends.remote.over_grpc.messages import TYPED
from runtime_shim.backends.remote.speaker import Speaker

__all__ = ["outputs_of", "shape_of"]


_NOTHING: Mapping[str, object] = MappingProxyType({})


def outputs_of(
    server: Speaker, answer: Any, outputs: Sequence[tuple[Port, Region | None]]
) -> Sequence[Answered]:
    """The outputs in an answer, of which some may be in shared memory. Raises HostError if it has
    data for others, or data twice."""
    raw, described = list(answer.raw_output_contents), list(answer.outputs)
    placed = {port.name for port, region in outputs if region is not None}
    skips_placed = len(raw) != len(described)
    if raw and skips_placed and len(raw) != sum(each.name not in placed for each in described):
        raise contradiction(server, f"it has {len(described)} outputs, but data of {len(raw)}")
    contents = iter(raw)
    found = []
    for each in described:
        name, datatype, told = each.name, each.datatype, _NOTHING
        is_placed = name in placed
        is_typed = each.HasField("contents") and each.contents.ByteSize() > 0
        data = b""
        if raw and not (is_placed and skips_placed):
            data = next(contents)
        if data and is_typed:
            raise contradiction(server, f"the output {server.quoted(name)} has its data twice")
        content: memoryview | None = memoryview(data)
        if is_typed or not (raw or is_placed):
            content = _typed(server, each)
        elif is_placed and not data:
            content = None
        if parameters := each.parameters:
            told = dict(map(_parameter, parameters))
            if len(told) < len(parameters):
                raise contradiction(
                    server, f"the output {server.quoted(name)} has a parameter twice"
                )
        found.append(Answered(name, datatype, shape_of(each), content, told))
    return found


def _parameter(parameter: Any) -> tuple[str, object]:
    """Its name and its value, or all of them if it has several. A value of 0 may be left out."""
    values = [value for _, value in parameter.value.ListFields()]
    return parameter.key, values[0] if len(values) == 1 else values or 0


def _typed(server: Speaker, output: Any) -> memoryview | None:
    """The bytes of an output that is not in raw form, as some servers answer. None for texts,
    and for types that have no other form."""
    field, letter = TYPED.get(output.datatype), format_of(output.datatype)
    filled = {each.name for each, _ in output.contents.ListFields()}
    if len(filled) > 1 or (field is not None and not filled <= {field}):
        name, datatype = server.quoted(output.name), server.quoted(output.datatype)
        found = ", ".join(sorted(filled))
        raise contradiction(
            server,
            f"the output {name} of type {datatype} has {found}",
        )
    if field is None or letter is None:
        return None
    values = getattr(output.contents, field)
    try:
        if letter == "?":
            return memoryview(bytes(values))
        return memoryview(array(letter, values)).cast("B")
    except (OverflowError, struct.error) as error:
        raise contradiction(server, f"the output {server.quoted(output.name)}: {error}") from error


def shape_of(tensor: Any) -> list[int]:
    """The shape, or so much of it that it is too long."""
    found: list[int] = tensor.shape[: MOST_DIMENSIONS + 1]
    return found
