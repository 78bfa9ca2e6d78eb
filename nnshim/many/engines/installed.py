"""Whether Ray is installed, which clusters need, and in a version that nnshim takes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from rewriter.diagnostics import Diagnostic
from rewriter.installation import install_line, misfits

__all__ = ["installed_ray"]

_EXTRA = "ray"

_CLIENT = "grpcio"
"""What the extra `client` of Ray brings, without which it connects to no ray:// address."""


def installed_ray() -> tuple[str | None, Diagnostic | None]:
    """The version of Ray, None where it is not installed, and what is wrong with it. Ray is not
    imported, which takes seconds."""
    try:
        there = version("ray")
    except PackageNotFoundError:
        return None, _unusable("not installed: ray")
    for what in misfits(extra=_EXTRA).values():
        return there, Diagnostic("NN505", f"{what}; {install_line(_EXTRA)}")
    try:
        version(_CLIENT)
    except PackageNotFoundError:
        return there, _unusable(f"not installed: {_CLIENT}, which Ray's client needs")
    return there, None


def _unusable(why: str) -> Diagnostic:
    return Diagnostic("NN501", f"clusters cannot be used ({why}); {install_line(_EXTRA)}")
