"""A profile of a host: what is in it, in short, and the same as in its file, for JSON."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rewriter.hosts.profiles.profile import (
    FEATURES,
    REFUSED,
    BackendProfile,
    ComponentsProfile,
    Number,
    Profile,
)

if TYPE_CHECKING:
    from rewriter.hosts.host import Backend

__all__ = ["probed", "table", "tried_types"]

_NOT_MEASURED = "not measured"


def table(written: str) -> dict[str, Any]:
    """The keys and values of a profile's file."""
    return tomllib.loads(written)


def probed(profile: Profile) -> Iterator[str]:
    """What was found out, a line a subject."""
    registered = {name: it for name, it in profile.modules.items() if it.functions}
    if not registered:
        yield "no wasi-nn is registered: neither wasi_ephemeral_nn nor wasi_nn has functions"
    for name, module in registered.items():
        layout = ", ".join(module.layouts) or "several layouts, or an unknown one"
        yield f"{name} ({layout}): {', '.join(sorted(module.functions))}"
    links = {True: "link, and trap when called", False: "are refused"}
    unknown = _NOT_MEASURED if profile.linking.traps is None else links[profile.linking.traps]
    yield f"unknown imports: {unknown}; signatures: {profile.linking.signatures or _NOT_MEASURED}"
    yield f"encodings: {_numbers(profile.encodings)}"
    yield f"tensor types: {_numbers(profile.tensor_types)}"
    if registered and not profile.backends:
        yield (
            "no model ran, so the numbers of encodings and types and the handling of outputs were"
            " not measured: install a backend for OpenVINO, ONNX or TensorFlow Lite in the host,"
            " and probe it again"
        )
    for backend in profile.backends:
        yield f"{backend.encoding}: {'; '.join(_backend(backend))}"
    ends = sorted({fault for each in profile.backends for fault in _ends(each)})
    if ends:
        yield f"these end the process: {', '.join(ends)}"
    yield f"components: {_components(profile.components)}"
    reads = [name for name in FEATURES if profile.features.get(name)]
    lacks = [name for name in FEATURES if profile.features.get(name) is False]
    yield f"supports {', '.join(reads) or 'none'}; does not support {', '.join(lacks) or 'none'}"


def _components(found: ComponentsProfile) -> str:
    if not found.runs:
        return _NOT_MEASURED if found.runs is None else "are refused"
    if found.wasi_nn is None:
        return "run; their imports were not measured"
    nn = " and ".join(f"wasi:nn@{version}" if version else "wasi:nn" for version in found.wasi_nn)
    return f"run, with {nn or 'no wasi:nn'} and WASI {', '.join(found.wasi or ('not found',))}"


def _numbers(numbers: Any) -> str:
    if not numbers:
        return _NOT_MEASURED
    known: list[tuple[str, Number]] = list(numbers.items())
    said = [f"{name} {number}" for name, number in known if number != REFUSED]
    refused = [name for name, number in known if number == REFUSED]
    return ", ".join((*said, *(f"{name} refused" for name in refused)))


def _backend(backend: BackendProfile) -> Iterator[str]:
    if backend.ignores_types:
        yield "ignores types"
    counts = _NOT_MEASURED if backend.unit is None else backend.unit.value
    yield f"get_output counts {counts}"
    if backend.exact is False:
        yield "a buffer of the output's size is not enough"
    small = backend.too_small
    yield f"a buffer that is too small is {_NOT_MEASURED if small is None else small.value}"


def _ends(backend: BackendProfile) -> list[str]:
    return [fault for fault, answer in backend.faults.items() if answer in ("aborts", "hangs")]


def tried_types(backend: Backend) -> str:
    """Which types it takes, where not all were measured."""
    tried = backend.unseen.types or {}
    parts = (
        f"{verb} {', '.join(names)}"
        for verb, is_taken in (("takes", True), ("refuses", False))
        if (names := [kind.name.lower() for kind in sorted(tried) if tried[kind] is is_taken])
    )
    said = " and ".join(parts)
    if not said:
        return "unknown which tensor types it takes"
    return f"{said}; others were not measured"
