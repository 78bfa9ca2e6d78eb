"""Fuzz the rewriter, from a corpus of wasm-smith's modules, or of components.

    python -m tests.tools.fuzz [--components] [--seconds N] [--corpus FOLDER] [--seed N]

Then the modules that were found on the way are shown to wasm-tools: what it finds valid must be
rewritten to something valid, or there is a reason why it cannot be. Exits with 1 where something is
wrong, and says where the input is. The corpus is kept, and grows, if a folder for it is named. With
`--seed`, not 0, inputs are tried in the same order each time, as far as it comes.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rewriter import HostMismatch, InvalidModule, RewriteOptions, UnsupportedModule, rewrite
from rewriter.components.sections import is_component
from rewriter.files import wasm_tools
from tests.rewriter.inlining.guests import GUEST
from tests.rewriter.rewriting.flattening.test_flatten import SUM, made, made_before
from tests.support.components import ERRORS, component
from tests.support.smith import smith_guest
from tests.support.wasm import assemble
from tests.support.wit import AUGUST, JUNE, OCTOBER, command, importing
from tests.tools.fuzz.results import results

SEEDS = 200
SMALL = {"max-types": 6, "max-funcs": 6, "max-exports": 4, "max-globals": 4, "max-imports": 8}
LARGEST = 1 << 15
"""Bytes of an input."""


def seed(corpus: Path, folder: Path) -> None:
    """Modules as they come, and with adapters in them."""
    seeds = random.Random(0)
    for index in range(SEEDS):
        module = smith_guest(seeds, folder, **SMALL)
        (corpus / f"smith-{index}").write_bytes(module)
        (corpus / f"smith-{index}-adapted").write_bytes(
            rewrite(module, RewriteOptions(abi="wamr", validate=False))
        )


_RUNS = '(module (func (export "wasi:cli/run@0.2.0#run") (result i32) i32.const 0))'


def seed_components(corpus: Path) -> None:
    """Components of each version of wasi:nn, by wasm-tools, and those that tests make of text."""
    seeds = {
        **{f"all-{version}": importing(version) for version in (JUNE, AUGUST, OCTOBER)},
        **{f"none-{version}": command(_RUNS, version) for version in (AUGUST, OCTOBER)},
        "computes": made(SUM),
        "computes-in-steps": made_before(""),
        "lowers": assemble(GUEST),
        "composed": assemble(f"(component (component {ERRORS.format(OCTOBER)}))"),
        "runs": component(ERRORS.format(JUNE)),
    }
    for name, content in seeds.items():
        (corpus / name).write_bytes(content)


def disagreements(corpus: Path) -> tuple[int, list[str]]:
    """How many inputs of the corpus are valid, and those of them that are refused, or become
    invalid."""
    valid, found = 0, []
    for path in corpus.iterdir():
        module = path.read_bytes()
        try:
            wasm_tools.validate(module)
        except InvalidModule:
            continue
        valid += 1
        try:
            if is_component(module):
                _check_results(module)
            else:
                _check_rewrites(module)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            found.append(f"{path}: {error!r}")
    return valid, found


def _check_rewrites(module: bytes) -> None:
    for abi in (None, "wamr", "witx"):
        with contextlib.suppress(HostMismatch, UnsupportedModule):
            wasm_tools.validate(rewrite(module, RewriteOptions(abi=abi, validate=False)))


def _check_results(data: bytes) -> None:
    for result in results(data):
        wasm_tools.validate(result)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.fuzz")
    parser.add_argument("--components", action="store_true")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nnshim-fuzz-"))
    corpus = options.corpus or folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        if options.components:
            seed_components(corpus)
        else:
            seed(corpus, folder)
    target = "components" if options.components else "target"
    started = len(list(corpus.iterdir()))
    done = subprocess.run(
        [
            *(sys.executable, "-m", f"tests.tools.fuzz.{target}", str(corpus)),
            f"-max_total_time={options.seconds}",
            f"-max_len={LARGEST}",
            f"-seed={options.seed}",
            *("-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"),
            f"-artifact_prefix={folder}/",
        ],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    statistics = dict(re.findall(r"^stat::(\w+): +(\d+)$", done.stderr, re.MULTILINE))
    print(f"{statistics.get('number_of_executed_units', 'an unknown number of')} inputs tried")
    print(f"{len(list(corpus.iterdir()))} kept for what they reach, {started} of them at the start")
    if done.returncode:
        raise SystemExit(f"{done.stderr[-4000:]}\nthe input is in {folder}")
    valid, found = disagreements(corpus)
    print(f"{valid} of those are valid, {len(found)} of these not when rewritten")
    if found:
        raise SystemExit("\n".join(found))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
