"""Values as JSON, in the form that schema.json has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnshim.render.inspection import of_artifact
from nnshim.render.json_hosts import apart, diagnostic, diagnostics, host
from nnshim.render.values import InspectedComponent
from rewriter.rewriting.provenance import read_record
from rewriter.terminal import shown
from rewriter.wasm.custom import RECORD

if TYPE_CHECKING:
    from nnshim.attesting.documents import Documents
    from nnshim.render.values import Checked, Examined, Inspected, Rewriting
    from rewriter.analysis.compatibility import Verdict
    from rewriter.codes import Code
    from rewriter.diagnostics import Diagnostic
    from rewriter.errors import NNShimError
    from rewriter.files.input import Origin
    from rewriter.models.model import Model, Port
    from rewriter.rewriting.pipeline import Result
    from rewriter.verifying.compare import Comparison
    from runtime_shim.diagnostics.doctor import BackendReport
    from runtime_shim.model_cache import Kept

__all__ = [
    "apart",
    "checked",
    "compared",
    "document",
    "examined",
    "explained",
    "failed",
    "host",
    "inspected",
    "kept",
    "problem",
    "rewriting",
    "rewritten",
    "to_json",
]

Object = dict[str, Any]

_NOT_PLAIN = re.compile("[^ -~\n]")


def to_json(value: Any, indent: int | None = 2) -> str:
    r"""JSON in ASCII, over several lines, or on one without `indent`. In the name of a file, a byte
    that is not UTF-8 is the four characters `\xff`: there is no JSON for it that all parsers
    take."""
    return _NOT_PLAIN.sub(_in_json, json.dumps(value, indent=indent, ensure_ascii=False))


def document(objects: Sequence[Object]) -> list[str]:
    """What is found in several files, as lines."""
    return to_json(objects).split("\n")


def _in_json(found: re.Match[str]) -> str:
    char = found[0]
    if "\ud800" <= char <= "\udfff":
        return json.dumps(shown(char))[1:-1]
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


def problem(found: Diagnostic | None) -> Object | None:
    return None if found is None else diagnostic(found)


def failed(error: NNShimError, file: str | None = None) -> Object:
    """An error; where several files are looked at, about one, which has no verdict."""
    about = {} if file is None else {"file": file, "verdict": "no_verdict"}
    return {**about, "errors": diagnostics(error.diagnostics)}


def inspected(value: Inspected | InspectedComponent) -> Object:
    origin = of_artifact.as_json(value.origin)
    if isinstance(value, InspectedComponent):
        return {**_inspected_component(value), **origin}
    return {**_inspected_module(value), **origin}


def _inspected_component(value: InspectedComponent) -> Object:
    info = value.info
    return {
        "file": value.path,
        "size": info.size,
        "diagnostics": diagnostics(value.findings),
        "component": {
            "wasi_nn": list(dict.fromkeys(item.version for item in info.wasi_nn)),
            "wasi": list(info.wasi),
            "made": info.making.name.lower(),
            "core_modules": info.core_modules,
            "command": info.is_command,
            "imports": [
                {
                    "name": item.name,
                    "sort": item.sort,
                    "functions": sorted(item.functions),
                    "wasi_nn": item in info.wasi_nn,
                }
                for item in info.imports
            ],
            "exports": list(info.exports),
        },
        "runs_on": _runs_on(value.hosts),
    }


def _runs_on(hosts: Mapping[str, Verdict]) -> Object:
    return {
        name: {
            "verdict": found.answer.value,
            "runs": found.runs.name.lower(),
            "diagnostics": diagnostics((*found.reasons, *found.caveats)),
        }
        for name, found in hosts.items()
    }


def _inspected_module(value: Inspected) -> Object:
    info = value.info
    return {
        "file": value.path,
        "size": info.size,
        "object_file": info.is_object_file,
        "diagnostics": diagnostics(value.findings),
        "import_modules": info.import_modules,
        "imports": [
            {
                "module": item.module,
                "name": item.name,
                "kind": item.kind,
                "type": str(item.type) if item.type else None,
                "wasi_nn": item.is_wasi_nn,
            }
            for item in info.imports
        ],
        "abis": {
            module: {
                "name": abi.name,
                "certain": abi.certain,
                "tensor_types_certain": module not in value.hidden,
                "evidence": diagnostics(abi.evidence),
            }
            for module, abi in info.abis.items()
        },
        "adapters": [standing.adapter.name for standing in info.adapters.values()],
        "exports": tuple(info.exports),
        "exported_memories": {name: str(memory) for name, memory in info.exported_memories},
        "custom_sections": [
            {"name": s.name, "offset": s.offset, "size": s.size} for s in info.custom_sections
        ],
        "records": read_record(info.module.custom(RECORD)),
        "debug_info": bool(info.debug_sections),
        "runs_on": _runs_on(value.hosts),
    }


def checked(value: Checked) -> Object:
    found = value.found
    return {
        "file": value.path,
        "host": value.host,
        "verdict": found.answer.value,
        "runs": found.runs.name.lower(),
        "rewrite": value.rewrite,
        "only_if": _codes(found.counted),
        "accepted": _codes(found.accepted),
        "diagnostics": diagnostics((*value.reasons, *found.caveats)),
        "models": [_model(model) for model in value.models],
        "explained": None if value.explained is None else value.explained._asdict(),
    }


def _model(model: Model) -> Object:
    return {
        "file": model.path,
        "encoding": None if model.encoding is None else model.encoding.name.lower(),
        "format": model.title,
        "size": model.size,
        "quantised": model.quantised,
        "inputs": _ports(model.inputs),
        "outputs": _ports(model.outputs),
        "parts": model.parts,
        "weights_elsewhere": model.elsewhere,
    }


def _ports(ports: Sequence[Port] | None) -> list[Object] | None:
    if ports is None:
        return None
    return [
        {
            "name": port.name,
            "type": port.type or None,
            "dimensions": port.dims,
            "quantised": port.quantised,
        }
        for port in ports
    ]


def _codes(said: Iterable[Diagnostic]) -> list[str]:
    """Each once."""
    return sorted({found.code for found in said})


def rewritten(
    result: Result,
    source: str,
    output: str | None,
    validated: bool,
    documents: Documents | None = None,
    digest: str | None = None,
    origin: Origin | None = None,
) -> Object:
    """`digest` is that of the artifact, if the output is one, and `origin` is that of the input."""
    plan = result.plan
    of_output = {} if digest is None else {"digest": digest}
    return {
        "changed": result.changed,
        "written": result.written,
        "validated": validated,
        "renamed": [{"from": r.old, "to": r.new, "imports": r.imports} for r in plan.renames],
        "adapted": [
            {
                "function": adapted.function,
                "from": adapted.after.source.name if adapted.after else None,
                "to": adapted.after.target.name if adapted.after else None,
            }
            for adapted in dict.fromkeys(plan.adapting.adapted)
        ],
        "redirected": plan.adapting.references,
        "dropped": plan.dropped,
        "outdated": plan.outdated,
        "ungrouped": plan.ungrouped,
        "diagnostics": diagnostics(result.notes),
        "input": {
            "path": source,
            "size": result.input_size,
            "sha256": result.input_sha256,
            **of_artifact.as_json(origin),
        },
        "output": {
            "path": output,
            "size": result.output_size,
            "sha256": result.output_sha256,
            **of_output,
        },
        **({} if documents is None else _documents(documents, output)),
    }


def _documents(documents: Documents, output: str | None) -> Object:
    written = documents.paths(output or "-")
    return {
        "attestation": written.get("attestation"),
        "signed_by": documents.key_id,
        "sbom": written.get("sbom"),
    }


def rewriting(value: Rewriting) -> Object:
    """One of many files."""
    return {
        "file": value.path,
        "result": value.result,
        "output": value.output,
        "errors": [] if value.error is None else diagnostics(value.error.diagnostics),
        "rewrite": value.data,
    }


def compared(comparison: Comparison) -> Object:
    return {
        "only_rewritten": comparison.only_rewritten,
        "renamed": [{"from": r.old, "to": r.new, "imports": r.imports} for r in comparison.renames],
        "adapters": comparison.adapters,
        "dropped": comparison.dropped,
        "widened": comparison.widened,
        "marked": comparison.marked,
        "differences": [
            {
                "code": found.code,
                "severity": found.diagnostic.severity,
                "message": found.what,
                "original_offset": found.original_offset,
                "rewritten_offset": found.rewritten_offset,
                "help": found.help,
            }
            for found in comparison.differences
        ],
    }


def examined(value: Examined) -> Object:
    return {
        "nnshim": value.nnshim,
        "python": value.python,
        "wasmtime": value.wasmtime,
        "wasm_tools": {"version": value.wasm_tools, "problem": problem(value.problem)},
        "samples": value.samples,
        "backends": [_backend(backend) for backend in value.backends],
        "ray": {"version": value.ray[0], "problem": problem(value.ray[1])},
        "gpus": [gpu._asdict() for gpu in value.gpus],
        "tools": dict(value.tools),
        "module_cache": value.modules and value.modules._asdict(),
    }


def _backend(backend: BackendReport) -> Object:
    return {
        "encoding": backend.encoding,
        "version": backend.version,
        "problem": problem(backend.problem),
        "devices": [
            {
                "target": device.target,
                "device": device.device,
                "tried": device.tried,
                "problem": problem(device.problem),
            }
            for device in backend.devices
        ],
    }


def kept(found: Sequence[Kept]) -> list[Object]:
    return [item._asdict() for item in found]


def explained(codes: Iterable[Code]) -> list[Object]:
    """Also a list of all."""
    return [
        {
            "code": code.number,
            "severity": code.severity,
            "title": code.title,
            "meaning": code.meaning,
            "remedy": code.remedy,
        }
        for code in codes
    ]
