"""Guests of many toolchains, rewritten for every row of hosts, and run as that host would run them.

The environment variable WILD names the folder in which tests.heavy.wild_guests has built them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewriter import RewriteOptions, inspect_module, rewrite
from rewriter.abi.dialects import Encoding
from rewriter.analysis.compatibility import Runs, assess
from rewriter.hosts.table import FAMILIES
from runtime_shim import CAPTURED, NamedGraph, NNHost, Outcome, RunOptions, run
from runtime_shim.errors import HostHarm
from tests.heavy.wild_guests import BAKED, CLASSIFY, OLDER_NUMBERS
from tests.heavy.wild_models import DIGITS, expected
from tests.support.gguf_models import successors

BUILT = Path(os.environ["WILD"])
MODELS = BUILT / "models"

ROWS = {row.label: row for family in FAMILIES.values() for row in family.rows}
del ROWS["nnshim"]

OPTIONS = '{"temp": 0, "n-predict": 4}'

NO_OPENVINO = frozenset(
    (
        *(f"wamr-legacy@{release}" for release in ("1.1.1", "1.1.2", "1.2.2", "1.2.3")),
        *(f"wamr-legacy@{release}" for release in ("1.3.0", "1.3.3")),
        *(f"wamr-legacy@{release}" for release in ("2.1.0", "2.1.1", "2.4.5", "main")),
        *(f"wamr-ephemeral@{release}" for release in ("2.1.0", "2.1.1")),
    )
)
"""What builds without OpenVINO, by WAMR's sources."""

IMAGES_ONLY = frozenset(
    (
        *(f"wamr-legacy@{release}" for release in ("2.1.2", "2.2.0", "2.3.1")),
        *(f"wamr-ephemeral@{release}" for release in ("2.1.2", "2.2.0", "2.3.1")),
        *(f"wasmedge@0.{release}" for release in ("11.0", "11.1", "11.2", "12.1", "13.3", "13.5")),
    )
)
"""What has OpenVINO take four dimensions only, and the guests' images have two."""

ENDS_WITHOUT_IMAGES = frozenset(
    (
        *(f"wasmtime@{release}" for release in (12, 13, 14, 16, 18, 21, 22)),
        *("wasmedge@0.14.0", "wasmedge@0.14.1"),
    )
)
"""What ends with them."""

IN_THE_FIRST_MEMORY = frozenset(("wasmedge@0.16.4", "wasmedge@0.17.1"))
"""What reads several, but works in the first one, whichever is exported."""

NO_SEVERAL_MEMORIES = (
    frozenset(label for label in ROWS if label.startswith(("wamr", "wasmedge")))
    | {f"wasmtime@{release}" for release in (12, 13, 14)}
) - IN_THE_FIRST_MEMORY
"""What refuses them."""

NO_TABLES = frozenset(
    label
    for label in ROWS
    if label.startswith("wamr") and not label.endswith(("@2.3.1", "@2.4.5", "@main"))
)
"""What reads no reference types, which Zig's compiler switches on."""

NO_BULK_MEMORY = frozenset(("wamr-legacy@1.1.1",))

NOT_THE_NEWEST = frozenset(
    label
    for label in ROWS
    if label.startswith(("wamr", "wasmedge"))
    or label in {f"wasmtime@{release}" for release in (12, 13, 14, 16, 18, 21)}
)
"""What has no tail calls, or no atomic operations."""

ENGINE_REFUSES = {
    "c-clang-merged": NO_SEVERAL_MEMORIES,
    "c-newest": NOT_THE_NEWEST,
    **dict.fromkeys(("c-zig", "zig-safe", "zig-small", "c-zig-wizer", "zig-safe-wizer"), NO_TABLES),
    **dict.fromkeys(
        ("assembly", "assembly-minimal", "assembly-stub", "assembly-start", "rust-0.6-wizer", "go"),
        NO_BULK_MEMORY,
    ),
}
"""The rows whose engine does not read the guest; `nnshim run --as` reads all of them."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NNHost]:
    path = successors(tmp_path_factory.mktemp("model") / "model.gguf", "abcdefghijklmnop")
    graph = NamedGraph("letters", Encoding.GGML, "auto", (str(path),))
    with NNHost(graphs=[graph], fast_math=True) as made:
        yield made


def played(module: bytes, host: NNHost, label: str, *arguments: str) -> Outcome:
    options = RunOptions(
        ["guest", *arguments],
        {"PWD": "/"},
        {"/": str(MODELS)},
        stdout=CAPTURED,
        stderr=CAPTURED,
        as_host=label,
    )
    return run(module, host, options)


def guest(name: str, program: str = "classify") -> bytes:
    return (BUILT / "guests" / f"{name}.{program}.wasm").read_bytes()


@functools.cache
def right() -> bytes:
    return expected(MODELS).encode()


def refusal(outcome: Outcome) -> tuple[str, str]:
    """The function that was refused, and why."""
    assert outcome.refused is not None
    function, error = outcome.refused
    return function, error.reason


def check_classified(module: bytes, host: NNHost, label: str, arguments: tuple[str, ...]) -> None:
    """What a classifier says, played as on a host."""
    if label in ENDS_WITHOUT_IMAGES:
        with pytest.raises(HostHarm):
            played(module, host, label, *arguments)
        return
    outcome = played(module, host, label, *arguments)
    if label in NO_OPENVINO:
        assert refusal(outcome) == ("load", f"{label} has no backend for openvino models")
    elif label in IMAGES_ONLY:
        reason = f"input 0 has 2 dimensions, but {label} accepts only 4"
        assert refusal(outcome) == ("set_input", reason)
    else:
        assert (outcome.exit_code, outcome.stdout) == (0, right()), label
        return
    assert outcome.stdout == b""
    assert outcome.exit_code != 0


PLAIN = [name for name in CLASSIFY if "-O3" not in name]

CLASSIFIERS = [
    *(pytest.param(name, ("f32", "f32", *DIGITS), id=name) for name in PLAIN),
    *(pytest.param(name, ("f32", "none", *DIGITS), id=name) for name in BAKED),
]


@pytest.mark.parametrize(("name", "arguments"), CLASSIFIERS)
def test_a_classifier_that_is_rewritten_for_a_host_gives_its_answer_there(
    name: str, arguments: tuple[str, ...], host: NNHost
) -> None:
    module, cannot = guest(name), set[str]()
    info = inspect_module(module)
    for label, row in ROWS.items():
        if assess(info, row).runs is Runs.CANNOT:
            cannot.add(label)
            continue
        adapted = rewrite(module, RewriteOptions(host=label, validate=False))
        if name == "c-clang-merged" and label in IN_THE_FIRST_MEMORY:
            with pytest.raises(HostHarm, match="first memory"):
                check_classified(adapted, host, label, arguments)
            continue
        check_classified(adapted, host, label, arguments)
    assert cannot == ENGINE_REFUSES.get(name, frozenset())


@pytest.mark.parametrize(("name", "arguments"), CLASSIFIERS)
def test_a_classifier_as_it_is_gives_its_answer_on_the_host_that_it_was_built_for(
    name: str, arguments: tuple[str, ...], host: NNHost
) -> None:
    """One that WAMR's older ABI was made for, which takes images there, is refused as there."""
    label = "wasmtime@14" if name.startswith(OLDER_NUMBERS) else "wasmtime@49"
    own = "wamr-legacy@2.3.1" if name == "c-wamr" else label
    check_classified(guest(name), host, own, arguments)


GENERATORS = ("c-zig", "rust-0.6", "zig-safe")
"""With the numbers of today: those of before are not told from the length of a prompt."""

BY_NAME = {f"wamr-ephemeral@{release}" for release in ("2.2.0", "2.3.1", "2.4.5", "main")} | {
    f"wasmedge@0.{release}" for release in ("13.5", "14.0", "14.1", "15.1", "16.4", "17.1")
}
"""What has language models, by their names."""

NOTHING_BY_NAME = frozenset(
    (
        *("wasmtime@12", "wamr-ephemeral@2.1.0"),
        *(f"wamr-legacy@{release}" for release in ("1.1.1", "1.1.2", "1.2.2", "1.2.3")),
        *(f"wamr-legacy@{release}" for release in ("1.3.0", "1.3.3")),
        *(f"wamr-legacy@{release}" for release in ("2.1.0", "2.1.1", "2.1.2", "2.2.0", "2.3.1")),
        *(f"wasmedge@0.{release}" for release in ("11.0", "11.1", "11.2", "12.1", "13.3")),
    )
)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_language_model_goes_on_in_the_same_words_on_every_host_that_has_it(
    name: str, host: NNHost
) -> None:
    module, cannot, arguments = guest(name, "generate"), set[str](), ("letters", OPTIONS, "abc")
    for label, row in ROWS.items():
        if assess(inspect_module(module), row).runs is Runs.CANNOT:
            cannot.add(label)
            continue
        adapted = rewrite(module, RewriteOptions(host=label, validate=False))
        reason = f"{label} has no backend for ggml models"
        if label in {f"wasmtime@{release}" for release in (13, 14, 16, 18, 21, 22)}:
            with pytest.raises(HostHarm, match=reason):
                played(adapted, host, label, *arguments)
            continue
        outcome = played(adapted, host, label, *arguments)
        if label in BY_NAME:
            assert (outcome.exit_code, outcome.stdout) == (0, b"defg\n"), label
        else:
            assert refusal(outcome) == ("load_by_name", reason)
            assert (outcome.exit_code != 0, outcome.stdout) == (True, b"")
    assert cannot == NOTHING_BY_NAME | ENGINE_REFUSES.get(name, frozenset())
