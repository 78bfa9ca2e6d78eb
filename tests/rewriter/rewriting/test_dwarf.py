"""Adapting does not move code, so that debug information stays valid."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rewriter import RewriteOptions, rewrite_file
from rewriter.files import wasm_tools
from rewriter.functions.code import Bodies
from rewriter.wasm.sections import SectionId, split
from samples.build import build
from tests.conftest import GUESTS

DIRECTIONS = {"witx": "wamr", "wamr": "witx"}


@pytest.fixture(scope="module", params=DIRECTIONS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """tests/guests/trap.c with DWARF: the original and the adapted module."""
    folder = tmp_path_factory.mktemp("dwarf")
    before, after = folder / "before.wasm", folder / "after.wasm"
    flags = ("-DWAMR",) if request.param == "wamr" else ()
    build(GUESTS / "trap.c", before, "-g", "-O0", *flags)
    result = rewrite_file(str(before), str(after), RewriteOptions(abi=DIRECTIONS[request.param]))
    assert result.plan.adapting.references > 0
    assert not result.plan.adapting.moved
    return [before, after]


def test_addresses_belong_to_the_same_lines(pair: list[Path]) -> None:
    def lines(path: Path) -> list[str]:
        """This checks every fourth byte of the original guest's code."""
        data = pair[0].read_bytes()
        (code,) = [s for s in split(data) if s.id is SectionId.CODE]
        found = Bodies(code)
        addresses = [str(a - code.content) for a in range(found[0].start, code.end, 4)]
        command = [wasm_tools.find(), "addr2line", "--code-section-relative", str(path)]
        done = subprocess.run([*command, *addresses], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    before, after = map(lines, pair)
    assert any("trap.c:" in line for line in before)
    assert after == before


def test_the_backtrace_of_a_trap_names_the_same_lines(pair: list[Path]) -> None:
    def frames(path: Path) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "nnshim", "run", str(path)],
            env={**os.environ, "WASMTIME_BACKTRACE_DETAILS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 134
        return [line.split("at ", 1)[1] for line in done.stderr.splitlines() if " at " in line][1:]

    before, after = map(frames, pair)
    assert ["trap.c:" in line for line in before[:2]] == [True, True]
    assert after == before
