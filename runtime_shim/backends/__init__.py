"""The NN runtimes behind one interface. Each is imported at its first use.

Another package can add a backend for an encoding for which nnshim has none. It declares an entry
point in the group `nnshim.backends`, named after the encoding in lower case, for a function that
makes a `Backend` from `Settings`. This package defines what a backend must implement: `Backend`,
`Graph`, `ExecutionContext`, and their optional extensions.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable

from rewriter.abi.dialects import Encoding, Errno
from rewriter.installation import install_line, not_installed
from runtime_shim.backends.formats import FORMATS, Format
from runtime_shim.backends.interface import (
    DEFAULTS,
    Backend,
    Bf16Context,
    DescribedContext,
    Element,
    ExecutionContext,
    Graph,
    MovableContext,
    Names,
    Options,
    Output,
    Part,
    Place,
    Quantization,
    QuantizedGraph,
    Runtime,
    Settings,
    SharedGraph,
    StreamingContext,
)
from runtime_shim.backends.telemetry import turn_off
from runtime_shim.errors import BackendMissing, HostError

__all__ = [
    "OWN_ENCODINGS",
    "Backend",
    "Bf16Context",
    "DescribedContext",
    "Element",
    "ExecutionContext",
    "Graph",
    "MovableContext",
    "Names",
    "Options",
    "Output",
    "Part",
    "Place",
    "Quantization",
    "QuantizedGraph",
    "Runtime",
    "Settings",
    "SharedGraph",
    "StreamingContext",
    "encodings",
    "import_backend",
]

_GROUP = "nnshim.backends"

OWN_ENCODINGS = frozenset({*FORMATS, Encoding.AUTODETECT})
"""The encodings that nnshim's own backends load."""

_CODE = "NN501"
"""That of a backend that cannot be imported."""

_warn_once = functools.cache(logging.getLogger("runtime_shim").warning)


def import_backend(
    encoding: Encoding, settings: Settings = DEFAULTS, *, warns: bool = True
) -> Backend:
    """Import the backend of an encoding, with the telemetry of NN runtimes turned off.

    Raises HostError with `invalid_encoding` if there is none, or if its packages are not installed.
    In the second case the reason says how to install them, and is logged as a warning if `warns`.
    """
    name, own = encoding.name.lower(), FORMATS.get(encoding)
    turn_off()
    try:
        if own is not None:
            create = importlib.import_module(f"{__name__}.{own.module}").create
        else:
            create = _added(name)
        backend: Backend = create(settings)
    except ImportError as error:
        reason = f"cannot import the backend for {name} models ({_why(error, own)})"
        if own is not None:
            reason += f"; {install_line(own.extra)}"
        missing = BackendMissing(Errno.INVALID_ENCODING, reason, "", _CODE)
        if warns:
            _warn_once(f"warning[{_CODE}]: {reason}")
        raise missing from error
    return backend


def encodings() -> tuple[Encoding, ...]:
    """The encodings that have a backend, whether its packages are installed or not."""
    from importlib.metadata import entry_points

    names = {point.name for point in entry_points(group=_GROUP)}
    added = (encoding for encoding in Encoding if encoding.name.lower() in names)
    return tuple(dict.fromkeys([*sorted(FORMATS, key=lambda it: it.name), *added]))


def _why(error: ImportError, own: Format | None) -> str:
    """The packages that are not installed, or else the error, which names only the module that was
    imported first."""
    if own is not None and isinstance(error, ModuleNotFoundError):
        missing = not_installed(own.extra)
        if missing:
            return f"not installed: {', '.join(missing)}"
    return str(error)


def _added(name: str) -> Callable[[Settings], Backend]:
    """The function with which another package makes the backend of an encoding."""
    from importlib.metadata import entry_points

    for point in entry_points(group=_GROUP, name=name):
        create: Callable[[Settings], Backend] = point.load()
        return create
    raise HostError(Errno.INVALID_ENCODING, f"there is no backend for {name} models")
