"""Whether gRPC is installed, which HTTP does not need."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from rewriter.errors import DependencyMissing
from rewriter.installation import install_line, not_installed
from runtime_shim.backends.remote.endpoints import Endpoint

__all__ = ["cannot_import", "check_installed"]

_EXTRA = "remote"

_MODULES = ("grpc", "google.protobuf")


def check_installed(endpoints: Iterable[Endpoint]) -> None:
    """Raise DependencyMissing if one of these needs gRPC, and it is not installed. It is not
    imported, which takes time, and would start threads before a process forks."""
    needing = next((endpoint for endpoint in endpoints if endpoint.is_grpc), None)
    if needing is not None and not all(map(_is_installed, _MODULES)):
        raise DependencyMissing(
            f"{needing.url} needs gRPC, which is not installed; {install_line(_EXTRA)}"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def cannot_import(error: ImportError) -> str:
    """What to say of gRPC that cannot be imported: the packages that are missing, if any, or else
    the error, and the line that installs them."""
    missing = not_installed(_EXTRA)
    why = f"not installed: {', '.join(missing)}" if missing else str(error)
    return (
        f"cannot import gRPC ({why}); without it, inference servers can only be reached over HTTP;"
        f" {install_line(_EXTRA)}"
    )
