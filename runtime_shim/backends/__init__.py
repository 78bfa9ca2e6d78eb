"""The NN runtimes behind one interface. Each is imported at its first use.

For an encoding that nnshim has no backend of its own for, another package can add one: an entry
point of the group `nnshim.backends`, whose name is that of the encoding in small letters, and which
leads to a function that makes a `Backend` from `Settings`. What a backend has to be is here:
`Backend`, `Graph`, `ExecutionContext`, and what they may be besides.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable

from rewriter.abi.dialects import Encoding, Errno
from rewriter.installation import install_line
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import (
    DEFAULTS,
    Backend,
    ExecutionContext,
    Graph,
    MovableContext,
    Options,
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
from runtime_shim.errors import HostError

__all__ = [
    "OWN_ENCODINGS",
    "Backend",
    "ExecutionContext",
    "Graph",
    "MovableContext",
    "Options",
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
"""Those that nnshim's own backends load."""

_warn_once = functools.cache(logging.getLogger("runtime_shim").warning)


def import_backend(
    encoding: Encoding, settings: Settings = DEFAULTS, *, warns: bool = True
) -> Backend:
    """Import the backend of an encoding, with the telemetry of NN runtimes turned off.

    Raises HostError with `invalid_encoding` where there is none, or where its packages are not
    installed; the reason then is the line that installs them, which is logged as a warning if it
    `warns`.
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
        reason = f"the backend for {name} models cannot be imported ({error})"
        if own is not None:
            reason += f"; {install_line(own.extra)}"
        if warns:
            _warn_once(reason)
        raise HostError(Errno.INVALID_ENCODING, reason) from error
    return backend


def encodings() -> tuple[Encoding, ...]:
    """Those that there are backends for, whether what they need is installed or not."""
    from importlib.metadata import entry_points

    names = {point.name for point in entry_points(group=_GROUP)}
    added = (encoding for encoding in Encoding if encoding.name.lower() in names)
    return tuple(dict.fromkeys([*sorted(FORMATS, key=lambda it: it.name), *added]))


def _added(name: str) -> Callable[[Settings], Backend]:
    """What another package has for an encoding."""
    from importlib.metadata import entry_points

    for point in entry_points(group=_GROUP, name=name):
        create: Callable[[Settings], Backend] = point.load()
        return create
    raise HostError(Errno.INVALID_ENCODING, f"there is no backend for {name} models")
