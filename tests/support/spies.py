"""Models that give away all that their process has seen."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from rewriter.abi.dialects import Encoding, Target, TensorType
from runtime_shim import NamedGraph, NNHost, Session

__all__ = ["Told", "ask", "install", "own", "spying_host"]

SPY = """
import gc, os
from pathlib import Path
from runtime_shim.testing import FakeBackend, FakeContext

seen = []

def tell(inputs):
    seen.extend(inputs)
    contexts = sum(isinstance(each, FakeContext) for each in gc.get_objects())
    return [b"%d" % os.getpid(), b"|".join(seen), b"%d" % contexts]

class Spy(FakeBackend):
    def load(self, parts, place, options):
        seen.extend(part.read_bytes() if isinstance(part, Path) else part for part in parts)
        seen.extend(str(value).encode() for value in options.values())
        return super().load(parts, place, options)

def create(settings):
    os.write(1, b"what an NN runtime prints\\n")
    return Spy(tell)
"""


def install(folder: Path, code: str, *encodings: str) -> None:
    """A package with a backend of one's own for some encodings."""
    (folder / "hostile.py").write_text(code)
    info = folder / "hostile-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1\n")
    points = "".join(f"{encoding} = hostile:create\n" for encoding in encodings)
    (info / "entry_points.txt").write_text("[nnshim.backends]\n" + points)


def spying_host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> NNHost:
    """With isolation, spies for MLX and Piper models, and one named graph, which is MLX."""
    install(folder, SPY, "mlx", "piper")
    monkeypatch.syspath_prepend(folder)
    model = folder / "model"
    model.write_bytes(b"the operator's model")
    named = NamedGraph("named", Encoding.MLX, Target.CPU, (str(model),))
    return NNHost(isolate=True, graphs=[named])


class Told(NamedTuple):
    """What a model gives away: its process, what was seen there, and the contexts there."""

    pid: int
    seen: bytes
    contexts: int


def ask(session: Session, graph: int, *given: bytes) -> Told:
    context = session.init_execution_context(graph)
    for index, data in enumerate(given):
        session.set_input(context, index, TensorType.U8, (len(data),), memoryview(data))
    session.compute(context)
    pid, seen, contexts = (bytes(session.get_output(context, index)) for index in range(3))
    session.finalize_execution_context(context)
    return Told(int(pid), seen, int(contexts))


def own(
    session: Session, *given: bytes, model: bytes = b"any", encoding: Encoding = Encoding.MLX
) -> Told:
    """Of a model that the guest loads from its memory."""
    return ask(session, session.load([model], encoding, Target.CPU), *given)
