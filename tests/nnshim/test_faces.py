"""The public names: which there are, that they can be had, and that each says what it is."""

from __future__ import annotations

import enum
import importlib
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import nnshim
from runtime_shim.testing import FakeBackend
from tests.support.wasm import assemble

ERRORS = """AttestationError DependencyMissing HostMismatch InputError InvalidModule
    InvalidResult MalformedModule ModuleError NNShimError NothingToRename OutputError ToolError
    UnsupportedModule UsageError"""
REWRITER = f"""{ERRORS} WASI_EPHEMERAL_NN WASI_NN Abi Answer Comparison CustomSection Diagnostic
    Difference ImportedItem Module ModuleInfo Plan Policy Rename Result RewriteOptions Runs Verdict
    check rewrite rewrite_file"""
RUNTIME = """CAPTURED Endpoint GraphStats GuestExit GuestFailed GuestTimeout GuestTrap HostError
    Limits LinkError NNHost NamedGraph Outcome Reason RemoteModel RunOptions Session Tls
    guest_dialects host_dialects parse_endpoint parse_nn_graph parse_nn_preload read_graphs run"""

FACES = {
    "nnshim": f"""{REWRITER} {RUNTIME} Encoding Errno GuestInput MapResult Target TensorType
        __version__ inspect map verify""",
    "rewriter": f"""{REWRITER} compare inspect_module""",
    "runtime_shim": RUNTIME,
    "runtime_shim.backends": """Backend Bf16Context DescribedContext Element ExecutionContext Graph
        MovableContext Names OWN_ENCODINGS Options Output Part Place Quantization QuantizedGraph
        Runtime Settings SharedGraph StreamingContext encodings import_backend""",
    "runtime_shim.testing": "FakeBackend Load echo",
}
"""What a name means stays. One that goes, or comes, is a line in CHANGELOG.md."""

NAMES = [(module, name) for module, names in FACES.items() for name in names.split()]


@pytest.mark.parametrize("module", FACES)
def test_the_public_names_are_these(module: str) -> None:
    face = importlib.import_module(module)
    assert sorted(face.__all__) == sorted(FACES[module].split())
    assert all(getattr(face, name) is not None for name in face.__all__)


def members(found: type) -> dict[str, Any]:
    """The public methods and properties that a class has itself."""
    return {
        name: member
        for name, member in vars(found).items()
        if not name.startswith("_")
        and (
            inspect.isfunction(member) or isinstance(member, property | classmethod | staticmethod)
        )
    }


def documented(found: Any) -> bool:
    text = inspect.getdoc(found.fget if isinstance(found, property) else found) or ""
    return len(text) > 10 and not text.startswith(("Alias for", "dict(", "tuple("))


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_public_name_says_what_it_is(module: str, name: str) -> None:
    found = getattr(importlib.import_module(module), name)
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return  # a constant, whose text stands below it
    assert documented(found)
    if inspect.isclass(found) and not issubclass(found, enum.Enum):
        undocumented = [key for key, member in members(found).items() if not documented(member)]
        assert undocumented == []
    if inspect.isclass(found) and found.__module__.partition(".")[0] in FACES:
        assert "Protocol" in str(found.__mro__) or found.__doc__ != object.__doc__


RAISING = {
    "nnshim": "check inspect rewrite rewrite_file run verify",
    "runtime_shim": "parse_nn_graph parse_nn_preload read_graphs guest_dialects host_dialects",
    "runtime_shim.backends": "import_backend",
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in RAISING for name in RAISING[module].split()]
)
def test_a_function_that_can_fail_says_with_what(module: str, name: str) -> None:
    found = getattr(importlib.import_module(module), name)
    assert "aise" in (inspect.getdoc(found) or "")


def test_what_is_typed_is_what_there_is() -> None:
    module = assemble("""(module
      (import "wasi_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1))""")
    wasmtime, shim = nnshim.check(module, hosts=["wasmtime", "nnshim"])
    assert (wasmtime.host, wasmtime.runs) == ("wasmtime", nnshim.Runs.AFTER_REWRITE)
    assert (shim.host, shim.runs) == ("nnshim", nnshim.Runs.AS_IT_IS)
    renamed = nnshim.rewrite(module, nnshim.RewriteOptions(host="wasmtime"))
    assert nnshim.check(renamed, hosts=["wasmtime"])[0].runs is nnshim.Runs.AS_IT_IS
    assert nnshim.verify(module, renamed).only_rewritten
    assert list(nnshim.inspect(renamed).abis) == ["wasi_ephemeral_nn"]
    assert nnshim.__version__ == version("nnshim")
    with pytest.raises(nnshim.UsageError, match="nosuchhost"):
        nnshim.check(module, hosts=["nosuchhost"])
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nnshim.nothing
    assert set(nnshim.__all__) <= set(dir(nnshim))


@pytest.mark.parametrize("given", [Path("guest.wasm"), "guest.wasm", memoryview(b"\0asm"), None])
def test_what_is_not_the_bytes_of_a_module_is_refused_with_what_helps(given: Any) -> None:
    module = assemble("(module)")
    for call in (
        lambda: nnshim.rewrite(given),
        lambda: nnshim.check(given, hosts=["nnshim"]),
        lambda: nnshim.inspect(given),
        lambda: nnshim.verify(module, given),
        lambda: nnshim.run(given, nnshim.NNHost()),
    ):
        with pytest.raises(nnshim.UsageError, match="expected the bytes of a module, not"):
            call()


def test_one_host_has_to_be_a_list_too() -> None:
    with pytest.raises(nnshim.UsageError, match="expected a list of names"):
        nnshim.check(assemble("(module)"), hosts="nnshim")


def test_a_module_that_is_parsed_already_runs() -> None:
    module = nnshim.Module(assemble('(module (func (export "_start")))'))
    assert nnshim.run(module, nnshim.NNHost()).exit_code == 0


def test_a_backend_is_given_for_an_encoding() -> None:
    backends: Any = {"onnx": FakeBackend()}
    with pytest.raises(nnshim.UsageError, match="expected Encoding values as keys, not 'onnx'"):
        nnshim.NNHost(backends=backends)


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys, nnshim; print(*{'rewriter', 'runtime_shim', 'wasmtime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
