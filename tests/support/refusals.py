"""Models that are refused before an NN runtime reads them."""

from __future__ import annotations

import functools

import pytest

from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim.backends.isolated.client import IsolatedBackend
from runtime_shim.errors import HostError

__all__ = ["accepted", "refusal"]


def refusal(encoding: Encoding, *parts: bytes) -> str:
    """Why a model is an invalid argument. It is loaded in another process, which an NN runtime that
    gets to see it might end."""
    with pytest.raises(HostError) as caught:
        _backend(encoding).load(parts, Target.CPU)
    assert caught.value.errno is Errno.INVALID_ARGUMENT, caught.value
    return caught.value.reason


def accepted(encoding: Encoding, *parts: bytes) -> bool:
    """Whether the NN runtime takes a model. Raises HostError where it does not."""
    return _backend(encoding).load(parts, Target.CPU) is not None


@functools.cache
def _backend(encoding: Encoding) -> IsolatedBackend:
    return IsolatedBackend(encoding)
