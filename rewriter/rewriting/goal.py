"""What a rewrite is to make of a module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rewriter.abi.dialects import WASI_NN, find_dialect
from rewriter.abi.hosts import find_host
from rewriter.errors import UsageError

__all__ = ["Goal"]


@dataclass(frozen=True)
class Goal:
    """The arguments of `rewrite` that say what the module is to become."""

    to: str | None
    renames: Mapping[str, str]
    abi: str | None
    host: str | None
    built_for: str | None
    guest_abi: str | None
    drop_debug: bool
    drop_signature: bool
    keep_offsets: bool
    record: bool
    require: bool

    def __post_init__(self) -> None:
        """Raises UsageError for names that are not known, and for what contradicts the rest or
        would have no effect beside it."""
        if self.host is not None and (self.abi is not None or self.to is not None):
            raise UsageError("a host comes with its name and its ABI; give it alone")
        for host in (self.host, self.built_for):
            if host is not None:
                find_host(host)
        for abi in (self.abi, self.guest_abi):
            if abi is not None:
                find_dialect(abi)
        told = self.built_for is not None or self.guest_abi is not None
        if told and self.host is None and self.abi is None:
            raise UsageError(
                "what a module was built for, and its ABI, make a difference only where it is"
                " adapted to a host or an ABI"
            )

    @property
    def operation(self) -> dict[str, object]:
        """What is told of it in a record: all but what it takes for granted."""
        told = {name: value for name, value in asdict(self).items() if value}
        if not (self.to or self.abi or self.host or self.renames):
            told["to"] = WASI_NN
        return {name: value for name, value in told.items() if name not in ("record", "require")}
