"""A bill of materials about rewrites, to merge into that of an application: CycloneDX 1.6, as JSON.

https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rewriter.attesting.rewritten import File, Rewritten, tool_versions

__all__ = ["bill"]


def bill(rewrites: Sequence[Rewritten]) -> bytes:
    """A component for each output, with the input as its ancestor. It has no time and no serial
    number, so that the same rewrites give the same bytes."""
    tools = {
        (name, version): {"type": "application", "name": name, "version": version}
        for rewritten in rewrites
        for name, version in tool_versions(rewritten.tools).items()
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"tools": {"components": list(tools.values())}},
        "components": [_component(number, rewritten) for number, rewritten in enumerate(rewrites)],
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def _component(number: int, rewritten: Rewritten) -> dict[str, Any]:
    source, *read = rewritten.files
    return {
        **_file(rewritten.output),
        "bom-ref": f"nnshim-{number}-sha256:{rewritten.output.sha256}",
        "pedigree": {"ancestors": [_file(source)], "notes": _notes(rewritten)},
        "properties": [
            *(
                {"name": f"nnshim:{name}", "value": _text(value)}
                for name, value in rewritten.parameters.items()
            ),
            *({"name": f"nnshim:{file.role}:sha256", "value": file.sha256} for file in read),
        ],
    }


def _file(file: File) -> dict[str, Any]:
    return {
        "type": "application",
        "mime-type": "application/wasm",
        "name": file.name or "-",
        "hashes": [{"alg": "SHA-256", "content": file.sha256}],
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _notes(rewritten: Rewritten) -> str:
    """In a sentence, what was done."""
    done = rewritten.changes
    parts = [f"imports from {each['from']} are from {each['to']}" for each in done["renamed"]]
    if functions := sorted({each["function"] for each in done["adapted"]}):
        parts.append(f"the adapters of {', '.join(functions)} changed")
    parts += [f"the section {name} was removed" for name in done["dropped"]]
    if done["component_to_core_module"]:
        parts.append("the component became a core module")
    if done["core_module_to_component"]:
        parts.append("the core module became a component")
    what = "; ".join(parts) or ("it was rewritten" if done["changed"] else "nothing had to change")
    return f"nnshim {rewritten.tools.nnshim}: {what}."
