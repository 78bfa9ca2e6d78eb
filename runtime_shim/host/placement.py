"""Where models go: to what they are meant for, unless the host was told otherwise; and whether what
a host is given can be used."""

from __future__ import annotations

import os
from collections.abc import Mapping

from rewriter.abi.dialects import Encoding, Target
from rewriter.errors import InputError, UsageError
from rewriter.suggestions import did_you_mean
from runtime_shim.backends.common.devices import AUTO, place_name
from runtime_shim.backends.interface import Backend, Place

__all__ = ["Placement", "check_folders", "checked_backends"]


class Placement:
    """Rules such as {"onnx": "cuda:0"}, for all models of an encoding, and {"gpu":
    "openvino:GPU"}, for all that are meant for a target (or "auto"). What they lead to is a device;
    before it, with a colon, can stand the encoding whose backend is to run the model.

    Raises UsageError for a rule about nothing, or that leads nowhere; and for one about the GPU
    beside a fallback for models that are meant for the GPU, which then goes unused.
    """

    def __init__(self, rules: Mapping[str, str], gpu_fallback: bool = False) -> None:
        self._rules = {what.lower(): rule for what, rule in rules.items()}
        known = [*_ENCODINGS, *map(place_name, Target), AUTO]
        for what, rule in self._rules.items():
            if what not in known:
                raise UsageError(
                    f"{what!r} is neither an encoding nor a target: {', '.join(known)}"
                    f"{did_you_mean(what, known)}"
                )
            if not _split(rule)[1]:
                raise UsageError(f"no device is named for {what}: {rule!r}")
        if gpu_fallback and place_name(Target.GPU) in self._rules:
            raise UsageError(
                "gpu_fallback (--gpu-fallback) has no effect if a device is set for models that "
                "ask for the gpu"
            )

    def of(self, encoding: Encoding, place: Place) -> tuple[Encoding, Place]:
        """The encoding whose backend is to run a model, and where."""
        rule = self._rules.get(encoding.name.lower()) or self._rules.get(place_name(place))
        if rule is None:
            return encoding, place
        backend, device = _split(rule)
        return _ENCODINGS[backend] if backend else encoding, device


_ENCODINGS = {item.name.lower(): item for item in Encoding if item is not Encoding.AUTODETECT}


def _split(rule: str) -> tuple[str, str]:
    """Backend, or nothing, and device."""
    backend, colon, device = rule.partition(":")
    return (backend.lower(), device) if colon and backend.lower() in _ENCODINGS else ("", rule)


def check_folders(graph_files: str | None, model_cache: str | None) -> None:
    """Raise InputError for a folder that is not there, and UsageError for one that cannot be
    used."""
    if graph_files is not None and not os.path.isdir(graph_files):
        raise InputError(f"there is no folder {graph_files} with models")
    if model_cache is not None:
        from runtime_shim.model_cache import check_folder  # which takes time to import

        check_folder(model_cache)


def checked_backends(backends: Mapping[Encoding, Backend]) -> dict[Encoding, Backend]:
    """Raises UsageError where one is given for something else than an encoding."""
    for encoding in backends:
        if not isinstance(encoding, Encoding):
            raise UsageError(f"backends: expected an Encoding for each, not {encoding!r}")
    return dict(backends)
