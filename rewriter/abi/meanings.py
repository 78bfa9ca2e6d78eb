"""What errors of wasi-nn mean, and what to do about them, for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rewriter.abi.numbers import (
    ERRNO_2020,
    ERRNO_NAMES_WIT,
    ERRNO_WASMEDGE,
    ERRNO_WIT,
    Errno,
)

__all__ = ["Meaning", "meaning_of"]


class Meaning(NamedTuple):
    """What an error means, what helps, and the numbers of codes that go with it."""

    text: str
    remedy: str
    codes: tuple[str, ...]


_CHECK = (
    "`nnshim check --for HOST --model MODEL guest.wasm` says what does not fit."
    " `nnshim run -v --as HOST@RELEASE guest.wasm` says why a call is refused."
)
_VERBOSE = "`nnshim run -v guest.wasm` says why a call is refused."

_MEANINGS: Mapping[Errno, Meaning] = MappingProxyType({
    Errno.INVALID_ARGUMENT: Meaning(
        "the host received the call and cannot use an argument. Often the guest numbers encodings"
        " or tensor types differently from the host, or the host has no backend for the model, or"
        " a tensor has another type or shape than the model takes.",
        _CHECK, ("NN203", "NN204", "NN207", "NN262"),
    ),
    Errno.INVALID_ENCODING: Meaning(
        "the host cannot load models of this format: the backend for it is not installed or not"
        " built in, or the guest numbers formats differently from the host.",
        "`nnshim doctor` says which backends work here. " + _CHECK, ("NN501", "NN711", "NN203"),
    ),
    Errno.MISSING_MEMORY: Meaning(
        "the guest does not export a memory by the name `memory`; in ABIs from before August 2023,"
        " also that an output does not fit into the guest's buffer.",
        "Build the guest so that it exports its memory. " + _VERBOSE, ("NN219", "NN223"),
    ),
    Errno.BUSY: Meaning(
        "the host or an inference server cannot take the request now; in ABIs from before August"
        " 2022, also that the NN runtime failed.",
        "Try again later. " + _VERBOSE, ("NN606",),
    ),
    Errno.RUNTIME_ERROR: Meaning(
        "the NN runtime or an inference server failed, or the host refuses the call for a reason"
        " that the ABI has no error for.",
        _VERBOSE, ("NN603", "NN604", "NN606", "NN701"),
    ),
    Errno.UNSUPPORTED_OPERATION: Meaning(
        "the host does not have what the guest asks for, such as a device, a function, or a tensor"
        " of this type.",
        _CHECK, ("NN263", "NN261", "NN608"),
    ),
    Errno.TOO_LARGE: Meaning(
        "an output is larger than the guest's buffer, or a limit of the host is reached.",
        "Give the guest's buffer the size of the output. " + _VERBOSE, ("NN236", "NN240"),
    ),
    Errno.NOT_FOUND: Meaning(
        "there is no graph by the name that the guest passes, one of its files does not exist, or"
        " the inference server does not have the model.",
        "`-S nn-graph`, `--nn-preload` and `--graphs` of `nnshim run` name graphs. " + _VERBOSE,
        ("NN252", "NN606"),
    ),
    Errno.END_OF_SEQUENCE: Meaning(
        "the language model has written its last token. This is not a failure.",
        "End the loop that computes one token at a time.", ("NN238",),
    ),
    Errno.CONTEXT_FULL: Meaning(
        "the context of the language model has no room for another token.",
        "Raise `ctx-size` in the model's options, or ask for fewer tokens.", ("NN238",),
    ),
    Errno.PROMPT_TOO_LONG: Meaning(
        "the prompt does not fit into the context of the language model.",
        "Raise `ctx-size` in the model's options, or shorten the prompt.", ("NN238",),
    ),
    Errno.MODEL_NOT_FOUND: Meaning(
        "the file of the language model does not exist.",
        "Check the path of the named graph.", ("NN252",),
    ),
})  # fmt: skip

_NUMBERINGS: tuple[tuple[str, Mapping[int, Errno], Mapping[int, str]], ...] = (
    ("today's specification, nnshim and WasmEdge", ERRNO_WASMEDGE, {}),
    ("WAMR 2.1.1 to 2.3.1", ERRNO_WIT, ERRNO_NAMES_WIT),
    ("ABIs from before August 2022", ERRNO_2020, {}),
)
"""Where errors have numbers of their own, with the names of those that other ABIs do not have."""

_NUMBER = re.compile(
    r"wasi[_-]?nn.{0,20}\berr(?:or|no)?\b\D{0,12}(\d+)|\berrno\b\D{0,9}(\d+)"
    r"|^(?:err(?:or|no)?\W{0,3})?([1-9]\d?)$",
    re.IGNORECASE,
)

_REASON = re.compile(
    r":\s+(?!.*\b(?:encodings?|types?|targets?|numbers?)\b)\w+\W+\w+\W+\w+", re.IGNORECASE
)
"""What follows an error's name if the host says why it refuses a call, and if that is not how the
guest numbers something."""

_STATED = Meaning(
    "the host received the call and cannot use an argument. Its reason follows the error's name.",
    "Change what the reason names.", (),
)  # fmt: skip

_OF_OTHERS = (Errno.RUNTIME_ERROR, Errno.NOT_FOUND)
"""In one word, these are names of other errors, such as Python's RuntimeError."""


def _pattern(errno: Errno) -> re.Pattern[str]:
    name = errno.name.replace("_", "[_-]" if errno in _OF_OTHERS else "[_-]?")
    return re.compile(f"(?<![a-z]){name}(?![a-z])", re.IGNORECASE)


_BY_NAME = tuple((errno, _pattern(errno)) for errno in _MEANINGS if errno is not Errno.BUSY)
_BUSY = re.compile(r"^\W*busy\W*$|\b(?:nn_?errno|error|code)\W+busy\b", re.IGNORECASE)


def meaning_of(message: str) -> Meaning | None:
    """What the error in a message means that a guest got, by its name or else by its number; None
    if the message has none."""
    named: list[Errno] = [errno for errno, pattern in _BY_NAME if pattern.search(message)]
    if not named and re.search(r"invalid argument", message, re.IGNORECASE):
        named = [Errno.INVALID_ARGUMENT]
    if not named and _BUSY.search(message):
        named = [Errno.BUSY]
    if named:
        found = _MEANINGS[named[0]]
        if named[0] is Errno.INVALID_ARGUMENT and _has_reason(message):
            found = _STATED
        return found._replace(text=f"{_name(named[0])}: {found.text}")
    number = _NUMBER.search(message)
    return None if number is None else _numbered(int(number[number.lastindex or 1]))


def _has_reason(message: str) -> bool:
    name = re.search(r"invalid[_ -]?argument", message, re.IGNORECASE)
    return name is not None and _REASON.match(message, name.end()) is not None


def _numbered(number: int) -> Meaning:
    places: dict[str, list[str]] = {}
    errnos: dict[Errno, None] = {}
    for where, numbers, names in _NUMBERINGS:
        if number in numbers and number:
            places.setdefault(names.get(number, _name(numbers[number])), []).append(where)
            errnos[numbers[number]] = None
    if not errnos:
        return Meaning(
            f"{number} is not an error of wasi-nn in any ABI. `nnshim hosts --all HOST@RELEASE`"
            " lists the errors of a host.",
            _VERBOSE, ("NN207",),
        )  # fmt: skip
    first, *others = errnos
    where = (
        f"{_name(first)} in every ABI"
        if len(places) == 1 and len(places[_name(first)]) == len(_NUMBERINGS)
        else "; ".join(f"{name} in {' and in '.join(listed)}" for name, listed in places.items())
    )
    said = [
        f"{number} is {where}. `nnshim hosts --all HOST@RELEASE` lists them for one host.",
        *(f"{_name(errno)}: {_MEANINGS[errno].text}" for errno in (first, *others)),
    ]
    return _MEANINGS[first]._replace(text=" ".join(said))


def _name(errno: Errno) -> str:
    return errno.name.lower()
