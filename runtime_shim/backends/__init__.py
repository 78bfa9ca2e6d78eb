"""The NN runtimes behind one interface. Each is imported at its first use.

A backend is an entry point of the group `nnshim.backends`: its name is that of the encoding, in
small letters, and it leads to a function that makes a `base.Backend` from `base.Settings`. Those of
other packages go before nnshim's own.
"""

from __future__ import annotations

import functools
import logging
from importlib.metadata import EntryPoint, entry_points

from rewriter.dialects import Encoding, Errno
from runtime_shim.backends.base import DEFAULTS, Backend, Settings
from runtime_shim.errors import HostError

__all__ = ["backend_names", "import_backend"]

_GROUP = "nnshim.backends"

_EXTRAS = {
    Encoding.GGML: "ggml",
    Encoding.ONNX: "onnx",
    Encoding.OPENVINO: "openvino",
    Encoding.PYTORCH: "torch",
    Encoding.TENSORFLOW: "tensorflow",
    Encoding.TENSORFLOWLITE: "litert",
}
"""The extra that installs what each of nnshim's own backends needs."""

_warn_once = functools.cache(logging.getLogger("runtime_shim").warning)


def import_backend(encoding: Encoding, settings: Settings = DEFAULTS) -> Backend:
    """Import the backend of an encoding.

    Raises HostError with `invalid_encoding` where there is none, or where its packages are not
    installed; the reason then is the line that installs them, and is logged as a warning.
    """
    name = encoding.name.lower()
    found = sorted(entry_points(group=_GROUP, name=name), key=_is_own)
    if not found:
        raise HostError(Errno.INVALID_ENCODING, f"there is no backend for {name} models")
    try:
        backend: Backend = found[0].load()(settings)
    except ImportError as error:
        reason = f"the backend for {name} models cannot be imported ({error})"
        if _is_own(found[0]):
            reason += f"; pip install 'nnshim[{_EXTRAS[encoding]}]'"
        _warn_once(reason)
        raise HostError(Errno.INVALID_ENCODING, reason) from error
    return backend


def backend_names() -> tuple[str, ...]:
    """The encodings that there are backends for, whether what they need is installed or not."""
    return tuple(dict.fromkeys(point.name for point in entry_points(group=_GROUP)))


def _is_own(point: EntryPoint) -> bool:
    return point.value.startswith("runtime_shim.")
