"""`nnshim verify --attestation`: what holds, and all that does not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnshim.attesting.checking import Attested, attested, compared
from nnshim.attesting.envelope import sign
from nnshim.attesting.keys import read_private_key, read_public_key
from rewriter import AttestationError, Comparison, RewriteOptions, UsageError
from rewriter.attesting.statement import encode, statement
from rewriter.files.input import open_source
from tests.support.attestations import GUEST, Pair, pair, rewritten
from tests.support.command import nnshim
from tests.support.wasm import assemble, custom

OPTIONS = RewriteOptions(abi="witx", renames={"env": "other"}, drop_debug=True)
Said = dict[str, Any]


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    return pair(Path("folder"))


def said(options: RewriteOptions = OPTIONS, guest: str = GUEST) -> Said:
    """The statement about app.wasm, which becomes out.wasm."""
    return statement(rewritten(Path(), options, guest))


def signed(told: Said, keys: Pair) -> bytes:
    return encode(sign(encode(told), read_private_key(str(keys.private)))) + b"\n"


def check(
    keys: Pair | None, module: str = "out.wasm", original: str | None = None
) -> Attested | Comparison:
    """Of a.jsonl."""
    key = None if keys is None else read_public_key(str(keys.public))
    with open_source(module) as after, open_source(original or module) as before:
        if original is None:
            return attested("a.jsonl", key, after)
        return compared(attested("a.jsonl", key, after, before), before, after, {}, {})


def refusal(*arguments: Any) -> str | None:
    with pytest.raises(AttestationError) as caught:
        check(*arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("options", "guest"),
    [
        (OPTIONS, GUEST),
        (RewriteOptions(record=True), GUEST),
        (RewriteOptions(host="wasmtime"), GUEST),
        (
            RewriteOptions(host="wasmtime", built_for="wasi-nn"),
            """(module (import "wasi_ephemeral_nn" "load"
                 (func $load (param i32 i32 i32 i32 i32) (result i32)))
               (memory (export "memory") 1)
               (func (export "_start") (drop (call $load (i32.const 0) (i32.const 1)
                 (i32.const 1) (i32.const 0) (i32.const 8)))))""",
        ),
        (
            RewriteOptions(to="wasi:nn"),
            """(module (import "wasi_ephemeral_nn" "compute" (func (param i32) (result i32)))
               (memory (export "memory") 1) (func (export "_start")))""",
        ),
    ],
    ids=["changes", "record", "adapted", "marked", "component"],
)
def test_the_differences_are_those_that_are_attested(
    options: RewriteOptions, guest: str, keys: Pair
) -> None:
    Path("a.jsonl").write_bytes(signed(said(options, guest), keys))
    found = check(keys, "out.wasm", "app.wasm")
    assert isinstance(found, Comparison)
    assert found.differences == ()


def test_another_key_is_refused(keys: Pair) -> None:
    Path("a.jsonl").write_bytes(signed(said(), keys))
    for kind in ("ecdsa", "ed25519", "rsa"):
        assert refusal(pair(Path("folder"), kind)) == "NN432"


def test_another_module_is_refused(keys: Pair) -> None:
    Path("a.jsonl").write_bytes(signed(said(), keys))
    Path("other.wasm").write_bytes(Path("out.wasm").read_bytes() + custom("other"))
    assert refusal(keys, "other.wasm") == "NN433"
    assert refusal(keys, "app.wasm") == "NN433"


def test_another_original_is_refused(keys: Pair) -> None:
    Path("a.jsonl").write_bytes(signed(said(), keys))
    assert refusal(keys, "out.wasm", "out.wasm") == "NN435"


def test_one_of_several_subjects_is_enough_and_none_is_not(keys: Pair) -> None:
    told = said()
    other = {"name": "out.wasm", "digest": {"sha256": "0" * 64}}
    told["subject"].insert(0, other)
    Path("a.jsonl").write_bytes(signed(told, keys))
    found = check(keys)
    assert isinstance(found, Attested)
    assert found.subject.sha256 == told["subject"][1]["digest"]["sha256"]
    told["subject"] = [other, other]
    Path("a.jsonl").write_bytes(signed(told, keys))
    assert refusal(keys) == "NN433"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda done: done.update(renamed=[]), "imports from"),
        (lambda done: done.update(adapted=[]), "the adapter nnshim.load"),
        (lambda done: done.update(dropped=[]), "the section sourceMappingURL"),
    ],
)
def test_a_difference_that_is_not_attested_is_told(
    change: Callable[[Said], object], what: str, keys: Pair
) -> None:
    told = said()
    change(told["predicate"]["buildDefinition"]["internalParameters"])
    Path("a.jsonl").write_bytes(signed(told, keys))
    found = check(keys, "out.wasm", "app.wasm")
    assert isinstance(found, Comparison)
    assert {each.code for each in found.differences} == {"NN436"}
    assert found.differences[0].what.startswith(what)


def test_a_rename_that_is_not_in_the_options_is_told(keys: Pair) -> None:
    told = said()
    del told["predicate"]["buildDefinition"]["externalParameters"]["renames"]
    Path("a.jsonl").write_bytes(signed(told, keys))
    found = check(keys, "out.wasm", "app.wasm")
    assert isinstance(found, Comparison)
    assert not found.only_rewritten


def test_a_signed_lie_about_the_original_is_seen(keys: Pair) -> None:
    """The digests fit, but no rewrite makes one module of the other."""
    about = rewritten(Path(), RewriteOptions())
    Path("app.wasm").write_bytes(assemble(GUEST.replace("i32.const 8", "i32.const 9")))
    told = statement(about)
    digest = hashlib.sha256(Path("app.wasm").read_bytes()).hexdigest()
    told["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"]["sha256"] = digest
    Path("a.jsonl").write_bytes(signed(told, keys))
    found = check(keys, "out.wasm", "app.wasm")
    assert isinstance(found, Comparison)
    assert not found.only_rewritten


def test_a_signed_statement_of_another_tool_is_refused(keys: Pair) -> None:
    told = said()
    told["predicateType"] = "https://in-toto.io/attestation/test-result/v0.1"
    Path("a.jsonl").write_bytes(signed(told, keys))
    assert refusal(keys) == "NN434"


def test_an_unsigned_statement_is_refused_with_a_key(keys: Pair) -> None:
    Path("a.jsonl").write_bytes(encode(said()))
    assert refusal(keys) == "NN438"
    found = check(None)
    assert isinstance(found, Attested)
    assert found.key_id is None


def test_an_envelope_is_refused_without_a_key(keys: Pair) -> None:
    Path("a.jsonl").write_bytes(signed(said(), keys))
    assert refusal(None) == "NN438"
    Path("a.jsonl").write_bytes(encode({**said(), "payload": "", "signatures": []}))
    assert refusal(None) == "NN438"


def test_lines_about_other_modules_or_of_other_keys_do_not_matter(keys: Pair) -> None:
    told = said()
    good = signed(told, keys)
    other = said(RewriteOptions())
    lines = [signed(other, keys), signed(told, pair(Path("folder"))), encode(told) + b"\n", b"{}\n"]
    Path("out.wasm").write_bytes(b"")
    rewritten(Path(), OPTIONS)
    for at in range(len(lines) + 1):
        Path("a.jsonl").write_bytes(b"".join((*lines[:at], good, *lines[at:])))
        assert isinstance(check(keys), Attested)
    Path("a.jsonl").write_bytes(b"".join(lines))
    with pytest.raises(AttestationError, match="line 1: it is about another module"):
        check(keys)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"{}", b"[]", b"null", b"\xff", b"{" * 9999])
def test_what_is_not_an_attestation_is_refused(content: bytes, keys: Pair) -> None:
    said()
    Path("a.jsonl").write_bytes(content)
    assert refusal(keys) in ("NN431", "NN438")
    assert refusal(None) == "NN431"


def test_a_module_in_the_text_format_has_no_digest(keys: Pair) -> None:
    Path("a.jsonl").write_bytes(signed(said(), keys))
    Path("out.wat").write_text(GUEST)
    with pytest.raises(UsageError, match="is text"):
        check(keys, "out.wat")


def test_the_command_says_who_signed_what(keys: Pair) -> None:
    Path("a.jsonl").write_bytes(signed(said(), keys))
    arguments = ("verify", "out.wasm", "--attestation", "a.jsonl", "--key", keys.public)
    done = nnshim(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"signed with this key: nnshim 0.1.0 made this module from app")
    Path("out.wasm").write_bytes(Path("app.wasm").read_bytes())
    changed = nnshim(*arguments)
    assert (changed.returncode, changed.stdout) == (1, b"")
    assert b"error[NN433]" in changed.stderr
    assert nnshim(*arguments[:-1], pair(Path("folder")).public).returncode == 1


def test_the_command_says_that_nobody_signed(keys: Pair) -> None:
    Path("a.jsonl").write_bytes(encode(said()))
    done = nnshim("verify", "out.wasm", "--attestation", "a.jsonl", "--unsigned")
    assert (done.returncode, done.stdout[:27]) == (0, b"not signed; says only that ")
    assert b"key" not in done.stdout


def test_the_command_fails_for_a_difference_that_is_not_attested(keys: Pair) -> None:
    told = said()
    told["predicate"]["buildDefinition"]["internalParameters"]["dropped"] = []
    Path("a.jsonl").write_bytes(signed(told, keys))
    command = ("verify", "app.wasm", "out.wasm", "--attestation", "a.jsonl", "--key", keys.public)
    done = nnshim(*command, "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert [each["code"] for each in found["comparison"]["differences"]] == ["NN436"]
    assert nnshim(*command).returncode == 1


def test_the_host_that_cannot_run_it_is_told(keys: Pair) -> None:
    guest = """(module (import "wasi_nn" "load" (func (param i32 i32 i32 i32) (result i32)))
      (import "env" "f" (func)) (memory (export "memory") 1) (func (export "_start")))"""
    Path("a.jsonl").write_bytes(signed(said(RewriteOptions(host="wasmtime"), guest), keys))
    done = nnshim("verify", "out.wasm", "--attestation", "a.jsonl", "--key", keys.public)
    assert b"the host cannot run this module (NN312)" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        "out.wasm --attestation a.jsonl",
        "out.wasm --attestation a.jsonl --unsigned --key {key}",
        "out.wasm --attestation a.jsonl --key {key} --rename a=b",
        "out.wasm --attestation a.jsonl --key {key} --guest-abi witx",
        "out.wasm --attestation a.jsonl --key {key} --output-name 0=a",
        "app.wasm app.wasm out.wasm --attestation a.jsonl --key {key}",
        "app.wasm out.wasm --key {key}",
        "app.wasm out.wasm --unsigned",
        "out.wasm",
        "",
    ],
)
def test_wrong_arguments_are_usage_errors(arguments: str, keys: Pair) -> None:
    Path("a.jsonl").write_bytes(signed(said(), keys))
    assert nnshim("verify", *arguments.format(key=keys.public).split()).returncode == 2
