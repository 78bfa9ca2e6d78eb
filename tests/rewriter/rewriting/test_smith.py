"""1,000 seeded modules of wasm-smith are renamed, validated, verified, and renamed back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rewriter import RewriteOptions, compare, inspect_module, rewrite
from rewriter.files import wasm_tools
from tests.support.smith import smith

MODULES = 1000
BATCHES = 10
SEED_BYTES = 600
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

DIRECTIONS = [("wasi_ephemeral_nn", "wasi_nn"), ("wasi_nn", "wasi_ephemeral_nn")]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_smith_modules_are_renamed_there_and_back(batch: int, tmp_path: Path) -> None:
    old, new = DIRECTIONS[batch % 2]
    seeds = random.Random(batch)
    made = renamed = 0
    while made < MODULES // BATCHES:
        module = smith(seeds.randbytes(SEED_BYTES), tmp_path, AVAILABLE.format(name=old))
        if module is None:
            continue
        made += 1
        there = rewrite(module, RewriteOptions(to=new, validate=False))
        wasm_tools.validate(there)
        assert old not in inspect_module(there).import_modules
        comparison = compare(module, there)
        assert comparison.only_rewritten
        renamed += sum(rename.imports for rename in comparison.renames)
        assert rewrite(there, RewriteOptions(to=old, validate=False)) == module
    assert renamed > made  # the modules do import it
