"""Components from text."""

from __future__ import annotations

from tests.support.wasm import assemble

COMMAND = """
    (core module $main (func (export "run") (result i32) i32.const 0))
    (core instance $main (instantiate $main))
    (func $run (result (result)) (canon lift (core func $main "run")))
    (instance $command (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $command))
"""
"""What `wasmtime run` calls: it does nothing, and ends well."""

OCTOBER = "0.2.0-rc-2024-10-28"

ERRORS = '(import "wasi:nn/errors@{}" (instance (export "error" (type (sub resource)))))'
"""An import of an interface in the version that is put in."""


def component(*items: str, command: bool = True) -> bytes:
    """A component with these items, and one that can be run where it is a `command`."""
    return assemble(f"(component {' '.join(items)} {COMMAND if command else ''})")
