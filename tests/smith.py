"""Modules by wasm-smith."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from rewriter import wasm_tools
from tests.wasm import assemble

NO_MODULE = 2
"""wasm-smith's exit status where a seed gives none."""

CONFIG = {
    "compact-imports-enabled": True,
    "custom-page-sizes-enabled": True,
    "exceptions-enabled": True,
    "gc-enabled": True,
    "memory64-enabled": True,
    "reference-types-enabled": True,
    "threads-enabled": True,
    "max-imports": 12,
    "max-memories": 4,
    "max-tables": 4,
    "generate-custom-sections": True,
}


def smith(
    seed: bytes,
    folder: Path,
    available: str | None = None,
    exported: str | None = None,
    **config: object,
) -> bytes | None:
    """The module of a seed, if it gives one. `available` is a module in text whose imports are all
    that there is to import, `exported` one whose exports it has; `config` changes CONFIG. Files
    that wasm-tools needs go to `folder`."""
    settings = folder / "config.json"
    settings.write_text(json.dumps({**CONFIG, **config}))
    arguments = ["smith", "--config", str(settings)]
    for option, text in (("--available-imports", available), ("--exports", exported)):
        if text is not None:
            path = folder / f"{option}.wasm"
            path.write_bytes(assemble(text))
            arguments += [option, str(path)]
    done = subprocess.run(
        [wasm_tools.find(), *arguments], input=seed, capture_output=True, check=False
    )
    if done.returncode == NO_MODULE:
        return None
    assert done.returncode == 0, done.stderr
    return done.stdout
