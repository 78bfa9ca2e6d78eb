"""What `nnshim run --as` says of modules that the host itself would not start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nnshim.common import note, remark
from rewriter.hosts.host import Host

if TYPE_CHECKING:
    from runtime_shim import RunOptions

__all__ = ["warn_of"]

_OF_THE_ENGINE = frozenset(("NN215", "NN216", "NN219", "NN220"))
"""The host does not load the module. A compact import section is refused here, too."""

_OF_THE_START = frozenset(("NN217", "NN230"))
"""The host does not come as far as the guest's own code by its usual way in."""

_OF_IMPORTS = frozenset(("NN211", "NN212"))
"""The host lacks an import, which is refused here, too, unless it is to trap."""


def warn_of(options: RunOptions, module: bytes) -> None:
    """Say what is assumed of the host, and why it would not start the module itself."""
    from rewriter.hosts.table import find_row

    chosen = find_row(options.as_host or "nnshim")
    for diagnostic in chosen.notes:
        remark(diagnostic)
    invoked, traps = options.invoke is not None, options.trap_unknown_imports
    for warning in _refused(module, chosen.newest, invoked=invoked, traps=traps):
        note(warning)


def _refused(module: bytes, host: Host, *, invoked: bool, traps: bool) -> Iterator[str]:
    """A line for each reason why the host does not start a module, as `nnshim check` sees it: of
    those that are not imitated. Where another function is `invoked`, the usual way in does not
    count; where what nobody defines `traps`, imports do.

    Raises MalformedModule and UnsupportedModule for what `inspect_module` cannot read.
    """
    from rewriter.analysis.compatibility import assess
    from rewriter.analysis.inspect import inspect_module
    from rewriter.errors import ModuleError

    codes = _OF_THE_ENGINE
    codes |= frozenset() if invoked else _OF_THE_START
    codes |= _OF_IMPORTS if traps else frozenset()
    info = inspect_module(module)
    try:
        reasons = assess(info, host, host).reasons  # built for it: no constants are followed
    except ModuleError as error:  # of a body, which wasmtime may read all the same
        yield f"warning: it is unknown whether {host.label} reads this module: {error}"
        return
    for reason in reasons:
        if reason.code in codes:
            would = "fail to start" if reason.code in _OF_THE_START else "refuse"
            what = f"{host.label} would {would} this module"
            yield f"warning[{reason.code}]: {what}: {reason.message}"
