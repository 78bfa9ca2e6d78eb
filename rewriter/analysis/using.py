"""Whether a module or a component uses wasi-nn at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rewriter.analysis.inspect import ModuleInfo

if TYPE_CHECKING:
    from rewriter.analysis.components.described import ComponentInfo

__all__ = ["uses_wasi_nn"]

_MEANT = re.compile(
    r"wasi.*(?<![a-z])nn(?![a-z])|wasinn|wasi_ephemeral_nn", re.IGNORECASE | re.DOTALL
)
"""Names that no host has, but that mean wasi-nn: `wasi-nn`, `wasinn`, `wasi:nn/graph` in a core
module."""


def uses_wasi_nn(info: ModuleInfo | ComponentInfo) -> bool:
    """Whether it imports anything of wasi-nn, under a name that hosts know or under one that only
    means it. Of what does not, hosts without wasi-nn run as much as others, and a rewrite changes
    nothing for them."""
    if isinstance(info, ModuleInfo):
        names = info.import_modules
        return any(item.is_wasi_nn for item in info.imports) or any(map(_MEANT.search, names))
    return bool(info.wasi_nn) or any(_MEANT.search(item.name) for item in info.imports)
