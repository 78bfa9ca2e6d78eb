"""What `nnshim rewrite` writes about a rewrite: an attestation and a bill of materials.

A module is written before what attests it, so that nothing ever attests a module that does not
exist. Everything that can be wrong beforehand (a key, a path) is found before anything is written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nnshim.attesting.envelope import sign
from nnshim.attesting.finished import finished, option_files, paths_in
from rewriter.attesting.cyclonedx import bill
from rewriter.attesting.rewritten import File, Rewritten
from rewriter.attesting.statement import encode, statement
from rewriter.errors import UsageError
from rewriter.files.input import Source
from rewriter.files.output import check_writable, write_atomic
from rewriter.oci.reference import REGISTRY, is_artifact
from rewriter.options import RewriteOptions
from rewriter.rewriting.pipeline import Result

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner

__all__ = ["AUTO", "Begun", "Documents", "documents"]

AUTO = "auto"
"""In place of a file's name: the file beside each output that is named after it."""

_SUFFIXES = {"attestation": ".intoto.jsonl", "sbom": ".cdx.json"}
"""By https://github.com/in-toto/attestation/blob/main/spec/v1/bundle.md and
https://cyclonedx.org/specification/overview/."""


class Documents(NamedTuple):
    """What to write, each to a file, or to AUTO. Without a `signer`, an attestation is a bare
    Statement."""

    attestation: str | None
    sbom: str | None
    signer: CryptoSigner | None
    key: str | None = None
    """The file of the key."""

    @property
    def key_id(self) -> str | None:
        """The SHA-256 of the public key, in hexadecimal."""
        return None if self.signer is None else self.signer.public_key.keyid

    def paths(self, output: str) -> dict[str, str]:
        """The files that belong to one output, by kind: `attestation` or `sbom`."""
        wanted = {"attestation": self.attestation, "sbom": self.sbom}
        return {
            kind: output + _SUFFIXES[kind] if path == AUTO else path
            for kind, path in wanted.items()
            if path is not None and not (path == AUTO and is_artifact(output))
        }

    def attached(self, output: str) -> list[str]:
        """The kinds that are attached to an artifact in a registry."""
        wanted = {"attestation": self.attestation, "sbom": self.sbom}
        return [kind for kind, path in wanted.items() if path == AUTO and is_artifact(output)]

    def check(self, output: str, others: Sequence[str]) -> None:
        """Raise UsageError if one of the files is another of the rewrite's, such as `others`, which
        it reads, or if AUTO has no name to begin with. Raise OutputError if one cannot be
        written."""
        if self.attached(output) and not output.startswith(REGISTRY):
            raise UsageError(
                f"--{self.attached(output)[0]} {AUTO} attaches it to an artifact in a registry, and"
                " OUT is a layout; name a file"
            )
        taken = {os.path.realpath(path): path for path in (output, *others) if path != "-"}
        for kind, path in self.paths(output).items():
            if output == "-" and AUTO in (self.attestation, self.sbom):
                raise UsageError(f"--{kind} {AUTO} is named after OUT, and OUT is standard output")
            if path == "-":
                raise UsageError(f"--{kind} is a file, not standard output")
            real = os.path.realpath(path)
            if real in taken:
                raise UsageError(f"--{kind} would replace {taken[real]}")
            taken[real] = path
            check_writable(path)

    def begin(self, source: str, output: str, options: RewriteOptions) -> Begun:
        """To be called before one rewrite. Raises what `check` and `option_files` raise."""
        others = [source, *paths_in(options).values()]
        self.check(output, others if self.key is None else [*others, self.key])
        return Begun(self, source, output, options, option_files(options))

    def told(self, output: str) -> list[str]:
        """What was written for one output, a line for each file."""
        signed = f"signed with the key sha256:{self.key_id}" if self.key_id else "not signed"
        return [
            f"written: {path}" + (f", {signed}" if kind == "attestation" else "")
            for kind, path in self.paths(output).items()
        ] + [
            f"attached: {kind}" + (f", {signed}" if kind == "attestation" else "")
            for kind in self.attached(output)
        ]

    def write(self, rewrites: Sequence[tuple[str, Rewritten]]) -> None:
        """Write the documents about all rewrites, each given with the path of its output. A file
        that is not AUTO has all of them: an attestation has a line for each.

        Raises OutputError.
        """
        files: dict[tuple[str, str], list[Rewritten]] = {}
        for output, rewritten in rewrites:
            for kind, path in self.paths(output).items():
                files.setdefault((kind, path), []).append(rewritten)
        for (kind, path), about in files.items():
            data = bill(about) if kind == "sbom" else b"".join(map(self._line, about))
            write_atomic(path, Source(path, b""), [data])

    def attach(self, output: str, digest: str, rewritten: Rewritten) -> None:
        """Attach the documents about one rewrite to the artifact that was made, which has this
        digest. Raises OutputError."""
        made = [
            bill([rewritten]) if kind == "sbom" else self._line(rewritten)
            for kind in self.attached(output)
        ]
        if made:
            from nnshim.attesting.attached import attach

            attach(output, digest, made)

    def _line(self, rewritten: Rewritten) -> bytes:
        said = encode(statement(rewritten))
        return (said if self.signer is None else encode(sign(said, self.signer))) + b"\n"


class Begun(NamedTuple):
    """A rewrite that is about to be made. `files` are those of its options."""

    documents: Documents
    source: str
    output: str
    options: RewriteOptions
    files: Sequence[File]

    def finish(self, result: Result, digest: str | None = None) -> None:
        """Write the documents, or attach them to an artifact with this digest. Raises what
        `finished` raises, and OutputError."""
        about = finished(self.source, self.output, self.options, result, self.files)
        self.documents.write([(self.output, about)])
        if digest is not None:
            self.documents.attach(self.output, digest, about)


def documents(
    attestation: str | None, sbom: str | None, key: str | None, unsigned: bool
) -> Documents | None:
    """What the options ask for, or None. Raises UsageError for options that contradict each other
    or have no effect, and what `read_private_key` raises."""
    if attestation is None:
        for option, given in (("--key", key is not None), ("--unsigned", unsigned)):
            if given:
                raise UsageError(f"{option} has no effect without --attestation")
        return None if sbom is None else Documents(None, sbom, None)
    if (key is not None) == unsigned:
        raise UsageError(
            "--attestation takes either --key KEY.pem, to sign it, or --unsigned"
            f"{', not both' if unsigned else ''}"
        )
    if key is None:
        return Documents(attestation, sbom, None)
    from nnshim.attesting.keys import read_private_key

    return Documents(attestation, sbom, read_private_key(key), key)
