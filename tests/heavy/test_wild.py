"""Guests of many toolchains, rewritten in every way, on this host and on native Wasmtime.

The environment variable WILD names the folder in which tests.heavy.wild_guests has built them.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from rewriter import HostMismatch, RewriteOptions, compare, inspect_module, rewrite
from rewriter.abi.dialects import MODULE_NAMES, Encoding, Errno
from rewriter.analysis.compatibility import Runs, assess
from rewriter.analysis.features import features
from rewriter.components.component import Component
from rewriter.components.sections import is_component
from rewriter.functions.feature import Feature
from rewriter.hosts.table import HOSTS, find_host
from rewriter.wasm.module import Module
from runtime_shim import NamedGraph, NNHost, Reason, RunOptions, run
from tests.heavy.wild_guests import (
    BAKED,
    CALLED,
    CLASSIFY,
    GENERATE,
    LINKED_WITH_MORE,
    OLDER_NUMBERS,
)
from tests.heavy.wild_models import DIGITS, TYPES, expected
from tests.support.command import nnshim
from tests.support.gguf_models import successors
from tests.support.native import NativeWasmtime

BUILT = Path(os.environ["WILD"])
MODELS = BUILT / "models"

PLAIN = [name for name in CLASSIFY if "-O3" not in name and name != "c-wamr"]
"""One guest of each kind, as its compiler makes it."""


OTHER_TYPES = "for wamr-2.1"
OTHER_NUMBERS = ("for wamr", "for wamr-ephemeral", "for wasmedge", OTHER_TYPES)
"""Forms that differ from what Wasmtime takes in numbers alone, of encodings and of tensor types."""


class Start(NamedTuple):
    """How a guest is started: the function, where it is not the usual one, and the arguments."""

    arguments: Sequence[str]
    invoke: str | None = None

    def options(self) -> list[str]:
        """Go looks for its folder in PWD, as it does under Wasmtime."""
        invoked = [] if self.invoke is None else ["--invoke", self.invoke]
        return ["--env", "PWD=/", "--dir", f"{MODELS}::/", *invoked]


def classify(kind: str, folder: str | None = None) -> Start:
    return Start([kind, folder or kind, *DIGITS])


def guest(name: str, program: str = "classify") -> bytes:
    return (BUILT / "guests" / f"{name}.{program}.wasm").read_bytes()


@functools.cache
def right() -> str:
    return expected(MODELS)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> NNHost:
    """With fast math, as Wasmtime lets OpenVINO choose its precision; and with a language model."""
    path = successors(tmp_path_factory.mktemp("model") / "model.gguf", "abcdefghijklmnop")
    graph = NamedGraph("letters", Encoding.GGML, "auto", (str(path),))
    return NNHost(graphs=[graph], fast_math=True)


Printed = Callable[[bytes, Start], tuple[int, str]]


@pytest.fixture
def printed(host: NNHost, capfd: pytest.CaptureFixture[str]) -> Printed:
    """Runs a guest here, and gives its exit code and what it prints."""

    def run_here(module: bytes, start: Start) -> tuple[int, str]:
        arguments = ["guest", *([] if start.invoke else start.arguments)]
        done = run(
            module,
            host,
            RunOptions(
                arguments,
                {"PWD": "/"},
                {"/": str(MODELS)},
                invoke=start.invoke,
                invoke_args=start.arguments if start.invoke else (),
            ),
        )
        if done.reason is not Reason.EXITED:
            done.check()
        return done.exit_code, capfd.readouterr().out

    return run_here


class Ended(NamedTuple):
    code: int
    out: str
    errors: str


def on_wasmtime(native: NativeWasmtime, module: bytes, start: Start) -> Ended:
    path = native.command.with_name("guest.wasm")
    path.write_bytes(module)
    # Large modules take the usual compiler seconds; the quick one lacks tail calls.
    parts = Component(module).parts() if is_component(module) else ()
    cores = [part.module() for part in parts if not part.is_component] or [Module(module)]
    has_tail_calls = any(Feature.TAIL_CALLS in features(core) for core in cores)
    quick = len(module) > 1_000_000 and not has_tail_calls
    compiler = ["-C", "compiler=winch"] if quick else []
    done = subprocess.run(
        [native.command, "run", *compiler, "-S", "nn", *start.options(), path, *start.arguments],
        env=native.env,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def on_nnshim(path: Path, start: Start) -> Ended:
    done = nnshim("run", "--fast-math", *start.options(), path, *start.arguments)
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def runs_on(module: bytes, host: str) -> bool:
    """What `nnshim check --for HOST` says."""
    return assess(inspect_module(module), find_host(host)).runs is Runs.AS_IT_IS


def rewritten(module: bytes) -> dict[str, bytes]:
    """All forms of a guest: renamed, and adapted for each host that can take it, and back again.
    Each proves to be the same guest, and each host's form runs there by its profile."""
    ((name, abi),) = inspect_module(module).abis.items()
    (other,) = set(MODULE_NAMES) - {name}
    forms = {"as it is": module, "renamed": rewrite(module, RewriteOptions(to=other))}
    assert rewrite(forms["renamed"], RewriteOptions(to=name)) == module
    for host_name, host in HOSTS.items():
        verdict = assess(inspect_module(module), host).runs
        try:
            adapted = rewrite(module, RewriteOptions(host=host.label))
        except HostMismatch:
            assert verdict is Runs.CANNOT
            continue
        if verdict is Runs.CANNOT:  # for what is not wasi-nn's
            assert not runs_on(adapted, host.label)
            continue
        assert (adapted == module) is (verdict is Runs.AS_IT_IS)
        assert runs_on(adapted, host.label)
        forms[f"for {host_name}"] = adapted
        back = rewrite(adapted, RewriteOptions(abi=abi.name))
        forms[f"for {host_name} and back"] = back
        assert compare(module, adapted).only_rewritten
        assert compare(adapted, back).only_rewritten
        assert compare(module, back).only_rewritten
    assert compare(module, forms["renamed"]).only_rewritten
    return {name: form for name, form in forms.items() if form != module or name == "as it is"}


@pytest.mark.parametrize(
    ("name", "start"),
    [
        *(pytest.param(name, classify("f32"), id=name) for name in CLASSIFY),
        *(pytest.param(name, classify("f32", "none"), id=name) for name in BAKED),
        *(pytest.param(name, Start([DIGITS[-1]], "classify"), id=name) for name in CALLED),
    ],
)
def test_a_classifier_gives_the_same_answers_in_every_form_and_where_check_says_it_runs(
    name: str, start: Start, printed: Printed, native: NativeWasmtime
) -> None:
    for form, module in rewritten(guest(name)).items():
        assert runs_on(module, "nnshim")
        assert printed(module, start) == (0, right()), form
        if form in OTHER_NUMBERS:
            continue  # which an OpenVINO model of floats does not show: see the test of types
        there = on_wasmtime(native, module, start)
        if runs_on(module, "wasmtime"):
            assert there[:2] == (0, right()), (form, there.errors)
        else:
            assert there[:2] == (1, ""), form
            assert re.search(r"unknown import: `wasi_nn::|incompatible import type", there.errors)


COMPILED = [name for name in CLASSIFY if not name.startswith("assembly")]
"""AssemblyScript's runtime takes the pages that adapters have got for its own."""


@pytest.mark.parametrize("name", COMPILED)
def test_a_component_of_a_classifier_gives_the_same_answers_on_wasmtime(
    name: str, native: NativeWasmtime
) -> None:
    names = RewriteOptions(to="wasi:nn", models=(str(MODELS / "f32" / "model.xml"),))
    there = on_wasmtime(native, rewrite(guest(name), names), classify("f32"))
    assert there[:2] == (0, right()), there.errors


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "f32"])
@pytest.mark.parametrize("name", [name for name in PLAIN if not name.startswith(OLDER_NUMBERS)])
def test_tensors_of_bytes_and_integers_arrive_in_every_form(
    name: str, kind: str, printed: Printed, native: NativeWasmtime
) -> None:
    forms = rewritten(guest(name))
    for form, module in forms.items():
        assert printed(module, classify(kind)) == (0, right()), form
    assert on_wasmtime(native, forms["as it is"], classify(kind)) == (0, right(), "")
    if name in ("c-clang-merged", "c-newest"):  # which no release of WAMR reads
        assert OTHER_TYPES not in forms
        return
    there = on_wasmtime(native, forms[OTHER_TYPES], classify(kind))
    assert (there.code != 0, there.out) == (True, "")


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "f32"])
@pytest.mark.parametrize("name", [name for name in PLAIN if name.startswith(OLDER_NUMBERS)])
def test_older_numbers_of_types_are_understood_here_and_never_taken_for_others(
    name: str, kind: str, printed: Printed, native: NativeWasmtime
) -> None:
    """Each tensor tells an adapter. Where there is none, native Wasmtime goes by the number, and
    the data are of another size: it has to be told."""
    forms = rewritten(guest(name))
    for form in ("as it is", "renamed"):
        assert printed(forms[form], classify(kind)) == (0, right())
    told = rewrite(guest(name), RewriteOptions(host="wasmtime", guest_abi="witx-2022"))
    assert printed(told, classify(kind)) == (0, right())
    assert on_wasmtime(native, told, classify(kind)) == (0, right(), "")
    there = on_wasmtime(native, forms["as it is"], classify(kind))
    assert (there.code != 0, there.out) == (True, "")
    assert printed(forms[OTHER_TYPES], classify(kind)) == (0, right())


NO_MODEL = {"c": 1, "rust": 134, "go": 1, "assembly": 255, "zig": 1}
"""Exit codes of guests that cannot open a file: Rust's panic is a trap."""


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("start", [Start([]), Start(["f32", "none", "0"])], ids=["usage", "model"])
def test_a_guest_that_gives_up_does_it_in_the_way_of_its_language(
    name: str, start: Start, native: NativeWasmtime
) -> None:
    here = on_nnshim(BUILT / "guests" / f"{name}.classify.wasm", start)
    there = on_wasmtime(native, guest(name), start)
    code = NO_MODEL[name.partition("-")[0]] if start.arguments else 2
    assert here.code == code
    assert there.code % 256 == (1 if code == 255 else code)  # it refuses codes from 126 on
    assert here.out == there.out
    said = (here.out + here.errors).splitlines()[0]
    assert said == (there.out + there.errors).splitlines()[0]
    assert re.search(
        "usage: classify" if not start.arguments else "model.xml|FileNotFound|panicked", said
    )


@pytest.mark.parametrize("name", LINKED_WITH_MORE)
def test_check_knows_what_hosts_cannot_link(name: str, native: NativeWasmtime) -> None:
    path, start = BUILT / "guests" / f"{name}.classify.wasm", classify("f32")
    here, there = on_nnshim(path, start), on_wasmtime(native, path.read_bytes(), start)
    assert [here[:2], there[:2]] == [(1, ""), (1, "")]
    assert not runs_on(path.read_bytes(), "nnshim")
    assert not runs_on(path.read_bytes(), "wasmtime")


OPTIONS = '{"temp": 0, "n-predict": 4}'


@pytest.mark.parametrize("name", GENERATE)
def test_a_language_model_goes_on_in_the_same_words_in_every_form(
    name: str, printed: Printed
) -> None:
    """With four letters, as WAMR's older ABI counts an output in units of four bytes."""
    start = Start(["letters", OPTIONS, "abc"])
    for form, module in rewritten(guest(name, "generate")).items():
        assert runs_on(module, "nnshim")
        assert printed(module, start) == (0, "defg\n"), form


def asked_as_llamaedge_does(*prompts: str) -> Start:
    """Each tensor has the dimensions [1], whatever its length."""
    return Start(["letters", OPTIONS, *prompts])


PROMPTS = ("c", "bc", "abc", "abcdefgh")
ANSWERS = ("defg", "defg", "defg", "ijkl")


def test_llamaedges_dimensions_say_nothing_about_the_length(printed: Printed) -> None:
    forms = rewritten(guest("c-llamaedge", "generate"))
    for form, module in forms.items():
        if form.startswith("for "):
            continue
        code, out = printed(module, asked_as_llamaedge_does(*PROMPTS))
        lines = out.splitlines()
        assert (code, tuple(lines[::2])) == (0, ANSWERS), form
        for prompt, metadata in zip(PROMPTS, lines[1::2], strict=True):
            counts = json.loads(metadata)
            assert (counts["input_tokens"], counts["output_tokens"]) == (len(prompt) + 1, 4)
    # Wasmtime takes no options for a named graph.
    assert printed(forms["for wasmtime"], asked_as_llamaedge_does("c")) == (1, "")


def test_a_prompt_whose_length_an_abi_does_not_tell_is_refused(printed: Printed) -> None:
    module = guest("c-llamaedge-by-name", "generate")
    start = asked_as_llamaedge_does("abc")
    assert printed(module, start)[0] == 0
    assert printed(rewrite(module, RewriteOptions(host="wasmtime")), start)[0] == 0
    assert printed(rewrite(module, RewriteOptions(host="wamr-legacy")), start) == (1, "")


def test_llamaedges_streams_give_the_answer_piece_by_piece(printed: Printed) -> None:
    """To the end of the text, as streams have no n-predict."""
    every = rewritten(guest("c-llamaedge-streaming", "generate"))
    # No other host streams. WAMR links what it lacks, and traps where the guest calls it.
    forms = {name: module for name, module in every.items() if not name.startswith("for wamr")}
    assert set(forms) == {"as it is", "renamed"}
    for module in forms.values():
        code, out = printed(module, asked_as_llamaedge_does("abc", "klmn"))
        streams = out.splitlines()[2::3]
        assert code == 0
        assert streams == [
            "[d][e][f][g][h][i][j][k][l][m][n][o][p] " + str(Errno.END_OF_SEQUENCE.value),
            "[o][p] " + str(Errno.END_OF_SEQUENCE.value),
        ]


def test_a_guest_with_compact_imports_runs_after_a_rewrite(
    printed: Printed, native: NativeWasmtime
) -> None:
    module, start = guest("c-compact"), classify("f32")
    assert printed(rewrite(module, RewriteOptions(host="nnshim")), start) == (0, right())
    there = on_wasmtime(native, rewrite(module, RewriteOptions(host="wasmtime")), start)
    assert there[:2] == (0, right()), there.errors
