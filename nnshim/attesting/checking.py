"""Checks an attestation: who signed it, that it is about a module, and what it says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nnshim.attesting.envelope import is_envelope, verified_payload
from rewriter.attesting import strict_json
from rewriter.attesting.claims import Claims, read_claims
from rewriter.attesting.rewritten import File
from rewriter.errors import AttestationError, InputError, UsageError
from rewriter.files.pieces import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from securesystemslib.signer import SSlibKey

    from rewriter.files.input import Source
    from rewriter.verifying.compare import Comparison

__all__ = ["AUTO", "Attested", "attested", "compared"]

AUTO = "auto"
"""In place of a file's name: what is attached to the artifact."""

_LARGEST = 1 << 28
"""The largest file of an attestation, in bytes: a line has 3,000."""

_STAGES = ("NN431", "NN438", "NN432", "NN434", "NN433", "NN435")
"""The codes of what a line can fail by, in the order of the checks."""


class Attested(NamedTuple):
    """An attestation of a module. `key_id` is the SHA-256 of the public key in hexadecimal, or None
    if nobody has signed it. `subject` is the one that has the module's digest."""

    claims: Claims
    subject: File
    key_id: str | None


def attested(
    path: str, key: SSlibKey | None, module: Source, original: Source | None = None
) -> Attested:
    """The first line of a file, or with AUTO the first attestation beside an artifact in a
    registry, that is signed with `key`, and is about `module` and, if it is
    given, about `original` as its input. Without a key, the line has to be a bare Statement.

    Raises AttestationError if there is none, for the line that comes closest; UsageError for a
    module in the text format, which has no digest of its own; and InputError.
    """
    if module.is_text:
        raise UsageError(f"{module.name} is text, and attestations are about binaries")
    output = sha256(module, (range(len(module.data)),))
    source = None if original is None else sha256(original, (range(len(original.data)),))
    lines = _attached(module, key) if path == AUTO else _lines(path)
    failed: list[tuple[int, AttestationError]] = []
    for number, line in enumerate(lines, 1):
        try:
            return _checked(line, key, output, source)
        except AttestationError as error:
            failed.append((number, error))
    if not failed and path == AUTO:
        raise AttestationError(f"no attestation is attached to {module.name}", "NN431")
    if not failed:
        raise AttestationError(f"{path} is empty", "NN431")
    number, closest = max(failed, key=lambda each: _STAGES.index(each[1].code or ""))
    if path == AUTO:
        raise AttestationError(f"{module.name}: {closest}", closest.code or "") from closest
    where = path if len(lines) == 1 else f"no line of {path} holds, not even line {number}"
    raise AttestationError(f"{where}: {closest}", closest.code or "") from closest


def compared(
    found: Attested,
    original: Source,
    module: Source,
    inputs: Mapping[int, str],
    outputs: Mapping[int, str],
) -> Comparison:
    """Compare two modules, by the options that the attestation has. `inputs` and `outputs` are the
    names of a model's inputs and outputs, if the rewrite took them from a model. Differences that
    the attestation does not name count, too. Raises what `rewriter.compare` raises."""
    from rewriter.attesting.explained import unexplained
    from rewriter.components.component import Component
    from rewriter.verifying.components import compare, read

    claims = found.claims
    before, after = read(original), read(module)
    both = isinstance(before, Component) and isinstance(after, Component)
    comparison = compare(
        before,
        after,
        renames=claims.renames,
        guest_abi=None if both else claims.change.marked,
        outputs=claims.outputs or outputs,
        inputs=claims.inputs or inputs,
    )
    unknown = unexplained(comparison, claims)
    return replace(comparison, differences=(*comparison.differences, *unknown))


def _checked(line: bytes, key: SSlibKey | None, output: str, source: str | None) -> Attested:
    payload = _unsigned(line) if key is None else verified_payload(line, key)
    claims = read_claims(payload)
    subject = next((each for each in claims.subjects if each.sha256 == output), None)
    if subject is None:
        about = ", ".join(each.sha256 for each in claims.subjects[:3])
        reason = f"it is about another module: the SHA-256 of this one is {output}, not {about}"
        raise AttestationError(reason, "NN433")
    if source is not None and claims.input.sha256 != source:
        reason = f"the rewritten file had the SHA-256 {claims.input.sha256}; ORIGINAL has {source}"
        raise AttestationError(reason, "NN435")
    return Attested(claims, subject, None if key is None else key.keyid)


def _unsigned(line: bytes) -> bytes:
    """The line itself. Raises AttestationError if it is an envelope."""
    try:
        told = strict_json.loads(line)
    except ValueError as error:
        raise AttestationError(f"it is not JSON: {error}", "NN431") from error
    if is_envelope(told):
        raise AttestationError("it is an envelope; pass the --key to check it with", "NN438")
    return line


def _attached(module: Source, key: SSlibKey | None) -> Sequence[bytes]:
    """Those in the registry that the module comes from."""
    from nnshim.attesting.attached import attestations_of, has_referrers

    if module.origin is None or not has_referrers(module.name):
        raise UsageError(
            f"--attestation {AUTO} is about an artifact in a registry, which {module.name} is not;"
            " name a file"
        )
    return attestations_of(module.name, module.origin.manifest, signed=key is not None)


def _lines(path: str) -> Sequence[bytes]:
    """The lines that are not empty."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise InputError(f"{path} has more than {_LARGEST} bytes, which no attestation has")
    return [line for line in data.split(b"\n") if line.strip()]
