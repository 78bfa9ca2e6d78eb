"""nnshim.map."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Unpack

from nnshim.fleets.values import GuestInput, Item, MapResult
from rewriter.errors import UsageError
from rewriter.wasm.module import Module

if TYPE_CHECKING:
    from runtime_shim import RunOptions
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
    UsageError, at the first step, for options that cannot be, as NNHost does, and for what is not
    an input, once it is taken; and TypeError, at the first step, for an argument that it does not
    have, and for `options` of another type. What `inputs` raise comes after the results that are
    there by then.
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
    guest = guest_with(data, options, _checked(host))
    taken: dict[int, GuestInput] = {}

    def items() -> Iterator[Item]:
        for index, each in enumerate(inputs):
            taken[index] = given = GuestInput(each) if isinstance(each, bytes) else each
            _check(index, given)
            yield Item(index, GuestInput(given.stdin, tuple(given.args)))  # which nobody changes

    for ran in run_all(guest, items(), workers, gpus, chunksize=chunksize):
        yield MapResult(ran.number, taken.pop(ran.number), ran.outcome, ran.error, ran.seconds)


def _checked(host: HostOptions) -> HostOptions:
    """The same, from which workers can make a host. Raises UsageError."""
    from runtime_shim import Limits
    from runtime_shim.backends.interface import Settings
    from runtime_shim.host.graphs.at_start import checked_graphs
    from runtime_shim.host.placement import check_given

    check_given(
        Settings(
            host.get("threads"),
            host.get("fast_math", False),
            host.get("model_cache"),
            host.get("model_cache_size"),
        ),
        host.get("graph_files"),
        host.get("devices", {}),
        host.get("limits", Limits()),
        gpu_fallback=host.get("gpu_fallback", False),
        isolate=host.get("isolate", False),
    )
    return {**host, "graphs": list(checked_graphs(host.get("graphs", ())))}


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
