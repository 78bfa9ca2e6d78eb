"""What backends understand of options, without importing them. A model need not be loaded twice for
options with the same effect."""

from __future__ import annotations

from dataclasses import asdict
from typing import NamedTuple

from rewriter.abi.dialects import Encoding
from runtime_shim.backends.common.tensor_info import SETTINGS, most_threads, settings_for
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.ggml.options import OPTION_NAMES, GgmlOptions, parse_options
from runtime_shim.backends.interface import NO_OPTIONS, Options, Settings

__all__ = ["Understood", "understood"]

_OFFLOADED = "n-gpu-layers"
"""The option of a language model that takes effect when the model is loaded."""


class Understood(NamedTuple):
    """Parsed options: those for loading the model; those for its contexts, so that graphs with
    different ones can share a model. And names: those that the backend does not know, and those
    that it does."""

    loading: Options
    contexts: Options = NO_OPTIONS
    ignored: tuple[str, ...] = ()
    known: tuple[str, ...] = SETTINGS


def understood(
    encoding: Encoding, settings: Settings, options: Options, may_offload: bool
) -> Understood:
    """All options of a model, including defaults. `may_offload` says whether a language model has a
    GPU that it could use. Nothing is known of encodings for which nnshim has no backend. Raises
    HostError with `invalid_argument` for invalid values."""
    if encoding is Encoding.GGML:
        found, ignored = parse_options(options, GgmlOptions(threads=most_threads(settings)))
        every = {name.replace("_", "-"): value for name, value in asdict(found).items()}
        layers = every.pop(_OFFLOADED)
        loading = {_OFFLOADED: layers} if may_offload else {}
        return Understood(loading, every, ignored, OPTION_NAMES)
    if encoding in FORMATS:  # these only have options that override the settings
        given = {name: options[name] for name in SETTINGS if name in options}
        changed = settings_for(encoding.name.lower(), settings, given)
        known = {"threads": changed.threads, "fast-math": changed.fast_math}
        taken = {name: value for name, value in known.items() if value is not None}
        return Understood(taken, ignored=tuple(name for name in options if name not in SETTINGS))
    return Understood(options)
