"""The command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["nnshim"]


def nnshim(
    *arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "nnshim", *arguments],
        input=stdin,
        env=None if env is None else {**os.environ, **env},
        capture_output=True,
        check=False,
    )
