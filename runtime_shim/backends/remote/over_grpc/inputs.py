"""The tensors in requests over gRPC, for servers that do not read them in raw form."""

from __future__ import annotations

from typing import Any

from runtime_shim.backends.common.tensor_info import Port
from runtime_shim.backends.remote.answers.datatypes import format_of, numbers_in
from runtime_shim.backends.remote.failures import inexpressible
from runtime_shim.backends.remote.over_grpc.messages import TYPED

__all__ = ["add_typed"]


def add_typed(contents: Any, port: Port, data: bytes) -> None:
    """Fill an InferTensorContents with the elements of a tensor. Raises HostError for a type that
    it has no field for."""
    field, letter = TYPED.get(port.described_type), format_of(port.described_type)
    if field is None or letter is None:
        raise inexpressible(
            f"the input {port} has a type that is sent in binary form only, which binary-tensors ="
            " false excludes"
        )
    getattr(contents, field).extend(numbers_in(data, letter))
