"""The code of a module, compiled once for many runs."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar

import wasmtime

from runtime_shim.engine.deadline import Deadline

__all__ = ["Compiled"]


class _Code(Protocol):
    """A wasmtime.Module, or a component."""

    def __init__(self, engine: wasmtime.Engine, wasm: bytes, /) -> None: ...

    def serialize(self) -> bytearray: ...

    @classmethod
    def deserialize(cls, engine: wasmtime.Engine, encoded: bytes, /) -> Self: ...


Code = TypeVar("Code", bound=_Code)


class Compiled:
    """Keeps what was compiled, for other engines of the same configuration. An engine of its own
    for each run is what one run can be stopped by, and no other. Without `keeps`, this is for one
    run."""

    def __init__(self, *, keeps: bool = True) -> None:
        self._keeps = keeps
        self._serialized: bytes | None = None

    def code(
        self, kind: type[Code], engine: wasmtime.Engine, data: bytes, deadline: Deadline
    ) -> Code:
        """The code of a module, of which `data` are the bytes. Raises wasmtime.WasmtimeError, and
        Stopped at the deadline."""
        if self._serialized is not None:
            return kind.deserialize(engine, self._serialized)
        code = deadline.within(kind, engine, data)
        if self._keeps:
            self._serialized = bytes(code.serialize())
        return code
