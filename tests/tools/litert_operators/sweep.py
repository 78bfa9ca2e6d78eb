"""Computes random models of an operator, in several settings, and says what came of each.

Every model computes for a context of its own, and once more for another one that has computed with
other inputs, and with other shapes where they are free: what an operator leaves unwritten has then
what the memory held before.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rewriter.abi.dialects import Encoding, Errno, Target, TensorType
from runtime_shim import HostError
from runtime_shim.backends import import_backend
from runtime_shim.backends.interface import NO_OPTIONS, Backend
from tests.tools.litert_operators.draft import Case
from tests.tools.litert_operators.recipes import draft_of
from tests.tools.litert_operators.settings import SETTINGS
from tests.tools.unwritten import KINDS

__all__ = ["Outcome", "outcomes"]

MOST_MEMORY = 6 << 30
"""Bytes of address space."""

LONGEST = 20
"""Seconds that a model may take."""


@dataclass
class Outcome:
    """`fresh` and `again` are digests of the outputs of a first inference and of one after others;
    `reason` is why there are none, and `ended` the signal that ended the process."""

    name: str
    seed: int
    setting: str
    fresh: str = ""
    again: str = ""
    reason: str = ""
    loaded: bool = False
    ended: int = 0


def outcomes(
    names: Sequence[str], seeds: Sequence[int], settings: Sequence[str]
) -> Iterator[Outcome]:
    """Of each seed's model of each operator in each setting, from processes of which another is
    started where one ends."""
    work = [(name, seed, each) for name in names for seed in seeds for each in settings]
    done = 0
    while done < len(work):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _work(work[done:], writer)
        os.close(writer)
        with open(reader) as lines:
            for line in lines:
                yield Outcome(**json.loads(line))
                done += 1
        _, status = os.waitpid(child, 0)
        if done < len(work):
            yield Outcome(*work[done], loaded=True, ended=os.waitstatus_to_exitcode(status))
            done += 1


def _work(work: Sequence[tuple[str, int, str]], output: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    backend = import_backend(Encoding.TENSORFLOWLITE)
    for name, seed, setting in work:
        signal.alarm(LONGEST)
        line = json.dumps(asdict(outcome_of(backend, name, seed, setting)))
        os.write(output, f"{line}\n".encode())
    os._exit(0)


def outcome_of(backend: Backend, name: str, seed: int, setting: str) -> Outcome:
    draft, outcome = draft_of(name, seed), Outcome(name, seed, setting)
    case_of = SETTINGS[setting]
    try:
        shapes = _compute(backend, case_of(draft), outcome)
        if not draft.free:  # with the shapes that its results have
            for place, shape in zip(draft.outputs, shapes, strict=False):
                draft.tensors[place].dims = shape
            _compute(backend, case_of(draft), outcome)
    except HostError as error:
        outcome.reason = error.reason
    except (RuntimeError, ValueError) as error:
        outcome.reason = str(error)
    return outcome


def _compute(backend: Backend, case: Case, outcome: Outcome) -> list[list[int]]:
    """Add to an outcome. Returns the shapes of the outputs."""
    graph = backend.load([case.model], Target.CPU, NO_OPTIONS)
    outcome.loaded = True
    context: Any = graph.init_execution_context()
    _feed(context, case.inputs)
    context.compute()
    fresh = _digest(context)
    shapes = [list(map(int, d["shape"])) for d in context._interpreter.get_output_details()]
    context = graph.init_execution_context()
    _feed(context, case.others)
    context.compute()
    with contextlib.suppress(HostError, RuntimeError, ValueError):
        _feed(context, [_longer(array) for array in case.others])
        context.compute()
    _feed(context, case.inputs)
    context.compute()
    outcome.fresh += fresh
    outcome.again += _digest(context)
    return shapes


def _longer(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not array.ndim:
        return array
    return np.concatenate([array, np.ones((2, *array.shape[1:]), array.dtype)])


def _feed(context: Any, inputs: Sequence[npt.NDArray[Any]]) -> None:
    for index, array in enumerate(inputs):
        kind = KINDS.get(array.dtype, TensorType.U8)
        context.set_input(index, kind, array.shape, memoryview(array.tobytes()))


def _digest(context: Any) -> str:
    found = hashlib.sha256()
    for index in range(64):
        try:
            found.update(bytes(context.get_output(index)))
        except HostError as error:
            if error.errno is Errno.INVALID_ARGUMENT:  # that was the last one
                break
            found.update(error.reason.encode())
        found.update(b"|")
    return found.hexdigest()[:16]


if __name__ == "__main__":
    name, setting, *seeds = sys.argv[1:]
    for seed in seeds:
        print(outcome_of(import_backend(Encoding.TENSORFLOWLITE), name, int(seed), setting))
