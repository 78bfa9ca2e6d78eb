"""The command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["nnshim"]


def nnshim(
    *arguments: str | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    redirected: str = "",
) -> subprocess.CompletedProcess[bytes]:
    """What has come of it, with its streams `redirected` as in a shell."""
    return subprocess.run(
        [
            "/bin/sh",
            "-c",
            f'exec "$@" {redirected}',
            "sh",
            sys.executable,
            "-m",
            "nnshim",
            *arguments,
        ],
        input=stdin,
        env=None if env is None else {**os.environ, **env},
        capture_output=True,
        check=False,
    )
