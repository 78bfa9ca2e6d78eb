"""The NN runtimes behind one interface. Each is imported at its first use."""

from __future__ import annotations

import functools
import importlib
import logging

from rewriter.dialects import Encoding, Errno
from runtime_shim.backends.base import Backend
from runtime_shim.errors import HostError

__all__ = ["BUILT_IN", "import_backend"]

BUILT_IN = {Encoding.ONNX: "onnx"}
"""Encoding -> module in this package, which is also the name of the extra that it needs."""


_warn_once = functools.cache(logging.getLogger("runtime_shim").warning)


def import_backend(encoding: Encoding) -> Backend:
    """Import the backend of an encoding.

    Raises HostError with `invalid_encoding` where nnshim has none, or where its packages are not
    installed; the reason then is the line that installs them, and is logged as a warning.
    """
    name = BUILT_IN.get(encoding)
    if name is None:
        raise HostError(
            Errno.INVALID_ENCODING, f"there is no backend for {encoding.name.lower()} models"
        )
    try:
        module = importlib.import_module(f"{__name__}.{name}")
    except ImportError as error:
        reason = f"the {name} backend cannot be imported ({error}); pip install 'nnshim[{name}]'"
        _warn_once(reason)
        raise HostError(Errno.INVALID_ENCODING, reason) from error
    backend: Backend = module.create()
    return backend
