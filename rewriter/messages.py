"""Which codes an error message is about: a host's message, or nnshim's own without its code."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rewriter.abi.meanings import meaning_of
from rewriter.codes import Code, all_codes, find_code
from rewriter.codes.own import recognize

__all__ = ["Explained", "explain_message"]


class Explained(NamedTuple):
    """What a message is about. `meaning` and `remedy` are of a host's message, and empty for one of
    nnshim's; `codes` are those that go with it, the closest first. They are `exact` if the message
    is known or names them, and a guess by its words otherwise. `codes` is empty for a message that
    is known to have none."""

    meaning: str
    remedy: str
    codes: Sequence[Code]
    exact: bool = True


class _Message(NamedTuple):
    """A host's message: a pattern for it, what it means, what helps, and the codes' numbers."""

    pattern: str
    meaning: str
    remedy: str
    codes: tuple[str, ...]


_NAME = r"wasi[_-](?:ephemeral[_-])?nn"
_MISSING = (
    "The host does not define this function of wasi-nn under this module name. Either the module"
    " was built for the other name (wasi_nn or wasi_ephemeral_nn), or for functions that this"
    " release lacks, or the host was built or started without wasi-nn."
)
_REWRITE = (
    "`nnshim check --for HOST --explain guest.wasm` says which of these it is, and how the host is"
    " built and started. `nnshim rewrite --for HOST guest.wasm out.wasm` renames and adapts the"
    " imports; `nnshim hosts` lists the hosts."
)
_EITHER = (
    "If the import is from wasi_nn or wasi_ephemeral_nn: `nnshim rewrite --for HOST guest.wasm"
    " out.wasm`. If not, the host needs another option or library, or the guest another build;"
    " `nnshim check --for HOST guest.wasm` says what the host lacks."
)
_IMPORTS = ("NN201", "NN211", "NN251")

_MESSAGES = (
    # core/iwasm/interpreter/wasm_loader.c and wasm_runtime.c of WAMR
    _Message(
        rf"failed to link import function.*{_NAME}", _MISSING
        + " WAMR starts the module all the same, and ends it when it calls the function.",
        _REWRITE, _IMPORTS,
    ),
    _Message(rf"failed to call unlinked import function.*{_NAME}", _MISSING, _REWRITE, _IMPORTS),
    _Message(
        r"failed to (?:link import|call unlinked import) function(?! *\()",
        "WAMR does not define a function that the module imports, and ends the module when it calls"
        " the function. The message names the import in parentheses, such as (wasi_nn, load).",
        _EITHER, ("NN201", "NN226", "NN212"),
    ),
    _Message(
        r"failed to (?:link import|call unlinked import) function",
        "WAMR does not define a function that the module imports from a module other than wasi-nn."
        " It ends the module when it calls the function.",
        "Build the host with the library or option that defines the function, or build"
        " the guest without it."
        " `nnshim check --for wamr guest.wasm` lists what WAMR lacks.",
        ("NN226", "NN212"),
    ),
    # crates/wasmtime/src/component/linker.rs and matching.rs, and crates/wasi-nn, of Wasmtime
    _Message(
        r"component imports .*wasi:nn/.*not found in the linker",
        "Wasmtime has no wasi:nn for the component: it was started without wasi-nn, or it has"
        " another version of wasi:nn than the one in the message.",
        "Start Wasmtime with `-S nn`. If the message stays, `nnshim check --for wasmtime@RELEASE"
        " component.wasm` says whether `nnshim rewrite --for wasmtime@RELEASE` gives the component"
        " the version of that release.",
        ("NN251", "NN276", "NN287"),
    ),
    _Message(
        r"component imports .*not found in the linker",
        "Wasmtime does not define an interface that the component imports, defines it in another"
        " version only, or was started without the option for it.",
        "`nnshim check --for wasmtime@RELEASE component.wasm` says which interface it is, and names"
        " the option.",
        ("NN278", "NN279"),
    ),
    _Message(
        r"unable to find a backend for this encoding",
        "The guest loads a model in a format for which this build of Wasmtime has no backend. Its"
        " releases have OpenVINO only.",
        "Convert the model, and change the format that the guest passes to `load`; or build"
        " Wasmtime with the backend: `nnshim hosts wasmtime` says how.",
        ("NN713", "NN711", "NN262"),
    ),
    _Message(
        r"failed while accessing backend",
        "The backend of Wasmtime failed. If that happens when a model is loaded, Wasmtime often did"
        " not find OpenVINO's C library, libopenvino_c.so.",
        "Install OpenVINO, and put a folder that has libopenvino_c.so by this name, and the folder"
        " of OpenVINO's other libraries, into LD_LIBRARY_PATH. If it is found already,"
        " `nnshim check --for wasmtime --model MODEL guest.wasm` says what does not fit.",
        ("NN251", "NN711"),
    ),
    # core/iwasm/common/wasm_runtime_common.c of WAMR, and lib/loader/ast/module.cpp of WasmEdge
    _Message(
        r"unknown binary version|enabling Component Model proposal",
        "The file is a component, and this host runs core modules only, or runs components only"
        " with an option.",
        "`nnshim check --for HOST component.wasm` says whether `nnshim rewrite --for HOST"
        " component.wasm out.wasm` makes a core module of it that the host runs.",
        ("NN277", "NN283"),
    ),
    # Wasmtime's linker; WasmEdge says "unknown import", and names the module on another line
    _Message(rf"unknown import.*{_NAME}", _MISSING, _REWRITE, _IMPORTS),
    _Message(
        rf"incompatible import type.*{_NAME}",
        "The host defines a function of this name with other parameters: it speaks another ABI than"
        " the guest.",
        _REWRITE, ("NN202", "NN215"),
    ),
    _Message(
        r"unknown import",
        "The host does not define something that the module imports.",
        _EITHER, ("NN201", "NN212"),
    ),
    _Message(
        r"incompatible import type",
        "The host defines an import with another type than the module expects.",
        "`nnshim check --for HOST guest.wasm` says which import it is.",
        ("NN202", "NN215"),
    ),
)  # fmt: skip
"""Messages of hosts, the most special first. What a guest says of an error that it got is in
rewriter.abi.meanings."""

_OWN = ((r"cannot import (?:the backend for|gRPC)", ("NN501",)),)
"""Messages of nnshim that have had no code, with the codes that they have now."""

_WITHOUT = (
    (
        r"\bit ran for longer than \S+ s\b",
        "The guest was stopped after the time that `--timeout` allows. This has no code.",
        "Raise `--timeout`, or find out where the guest spends its time. `nnshim run --stats` says"
        " how often models ran, and on which device.",
    ),
    (
        r"\bthe guest exited with code \d+",
        "This is the guest's own exit code: the guest ended by itself, and only it knows what the"
        " number means. This has no code.",
        "Read what the guest wrote to standard error. If it ended because wasi-nn returned an"
        " error, `nnshim run -v guest.wasm` says why.",
    ),
    (
        r"\band the limit of the total leaves\b",
        "The guest's models, inputs and contexts together would take more memory than the limit"
        " allows. This has no code.",
        "Raise it with `--limit total=SIZE`, or ask for less: `ctx-size` in a language model's"
        " options makes its context smaller.",
    ),
)
"""Messages of nnshim that have no code: a pattern, what they mean, and what helps."""

_ITSELF = Explained(
    "nnshim says this itself, and it has no code: what is wrong is in the message.",
    "Change what the message names. The command's `--help` has the options and their values.",
    (),
)

_OFFSET = re.compile(r"\((?:at byte offset|original)[^)]*\)")
_CODE = re.compile(r"\bNN\d{3}\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z][a-z0-9_]+")
_MOST = 3
"""So many codes are shown for a message that names none."""

_FEWEST = 2
"""So many words of a message have to be in the codes' texts."""

_ENOUGH = 0.4
"""Of the weight of a message's words, this much has to be in a code's text."""


_WHOLE_TITLE = 2
"""What a code gets if the message has every word of its title."""


def explain_message(text: str) -> Explained | None:
    """What a message is about; None if nothing here is close to it."""
    numbers = dict.fromkeys(number.upper() for number in _CODE.findall(text))
    known = [code for code in all_codes() if code.number in numbers]
    if known:
        return Explained("", "", known)
    line = " ".join(text.split())
    for pattern, meaning, remedy in _WITHOUT:
        if re.search(pattern, line):
            return Explained(meaning, remedy, ())
    own = recognize(line)
    if own is not None and own.codes:
        found = [find_code(number) for number in own.codes]
        return Explained("", "", found, exact=own.certain)
    for message in _MESSAGES:
        if re.search(message.pattern, line, re.IGNORECASE):
            return Explained(
                message.meaning, message.remedy, [find_code(number) for number in message.codes]
            )
    for pattern, numbers_now in _OWN:
        if re.search(pattern, line):
            return Explained("", "", [find_code(number) for number in numbers_now])
    returned = meaning_of(line)
    if returned is not None:
        codes = [find_code(number) for number in returned.codes]
        return Explained(returned.text, returned.remedy, codes)
    if own is not None and own.certain:  # without a code
        return _ITSELF
    closest = _closest(text)
    return Explained("", "", closest, exact=False) if closest else None


def _closest(text: str) -> Sequence[Code]:
    """The codes whose texts have most of the words, each word weighed by how few codes have it; a
    title counts twice."""
    asked = set(_words(_OFFSET.sub("", text)))
    codes = [
        (code, set(_words(code.title)), set(_words(f"{code.meaning} {code.remedy}")))
        for code in all_codes()
    ]
    spread = Counter(word for _, title, rest in codes for word in title | rest)
    weights = {word: math.log(1 + len(codes) / spread[word]) for word in asked if word in spread}
    total = sum(weights.values()) + (len(asked) - len(weights)) * math.log(1 + len(codes))
    scored = sorted(
        (
            -sum(weights[word] * (2 if word in title else 1) for word in (title | rest) & asked)
            - _WHOLE_TITLE * len(title & asked) / max(len(title), 1),
            code.number,
            code,
        )
        for code, title, rest in codes
    )
    best = -scored[0][0]
    if len(weights) < _FEWEST or best < _ENOUGH * total:
        return ()
    return [code for score, _, code in scored[:_MOST] if -score > best / 2]


def _words(text: str) -> Iterable[str]:
    """The words that tell texts apart, in one spelling."""
    text = re.sub(_NAME, "wasi_nn", text.lower())
    for word in _WORD.findall(text):
        if word not in _COMMON:
            yield word.removesuffix("s") if len(word) > 3 else word


_COMMON = frozenset(
    (
        *("an", "and", "any", "are", "as", "at", "be", "but", "by", "can", "cannot", "do", "does"),
        *("for", "from", "has", "have", "if", "in", "into", "is", "it", "its", "no", "not", "of"),
        *("on", "one", "only", "or", "so", "than", "that", "the", "them", "there", "they", "this"),
        *("to", "what", "which", "with", "module", "nnshim"),
        *("error", "warning", "note", "need", "condition", "unseen"),
    )
)
"""Words in almost every text."""
