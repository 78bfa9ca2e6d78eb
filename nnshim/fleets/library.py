"""nnshim.map."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

from nnshim.fleets.values import GuestInput, Item, MapResult
from rewriter.errors import UsageError
from rewriter.wasm.module import Module

if TYPE_CHECKING:
    from runtime_shim import NamedGraph, RunOptions
    from runtime_shim.engine.options import HostOptions

__all__ = ["map"]

_LARGEST_CHUNK = 1_000_000


def map(  # noqa: A001 - as Python's, but with processes
    module: bytes | Module,
    inputs: Iterable[GuestInput | bytes],
    *,
    workers: int | str | None = None,
    gpus: float | None = None,
    chunksize: int | None = None,
    options: RunOptions | None = None,
    **host: Unpack[HostOptions],
) -> Generator[MapResult, None, None]:
    """Run a guest once for each input, in several processes, and give back what came of each.

    Inputs that are bytes are the standard input. Results come in the order in which the guests end:
    `MapResult.number` is the number of the input. Inputs are taken as workers become free, and no
    result is held, so there may be any number of both. `options` are those of each run, whose
    standard streams are the input and the result.

    `workers` is how many processes there are (default: as many as cores), or the address of a Ray
    cluster, `ray://HOST[:PORT]`, which has an actor for each of its CPUs. There, `gpus` is how many
    GPUs each actor has to itself, a whole number or a part of one (default: one if `devices` name a
    GPU, otherwise none), and there are as many actors as these allow. Each worker makes one host
    from the arguments `host` (see NNHost), and compiles the module once. A named graph is loaded
    once in each.

    A guest that takes its process with it does not end the others: its input is tried once more,
    alone, and then its result is an error. The workers end with the iterator, also when it is
    closed early. A program in a file that calls this guards its start, as for `multiprocessing`,
    with `if __name__ == "__main__":`. `python -c` needs no guard, and a program from standard input
    has to be saved as a file. If a file of a model is replaced meanwhile, the inputs that come
    after that have an InputError.

    Raises, while it is iterated, what `run` raises if no guest can start, ToolError if processes
    cannot be started or the cluster cannot be reached, and DependencyMissing without Ray. Raises
    UsageError, at the first step, for options that cannot be, and for what is not an input, once it
    is taken; and TypeError, at the first step, for an argument that it does not have, or that is of
    another type than NNHost takes.
    """
    from nnshim.fleets.guests import guest_with
    from nnshim.fleets.running import run_all
    from runtime_shim import RunOptions
    from runtime_shim.engine.options import HostOptions
    from runtime_shim.numbers import check_number

    check_number("chunksize", chunksize, 1, _LARGEST_CHUNK)
    unknown = host.keys() - HostOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"map() has no argument {sorted(unknown)[0]!r}")
    options = RunOptions() if options is None else options
    if not isinstance(options, RunOptions):
        raise TypeError(f"map(): options cannot be of type {_type(options)}: expected RunOptions")
    if options.redirects:
        raise UsageError("map: the options stdin, stdout and stderr are the inputs and the results")
    data = bytes(module.data) if isinstance(module, Module) else module
    given: HostOptions = {**host, "graphs": _graphs(host.get("graphs", ()))}
    _check_host(given)
    guest = guest_with(data, options, given)
    taken: dict[int, GuestInput] = {}

    def items() -> Iterator[Item]:
        for index, each in enumerate(inputs):
            taken[index] = given = GuestInput(each) if isinstance(each, bytes) else each
            _check(index, given)
            yield Item(index, GuestInput(given.stdin, tuple(given.args)))  # which nobody changes

    for ran in run_all(guest, items(), workers, gpus, chunksize=chunksize):
        yield MapResult(ran.number, taken.pop(ran.number), ran.outcome, ran.error, ran.seconds)


def _graphs(given: object) -> list[NamedGraph]:
    """Raises TypeError."""
    from runtime_shim import NamedGraph

    graphs: list[NamedGraph] = []
    for each in given if isinstance(given, Iterable) else [given]:
        if not isinstance(each, NamedGraph):
            raise TypeError(f"map(): graphs cannot have {_type(each)}: expected NamedGraph")
        graphs.append(each)
    return graphs


def _check_host(host: HostOptions) -> None:
    """Raises TypeError for what workers could not make a host from."""
    from runtime_shim import Limits

    limits, devices = host.get("limits", Limits()), host.get("devices", {})
    if not isinstance(limits, Limits):
        raise TypeError(f"map(): limits cannot be of type {_type(limits)}: expected Limits")
    if not isinstance(devices, Mapping):
        raise TypeError(f"map(): devices cannot be of type {_type(devices)}: expected a mapping")


def _check(number: int, given: object) -> None:
    """Raises UsageError."""
    if not isinstance(given, GuestInput):
        raise UsageError(f"input {number} is of type {_type(given)}: expected GuestInput or bytes")
    if not isinstance(given.stdin, bytes):
        raise UsageError(f"stdin of input {number} is of type {_type(given.stdin)}: expected bytes")
    if isinstance(given.args, str | bytes) or not isinstance(given.args, Sequence):
        kind = _type(given.args)
        raise UsageError(f"args of input {number} is of type {kind}: expected a sequence of str")
    for each in given.args:
        if not isinstance(each, str):
            raise UsageError(
                f"an argument of input {number} is of type {_type(each)}: expected str"
            )


def _type(value: object) -> str:
    return type(value).__name__
