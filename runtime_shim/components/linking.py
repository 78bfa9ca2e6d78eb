"""Which imports of a component nnshim defines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rewriter.abi.snapshots import PACKAGE
from rewriter.abi.wasi_interfaces import FUNCTIONS
from rewriter.analysis.components.described import ComponentInfo, Interface
from runtime_shim.errors import LinkError

__all__ = ["check_imports"]

_WASI_0_2 = re.compile(r"0\.2\.\d+")
"""Engines find an interface of any version that is compatible."""


def check_imports(info: ComponentInfo) -> None:
    """Raise LinkError for imports that neither WASI 0.2 nor wasi:nn has. Which functions of wasi:nn
    there are, rewriter.inlining says."""
    missing = list(_missing(info))
    if missing:
        raise LinkError("unresolved imports:", *missing)


def _missing(info: ComponentInfo) -> Iterator[str]:
    for item in info.imports:
        if item.package == PACKAGE or not item.needs_host:
            continue
        if _is_wasi(item):
            unknown = sorted(item.functions - FUNCTIONS[item.interface])
            unknown += [item.unknown] if item.unknown is not None else []
            yield from (f"  {item.name}#{name}" for name in unknown)
        else:
            yield f"  {item.name} ({item.sort})"


def _is_wasi(item: Interface) -> bool:
    return (
        item.sort == "instance"
        and item.interface in FUNCTIONS
        and _WASI_0_2.fullmatch(item.version) is not None
    )
