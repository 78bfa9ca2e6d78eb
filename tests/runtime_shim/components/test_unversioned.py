"""Components that import wasi:nn without a version run, as do what they are changed to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rewriter import RewriteOptions, rewrite
from rewriter.abi.snapshots import VERSIONED, Snapshot
from rewriter.files import wasm_tools
from runtime_shim import CAPTURED, NNHost, Reason, RunOptions, parse_nn_graph, run
from tests.rewriter.inlining.inferring import save_model
from tests.support.command import nnshim
from tests.support.forms import BY_INDEX, FORMS, OCTOBER, Form, interfaces
from tests.support.unversioned import RESULT, guest
from tests.support.wit import made

OPTIONS = RunOptions(cache=False, stdout=CAPTURED, stderr=CAPTURED)
INPUTS, OUTPUTS = {0: "a", 1: "b"}, {0: "s", 1: "f"}

each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`m`, with a model that adds a and b, and returns the sum and a."""
    found = tmp_path_factory.mktemp("models") / "m"
    found.mkdir()
    save_model(found)
    return found


@pytest.fixture(scope="module")
def model(folder: Path) -> bytes:
    return (folder / "model.onnx").read_bytes()


@pytest.fixture
def host(folder: Path) -> Iterator[NNHost]:
    with NNHost(graphs=[parse_nn_graph(f"onnx::{folder}")]) as made:
        yield made


def printed(data: bytes, host: NNHost) -> bytes:
    ended = run(data, host, OPTIONS, check=True)
    assert ended.stdout is not None
    return ended.stdout


@each_form
def test_each_form_prints_what_a_program_of_october_prints(
    form: Form, model: bytes, host: NNHost
) -> None:
    expected = printed(guest(OCTOBER, model=model), host)
    assert expected == f"{RESULT}50\n".encode()
    assert printed(guest(form, model=model), host) == expected


@each_form
@pytest.mark.parametrize("to", VERSIONED, ids=str)
def test_each_form_prints_the_same_in_each_version(
    form: Form, to: Snapshot, model: bytes, host: NNHost
) -> None:
    data = guest(form, model=model)
    names: dict[str, Any] = {"inputs": INPUTS, "outputs": OUTPUTS} if form in BY_INDEX else {}
    changed = rewrite(data, RewriteOptions(to=to.name, **names))
    assert printed(changed, host) == printed(data, host)


@each_form
@pytest.mark.parametrize("to", ["wasi_ephemeral_nn", "wasi_nn"])
def test_each_form_prints_the_same_as_a_core_module(
    form: Form, to: str, model: bytes, host: NNHost
) -> None:
    data = guest(form, model=model)
    names: dict[str, Any] = {} if form in BY_INDEX else {"inputs": INPUTS, "outputs": OUTPUTS}
    core = rewrite(data, RewriteOptions(to=to, **names))
    assert core[4:8] == b"\1\0\0\0"
    assert printed(core, host) == printed(data, host)


def test_indices_without_names_are_names_of_digits(folder: Path, host: NNHost) -> None:
    data = guest(BY_INDEX[1])
    changed = rewrite(data, RewriteOptions(to=VERSIONED[1].name, inputs={0: "a"}, outputs={0: "s"}))
    assert printed(changed, host) == RESULT.encode()


def test_an_index_of_many_digits_is_an_output_that_is_not_there(host: NNHost) -> None:
    data = guest(BY_INDEX[1], get=(4294967295, 0))
    assert printed(data, host) == b"06\n03\n07\n"


@each_form
def test_the_command_runs_each_form_isolated_and_counts_its_calls(
    form: Form, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "guest.wasm"
    path.write_bytes(guest(form))
    graph = ("-S", f"nn-graph=onnx::{folder}")
    ended = nnshim("run", "--isolate", "--stats", *graph, str(path))
    assert (ended.stdout, ended.returncode) == (RESULT.encode(), 0)
    assert b"1 inference" in ended.stderr


STEP = "package test:a { interface step { f: func(); } }"
ROOT = f"""
package test:guest;
world guest {{ import test:a/step; export wasi:cli/run@0.2.0; }}
package wasi:cli@0.2.0 {{ interface run {{ run: func() -> result; }} }}
{STEP}
"""
CALLER = b"""(module (import "test:a/step" "f" (func $f))
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (call $f) (call $f) (i32.const 0)))"""
LIBRARY = """
package test:a;
interface step {{ f: func(); }}
world guest {{ import wasi:nn/graph; import wasi:nn/errors; export step; }}
package wasi:nn {{ {interfaces} }}
"""
FINDS_NOTHING = """(module
  (import "wasi:nn/graph" "load-by-name" (func $load (param i32 i32 i32)))
  {imports}
  (memory (export "memory") 1) (data (i32.const 0) "x")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "test:a/step#f")
    (call $load (i32.const 0) (i32.const 1) (i32.const 16))
    (if (i32.ne (i32.load8_u (i32.const 16)) (i32.const 1)) (then unreachable))
    (if (i32.ne {code} (i32.const 6)) (then unreachable))))"""
"""Its function gets the error that there is no such graph."""


def composed(form: Form, folder: Path) -> bytes:
    """A command that calls a library twice, which uses wasi:nn, by `wasm-tools compose`."""
    _, _, text = interfaces(form).partition("import errors; }")
    imports, code = "", "(i32.load8_u (i32.const 20))"
    if not form.has_numbers:
        function = '"[method]error.code" (func $code (param i32) (result i32))'
        imports = f'(import "wasi:nn/errors" {function})'
        code = "(call $code (i32.load (i32.const 20)))"
    core = FINDS_NOTHING.format(imports=imports, code=code)
    world = ["--world", "guest"]
    library = made(LIBRARY.format(interfaces=text), world, core.encode())
    (folder / "library.wasm").write_bytes(library)
    (folder / "root.wasm").write_bytes(made(ROOT, world, CALLER))
    words = [wasm_tools.find(), "compose", "-q", "root.wasm", "-d", "library.wasm"]
    return subprocess.run(words, cwd=folder, check=True, capture_output=True).stdout


@each_form
def test_a_component_inside_may_import_each_form(form: Form, tmp_path: Path, host: NNHost) -> None:
    data = composed(form, tmp_path)
    for each in (data, rewrite(data, RewriteOptions(to=VERSIONED[-1].name))):
        assert run(each, host, OPTIONS).exit_code == 0


END = 64 * 65536
"""The first address behind the program's memory."""


def _record(form: Form, *arguments: object, at: object = 64) -> str:
    """A call of set-input with a context, dimensions, a type and data."""
    key = [0] if not form.is_named else [40, 1]
    context, *rest = arguments
    return _call("$set", context, *key, *rest, at)


def _call(name: str, *arguments: object) -> str:
    given = (f"(i32.const {each})" if isinstance(each, int) else str(each) for each in arguments)
    return f"(call {name} {' '.join(given)})"


CONTEXT, GRAPH = "(local.get $context)", "(local.get $graph)"

HOSTILE_RECORDS = {
    "dimensions outside": (CONTEXT, -16, 1, 0, 36, 1),
    "dimensions beyond the end": (CONTEXT, END - 4, 2, 0, 36, 1),
    "more dimensions than there is memory": (CONTEXT, 32, 1 << 30, 0, 36, 1),
    "unaligned dimensions": (CONTEXT, 33, 1, 0, 36, 1),
    "another type": (CONTEXT, 32, 1, 7, 36, 1),
    "data outside": (CONTEXT, 32, 1, 0, -1, 1),
    "data that ends outside": (CONTEXT, 32, 1, 0, 36, -1),
    "a graph as a context": (GRAPH, 32, 1, 0, 36, 1),
    "no context": (0, 32, 1, 0, 36, 1),
    "a handle that was never given": (-1, 32, 1, 0, 36, 1),
}

HOSTILE = {
    "an encoding that does not exist": _call("$load", 128, 1, 7, 0, 64),
    "the last encoding and one": _call("$load", 128, 1, "(i32.const {last})", 0, 64),
    "a target that does not exist": _call("$load", 128, 1, 1, 3, 64),
    "builders outside": _call("$load", END - 4, 1, 1, 0, 64),
    "more builders than there is memory": _call("$load", 128, 1 << 29, 1, 0, 64),
    "unaligned builders": _call("$load", 130, 1, 1, 0, 64),
    "a result of load outside": _call("$load", 128, 0, 1, 0, END - 4),
    "an unaligned result of load": _call("$load", 128, 0, 1, 0, 66),
    "a name outside": _call("$by-name", END, 1, 64),
    "a name of all memory": _call("$by-name", 0, -1, 64),
    "a name that is not UTF-8": f"(i32.store8 (i32.const 80) (i32.const 255)) "
    f"{_call('$by-name', 80, 1, 64)}",
    "a result of a name outside": _call("$by-name", 60, 1, -8),
    "a graph that was never given": _call("$init", 77, 64),
    "a context as a graph": _call("$init", CONTEXT, 64),
    "a result of init outside": _call("$init", GRAPH, END - 4),
    "a result of compute outside": _call("$compute", CONTEXT, END),
    "a result of compute behind the end": _call("$compute", CONTEXT, -1),
    "a graph that computes": _call("$compute", GRAPH, 64),
    "a context that was never given": _call("$compute", -1, 64),
}


def _hostile(form: Form) -> Iterator[tuple[str, str]]:
    last = 7 if "ggml" in form.last else 6
    for name, body in HOSTILE.items():
        yield name, body.replace("{last}", str(last))
    key: list[object] = [0] if not form.is_named else [48, 1]
    yield "a result of get-output outside", _call("$get", CONTEXT, *key, END - 4)
    yield "a graph that has outputs", _call("$get", GRAPH, *key, 64)
    if form.is_named:
        yield "an output's name outside", _call("$get", CONTEXT, END - 1, 2, 64)
        yield "an output's name of all memory", _call("$get", CONTEXT, 48, -1, 64)
    if form.has_records:
        for name, arguments in HOSTILE_RECORDS.items():
            yield name, _record(form, *arguments)
        yield "a result of set-input outside", _record(form, CONTEXT, 32, 1, 0, 36, 1, at=END - 1)
        if form.is_named:
            yield "an input's name outside", _call("$set", CONTEXT, END, 1, 32, 1, 0, 36, 1, 64)
    else:
        tensor = "(call $tensor (i32.const 1))"
        yield "no tensor", _call("$set", CONTEXT, 40, 1, 5, 64)
        yield "an input's name outside", _call("$set", CONTEXT, END, 1, tensor, 64)
        yield "a context as a tensor", _call("$set", CONTEXT, 40, 1, CONTEXT, 64)
        yield "a result of set-input outside", _call("$set", CONTEXT, 40, 1, tensor, END - 1)
    if form.has_numbers:
        nothing = END - 2  # where a result without a value is just inside
        yield "compute at the end", f"{_call('$compute', CONTEXT, nothing)} unreachable"
    yield (
        "a realloc that gives nothing",
        (
            f"{_call('$do-set', CONTEXT, 0, 3)} {_call('$do-set', CONTEXT, 1, 4)} "
            f"{_call('$do-compute', CONTEXT)} (global.set $top (i32.const -16)) "
            f"{_call('$do-get', CONTEXT, 0)}"
        ),
    )


def _calls(*forms: Form) -> list[object]:
    return [
        pytest.param(form, body, id=f"{form.title}: {name}")
        for form in forms
        for name, body in _hostile(form)
    ]


@pytest.mark.parametrize(("form", "body"), _calls(FORMS[0], FORMS[2], FORMS[4]))
def test_a_hostile_call_stops_the_guest(form: Form, body: str, host: NNHost) -> None:
    assert run(guest(form, run=body), host, OPTIONS).reason is Reason.TRAPPED


@pytest.mark.parametrize(("form", "body"), _calls(FORMS[4]))
def test_a_hostile_call_stops_what_the_guest_is_changed_to(
    form: Form, body: str, host: NNHost
) -> None:
    names: dict[str, Any] = {"inputs": INPUTS, "outputs": OUTPUTS} if form in BY_INDEX else {}
    options = RewriteOptions(to=VERSIONED[-1].name, **names)
    changed = rewrite(guest(form, run=body), options)
    assert run(changed, host, OPTIONS).reason is Reason.TRAPPED
