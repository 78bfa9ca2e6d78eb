"""How the tests ask a small language model."""

from __future__ import annotations

from pathlib import Path

from rewriter.abi.dialects import Target, TensorType
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlContext

GREEDY: dict[str, object] = {"temp": 0, "ctx-size": 64, "threads": 1}
"""Several threads wait for each other by spinning, which takes longer than all else here."""


def context(model: Path, **options: object) -> GgmlContext:
    given = {**GREEDY, **{name.replace("_", "-"): value for name, value in options.items()}}
    return GgmlBackend().load([model], Target.CPU, given).init_execution_context()


def set_text(context: GgmlContext, text: str | bytes, index: int = 0) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    context.set_input(index, TensorType.U8, (1,), memoryview(data))


def answer(context: GgmlContext, text: str) -> bytes:
    set_text(context, text)
    context.compute()
    return bytes(context.get_output(0))
