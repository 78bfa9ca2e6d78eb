"""2,000 modules of wasm-smith, seeded: renamed, validated, verified, and renamed back."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from rewriter import compare, inspect_module, rewrite, wasm_tools
from tests.wasm import assemble

MODULES = 2000
BATCHES = 20
SEED_BYTES = 600
NO_MODULE = 2
"""wasm-smith's exit status where a seed gives none."""

AVAILABLE = """(module
  (import "{name}" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (import "{name}" "compute" (func (param i32) (result i32)))
  (import "{name}" "get_output" (func (param i32 i32 i32 i32 i32) (result i32)))
  (import "{name}" "memory" (memory 1 8))
  (import "env" "shared" (memory 1 2 shared))
  (import "{name}" "wide" (memory i64 1 8))
  (import "{name}" "table" (table 1 10 funcref))
  (import "env" "global" (global (mut i64)))
  (import "{name}" "tag" (tag (param i32))))"""

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

DIRECTIONS = [("wasi_ephemeral_nn", "wasi_nn"), ("wasi_nn", "wasi_ephemeral_nn")]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_smith_modules_are_renamed_there_and_back(batch: int, tmp_path: Path) -> None:
    old, new = DIRECTIONS[batch % 2]
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    available = tmp_path / "available.wasm"
    available.write_bytes(assemble(AVAILABLE.format(name=old)))
    seeds = random.Random(batch)
    made = renamed = 0
    while made < MODULES // BATCHES:
        module = smith(seeds.randbytes(SEED_BYTES), config, available)
        if module is None:
            continue
        made += 1
        there = rewrite(module, to=new, validate=False)
        wasm_tools.validate(there)
        assert old not in inspect_module(there).import_modules
        comparison = compare(module, there)
        assert comparison.only_renamed
        renamed += sum(rename.imports for rename in comparison.renames)
        assert rewrite(there, to=old, validate=False) == module
    assert renamed > made  # the modules do import it


def smith(seed: bytes, config: Path, available: Path) -> bytes | None:
    arguments = ["smith", "--config", str(config), "--available-imports", str(available)]
    done = subprocess.run(
        [wasm_tools.find(), *arguments], input=seed, capture_output=True, check=False
    )
    if done.returncode == NO_MODULE:
        return None
    assert done.returncode == 0, done.stderr
    return done.stdout
