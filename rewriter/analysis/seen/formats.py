"""Which model formats a guest loads according to its constants, and whether a host takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rewriter.abi.dialect import BY_NAME, WITH_CONFIG
from rewriter.abi.dialects import DIALECTS
from rewriter.abi.numbers import ENCODINGS_WAMR, Encoding
from rewriter.analysis.inspect import ModuleInfo
from rewriter.analysis.seen.asked import asked_formats, names_all, unnamed
from rewriter.analysis.seen.numbering import (
    constants_of,
    counting,
    meanings_of,
    numbers_of,
    offset_of,
    where,
)
from rewriter.analysis.sources import guest_functions
from rewriter.constants.constant import Constant, Subject
from rewriter.diagnostics import Diagnostic
from rewriter.hosts.host import Host, Quirk, TooSmall
from rewriter.models.model import Model

__all__ = ["Loaded", "formats_of", "images_of", "loaded"]


class Loaded(NamedTuple):
    """The encodings that a guest passes to `load`.

    `meanings` has each encoding that was seen, with its meanings to the guest and on the host.
    `only`: the guest loads no others, because every call was seen, no graph is loaded by name, and
    no call leaves it to the host to detect the format. `in_two`: it may pass two builders for what
    it loads as OpenVINO's."""

    meanings: Mapping[int, frozenset[Encoding]]
    only: bool
    in_two: bool = True

    @property
    def formats(self) -> frozenset[Encoding]:
        """All formats that were seen."""
        return frozenset[Encoding]().union(*self.meanings.values())

    def may_be(self, encoding: Encoding) -> bool:
        """Whether the guest may load models of a format."""
        return not self.only or encoding in self.formats

    def makes_needless(self, code: str, host: Host) -> bool:
        """Whether a diagnostic for every guest on a host does not apply to this guest, because it
        concerns formats that the guest does not load, or is replaced by another diagnostic."""
        if not self.only:
            return False
        if code == "NN240":
            return not any(
                backend.encoding in self.formats and backend.too_small is TooSmall.OVERRUN
                for backend in host.backends
            )
        if code == "NN306":
            return Encoding.OPENVINO not in self.formats or len(self.formats) == 1
        about = _ABOUT.get(code)
        return code == "NN231" or (about is not None and about not in self.formats)


_ABOUT: Mapping[str, Encoding] = {
    "NN235": Encoding.TENSORFLOWLITE,
    "NN241": Encoding.TENSORFLOWLITE,
    "NN304": Encoding.TENSORFLOWLITE,
    "NN305": Encoding.TENSORFLOWLITE,
    "NN307": Encoding.OPENVINO,
    "NN308": Encoding.OPENVINO,
}
"""Diagnostics about models of one format only."""

_OPENVINO = frozenset((Encoding.OPENVINO, Encoding.AUTODETECT))
"""Encodings under which OpenVINO may get a model."""


def loaded(info: ModuleInfo, host: Host) -> Loaded:
    """The formats of the models that a guest loads, according to its constants."""
    constants, functions = constants_of(info), list(guest_functions(info))
    tables: list[Mapping[int, Encoding]] = [one.dialect.encodings for one in functions]
    tables += (d.encodings for d in (DIALECTS.values() if host.tells_numbers else host.dialects))
    seen = numbers_of(constants, Subject.ENCODING)
    meanings = {n: frozenset(table[n] for table in tables if n in table) for n in seen}
    found_out = any(not one or Encoding.AUTODETECT in one for one in meanings.values())
    named = any(one.name in BY_NAME | WITH_CONFIG for one in functions)
    hidden = constants.hidden(Subject.ENCODING)
    calls = [
        parts.numbers
        for encoding, _, parts in constants.loads()
        if encoding.numbers is None or any(_OPENVINO & meanings[n] for n in encoding.numbers)
    ]
    in_two = named or not calls or any(numbers is None or 2 in numbers for numbers in calls)
    return Loaded(meanings, bool(seen) and not (hidden or named or found_out), in_two)


def formats_of(info: ModuleInfo, host: Host, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """Diagnostics about the formats that a guest loads and those of its `models`."""
    found = loaded(info, host)
    yield from _missing_backends(info, host, found, models)
    yield from _never_passed(info, found, models)
    if not models:
        yield from images_of(info, host)


def _missing_backends(
    info: ModuleInfo, host: Host, found: Loaded, models: Sequence[Model]
) -> Iterator[Diagnostic]:
    """The encodings for which the host has no backend, whatever the guest means by them."""
    if host.tells_numbers or not host.backends:
        return
    there = {backend.encoding for backend in host.backends}
    if host.dialects[0].encodings is ENCODINGS_WAMR:  # its load uses any available backend
        there.add(Encoding.AUTODETECT)
    extra = {backend.encoding: backend.built for backend in host.backends if backend.extra}
    unknown = host.measured.backends if host.measured is not None else frozenset[Encoding]()
    asked = {model.encoding for model in models}
    numbers = numbers_of(constants_of(info), Subject.ENCODING)
    for number in counting(found.meanings, asked):
        meanings, passes = found.meanings[number], _passes(numbers[number], number)
        offset = offset_of(numbers[number])
        built = [extra[one] for one in meanings & there if one in extra]
        if not meanings & there and not meanings & unknown:
            what = f"{passes}{_in_words(meanings)}, but the host has no backend for it"
            message = f"only if it never loads such a model: {what}"
            yield Diagnostic("NN262", message, offset, "load")
        elif meanings & asked:
            continue  # reported for the model
        elif not meanings & there:
            what = f"{passes}{_in_words(meanings)}"
            message = (
                f"it was not measured whether the host has a backend for what it loads: {what}"
            )
            yield Diagnostic("NN271", message, offset, "load")
        elif built and not meanings & (there - extra.keys()):
            message = (
                f"only if the host is built differently ({built[0]}): "
                f"{passes}{_in_words(meanings)}, but the released host has no backend for it"
            )
            yield Diagnostic("NN713", message, offset, "load")


def _passes(constant: Constant, number: int) -> str:
    return f"{where(constant)} passes the encoding {number}"


def _in_words(meanings: frozenset[Encoding]) -> str:
    return f" ({meanings_of(sorted(meanings))})" if meanings else ""


def _never_passed(info: ModuleInfo, found: Loaded, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """Diagnostics about models whose format no call passes. The code depends on whether some other
    numbering of encodings would fit. A guest that loads by name can load any format."""
    if not found.only:
        return
    asked, constants = tuple(asked_formats(models)), constants_of(info)
    numbers = numbers_of(constants, Subject.ENCODING).keys()
    layouts = {one.dialect.layout for one in guest_functions(info)}
    tables = [d.encodings for d in DIALECTS.values() if d.layout in layouts]
    for one in unnamed(constants, asked, found.meanings):
        other = any(numbers <= t.keys() and names_all(constants, (one,), t) for t in tables)
        message = f"no call of load passes the encoding of {one.what}"
        if other:
            message += " in the numbers that the guest seems to have"
        yield Diagnostic("NN748" if other else "NN750", message, None, "load")


def images_of(info: ModuleInfo, host: Host) -> Iterator[Diagnostic]:
    """A diagnostic if the host's OpenVINO treats inputs as images, and the guest sets inputs and
    may load OpenVINO models. It is a condition if the guest certainly does."""
    found = loaded(info, host)
    gives = any(one.name == "set_input" for one in guest_functions(info))
    openvino = [b for b in host.backends if b.encoding is Encoding.OPENVINO]
    words = [_TAKEN_FOR[quirk] for b in openvino for quirk in b.quirks if quirk in _TAKEN_FOR]
    if not words or not gives or not found.may_be(Encoding.OPENVINO):
        return
    message = f"the host's OpenVINO {words[0]}"
    numbers = numbers_of(constants_of(info), Subject.ENCODING)
    for number, meanings in found.meanings.items():
        if meanings == {Encoding.OPENVINO}:
            what = f"{_passes(numbers[number], number)} (openvino), but {message}"
            offset = offset_of(numbers[number])
            yield Diagnostic("NN265", f"only if its inputs are like that: {what}", offset, "load")
            return
    yield Diagnostic("NN308", message, function="set_input")


_TAKEN_FOR: Mapping[Quirk, str] = {
    Quirk.CHANNELS_LAST: (
        "takes only four-dimensional tensors, and treats them as channels-last images: others fail,"
        " or give wrong results"
    ),
    Quirk.COLOUR_IMAGES: (
        "takes only one input, and treats it as a channels-last image with three channels: others"
        " fail, or give wrong results"
    ),
    Quirk.LARGE_IMAGES: (
        "takes only one input, and reads it as 1x224x224x3 floats, whatever its dimensions and"
        " length: a smaller one crashes the host"
    ),
}
