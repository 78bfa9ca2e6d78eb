"""Modules that were adapted when adapters did not have markers and were not exported."""

from __future__ import annotations

from pathlib import Path

from rewriter.abi.dialects import DIALECTS, WASI_EPHEMERAL_NN, WASI_NN
from rewriter.adapters.needs import has
from tests.support.wasm import assemble

__all__ = ["UNMARKED_MODULES", "plain", "unmarked"]

FOLDER = Path(__file__).parent / "unmarked"

UNMARKED_MODULES = {
    "witx-to-wamr": ("witx", "wamr"),
    "wamr-to-witx": ("wamr", "witx"),
    "wasmedge-to-witx": ("wasmedge", "witx"),
    "wasmedge-to-wamr": ("wasmedge", "wamr"),
}
"""File names in the folder, with the ABIs before and after adapting."""

_LOAD_BY_NAME = "load_by_name"
"""The first function that `unmarked` guests import."""

_LACKING = ("compute_single", "get_output_single", "fini_single")


def plain(abi: str, *targets: str) -> bytes:
    """A guest that calls every function of an ABI that all targets have or that an adapter can
    replace."""
    dialect = DIALECTS[abi]
    module = WASI_NN if dialect.layout.name == "wamr" else WASI_EPHEMERAL_NN
    functions = {
        name: dialect.signature(name)
        for name in sorted(dialect.functions, key=_LOAD_BY_NAME.__ne__)
        if name not in _LACKING and all(has(DIALECTS[target], name) for target in targets)
    }
    imports = " ".join(f'(import "{module}" "{n}" (func ${n} {t}))' for n, t in functions.items())
    calls = " ".join(
        f"(drop (call ${n} {'(i32.const 8) ' * len(t.params)}))" for n, t in functions.items()
    )
    return assemble(f'(module {imports} (memory (export "memory") 1) (func {calls}))')


def unmarked(name: str) -> bytes:
    """The result of adapting `plain` of the first ABI with the release before markers."""
    return (FOLDER / f"{name}.wasm").read_bytes()
