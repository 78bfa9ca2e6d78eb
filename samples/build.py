"""Build the samples' guests from their sources: python samples/build.py [FOLDER]

Needs ziglang (in nnshim's test extra), whose C compiler brings its own WASI library; its first
run takes half a minute. The result is the same byte for byte wherever it is built.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent


def build(source: Path, output: Path, *flags: str) -> None:
    """Compile one C file to a stripped module; raises CalledProcessError where it does not."""
    compiler = [sys.executable, "-m", "ziglang", "cc", "--target=wasm32-wasi", "-Os", "-s"]
    warnings = ["-Wall", "-Wextra", "-Werror"]
    include = f"-I{SAMPLES / 'include'}"
    subprocess.run(
        [*compiler, *warnings, include, *flags, str(source), "-o", str(output)], check=True
    )


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    build(SAMPLES / "digits.c", folder / "digits.wasm")


if __name__ == "__main__":
    main()
