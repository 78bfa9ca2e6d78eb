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
    """What a guest passes to `load`: `meanings` has each encoding that was seen, with what it is to
    the guest or on the host. It loads `only` these if every call was seen, none goes by a name, and
    none leaves it to the host to find the format out. `in_two` is whether it may pass two builders
    of what it loads as OpenVINO's."""

    meanings: Mapping[int, frozenset[Encoding]]
    only: bool
    in_two: bool = True

    @property
    def formats(self) -> frozenset[Encoding]:
        """All that were seen."""
        return frozenset[Encoding]().union(*self.meanings.values())

    def may_be(self, encoding: Encoding) -> bool:
        """Whether the guest may load models of a format, as far as that can be seen."""
        return not self.only or encoding in self.formats

    def makes_needless(self, code: str, host: Host) -> bool:
        """Whether something that is said of every guest on a host is about formats only that this
        one does not load, or said of it in another way."""
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
"""What is said of models of one format alone."""

_OPENVINO = frozenset((Encoding.OPENVINO, Encoding.AUTODETECT))
"""Encodings as which OpenVINO may get a model."""


def loaded(info: ModuleInfo, host: Host) -> Loaded:
    """What the constants of a guest show of the models that it loads."""
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
    """What is to be said of the formats that a guest loads, and runs as `models`."""
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
    if host.dialects[0].encodings is ENCODINGS_WAMR:  # whose load takes any backend that is there
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
            what = f"{passes}{_in_words(meanings)}, and the host has no backend for it"
            message = f"only if it never loads such a model: {what}"
            yield Diagnostic("NN262", message, offset, "load")
        elif meanings & asked:
            continue  # which is said of the model
        elif not meanings & there:
            what = f"{passes}{_in_words(meanings)}"
            message = (
                f"it was not measured whether the host has a backend for what it loads: {what}"
            )
            yield Diagnostic("NN271", message, offset, "load")
        elif built and not meanings & (there - extra.keys()):
            message = (
                f"only if the host is built differently ({built[0]}): "
                f"{passes}{_in_words(meanings)}, and the released host has no backend for it"
            )
            yield Diagnostic("NN713", message, offset, "load")


def _passes(constant: Constant, number: int) -> str:
    return f"{where(constant)} passes the encoding {number}"


def _in_words(meanings: frozenset[Encoding]) -> str:
    return f" ({meanings_of(sorted(meanings))})" if meanings else ""


def _never_passed(info: ModuleInfo, found: Loaded, models: Sequence[Model]) -> Iterator[Diagnostic]:
    """The formats of models that no call passes, and whether other numbers for encodings would make
    it so that one does. By a name, a guest can load any."""
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
    """What the host's OpenVINO takes inputs for, of a guest that gives inputs and may load models
    of it: a condition where it surely does."""
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
            what = f"{_passes(numbers[number], number)} (openvino), and {message}"
            offset = offset_of(numbers[number])
            yield Diagnostic("NN265", f"only if its inputs are such: {what}", offset, "load")
            return
    yield Diagnostic("NN308", message, function="set_input")


_TAKEN_FOR: Mapping[Quirk, str] = {
    Quirk.CHANNELS_LAST: (
        "takes tensors of four dimensions only, for images whose channels come last: others fail,"
        " or give wrong results"
    ),
    Quirk.COLOUR_IMAGES: (
        "takes one input only, of four dimensions, for an image whose three channels come last:"
        " others fail, or give wrong results"
    ),
    Quirk.LARGE_IMAGES: (
        "takes one input only, for 1x224x224x3 floats, whatever its dimensions and length are: a"
        " smaller one ends the host"
    ),
}
