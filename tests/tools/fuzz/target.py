"""What is fuzzed, as a process of its own: libFuzzer takes its command line, and ends it.

    python -m tests.tools.fuzz.target [CORPUS or an input] [libFuzzer's options]

Of several folders, what is found goes to the first.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
import sys
import zlib
from typing import Any

import atheris

with atheris.instrument_imports(include=["rewriter"]):
    import rewriter

    for module in pkgutil.walk_packages(rewriter.__path__, "rewriter."):
        importlib.import_module(module.name)

from rewriter import HostMismatch, ModuleError, RewriteOptions, compare, rewrite
from rewriter.abi.dialects import DIALECTS
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.reader import Cursor
from rewriter.wasm.sections import SectionId, split
from tests.support.wasm import section

GOALS = (
    RewriteOptions(to="wasi_nn", validate=False),
    RewriteOptions(to="wasi_nn", keep_offsets=True, record=True, validate=False),
    *(RewriteOptions(abi=abi, validate=False) for abi in DIALECTS),
    *(RewriteOptions(abi="witx", guest_abi=abi, validate=False) for abi in DIALECTS),
    RewriteOptions(host="wasmedge", validate=False),
    RewriteOptions(host="wasmtime", built_for="unknown", validate=False),
)


def check(data: bytes) -> None:
    """A module is refused by a ModuleError, or rewritten to one that differs in nothing else, and
    that stays as it is when it is rewritten again."""
    options = GOALS[zlib.crc32(data) % len(GOALS)]
    try:
        there = rewrite(data, options)
    except HostMismatch:
        return
    except ModuleError as error:
        if error.offset not in range(len(data) + 1):
            raise AssertionError(f"{error} names no byte of the input") from error
        return
    assert rewrite(there, options) == there, options
    if there != data and options.adapts:  # a rename reads the imports only; compare, all
        assert compare(data, there, guest_abi=options.guest_abi).only_rewritten, options


def mutate(data: bytes, max_size: int, seed: int) -> Any:
    """libFuzzer's mutation of the content of one section, or of one function's body, with the sizes
    around it put right; of the whole file, where that has no sections, and now and then."""
    choose = random.Random(seed)
    try:
        sections = [*split(data)]
    except ModuleError:
        sections = []
    if not sections or choose.random() < 0.1:
        return atheris.Mutate(data, max_size)
    chosen = choose.choice(sections)
    content = data[chosen.content : chosen.end]
    room = max(1, max_size - len(data) + len(content))
    if chosen.id is SectionId.CODE and choose.random() < 0.8:
        content = _mutate_body(content, room, choose)
    else:
        content = atheris.Mutate(content, room)
    return data[: chosen.start] + section(chosen.id, content) + data[chosen.end :]


def _mutate_body(code: bytes, room: int, choose: random.Random) -> Any:
    bodies = []
    cursor = Cursor(code, 0, len(code))
    try:
        for _ in range(cursor.count("functions")):
            size = cursor.u32()
            bodies.append(code[cursor.pos : cursor.pos + size])
            cursor.pos += size
    except ModuleError:
        bodies = []
    if not bodies:
        return atheris.Mutate(code, room)
    place = choose.randrange(len(bodies))
    bodies[place] = atheris.Mutate(bodies[place], max(1, room - len(code) + len(bodies[place])))
    return encode_u32(len(bodies)) + b"".join(encode_u32(len(body)) + body for body in bodies)


if __name__ == "__main__":
    atheris.Setup(sys.argv, check, custom_mutator=mutate)
    atheris.Fuzz()
