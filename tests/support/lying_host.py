"""A host of wasi-nn whose every habit can be another one, to see what a probe makes of it.

It knows the probe's models by their bytes, and computes by itself. A process of it is a call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rewriter.probing.command import MARK, Ran
from rewriter.probing.lines import NOBODY
from rewriter.probing.modules.models import TYPES
from tests.support.lying_engine import ERRNOS, Crash, Hang
from tests.support.lying_run import Run

__all__ = ["ERRNOS", "WITX_TYPES", "LyingHost"]

_IDENTITY = rb"(?<=%b)[0-9a-f]{8}" % re.escape(MARK)
"""That of a module, where its lines are in it."""

WITX_TYPES = {"f16": 0, "f32": 1, "f64": 2, "u8": 3, "i32": 4, "i64": 5}


@dataclass
class LyingHost:
    """What a host does. `errnos` are numbers of failures, or "traps", "aborts" or "hangs".
    `components` are the beginnings of names of interfaces that it has for components, None if it
    runs none; if `any_component` is set, it runs them without looking at what they do."""

    module: str = "wasi_ephemeral_nn"
    load: str = "witx"
    set_input: str = "witx"
    get_output: str = "witx"
    missing: Sequence[str] = ("load_by_name_with_config",)
    signatures: str = "at link"
    unknown: str = "refused"
    types: Mapping[str, int] = field(default_factory=lambda: WITX_TYPES)
    ignores_types: bool = False
    older_types: Mapping[str, int] = field(default_factory=dict)
    one_model: bool = False
    one_backend: bool = False
    also: Mapping[str, int] = field(default_factory=dict)
    type_bits: int = 8
    encodings: Mapping[str, int] = field(default_factory=lambda: {"openvino": 0, "onnx": 1})
    errnos: Mapping[str, int | str] = field(default_factory=lambda: ERRNOS)
    unit: int = 1
    bounds: str = "refused"
    size_needed: bool = False
    name_end: str = "length"
    names: bytes | None = None
    prints: bool = True
    code: int | None = None
    noise: bool = False
    features: Sequence[str] = ()
    calls: Sequence[str] = ("_start",)
    initializes: bool = True
    odd_initialize: bool = False
    no_wasi: Sequence[str] = ("fd_pwrite",)
    placed: int = 70
    habits: Sequence[str] = ()
    gives: Sequence[str] = tuple(TYPES)
    broken: Sequence[str] = ()
    in_first: bool = False
    in_shared: bool = True
    components: Sequence[str] | None = None
    any_component: bool = False
    memory: dict[bytes, Ran] = field(default_factory=dict)

    def __call__(self, command: Sequence[str], path: str, timeout: float) -> Ran:
        content = Path(path).read_bytes()
        ran = self._ran(re.sub(_IDENTITY, NOBODY, content))
        own = re.search(_IDENTITY, content)
        return ran if own is None else ran._replace(output=ran.output.replace(NOBODY, own[0]))

    def _ran(self, module: bytes) -> Ran:
        """What it did before, where it was given the same module."""
        if module not in self.memory:
            self.memory[module] = self._new(module)
        return self.memory[module]

    def _new(self, module: bytes) -> Ran:
        run = Run(self)
        try:
            code = run.run(module)
        except Crash:
            code = -6
        except Hang:
            code = None
        if code is not None and self.code is not None and code >= 0:
            code = self.code
        return Ran(code, bytes(run.output))
