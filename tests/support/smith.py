"""Modules by wasm-smith."""

from __future__ import annotations

import json
import random
import subprocess
from collections import defaultdict
from pathlib import Path

from rewriter import inspect_module
from rewriter.abi.dialects import WITX
from rewriter.files import wasm_tools
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.module import Module
from rewriter.wasm.patch import Edit, Patch, resized
from rewriter.wasm.sections import SectionId
from rewriter.wasm.types import FuncType
from tests.support.wasm import assemble, name, vector

NO_MODULE = 2
"""wasm-smith's exit status where a seed gives none."""

CONFIG = {
    "compact-imports-enabled": True,
    "custom-page-sizes-enabled": True,
    "exceptions-enabled": True,
    "gc-enabled": True,
    "memory64-enabled": True,
    "reference-types-enabled": True,
    "threads-enabled": True,
    "max-imports": 12,
    "max-memories": 4,
    "max-tables": 4,
    "generate-custom-sections": True,
}


def smith(
    seed: bytes,
    folder: Path,
    available: str | None = None,
    exported: str | None = None,
    **config: object,
) -> bytes | None:
    """The module of a seed, if it gives one. `available` is a module in text whose imports are all
    that there is to import, `exported` one whose exports it has; `config` changes CONFIG. Files
    that wasm-tools needs go to `folder`."""
    settings = folder / "config.json"
    settings.write_text(json.dumps({**CONFIG, **config}))
    arguments = ["smith", "--config", str(settings)]
    for option, text in (("--available-imports", available), ("--exports", exported)):
        if text is not None:
            path = folder / f"{option}.wasm"
            path.write_bytes(assemble(text))
            arguments += [option, str(path)]
    done = subprocess.run(
        [wasm_tools.find(), *arguments], input=seed, capture_output=True, check=False
    )
    if done.returncode == NO_MODULE:
        return None
    assert done.returncode == 0, done.stderr
    return done.stdout


_SEED_BYTES = 1500
_WASI_NN = "(module " + " ".join(
    f'(import "wasi_ephemeral_nn" "{name}" (func {WITX.signature(name)}))'
    for name in ("load", "set_input", "get_output")
) + ")"  # fmt: skip


def smith_guest(seeds: random.Random, folder: Path, **config: object) -> bytes:
    """The next module with wasi-nn imports, each called, and named by ref.func, in two segments and
    by an export; its first memory is exported for the host."""
    config |= {"memory64-enabled": False, "threads-enabled": False, "min-memories": 1}
    while True:
        made = smith(seeds.randbytes(_SEED_BYTES), folder, _WASI_NN, None, **config)
        if made is not None and inspect_module(made).abis:
            return _with_references(made)


def _with_references(module: bytes) -> bytes:
    added: dict[SectionId, list[bytes]] = defaultdict(list)
    added[SectionId.EXPORT].append(name("memory") + b"\2\0")
    for slot, item in inspect_module(module).wasi_nn.items():
        assert isinstance(item.type, FuncType)
        index = encode_u32(slot, 1 + slot % 5)
        arguments = b"".join(b"\x20" + encode_u32(i) for i in range(len(item.type.params)))
        body = b"\0" + arguments + b"\x10" + index + b"\xd2" + index + b"\x1a\x0b"
        added[SectionId.FUNCTION].append(encode_u32(item.type_index or 0))
        added[SectionId.CODE].append(encode_u32(len(body)) + body)
        added[SectionId.ELEMENT] += [b"\1\0\2" + index * 2, b"\7\x70\1\xd2" + index + b"\x0b"]
        added[SectionId.EXPORT].append(name(f"wasi-nn {slot}") + b"\0" + index)
    patch = Patch(Module(module))
    for section_id, items in sorted(added.items()):
        found = patch.module.find(section_id)
        if found is None:
            patch.add(section_id, vector(*items))
            continue
        cursor = found.cursor()
        count = cursor.u32()
        counted = resized(found.content, cursor.pos, count, len(items))
        patch.edit(found, [*counted, Edit(found.end, found.end, b"".join(items))])
    made, pos = b"", 0
    for edit in patch.edits():
        made += module[pos : edit.start] + edit.replacement
        pos = edit.end
    return made + module[pos:]
