"""`nnshim rewrite --attestation`: what is written, where, and in which order."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nnshim.attesting.documents import AUTO, documents
from nnshim.attesting.finished import finished
from nnshim.attesting.keys import PASSWORD, read_public_key
from rewriter import InputError, OutputError, RewriteOptions, rewrite_file
from rewriter.hosts.profiles.file import write
from tests.support.attestations import GUEST, Pair, pair, rewritten
from tests.support.command import nnshim
from tests.support.profiles import WAMR_2_4
from tests.support.wasm import assemble


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    monkeypatch.chdir(tmp_path)
    Path("app.wasm").write_bytes(assemble(GUEST))
    Path("app.wat").write_text(GUEST)
    Path("folder").mkdir()
    return pair(Path("folder"))


def statement(line: bytes) -> dict[str, Any]:
    told = json.loads(line)
    said = told if "_type" in told else json.loads(base64.b64decode(told["payload"]))
    assert isinstance(said, dict)
    return said


def test_both_documents_are_beside_the_output(keys: Pair) -> None:
    done = nnshim(
        *("rewrite", "app.wasm", "out.wasm", "--attestation", "auto", "--key", keys.private),
        *("--sbom", "auto", "--json"),
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    public = read_public_key(str(keys.public))
    assert (told["attestation"], told["sbom"]) == ("out.wasm.intoto.jsonl", "out.wasm.cdx.json")
    assert told["signed_by"] == public.keyid
    digest = hashlib.sha256(Path("out.wasm").read_bytes()).hexdigest()
    (subject,) = statement(Path("out.wasm.intoto.jsonl").read_bytes())["subject"]
    assert subject == {"name": "out.wasm", "digest": {"sha256": digest}}
    assert digest in Path("out.wasm.cdx.json").read_text()


def test_a_module_on_standard_output_has_its_attestation_in_a_file(keys: Pair) -> None:
    done = nnshim(*("rewrite", "app.wasm", "-", "--attestation", "a.jsonl", "--key", keys.private))
    assert done.returncode == 0, done.stderr
    digest = hashlib.sha256(done.stdout).hexdigest()
    assert statement(Path("a.jsonl").read_bytes())["subject"] == [{"digest": {"sha256": digest}}]


def test_a_rewrite_in_place_names_what_was_there_before(keys: Pair) -> None:
    before = hashlib.sha256(Path("app.wasm").read_bytes()).hexdigest()
    done = nnshim(
        *("rewrite", "app.wasm", "app.wasm", "--to", "wasi_ephemeral_nn"),
        *("--attestation", "auto", "--key", keys.private),
    )
    assert done.returncode == 0, done.stderr
    after = hashlib.sha256(Path("app.wasm").read_bytes()).hexdigest()
    said = statement(Path("app.wasm.intoto.jsonl").read_bytes())
    (source,) = said["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert source["digest"]["sha256"] == before != after
    assert said["subject"][0]["digest"]["sha256"] == after


def test_the_digest_of_text_is_that_of_the_module_assembled_from_it(keys: Pair) -> None:
    done = nnshim("rewrite", "app.wat", "out.wasm", "--attestation", "auto", "--unsigned")
    assert done.returncode == 0, done.stderr
    definition = statement(Path("out.wasm.intoto.jsonl").read_bytes())["predicate"][
        "buildDefinition"
    ]
    assert definition["internalParameters"]["input_assembled"] is True
    (source,) = definition["resolvedDependencies"]
    assembled = hashlib.sha256(Path("app.wasm").read_bytes()).hexdigest()
    assert source["digest"]["sha256"] == assembled


def test_an_unsigned_attestation_is_a_bare_statement(keys: Pair) -> None:
    done = nnshim("rewrite", "app.wasm", "out.wasm", "--attestation", "auto", "--unsigned")
    assert done.returncode == 0, done.stderr
    told = json.loads(Path("out.wasm.intoto.jsonl").read_bytes())
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert not told.keys() & {"payload", "payloadType", "signatures"}
    assert b"not signed" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--attestation auto", b"either --key KEY.pem"),
        ("--attestation auto --key {key} --unsigned", b"not both"),
        ("--key {key}", b"--key has no effect without --attestation"),
        ("--unsigned", b"--unsigned has no effect without --attestation"),
        ("--sbom auto --unsigned", b"--unsigned has no effect without --attestation"),
        ("--attestation out.wasm --unsigned", b"would replace out.wasm"),
        ("--attestation folder/../app.wasm --unsigned", b"would replace app.wasm"),
        ("--attestation {key} --key {key}", b"would replace folder"),
        ("--attestation a --sbom ./a --unsigned", b"--sbom would replace a"),
        ("--attestation mine.toml --for mine.toml --unsigned", b"would replace mine.toml"),
        ("--attestation - --unsigned", b"is a file, not standard output"),
        ("--attestation auto --unsigned --dry-run", b"--dry-run"),
    ],
)
def test_wrong_options_write_nothing(options: str, message: bytes, keys: Pair) -> None:
    Path("mine.toml").write_text(write(WAMR_2_4))
    before = {path: path.read_bytes() for path in Path().rglob("*.*")}
    done = nnshim("rewrite", "app.wasm", "out.wasm", *options.format(key=keys.private).split())
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert {path: path.read_bytes() for path in Path().rglob("*.*")} == before


def test_a_name_beside_standard_output_is_a_usage_error(keys: Pair) -> None:
    done = nnshim("rewrite", "app.wasm", "-", "--attestation", "auto", "--unsigned")
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("--attestation none/a --unsigned", 1),
        ("--attestation folder --unsigned", 1),
        ("--attestation= --unsigned", 1),
        ("--sbom=", 1),
        ("--attestation auto --key missing.pem", 1),
        ("--attestation auto --key app.wasm", 1),
        ("--attestation auto --key {public}", 1),
        ("--attestation auto --unsigned --for mine.toml", 2),
    ],
)
def test_what_cannot_be_signed_or_written_is_found_before_the_rewrite(
    options: str, code: int, keys: Pair
) -> None:
    done = nnshim("rewrite", "app.wasm", "out.wasm", *options.format(public=keys.public).split())
    assert done.returncode == code, done.stderr
    assert not Path("out.wasm").exists()
    assert not list(Path().glob("*.jsonl"))


def test_a_refused_module_is_not_attested(keys: Pair) -> None:
    Path("app.wasm").write_bytes(b"\0asm\1\0\0\0\1")
    done = nnshim(
        *("rewrite", "app.wasm", "out.wasm", "--attestation", "auto", "--key", keys.private)
    )
    assert done.returncode == 1
    assert not Path("out.wasm.intoto.jsonl").exists()


def test_the_password_of_the_key_is_neither_shown_nor_an_option(keys: Pair) -> None:
    locked = pair(Path("folder"), password=b"correct horse")
    command = ("rewrite", "app.wasm", "out.wasm", "--attestation", "auto", "--key", locked.private)
    done = nnshim(*command, env={PASSWORD: "correct horse"})
    assert done.returncode == 0, done.stderr
    wrong = nnshim(*command, env={PASSWORD: "battery staple"})
    assert (wrong.returncode, b"NN437" in wrong.stderr) == (1, True)
    assert b"battery" not in wrong.stderr + wrong.stdout
    assert b"horse" not in done.stderr + done.stdout
    assert nnshim(*command).returncode == 2


def disturbed(change: Callable[[], object]) -> None:
    """A rewrite with a profile, and a change before it is attested."""
    Path("mine.toml").write_text(write(WAMR_2_4))
    options = RewriteOptions(host="./mine.toml")
    wanted = documents("a.jsonl", None, None, unsigned=True)
    assert wanted is not None
    begun = wanted.begin("app.wasm", "out.wasm", options)
    result = rewrite_file("app.wasm", "out.wasm", options, digests=True)
    change()
    begun.finish(result)


def test_an_output_that_was_changed_meanwhile_is_not_attested(keys: Pair) -> None:
    with pytest.raises(OutputError, match="was changed after the rewrite"):
        disturbed(lambda: Path("out.wasm").write_bytes(b"other"))
    assert not Path("a.jsonl").exists()


def test_an_output_that_is_gone_is_not_attested(keys: Pair) -> None:
    with pytest.raises(OutputError, match="again"):
        disturbed(lambda: Path("out.wasm").unlink())
    assert not Path("a.jsonl").exists()


def test_a_profile_that_was_changed_meanwhile_is_not_attested(keys: Pair) -> None:
    with pytest.raises(InputError, match="changed during the rewrite"):
        disturbed(lambda: Path("mine.toml").write_text(write(WAMR_2_4) + "\n"))
    assert not Path("a.jsonl").exists()


def test_an_undisturbed_rewrite_is_attested(keys: Pair) -> None:
    disturbed(lambda: None)
    assert statement(Path("a.jsonl").read_bytes())


def test_a_result_without_digests_cannot_be_attested(keys: Pair) -> None:
    result = rewrite_file("app.wasm", "out.wasm")
    with pytest.raises(ValueError, match="digests"):
        finished("app.wasm", "out.wasm", RewriteOptions(), result, ())


def test_one_file_about_several_outputs_has_a_line_for_each(keys: Pair) -> None:
    about = rewritten(Path(), RewriteOptions())
    wanted = documents("all.jsonl", AUTO, str(keys.private), unsigned=False)
    assert wanted is not None
    wanted.write([("one.wasm", about), ("two.wasm", about)])
    lines = Path("all.jsonl").read_bytes().splitlines()
    assert [statement(line)["subject"][0]["name"] for line in lines] == ["out.wasm", "out.wasm"]
    assert Path("one.wasm.cdx.json").exists()
    assert Path("two.wasm.cdx.json").exists()
