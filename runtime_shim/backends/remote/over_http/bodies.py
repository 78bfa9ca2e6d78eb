"""Bodies of requests and answers: JSON, with tensors in it or, in binary form, after it.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.answers.datatypes import format_of, numbers_in
from runtime_shim.backends.remote.answers.identity import Identity
from runtime_shim.backends.remote.answers.limits import LARGEST_DESCRIPTION
from runtime_shim.backends.remote.failures import contradiction, inexpressible
from runtime_shim.backends.remote.interface import (
    Answered,
    Given,
    Metadata,
    Region,
    Tensors,
    place_of,
)
from runtime_shim.backends.remote.speaker import Speaker

__all__ = [
    "HEADER_LENGTH",
    "answered",
    "described_tensors",
    "infer_body",
    "json_of",
    "metadata_of",
]

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header with the length in bytes of the JSON before binary tensors."""


class _Constant(float):
    """NaN or an infinity that is spelled out, as Triton and Python's json do although JSON does not
    have them. Other infinities are numbers that are too large."""


class _MinusZero(int):
    """`-0`, which JSON has. As an integer, it is 0."""

    def __float__(self) -> float:
        return -0.0


def _integer(digits: str) -> int:
    return _MinusZero() if digits == "-0" else int(digits)


_MINUS_ZERO = re.compile(rb"-0(?![.0-9Ee])")
"""Where `-0` may be. A function for all integers is slower than none."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


_DECODER, _WITH_MINUS_ZERO = (
    json.JSONDecoder(parse_constant=_Constant, object_pairs_hook=_object, parse_int=parse_int)
    for parse_int in (None, _integer)
)


def json_of(server: Speaker, data: bytes | bytearray) -> dict[str, Any]:
    """An object. Raises HostError for anything else."""
    if len(data) > LARGEST_DESCRIPTION:
        raise contradiction(server, f"its JSON has {len(data)} bytes")
    try:
        decoder = _WITH_MINUS_ZERO if _MINUS_ZERO.search(data) else _DECODER
        found = decoder.decode(data.decode())
    except (ValueError, RecursionError) as error:
        is_page = data.lstrip().startswith(b"<")
        what = "it is a page for people" if is_page else "it is not JSON, or has a key twice"
        raise contradiction(server, what) from error
    if not isinstance(found, dict):
        raise contradiction(server, "it is not a JSON object")
    return found


def metadata_of(server: Speaker, found: dict[str, Any]) -> Metadata:
    """What a server says of a model. Raises HostError if it has another form."""
    kinds = [
        [Tensors(*_described(server, each)) for each in _list(server, found, key)]
        for key in ("inputs", "outputs")
    ]
    return Metadata(str(found.get("platform", "")), *kinds)


def _list(server: Speaker, found: dict[str, Any], key: str) -> list[Any]:
    listed = found.get(key, [])
    if not isinstance(listed, list):
        raise contradiction(server, f"{key} is not a list")
    return listed


def _described(server: Speaker, tensor: object) -> tuple[str, str, list[object]]:
    if isinstance(tensor, dict):
        name, datatype, shape = map(tensor.get, ("name", "datatype", "shape"))
        if isinstance(name, str) and isinstance(datatype, str) and isinstance(shape, list):
            return name, datatype, shape
    raise contradiction(server, "a tensor lacks its name, datatype or shape")


def infer_body(request_id: str, tensors: str) -> bytes:
    """The JSON of a request. `tensors` is from described_tensors."""
    return f'{{"id": "{request_id}", {tensors}}}'.encode()


def described_tensors(
    inputs: Sequence[Given], outputs: Sequence[tuple[Port, Region | None]], *, binary: bool
) -> str:
    """The members of a request's JSON that describe its tensors, or have them in it. Raises
    HostError for a tensor that cannot be spelled in JSON where the server takes nothing else."""
    described: list[dict[str, Any]] = []
    for port, shape, data in inputs:
        tensor: dict[str, Any] = {
            "name": port.name,
            "shape": shape,
            "datatype": port.described_type,
        }
        if isinstance(data, Region):
            tensor["parameters"] = place_of(data)
        elif binary:
            tensor["parameters"] = {"binary_data_size": len(data)}
        else:
            tensor["data"] = _values(port, data)
        described.append(tensor)
    wanted = [
        {"name": port.name, "parameters": place_of(region) if region else {"binary_data": binary}}
        for port, region in outputs
    ]
    try:
        text = json.dumps({"inputs": described, "outputs": wanted}, allow_nan=False)
    except ValueError as error:
        raise inexpressible(
            "an input has a value that is not finite, which JSON cannot express; gRPC can, and so"
            " can binary tensors over HTTP, if the server takes them"
        ) from error
    return text[1:-1]


def _values(port: Port, data: bytes) -> tuple[Any, ...]:
    letter = format_of(port.described_type)
    if letter is None:
        raise inexpressible(
            f"the input {port} cannot be spelled in JSON; gRPC can send it, and so can binary"
            " tensors over HTTP, if the server takes them"
        )
    return numbers_in(data, letter)


def answered(
    identity: Identity, request_id: str, data: bytes | bytearray, header_length: str | None
) -> Sequence[Answered]:
    """The outputs in the body of an answer. Raises HostError if it is not one, or not that of the
    request."""
    server = identity.server
    length = len(data)
    if header_length is not None:
        is_number = header_length.isascii() and header_length.isdecimal()
        if not is_number or len(header_length) > 20 or int(header_length) > length:
            raise contradiction(server, f"{HEADER_LENGTH} is {server.quoted(header_length)}")
        length = int(header_length)
    rest = memoryview(data)[length:]
    body = json_of(server, data[:length])
    told = map(body.get, ("id", "model_name", "model_version"))
    identity.check_inferred(request_id, *told)
    if body.get("error"):
        raise contradiction(server, f"it succeeded, and says {server.quoted(body['error'])}")
    found = []
    for each in _list(server, body, "outputs"):
        name, datatype, shape = _described(server, each)
        parameters = each.get("parameters")
        parameters = parameters if isinstance(parameters, dict) else {}
        size = parameters.get("binary_data_size")
        content: memoryview | None
        if size is not None and "data" in each:
            raise contradiction(server, f"the output {server.quoted(name)} has its data twice")
        if size is not None:
            if type(size) is not int or not 0 <= size <= len(rest):
                raise contradiction(
                    server,
                    f"the output {server.quoted(name)} has {server.quoted(size)} bytes, and"
                    f" {len(rest)} have arrived",
                )
            content, rest = rest[:size], rest[size:]
        elif "data" in each:
            content = _packed(server, name, datatype, shape, each["data"])
        else:
            content = None
        found.append(Answered(name, datatype, shape, content, parameters))
    if rest:
        raise contradiction(server, f"there are {len(rest)} bytes after the outputs")
    return found


def _packed(
    server: Speaker, name: str, datatype: str, shape: list[object], data: object
) -> memoryview | None:
    """The bytes of a tensor in JSON, which may be nested as its shape is. None for strings."""
    letter = format_of(datatype)
    if letter is None:
        return None
    values = data
    dims: list[object] = []
    while isinstance(values, list) and values and isinstance(values[0], list):
        inner = {len(each) if isinstance(each, list) else None for each in values}
        if None in inner or len(inner) > 1:
            raise contradiction(
                server, f"the data of the output {server.quoted(name)} are not regular"
            )
        dims = [*(dims or [len(values)]), *inner]
        values = list(chain.from_iterable(values))
    if dims and dims != shape:
        raise contradiction(
            server,
            f"the data of the output {server.quoted(name)} are nested as {server.quoted(dims)}",
        )
    if not isinstance(values, list):
        raise contradiction(server, f"the data of the output {server.quoted(name)} are not a list")
    allowed = (
        {int, _MinusZero, float, _Constant}
        if letter in "efd"
        else {bool, int, _MinusZero}
        if letter == "?"
        else {int, _MinusZero}
    )
    types = set(map(type, values))
    if letter in "efd" and types <= {*allowed, type(None)} and type(None) in types:
        raise inexpressible(
            f"the output {server.quoted(name)} has null, which {server} sends for values that are"
            " not finite, because JSON cannot express them; gRPC can"
        )
    if not types <= allowed or (letter == "?" and not set(values) <= {0, 1}):
        raise contradiction(
            server, f"the output {server.quoted(name)} has values that are not {datatype}"
        )
    try:
        if math.inf in values or -math.inf in values:
            _check_constants(values)
        return memoryview(struct.pack(f"<{len(values)}{letter}", *values))
    except (OverflowError, struct.error) as error:
        raise contradiction(server, f"the output {server.quoted(name)}: {error}") from error


def _check_constants(values: list[Any]) -> None:
    """Raise OverflowError for an infinity that is not spelled so."""
    if any(type(each) is float and math.isinf(each) for each in values):
        raise OverflowError("a number is too large")
