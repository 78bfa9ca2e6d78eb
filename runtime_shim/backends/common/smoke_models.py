"""Small models with a known answer, to try NN runtimes with."""

from __future__ import annotations

import struct
from typing import NamedTuple

from rewriter.abi.dialects import TensorType

__all__ = ["Trial", "identity"]


class Trial(NamedTuple):
    """A model in one part, among the package's files (tests/tools/trials.py makes them), and what
    it gives for one tensor with one dimension: for several, so that no answer can be left over."""

    file: str
    type: TensorType
    answers: tuple[tuple[bytes, bytes], ...]

    def model(self) -> bytes:
        """The model's bytes."""
        import lzma  # with the next, as long to import as all else that a guest starts with
        from importlib.resources import files

        data = (files("runtime_shim") / "trials" / self.file).read_bytes()
        return lzma.decompress(data) if self.file.endswith(".xz") else data


def identity(file: str) -> Trial:
    """A model in a file that gives what it is given."""
    numbers = [struct.pack("<f", value) for value in (2.5, -1.25)]
    return Trial(file, TensorType.F32, tuple((number, number) for number in numbers))
