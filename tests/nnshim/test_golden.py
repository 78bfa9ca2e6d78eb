"""What the command prints, kept in golden/: a command line, its exit code, and both outputs.

`pytest --update-golden` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from nnshim.attesting.envelope import sign
from nnshim.attesting.finished import finished
from nnshim.attesting.keys import read_private_key
from rewriter import RewriteOptions, rewrite, rewrite_file
from rewriter.attesting.statement import encode, statement
from tests.support import tflite_models as tflite
from tests.support.wasm import HEADER, TYPES, assemble, custom, import_module, imports, name, vector

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.txt"))

GUEST = """(module
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (@custom ".debug_info" "not really")
  (func (export "_start") (call $exit (i32.add (i32.const 40) (call $compute (i32.const 77)))))
  (func $inner unreachable) (func (export "trap") (call $inner))
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2))))"""

WAMR_GUEST = """(module
  (import "wasi_nn" "load" (func $load (param i32 i32 i32 i32) (result i32)))
  (import "wasi_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table 1 funcref) (elem (i32.const 0) $set_input)
  (func (export "_start")
    (drop (call $load (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8)))))"""

TYPES_GUEST = """(module
  (import "wasi_ephemeral_nn" "load" (func (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "set_input" (func (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1))"""

UNLINKED = '(module (import "env" "__linear_memory" (memory 0)))'

STREAMING_GUEST = """(module
  (import "wasi_ephemeral_nn" "compute_single" (func (param i32) (result i32)))
  (import "wasi_ephemeral_nn" "fini_single" (func (param i32) (result i32)))
  (memory (export "memory") 1))"""

STRICT = """hosts = ["wamr-legacy@2.4.5"]
files = ["wamr.wasm"]

[policy]
encodings = ["openvino"]
targets = ["cpu"]
functions = ["load", "set_input"]
imports = []
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("golden")
    guest = assemble(GUEST)
    long = assemble(f'{WAMR_GUEST[:-1]} {"(func)" * 130} (@custom ".debug_info" ""))')
    files = {
        "guest.wat": GUEST.encode(),
        "guest.wasm": guest,
        "renamed.wasm": assemble(GUEST.replace("wasi_ephemeral_nn", "wasi_nn")),
        "a|b<i>%25`x`.wasm": assemble(GUEST.replace("wasi_ephemeral_nn", "wasi_nn")),
        "other.wasm": assemble(GUEST.replace("wasi_ephemeral_nn", "wasi_nn").replace("77", "78")),
        "legacy.wasm": assemble(
            '(module (import "wasi_nn" "load" (func (param i32 i32 i32 i32) (result i32)))'
            ' (func (export "_start")))'
        ),
        "types.wasm": assemble(TYPES_GUEST),
        "wamr.wasm": assemble(WAMR_GUEST),
        "adapted.wasm": rewrite(assemble(WAMR_GUEST), RewriteOptions(host="wasmtime")),
        "recorded.wasm": rewrite(assemble(WAMR_GUEST), RewriteOptions(abi="witx", record=True)),
        "long.wasm": long,
        "long-and-back.wasm": rewrite(
            rewrite(long, RewriteOptions(abi="witx")), RewriteOptions(abi="wamr")
        ),
        "streaming.wasm": assemble(STREAMING_GUEST),
        "env.wasm": import_module("env"),
        "unresolved.wasm": assemble('(module (import "env" "f" (func)) (func (export "_start")))'),
        "env2.wasm": import_module("env2"),
        "compact.wasm": HEADER + TYPES + imports(name("env") + b"\0\x7e\0\0" + vector(b"\1f")),
        "truncated.wasm": guest[:-3],
        "invalid.wasm": guest.replace(b"\x44\0\0\0\0\0\0\0\x40", b"\x42\0\x1a\x42\0\x1a\x42\0\x01"),
        "signed.wasm": guest + custom("signature", b"\1\1\1\0"),
        "mapped.wasm": guest + custom("sourceMappingURL", b"\0"),
        "strict.toml": STRICT.encode(),
        "wrong.toml": b'hosts = ["wamr"]\n\n[policy]\nnamed_graphs = []\n',
        "object.wasm": assemble(UNLINKED) + custom("linking", b"\x02"),
        "component.wasm": assemble("(component)"),
        "artifact.cwasm": b"\x7fELF\x02\x01\x01\xc8",
        "model.tflite": tflite.identity(np.uint8, (1, 4), scales=[0.5], zero_points=[0]),
    }
    for inner in ("tree/lib", "empty"):
        (path / inner).mkdir(parents=True)
    files |= {
        "tree/guest.wasm": guest,
        "tree/lib/plain.wasm": import_module("env"),
        "tree/lib/truncated.wasm": guest[:-3],
        "tree/lib/wamr.wasm": files["wamr.wasm"],
        "tree/notes.txt": b"left alone",
        "list.txt": b"tree/guest.wasm\ntree/notes.txt\n",
    }
    for file, data in files.items():
        (path / file).write_bytes(data)
    _attest(path)
    return path


def _attest(path: Path) -> None:
    """attested.wasm, its attestation, and keys that are the same each time."""
    for title, first in (("signing", 1), ("other", 2)):
        key = Ed25519PrivateKey.from_private_bytes(bytes([first]) * 32)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (path / f"{title}.pem").write_bytes(private)
        public = key.public_key()
        (path / f"{title}.pub").write_bytes(
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
    options = RewriteOptions(abi="witx", drop_debug=True, validate=False)
    source, output = str(path / "long.wasm"), str(path / "attested.wasm")
    result = rewrite_file(source, output, options, digests=True)
    about = finished(source, output, options, result, ())
    said = encode(statement(about))
    (path / "unsigned.jsonl").write_bytes(said)
    envelope = sign(said, read_private_key(str(path / "signing.pem")))
    (path / "attested.jsonl").write_bytes(encode(envelope))


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_the_command_prints_what_it_printed(
    golden: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    expected = golden.read_text()
    command_line = expected.splitlines()[0]
    program, *arguments = shlex.split(command_line.removeprefix("$ "))
    assert program == "nnshim"
    done = subprocess.run(
        [sys.executable, "-m", "nnshim", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    actual = (
        f"{command_line}\nexit {done.returncode}\n"
        f"--- stdout\n{done.stdout}--- stderr\n{done.stderr}"
    )
    if request.config.getoption("--update-golden"):
        golden.write_text(actual)
    assert actual == (golden.read_text() if golden.exists() else "")


def test_there_are_golden_outputs() -> None:
    assert len(GOLDEN) > 20
