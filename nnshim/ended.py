"""What `nnshim run` says of how a guest ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnshim.common import fail, note
from nnshim.guest import is_component
from rewriter.abi.wasi import WASI

if TYPE_CHECKING:
    from runtime_shim import Outcome

__all__ = ["say_how"]


def say_how(outcome: Outcome, module: bytes, *, has_folders: bool) -> None:
    """Say why a guest has not come to its own end, and what it lacked as far as that is known. It
    was given folders or not."""
    if outcome.lines:
        first, *others = outcome.lines
        what = "trapped" if outcome.reason.value == "trapped" else "was stopped"
        fail(f"the guest {what}: {first}", *others)
        if outcome.reason.value == "out of fuel":
            note("--fuel N gives it more")
    if outcome.reason.value not in ("exited", "trapped") or outcome.exit_code == 0:
        return
    if not has_folders and outcome.refused is None and _opens_files(module):
        note(
            "the guest can open files, but was given no folder; --dir DIR before MODULE gives it"
            " one"
        )


def _opens_files(module: bytes) -> bool:
    """Whether it imports what opens files, which finds nothing without a folder."""
    if is_component(module):
        from rewriter.components.component import Component

        names = (item.name.text for item in Component(module).imports)
        return any(name.startswith("wasi:filesystem/preopens@") for name in names)
    from rewriter.analysis.inspect import inspect_module

    imports = inspect_module(module).imports
    return any((item.module, item.name) == (WASI, "path_open") for item in imports)
