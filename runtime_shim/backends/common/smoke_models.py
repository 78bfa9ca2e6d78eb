"""Small models with known answers, to try NN runtimes with."""

from __future__ import annotations

import struct
from typing import NamedTuple

from rewriter.abi.dialects import TensorType

__all__ = ["Trial", "identity"]


class Trial(NamedTuple):
    """A model in one part, among the package's files (tests/tools/trials.py makes them), and its
    outputs for several one-dimensional tensors. One would not be enough: the answer could be left
    over."""

    file: str
    type: TensorType
    answers: tuple[tuple[bytes, bytes], ...]

    def model(self) -> bytes:
        """The model's bytes."""
        import lzma  # with the next one, doubles the time of importing what a guest starts with
        from importlib.resources import files

        data = (files("runtime_shim") / "trials" / self.file).read_bytes()
        return lzma.decompress(data) if self.file.endswith(".xz") else data


def identity(file: str) -> Trial:
    """A model in a file whose output is its input."""
    numbers = [struct.pack("<f", value) for value in (2.5, -1.25)]
    return Trial(file, TensorType.F32, tuple((number, number) for number in numbers))
