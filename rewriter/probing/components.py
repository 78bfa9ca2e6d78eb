"""Measures whether a host runs components, and which wasi:nn and WASI it has for them."""

from __future__ import annotations

from rewriter.probing.host import Host
from rewriter.probing.measured import Components
from rewriter.probing.modules.text import component_text, imports_text

__all__ = ["components"]

_STEPS = ("0.2.0-rc-2024-06-25", "0.2.0-rc-2024-08-19")
_NAMED = "0.2.0-rc-2024-10-28"
"""The versions of wasi:nn in which a context has set-input, compute and get-output, and the one in
which it has compute alone. https://github.com/WebAssembly/wasi-nn/blob/main/wit/wasi-nn.wit"""

_PATCHES = tuple(f"0.2.{patch}" for patch in range(13))
"""The versions of WASI 0.2 that were released. https://github.com/WebAssembly/WASI/releases"""

_NO_PATCH = "0.2.99"
_WASI_3 = "0.3.0"


def components(host: Host) -> Components | None:
    """What the host has for components. None if the exit code of a guest does not come through. If
    components with unknown imports start, it cannot be seen what the host has.

    A component that fails has to end otherwise than one that succeeds. Otherwise the host runs
    none.
    """
    if not host.codes:
        return None
    if not _starts(host, "") or host.exits(component_text("", fails=True), 0):
        return Components(runs=False)
    if _starts(host, imports_text("nobody")):
        return Components(runs=True)
    return Components(
        runs=True,
        wasi_nn=tuple(_wasi_nn(host)),
        wasi=tuple(_wasi(host)),
        exits_with_code=_starts(host, imports_text("exit")),
    )


def _starts(host: Host, imports: str) -> bool:
    """Whether a component with these imports starts and ends well."""
    return host.exits(component_text(imports), 0)


def _wasi_nn(host: Host) -> list[str]:
    """The versions of wasi:nn whose functions the host has with their types. Empty stands for the
    one that has no version. Functions that make errors are left out."""
    texts = {
        "": imports_text("resources"),
        **{version: imports_text("nn", version, inference="steps") for version in _STEPS},
        _NAMED: imports_text("nn", _NAMED, inference="named"),
    }
    starts = host.each(lambda version: _starts(host, texts[version]), texts)
    return [version for version, does in zip(texts, starts, strict=True) if does]


def _wasi(host: Host) -> list[str]:
    """The versions of WASI whose interfaces the host finds: `0.2` stands for all of 0.2."""
    found = [_WASI_3] if _has_wasi(host, _WASI_3) else []
    if _has_wasi(host, _NO_PATCH):
        return ["0.2", *found]
    has = host.each(lambda version: _has_wasi(host, version), _PATCHES)
    return [version for version, does in zip(_PATCHES, has, strict=True) if does] + found


def _has_wasi(host: Host, version: str) -> bool:
    return _starts(host, imports_text("wasi", version))
