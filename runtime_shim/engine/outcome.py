"""How the run of a guest ended. The tree that its errors hang from is in rewriter.errors."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Self

from rewriter.errors import NNShimError
from runtime_shim.errors import HostError
from runtime_shim.host.stats import GraphStats

__all__ = [
    "EXIT_TIMEOUT",
    "EXIT_TRAP",
    "GuestExit",
    "GuestFailed",
    "GuestTimeout",
    "GuestTrap",
    "Outcome",
    "Reason",
    "Stopped",
]

EXIT_TIMEOUT = 124
"""As coreutils' timeout has it."""

EXIT_TRAP = 134
"""128 + SIGABRT, as wasmtime has it."""


class Reason(Enum):
    """Why a guest has ended."""

    EXITED = "exited"
    """It returned, or called proc_exit."""
    TRAPPED = "trapped"
    TIMED_OUT = "timed out"
    OUT_OF_FUEL = "out of fuel"
    TOO_MUCH_OUTPUT = "too much output"
    """It wrote more than the limit `output`, and was stopped."""


class Outcome(NamedTuple):
    """How a guest ended.

    `exit_code` is its own, 0 to 255, where the reason is EXITED; else 124 (TIMED_OUT) or 134, as
    `nnshim run` exits, so that it is 0 only if the guest ended well. `results` are what the invoked
    function returned. `lines` say what happened where the reason is another one: of a trap, that is
    the engine's message with the wasm backtrace. Where the exit code is not 0, `refused` is the
    last call that the host has refused, by the function's name: the guest need not have ended for
    that. `stdout` and `stderr` are what was captured, None where they were not. `stats` are what
    the guest has loaded, where that ran and how often: see Session.stats.
    """

    exit_code: int
    reason: Reason = Reason.EXITED
    results: tuple[object, ...] = ()
    lines: tuple[str, ...] = ()
    refused: tuple[str, HostError] | None = None
    stdout: bytes | None = None
    stderr: bytes | None = None
    stats: tuple[GraphStats, ...] = ()

    def check(self) -> Self:
        """This outcome. Raises GuestFailed unless the exit code is 0."""
        if self.exit_code:
            raise _FAILURES.get(self.reason, GuestTrap)(self)
        return self


class GuestFailed(NNShimError):
    """The guest has not ended well; `outcome` has all that is known of it."""

    def __init__(self, outcome: Outcome) -> None:
        self._lines = outcome.lines or (f"the guest exited with {outcome.exit_code}",)
        super().__init__("\n".join(self._lines))
        self.outcome = outcome

    def __reduce__(self) -> tuple[type[Self], tuple[Outcome]]:
        return type(self), (self.outcome,)

    @property
    def lines(self) -> Sequence[str]:
        """What happened; of a trap, the backtrace too."""
        return self._lines


class GuestExit(GuestFailed):
    """The guest ended with an exit code other than 0."""


class GuestTrap(GuestFailed):
    """The guest trapped, or was stopped by a trap: `outcome.reason` says which."""


class GuestTimeout(GuestTrap):
    """The guest was stopped because its time was over."""


_FAILURES: dict[Reason, type[GuestFailed]] = {
    Reason.EXITED: GuestExit,
    Reason.TIMED_OUT: GuestTimeout,
}


class Stopped(Exception):
    """Ends a guest from outside of it, for a reason."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason

    @property
    def outcome(self) -> Outcome:
        exit_code = EXIT_TIMEOUT if self.reason is Reason.TIMED_OUT else EXIT_TRAP
        return Outcome(exit_code, self.reason, lines=(str(self),))
