"""The in-toto Statement about a rewrite, with SLSA provenance as its predicate.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import json
from typing import Any

from rewriter.attesting.rewritten import File, Rewritten, tool_versions

__all__ = ["BUILDER", "BUILD_TYPE", "PREDICATE_TYPE", "STATEMENT_TYPE", "encode", "statement"]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"

BUILD_TYPE = "urn:nnshim:rewrite:v1"
"""The name, not an address, of what docs/provenance.md says about the parameters."""

BUILDER = "pkg:pypi/nnshim"
"""nnshim itself, as a package URL: who ran it is shown by the key."""


def statement(rewritten: Rewritten) -> dict[str, Any]:
    """What was done to which file, for whom, and by what. The same rewrite gives the same
    statement: it has no time."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [_described(rewritten.output, rewritten.output.name)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(rewritten.parameters),
                "internalParameters": dict(rewritten.changes),
                "resolvedDependencies": [_dependency(file) for file in rewritten.files],
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": tool_versions(rewritten.tools)},
            },
        },
    }


def encode(value: dict[str, Any]) -> bytes:
    """In ASCII and one line, as a line of a bundle has it."""
    return json.dumps(value, separators=(",", ":")).encode()


def _described(file: File, name: str) -> dict[str, Any]:
    named = {"name": name} if name else {}
    return {**named, "digest": {"sha256": file.sha256}}


def _dependency(file: File) -> dict[str, Any]:
    """Known by its role, because two files may have one name."""
    annotated = {"annotations": {"file": file.name}} if file.name else {}
    return {**_described(file, file.role), **annotated}
