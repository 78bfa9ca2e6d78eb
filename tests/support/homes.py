"""A home folder in which one sees what is left there."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["watched_home"]

_TELLING = ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
"""Variables that keep telemetry away, as on build servers, or elsewhere."""


def watched_home(folder: Path) -> dict[str, str]:
    """The environment of a process that has this home, and nothing that turns telemetry off."""
    env = {name: value for name, value in os.environ.items() if name not in _TELLING}
    return {**env, "HOME": str(folder)}
