"""What a module or a component consists of, as lines that can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rewriter.analysis.inspect import ModuleInfo

if TYPE_CHECKING:
    from rewriter.analysis.components.described import ComponentInfo

__all__ = ["listing"]


def listing(info: ModuleInfo | ComponentInfo) -> list[str]:
    """Imports with their types, exports, adapters, custom sections and the size in bytes, in the
    order in which the file has them."""
    if isinstance(info, ModuleInfo):
        return [
            *(
                f"import {item.module} {item.name} {item.type or item.kind}"
                for item in info.imports
            ),
            *(f"export {name}" for name in info.exports),
            *(f"adapter {standing.adapter.name}" for standing in info.adapters.values()),
            *(f"section {found.name}: {found.size} bytes" for found in info.custom_sections),
            f"{info.size} bytes",
        ]
    return [
        *(f"import {item.name}" for item in info.imports),
        *(f"export {name}" for name in info.exports),
        f"{info.size} bytes",
    ]
