"""TorchScript archives, read before PyTorch does: what is in them, and what their code may call.

An archive is a ZIP file with tensors, and with code that PyTorch compiles and, in part, runs while
it loads: a program. Some of its functions read and write files of the host, and connect to others.
"""

from __future__ import annotations

import io
import re
import zipfile

from rewriter.dialects import Errno
from runtime_shim.errors import HostError

__all__ = ["repack"]

_NEEDED = re.compile(
    r"(version|byteorder|data\.pkl|constants\.pkl|(data|constants)/\d+|code/[\w/.]+\.py)"
)
"""What PyTorch loads a model from, below the archive's folder.

https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/docs/serialization.md
"""

_SPARE_BYTES = 64 << 20
"""By how much the entries together can be larger than twice the archive: tensors lie in it as they
are, and only code is compressed."""

_FORBIDDEN = re.compile(rb"\b(from_file|save)\b")
"""aten::from_file maps a file of the host, aten::save writes one."""

_OPERATORS = re.compile(rb"\bops\b(?!\.(aten|prim|prims|quantized|quantization|sparse|mkldnn)\.)")
"""A library of operators that is none of these. Among the others are those that connect to other
processes (c10d, symm_mem) and that read files (debugprims)."""


def repack(data: bytes) -> bytes:
    """The same model with nothing in the archive that it does not need, each entry once, so that
    what was read here is what PyTorch reads.

    Raises HostError with `invalid_argument` where it is no TorchScript archive, and where its code
    names a function that reaches for the host; in comments and strings too, as what would read
    them apart from code could be told otherwise.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _repacked(archive, len(data))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise HostError(
            Errno.INVALID_ARGUMENT, f"the model is no TorchScript archive: {error}"
        ) from error


def _repacked(archive: zipfile.ZipFile, size: int) -> bytes:
    entries = archive.infolist()
    folder = entries[0].filename.partition("/")[0] if entries else ""
    if len({entry.filename for entry in entries}) != len(entries):
        raise ValueError("it has entries twice")
    if sum(entry.file_size for entry in entries) > 2 * size + _SPARE_BYTES:
        raise ValueError("it becomes too large when it is unpacked")
    output = io.BytesIO()
    names = set()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as made:
        for entry in entries:
            name = entry.filename.removeprefix(f"{folder}/")
            if not _NEEDED.fullmatch(name):
                continue
            content = archive.read(entry)
            if name.startswith("code/"):
                _check(name, content)
            made.writestr(f"archive/{name}", content)
            names.add(name)
    if not {"data.pkl", "constants.pkl", "version"} <= names:
        raise ValueError("without data.pkl, constants.pkl and version, as pickles are, too")
    return output.getvalue()


def _check(name: str, code: bytes) -> None:
    found = _FORBIDDEN.search(code) or _OPERATORS.search(code)
    if found is not None:
        line = code.count(b"\n", 0, found.start()) + 1
        text = code.splitlines()[line - 1].strip().decode("utf-8", "replace")
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"the model's code, {name} line {line}, may reach for the host: {text!r}",
        )
