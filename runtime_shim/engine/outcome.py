"""How the run of a guest ended. The base classes of its errors are in rewriter.errors."""

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
"""The same as coreutils' timeout."""

EXIT_TRAP = 134
"""128 + SIGABRT, the same as wasmtime."""


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

    `exit_code` is the guest's own, modulo 256, if the reason is EXITED, except that a multiple of
    256 is 255; otherwise it is 124 (TIMED_OUT) or 134, the exit codes of `nnshim run`. So it is 0
    only if the guest succeeded. `results` are the return values of the invoked function. `lines`
    describe any reason other than EXITED, and an exit code that is not the guest's own; for a trap,
    they are the engine's message with the wasm backtrace. If the exit code is not 0, `refused` is
    the last call that the host refused, with the function's name; it is not necessarily why the
    guest ended. `stdout` and `stderr` are the captured output, None if it was not captured. `stats`
    say which models the guest loaded, where they ran and how often: see Session.stats.
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
        """Return this outcome. Raises GuestFailed unless the exit code is 0."""
        if self.exit_code:
            raise _FAILURES.get(self.reason, GuestTrap)(self)
        return self


class GuestFailed(NNShimError):
    """The guest did not succeed; `outcome` has the details."""

    def __init__(self, outcome: Outcome) -> None:
        self._lines = outcome.lines or (f"the guest exited with code {outcome.exit_code}",)
        said = list(self._lines)
        if outcome.refused is not None:
            function, refused = outcome.refused
            said.append(f"the last call that the host refused was {function}: {refused}")
        super().__init__("\n".join(said))
        self.outcome = outcome

    def __reduce__(self) -> tuple[type[Self], tuple[Outcome]]:
        return type(self), (self.outcome,)

    @property
    def lines(self) -> Sequence[str]:
        """What happened; for a trap, with the backtrace. The text of the error also has the last
        call that the host refused, if there is one."""
        return self._lines


class GuestExit(GuestFailed):
    """The guest ended with an exit code other than 0."""


class GuestTrap(GuestFailed):
    """The guest trapped, or was stopped: `outcome.reason` says which."""


class GuestTimeout(GuestTrap):
    """The guest was stopped because its time was up."""


_FAILURES: dict[Reason, type[GuestFailed]] = {
    Reason.EXITED: GuestExit,
    Reason.TIMED_OUT: GuestTimeout,
}


class Stopped(Exception):
    """Stops a guest from outside, for a reason."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason

    @property
    def outcome(self) -> Outcome:
        exit_code = EXIT_TIMEOUT if self.reason is Reason.TIMED_OUT else EXIT_TRAP
        return Outcome(exit_code, self.reason, lines=(str(self),))
