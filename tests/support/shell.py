"""An interactive shell at a terminal, with an nnshim that prints its arguments."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["completed"]

_PROGRAM = """\
#!/bin/sh
if [ -n "$_NNSHIM_COMPLETE" ]; then exec {python} -m nnshim "$@"; fi
for each in "$@"; do printf '<%s>' "$each"; done
echo
"""


def completed(
    shell: Sequence[str], script: str, typed: str, folder: Path, env: Mapping[str, str]
) -> str:
    """What `nnshim` gets when a line is typed in `folder`, once a script was read: its arguments,
    each in angle brackets."""
    program = folder / "bin" / "nnshim"
    program.parent.mkdir(exist_ok=True)
    program.write_text(_PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    root = str(Path(__file__).resolve().parents[2])
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        os.execvpe(
            shell[0],
            [*shell],
            {**os.environ, "TERM": "dumb", "PATH": path, "PYTHONPATH": root, **env},
        )
    os.write(terminal, f"source ./{script}\n{typed}\nexit\n".encode())
    output = b""
    try:
        while part := os.read(terminal, 1 << 16):
            output += part
    except OSError:  # the end of a terminal on Linux
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    lines = output.decode(errors="replace").replace("\r", "\n").split("\n")
    found = [line for line in lines if line.startswith("<") and line.endswith(">")]
    assert found, output.decode(errors="replace")
    return found[-1]
