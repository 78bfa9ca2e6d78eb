"""What the rewriter makes of a component."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rewriter import HostMismatch, ModuleError, RewriteOptions, rewrite
from rewriter.abi.snapshots import AUGUST, JUNE, OCTOBER
from rewriter.analysis.components.described import describe_component
from rewriter.components.component import Component
from rewriter.inlining.versions import change_version
from rewriter.verifying.components import compare

__all__ = ["results"]

VERSIONS = (JUNE, AUGUST, OCTOBER)

CORE = (
    RewriteOptions(to="wasi_ephemeral_nn", validate=False),
    RewriteOptions(to="wasi_nn", record=True, validate=False),
    RewriteOptions(abi="wamr", inputs={0: "pixels"}, outputs={1: "rest"}, validate=False),
)


def results(data: bytes) -> Iterator[bytes]:
    """What becomes of a component: core modules, and components of other versions. Raises
    AssertionError for a result that is not the same guest, and for an error about no byte of it."""
    try:
        component = Component(data)
        describe_component(component)
    except ModuleError as error:
        check_offset(error, data)
        return
    for options in CORE:
        try:
            there = rewrite(data, options)
        except HostMismatch:
            continue
        except ModuleError as error:
            check_offset(error, data)
        else:
            # It reads sections that flattening does not, and may refuse one of them.
            with contextlib.suppress(ModuleError):
                assert compare(data, there).only_rewritten, options
            yield there
    for version in VERSIONS:
        try:
            changed = change_version(component, version, ["0"]).data
        except ModuleError as error:
            check_offset(error, data)
        else:
            describe_component(Component(changed))
            yield changed


def check_offset(error: ModuleError, data: bytes) -> None:
    if error.offset is not None and error.offset not in range(len(data) + 1):
        raise AssertionError(f"{error} names no byte of the input") from error
