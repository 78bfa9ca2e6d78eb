"""Measures what load_by_name_with_config does with a configuration."""

from __future__ import annotations

from collections.abc import Sequence

from rewriter.probing.command import End
from rewriter.probing.host import Host
from rewriter.probing.inference.encodings import Way, answer
from rewriter.probing.measured import Answer
from rewriter.probing.modules.text import Arena, Part

__all__ = ["configured"]

_CONFIGURATIONS = (b"", b"{}")


def configured(host: Host, way: Way, names: Sequence[bytes]) -> dict[str, bool]:
    """Whether the host refuses a configuration that is not empty, and whether any configuration
    ends its process. `names` are names of graphs in the format of `way`. Empty if the host knows
    none of them, or if every call fails without ending the process."""
    for name in names:
        known = _asked(host, way, "named", (name,)) == 0
        without, with_one = (
            _asked(host, way, "configured", (name, each)) for each in _CONFIGURATIONS
        )
        if End.ABORTS in (without, with_one) and known:
            return {"unconfigured": False, "configured_ends": True}
        if with_one == 0:
            return {"unconfigured": False, "configured_ends": False}
        if without == 0 and isinstance(with_one, int):
            return {"unconfigured": True, "configured_ends": False}
    return {}


def _asked(host: Host, way: Way, function: str, texts: Sequence[bytes]) -> Answer | None:
    """The outcome of a call with strings in a new process. Each string is followed by a zero, which
    its length does not include."""
    arena = Arena()
    numbers = [number for text in texts for number in (arena.place(text), len(text))]
    constants = " ".join(f"(i32.const {number})" for number in numbers)
    call = f"(call $try_{function} {constants})"
    (item,) = host.sweep(Part(("configured",), {"MODULE": way.module}, "", (call,)), arena)
    return answer(item, function)
