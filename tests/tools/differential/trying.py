"""One seed: a network, its models, and all ways to run them."""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from runtime_shim import NNHost
from tests.tools.differential.directly import BACKENDS, Runtime
from tests.tools.differential.drafting import generate
from tests.tools.differential.kinds import KINDS, NATIVE, Kind
from tests.tools.differential.networks import Network
from tests.tools.differential.rounds import Expected, Round, expect, plan
from tests.tools.differential.support import OPERATORS, supports
from tests.tools.differential.ways import WAYS, Mismatch, play

__all__ = ["Finding", "Tally", "network_of", "try_seed"]

ROUNDS = 20
LARGEST = 40_000
"""Bytes of an output that the guest has room for."""

_FAMILIES = (
    ("onnx",),
    ("onnx", "openvino"),
    ("onnx", "openvino", "litert"),
    ("onnx", "openvino", "tensorflow"),
    ("onnx", "openvino", "litert", "tensorflow"),
    ("litert",),
    ("onnx", "torch"),
    ("torch",),
)
"""Backends that get the same network, which is made of what all of them have."""

_CHECKING = ("onnx", "litert", "torch")
"""Those that refuse an index that is too large. OpenVINO gives zeros."""

_POOLS = (NATIVE, ("f16", "f32", "u8", "i32"), ("f32",), tuple(KINDS))
"""Types that the inputs of one network are of; the second is what WAMR's layout can name."""


class Finding(NamedTuple):
    """`sort` is the same for what is likely to have one cause."""

    seed: int
    backend: str
    way: str
    sort: str
    mismatch: Mismatch
    rounds: tuple[int, ...]
    network: Network
    model: bytes

    @property
    def is_the_runtimes(self) -> bool:
        """Whether the runtime, called directly, does not agree with itself either."""
        return self.sort.startswith(_UNSTABLE)


class Tally(NamedTuple):
    """By backend: what was tried."""

    models: Counter[str]
    refused: Counter[str]
    rounds: Counter[str]
    refused_rounds: Counter[str]
    comparisons: Counter[str]

    @classmethod
    def empty(cls) -> Tally:
        return cls(Counter(), Counter(), Counter(), Counter(), Counter())


@functools.cache
def _host(isolated: bool) -> NNHost:
    return NNHost(isolate=isolated)


def network_of(seed: int, backends: Sequence[str]) -> tuple[Network, Sequence[str]]:
    """The network of a seed, and which of the backends it is for."""
    choose = random.Random(seed)
    families = [family for family in _FAMILIES if set(family) & set(backends)]
    family = choose.choice(families)
    kinds = NATIVE if "torch" in family else choose.choice(_POOLS)
    kinds = tuple(choose.sample(kinds, min(len(kinds), choose.randint(1, 4))))
    supported = functools.partial(supports, family)
    network = generate(choose, kinds, supported, OPERATORS)
    return network, [backend for backend in family if backend in backends]


def try_seed(
    seed: int,
    backends: Sequence[str],
    ways: Sequence[str],
    tally: Tally,
    seen: set[tuple[str, str]],
) -> list[Finding]:
    """The differences that a seed's network shows, one of each sort on each backend and way.

    `seen` are the backends and sorts that were found before: those are not made smaller again.
    """
    network, taking = network_of(seed, backends)
    found = []
    for backend in taking:
        found += _try_backend(seed, backend, network, ways, tally, seen)
    return found


def _try_backend(
    seed: int,
    backend: str,
    network: Network,
    ways: Sequence[str],
    tally: Tally,
    seen: set[tuple[str, str]],
) -> list[Finding]:
    encoding, made, load = BACKENDS[backend]
    choose = random.Random(f"{seed} {backend}")
    model = made(network)
    tally.models[backend] += 1
    try:
        runtime: Runtime | None = load(model)
    except Exception:  # noqa: BLE001 - every runtime has errors of its own
        runtime = None
        tally.refused[backend] += 1
    rounds: list[Round] = []
    kinds: list[Kind] = []
    if runtime is not None:
        rounds = plan(choose, network, runtime, ROUNDS, stray=backend in _CHECKING)
        kinds = [network.values[name].kind for name in runtime.inputs]
    fill = choose.random() < 0.5

    def run(way: str, places: Sequence[int]) -> dict[str, Mismatch]:
        """The first difference of each sort."""
        chosen = [rounds[place] for place in places]
        right = expect(runtime, chosen) if runtime is not None else None
        if right is not None and _largest(right) > LARGEST:
            return {}
        found = play(
            *(WAYS[way], _host(WAYS[way].isolated), model, encoding, kinds, chosen, right),
            fill=fill,
            count=functools.partial(_count, tally.comparisons, backend),
        )
        sorts = {_sort(each, network, kinds, backend): each for each in reversed(found)}
        if runtime is not None and found and expect(load(model), chosen) != right:
            return {f"{_UNSTABLE} {sort}": each for sort, each in sorts.items()}
        return sorts

    every = tuple(range(len(rounds)))
    if runtime is not None:
        right = expect(runtime, rounds)
        tally.rounds[backend] += len(right)
        tally.refused_rounds[backend] += right.count(None)
    findings = []
    for way in ways:
        for sort, mismatch in run(way, every).items() if WAYS[way].reaches(kinds) else ():
            left = every[: mismatch.round + 1]
            if (backend, sort) not in seen:
                left, mismatch = _shrunk(functools.partial(run, way), sort, left, mismatch)
            seen.add((backend, sort))
            findings.append(Finding(seed, backend, way, sort, mismatch, left, network, model))
    return findings


def _shrunk(
    run: Callable[[Sequence[int]], dict[str, Mismatch]],
    sort: str,
    left: tuple[int, ...],
    mismatch: Mismatch,
) -> tuple[tuple[int, ...], Mismatch]:
    """The same sort with fewer rounds: those without which it is still there are left out."""
    for place in left[:-1]:
        fewer = tuple(each for each in left if each != place)
        again = run(fewer).get(sort)
        if again is not None:
            left, mismatch = fewer, again
    return left, mismatch


_UNSTABLE = "(the runtime does not give the same twice)"
"""It may hand out memory that it has not written."""


def _count(comparisons: Counter[str], backend: str) -> None:
    comparisons[backend] += 1


def _largest(expected: Sequence[Expected]) -> int:
    return max((len(data or b"") for outputs in expected for data in outputs or ()), default=0)


def _sort(mismatch: Mismatch, network: Network, kinds: Sequence[Kind], backend: str) -> str:
    """What is the same for all that is likely to have one cause."""
    _, step, place, right, got = mismatch
    if step.startswith("set_input"):
        return f"{step} of {kinds[place].name}: {got} for {right}"
    if step != "get_output":
        return f"{step}: {got} for {right}"
    about = "an output"
    if backend != "tensorflow" and place < len(network.outputs):  # whose order is OpenVINO's
        output = network.outputs[place]
        name = output.value.kind.name
        about = f"{_ORIGINS.get(output.value.origin, 'a node')}'s"
        about += f" {name}" if name not in NATIVE else ""
        about += f", declared {output.declared}" if backend in ("onnx", "openvino") else ""
        passed = any(each.value.origin == "input" for each in network.outputs)
        about += ", beside an input's" if passed and output.value.origin != "input" else ""
    if right.startswith("an errno"):
        return f"get_output of {about}: errno 0 for {right}"
    if right.startswith("nothing"):
        return f"get_output of {about}: something for {right}"
    return f"get_output of {about}: {got if got.startswith('errno') else 'other bytes'} for " + (
        right if right == "0 bytes" else "bytes"
    )


_ORIGINS: Mapping[str, str] = {
    "input": "an input",
    "constant": "a constant",
    **{op: op for op in ("if", "loop", "sequence", "optional", "sequence_end", "optional_end")},
}
"""What can make an output that deserves a look of its own."""
