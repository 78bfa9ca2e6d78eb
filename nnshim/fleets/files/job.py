"""The job of `nnshim map`: what is left of its inputs, run, and written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

from nnshim.fleets.files.inputs import Inputs
from nnshim.fleets.files.results import Results
from nnshim.fleets.guests import Guest
from nnshim.fleets.running import Where, run_all
from nnshim.fleets.sums import StatsSum
from nnshim.fleets.values import GuestInput, Item, Ran
from nnshim.render.values import Done
from rewriter.errors import InputError, NNShimError, UsageError

__all__ = ["Job"]


class _Taken(NamedTuple):
    """An input that is on its way."""

    name: str
    digest: str
    size: int


def _exit_code(error: NNShimError | None) -> int | None:
    """That of `nnshim run` for a guest that it does not run to its end; None if it is not known."""
    from runtime_shim.errors import HostHarm

    if isinstance(error, UsageError):
        return 2
    return 1 if isinstance(error, HostHarm) else None


class Job:
    """Runs the guest for each input that has no result yet."""

    def __init__(
        self, guest: Guest, inputs: Inputs, results: Results, where: tuple[Where, float | None]
    ) -> None:
        self._guest = guest
        self._inputs = inputs
        self._results = results
        self._where = where
        self._taken: dict[int, _Taken] = {}
        self.stats = StatsSum()

    def done(self) -> Iterator[Done]:
        """Each input once, as soon as its result is written, or known to fail. Raises what is about
        all of them: what `run_all` raises, OutputError, and InputError for a folder of inputs."""
        for found in run_all(self._guest, self._items(), *self._where):
            yield found if isinstance(found, Done) else self._settled(found)

    def _settled(self, ran: Ran) -> Done:
        self.stats.add(ran.stats)
        name, digest, size = self._taken.pop(ran.number)
        outcome = ran.outcome
        if outcome is None:
            return Done(name, size, error=ran.error, exit_code=_exit_code(ran.error))
        done = Done(name, size, False, ran.error, outcome.exit_code, outcome.stderr or b"")
        if ran.error is None:
            returned = "".join(f"{value}\n" for value in outcome.results).encode()
            written = outcome.stdout or b""
            if returned and written and not written.endswith(b"\n"):
                written += b"\n"
            self._results.add(name, digest, written + returned)
        return done._replace(refused=outcome.refused)

    def _items(self) -> Iterator[Item | Done]:
        """Those that are left, and what needs no worker."""
        for number, (name, given) in enumerate(self._inputs):
            refused = self._results.refused(name)
            if refused is not None:
                yield Done(name, error=refused)
                continue
            if isinstance(given, InputError):
                self._results.remove(name)
                yield Done(name, error=given)
                continue
            digest = _digest_of(given)
            size = len(given.stdin)
            if self._results.has(name, digest):
                yield Done(name, size, kept=True)
                continue
            self._taken[number] = _Taken(name, digest, size)
            yield Item(number, given)


def _digest_of(given: GuestInput) -> str:
    """Of one input, with its arguments."""
    digest = hashlib.sha256(json.dumps(list(given.args)).encode())
    digest.update(b"\n")
    digest.update(given.stdin)
    return digest.hexdigest()
