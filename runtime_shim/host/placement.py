"""Where models run, by default where they ask to; and checks of the host's arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping

from rewriter.abi.dialects import Encoding, Target
from rewriter.errors import InputError, UsageError
from rewriter.suggestions import did_you_mean
from runtime_shim.backends.common.devices import AUTO, place_name
from runtime_shim.backends.interface import MODEL_CACHE_SIZE, Backend, Place, Settings
from runtime_shim.backends.remote.endpoints import Endpoint, parse_server
from runtime_shim.host.graph_specs import REMOTE
from runtime_shim.host.limits import Limits
from runtime_shim.host.session import DEFAULT_LIMITS
from runtime_shim.numbers import MOST_THREADS, check_number

__all__ = ["Placement", "check_folders", "check_given", "checked_backends", "without_server"]


class Placement:
    """Rules for where models run. {"onnx": "cuda:0"} applies to all models of an encoding, and
    {"gpu": "openvino:GPU"} to all models that ask for a target (or "auto"). A rule's value is a
    device, optionally after an encoding and a colon; the backend of that encoding runs the model.

    Raises UsageError for a rule with an unknown key or without a device, and for a rule for the GPU
    together with the GPU fallback, which would then have no effect.
    """

    def __init__(self, rules: Mapping[str, str], gpu_fallback: bool = False) -> None:
        self._rules = {what.lower(): rule for what, rule in rules.items()}
        known = [*_ENCODINGS, *map(place_name, Target), AUTO, REMOTE]
        for what, rule in self._rules.items():
            if what not in known:
                raise UsageError(
                    f"{what!r} is not an encoding or a target; expected one of {', '.join(known)}"
                    f"{did_you_mean(what, known)}"
                )
            if not _split(rule)[1]:
                raise UsageError(f"the rule for {what} names no device: {rule!r}")
        if gpu_fallback and place_name(Target.GPU) in self._rules:
            raise UsageError(
                "gpu_fallback (--gpu-fallback) has no effect when models that ask for the "
                "gpu are sent to a specific device"
            )

    def of(self, encoding: Encoding, place: Place) -> tuple[Encoding, Place]:
        """The encoding of the backend that runs a model, and where it runs."""
        rule = self._rules.get(encoding.name.lower()) or self._rules.get(place_name(place))
        if rule is None:
            return encoding, place
        backend, device = _split(rule)
        return _ENCODINGS[backend] if backend else encoding, device


_ENCODINGS = {item.name.lower(): item for item in Encoding if item is not Encoding.AUTODETECT}


def _split(rule: str) -> tuple[str, str]:
    """The backend's encoding (may be empty) and the device."""
    backend, colon, device = rule.partition(":")
    return (backend.lower(), device) if colon and backend.lower() in _ENCODINGS else ("", rule)


def without_server(devices: Mapping[str, str]) -> tuple[Mapping[str, str], Endpoint | None]:
    """The rules for Placement, and the inference server that is named among them. Raises
    UsageError."""
    rules = {what.lower(): rule for what, rule in devices.items()}
    url = rules.pop(REMOTE, None)
    return rules, None if url is None else parse_server(url)


def check_given(
    settings: Settings,
    graph_files: object,
    devices: object,
    limits: object,
    *,
    gpu_fallback: object,
    isolate: object,
) -> None:
    """Raise UsageError for an argument of the host that is of another type, for a number that
    cannot be, and for a limit that nothing could enforce."""
    if not isinstance(limits, Limits):
        raise UsageError(f"limits cannot be of type {_type(limits)}: expected Limits")
    limits.check()
    check_number("threads", settings.threads, 1, MOST_THREADS)
    check_number("model_cache_size", settings.model_cache_size, 0, (1 << 64) - 1)
    if not isinstance(devices, Mapping):
        raise UsageError(f"devices cannot be of type {_type(devices)}: expected a mapping")
    for each in (*devices.keys(), *devices.values()):
        if not isinstance(each, str):
            raise UsageError(
                "devices: expected the name of a device for that of an encoding or a target, but"
                f" there is something of type {_type(each)}"
            )
    folders = {"graph_files": graph_files, "model_cache": settings.model_cache}
    for name, path in folders.items():
        if path is not None and not isinstance(path, str | os.PathLike):
            raise UsageError(f"{name} cannot be of type {_type(path)}: expected a folder's path")
    fast_math = settings.fast_math
    switches = {"gpu_fallback": gpu_fallback, "fast_math": fast_math, "isolate": isolate}
    for name, switch in switches.items():
        if not isinstance(switch, bool):
            raise UsageError(f"{name} cannot be of type {_type(switch)}: expected True or False")
    if limits.loading not in (None, DEFAULT_LIMITS.loading) and not isolate:
        raise UsageError(
            "the limit loading needs isolation (--isolate): without it, a load cannot "
            "be interrupted"
        )


def _type(value: object) -> str:
    return type(value).__name__


def check_folders(
    graph_files: str | None, model_cache: str | None, model_cache_size: int | None
) -> None:
    """Raise InputError for a folder that does not exist, and UsageError for one that cannot be
    used, and for the size of a cache that has no folder."""
    if model_cache is None and model_cache_size != MODEL_CACHE_SIZE:
        raise UsageError(
            "the size of the model cache (--model-cache-size) has no effect without a "
            "cache folder (--model-cache)"
        )
    if graph_files is not None and not os.path.isdir(graph_files):
        if os.path.exists(graph_files):
            raise InputError(
                f"{graph_files} is not a folder with models; a named graph"
                f" (--nn-preload NAME:ENCODING:cpu:{graph_files}) is one file"
            )
        raise InputError(f"the folder of models {graph_files} does not exist")
    if model_cache is not None:
        from runtime_shim.model_cache import check_folder  # slow to import

        check_folder(model_cache)


def checked_backends(backends: Mapping[Encoding, Backend]) -> dict[Encoding, Backend]:
    """Raises UsageError for a key that is not an Encoding."""
    for encoding in backends:
        if not isinstance(encoding, Encoding):
            raise UsageError(f"backends: expected Encoding values as keys, not {encoding!r}")
    return dict(backends)
