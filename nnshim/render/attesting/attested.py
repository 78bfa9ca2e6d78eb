"""An attestation that was checked, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnshim.attesting.checking import Attested

__all__ = ["in_json", "in_text"]


def in_text(found: Attested) -> list[str]:
    """What it says, and who says it."""
    claims = found.claims
    tool = f"nnshim {claims.versions.get('nnshim', '(version not given)')}"
    source = claims.input.name or "standard input"
    made = f"{tool} made this module from {source}"
    if claims.input.sha256 == found.subject.sha256:
        made = f"{tool} had nothing to change in {source}, which is this module"
    if found.key_id is None:
        first = f"not signed; says only that {made}"
    else:
        first = f"signed with this key: {made}"
    validator = claims.versions.get("wasm-tools")
    valid = f"by wasm-tools {validator}" if validator and claims.options.get("validate") else "no"
    rows = [
        ("key", found.key_id and f"sha256:{found.key_id}"),
        ("module", f"sha256:{found.subject.sha256}"),
        *((file.role, f"sha256:{file.sha256}") for file in claims.files),
        *((f"option {name}", _text(value)) for name, value in claims.options.items()),
        ("validated", valid),
        ("reported", ", ".join(sorted(claims.change.notes))),
    ]
    said = [first, *(f"  {name}: {value}" for name, value in rows if value)]
    if "NN312" in claims.change.notes:
        said.append("  the host cannot run this module (NN312), as nnshim said when it made it")
    return said


def in_json(found: Attested) -> dict[str, Any]:
    """The same."""
    claims = found.claims
    return {
        "signed_by": found.key_id,
        "subject": {"name": found.subject.name, "sha256": found.subject.sha256},
        "files": [file._asdict() for file in claims.files],
        "options": dict(claims.options),
        "versions": dict(claims.versions),
        "notes": sorted(claims.change.notes),
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
