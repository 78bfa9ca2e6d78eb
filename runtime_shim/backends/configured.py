"""What the backends make of options, told without importing them: options that come to the same
thing need not be loaded twice."""

from __future__ import annotations

from dataclasses import asdict
from typing import NamedTuple

from rewriter.abi.dialects import Encoding
from runtime_shim.backends.common.tensor_info import SETTINGS, most_threads, settings_for
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.ggml.options import GgmlOptions, parse_options
from runtime_shim.backends.interface import NO_OPTIONS, Options, Settings

__all__ = ["Understood", "understood"]

_OFFLOADED = "n-gpu-layers"
"""The option of a language model that its model is loaded with."""


class Understood(NamedTuple):
    """What a model is loaded with; what its contexts begin with, so that several such sets can
    share one model; and the names of what the backend does not have."""

    loading: Options
    contexts: Options = NO_OPTIONS
    ignored: tuple[str, ...] = ()


def understood(
    encoding: Encoding, settings: Settings, options: Options, may_offload: bool
) -> Understood:
    """All options of a model, with those that are not given. Without `may_offload`, a language
    model has no GPU that it could be loaded to. Of encodings that nnshim has no backend for,
    nothing is known. Raises HostError with `invalid_argument` for values that make no sense."""
    if encoding is Encoding.GGML:
        found, ignored = parse_options(options, GgmlOptions(threads=most_threads(settings)))
        every = {name.replace("_", "-"): value for name, value in asdict(found).items()}
        layers = every.pop(_OFFLOADED)
        return Understood({_OFFLOADED: layers} if may_offload else {}, every, ignored)
    if encoding in FORMATS:  # the others have no options but those that override the settings
        given = {name: options[name] for name in SETTINGS if name in options}
        changed = settings_for(encoding.name.lower(), settings, given)
        known = {"threads": changed.threads, "fast-math": changed.fast_math}
        taken = {name: value for name, value in known.items() if value is not None}
        return Understood(taken, ignored=tuple(name for name in options if name not in SETTINGS))
    return Understood(options)
