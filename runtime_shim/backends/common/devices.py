"""Chooses the device on which a backend runs a model."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from rewriter.abi.dialects import Errno, Target
from runtime_shim.backends.interface import Place
from runtime_shim.errors import HostError

__all__ = ["AUTO", "choose_device", "not_there", "place_name"]

AUTO = "auto"
"""The place of a model that may run wherever it runs best."""

_BEST_FIRST = (Target.GPU, Target.TPU, Target.CPU)


def choose_device(
    backend: str, place: Place, known: Mapping[str, Target], present: Collection[str]
) -> str:
    """The device for a place. `known` lists all devices that the backend can use, best first, with
    their targets; `present` those that exist here. A name may have a suffix after the device's, as
    in "cuda:1", and is returned unchanged.

    Raises HostError with `unsupported_operation` if there is none.
    """
    there = {device: target for device, target in known.items() if device in present}
    if isinstance(place, Target):
        for device, target in there.items():
            if target is place:
                return device
    elif place == AUTO:
        return min(there, key=lambda device: _BEST_FIRST.index(there[device]))
    elif re.split(r"[:.]", place)[0] in there:
        return place
    raise not_there(backend, place, known, present)


def place_name(place: Place) -> str:
    """A place in the spelling of command lines."""
    return place.name.lower() if isinstance(place, Target) else place


def not_there(
    backend: str, place: Place, known: Mapping[str, Target], present: Collection[str]
) -> HostError:
    """The error for a place without a device. It says what was looked for."""
    here = f"the {backend} backend only has {', '.join(present)} here"
    if not isinstance(place, Target):  # the operator has chosen it
        return HostError(
            Errno.UNSUPPORTED_OPERATION, f"there is no device {place}: {here}", "chosen"
        )
    meant = " or ".join(device for device, target in known.items() if target is place)
    asked = f"{place_name(place)} ({meant})" if meant else place_name(place)
    return HostError(
        Errno.UNSUPPORTED_OPERATION,
        f"the model asks for {asked}, but {here}",
        "device",
    )
