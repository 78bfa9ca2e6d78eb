"""What a component is and where it runs, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from nnshim.render import counted
from nnshim.render.inspection.host_rows import Row, hosts_table, how, reasons
from nnshim.render.tables import wrapped
from nnshim.render.values import component_options
from nnshim.render.verdicts import line
from rewriter.analysis.components.described import Making
from rewriter.terminal import shown

if TYPE_CHECKING:
    from nnshim.render.values import InspectedComponent
    from rewriter.analysis.compatibility import Verdict
    from rewriter.analysis.components.described import ComponentInfo, Interface

__all__ = ["inspected_component"]


def inspected_component(value: InspectedComponent) -> list[str]:
    """The component in one line, its hosts as a table, its imports from wasi:nn, and how it was
    made."""
    info, whole = value.info, value.everything
    rows = [Row(label, label, found) for label, found in value.hosts.items()]
    lines = [f"{value.path}: {info.size} bytes, component, {_what_it_imports(info)}"]
    lines += [f"  {line(found)}" for found in value.findings]
    lines += hosts_table(rows, partial(_how, value.path)) if rows else ["  runs on no host"]
    lines += reasons(rows) if whole else []
    for item in info.imports if whole else info.wasi_nn:
        lines += wrapped(shown(f"  imports {item.name}: {_functions(item)}"))
    lines += _made(info)
    if not whole:
        return [*lines, "  more with --all: every reason, other imports, exports"]
    return lines + [f"  exports {name}" for name in info.exports]


def _how(path: str, found: Verdict) -> str:
    return how(path, component_options(found), found)


def _what_it_imports(info: ComponentInfo) -> str:
    versions = dict.fromkeys(item.version for item in info.wasi_nn)
    names = [f"wasi:nn@{version}" if version else "wasi:nn" for version in versions]
    return f"imports {' and '.join(names)}" if names else "does not import wasi:nn"


def _functions(item: Interface) -> str:
    names = sorted(item.functions) + ([] if item.unknown is None else [f"{item.unknown}, ..."])
    if item.sort != "instance":
        return item.sort
    return ", ".join(names) or "types only"


def _made(info: ComponentInfo) -> Iterator[str]:
    kind = "a command" if info.is_command else "not a command, because it exports no wasi:cli/run"
    modules = counted(info.core_modules, "core module")
    yield f"  {kind}; {modules}; WASI {', '.join(info.wasi) or 'not imported'}"
    if info.making is not Making.UNKNOWN:
        yield f"  made {'of' if info.making in _PARTS else 'by'} {info.making}"


_PARTS = (Making.ADAPTED, Making.COMPOSED, Making.CORE_MODULE)
