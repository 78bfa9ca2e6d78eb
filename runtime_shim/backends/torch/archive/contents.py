"""TorchScript archives: their contents, checked before PyTorch loads them.

An archive is a ZIP file with tensors and code. It is a program: PyTorch compiles the code and runs
a part of it during loading. Some of TorchScript's functions read and write files of the host, or
open connections.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping

from rewriter.abi.dialects import Errno
from runtime_shim.backends.torch.archive.code import read_code
from runtime_shim.backends.torch.archive.pickles import read_pickle
from runtime_shim.backends.torch.archive.values import Object, Tuple
from runtime_shim.errors import HostError

__all__ = ["repack"]

_NEEDED = re.compile(
    r"((\.data/)?version|byteorder|data\.pkl|constants\.pkl|(data|constants)/\d+|code/[\w/]+\.py)",
    re.ASCII,
)
"""The files that PyTorch loads a model from, inside the archive's folder.

https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/docs/serialization.md
"""

_VERSIONS = frozenset({"version", ".data/version"})
"""The file with the version. The second name is used since operators have their own versions.

https://github.com/pytorch/pytorch/blob/main/caffe2/serialize/inline_container.cc
"""

_SPARE_BYTES = 64 << 20
"""The total size of the entries may exceed twice the size of the archive by this many bytes:
tensors are stored uncompressed, and only code is compressed."""


def repack(data: bytes) -> bytes:
    """The same model with only what is needed, each entry once, so that PyTorch reads exactly what
    was checked here.

    Raises HostError with `invalid_argument` for a model that is not a TorchScript archive, whose
    code may access the host (runtime_shim.backends.torch.archive.code), or whose tensors and
    objects do not fit the archive and the code (runtime_shim.backends.torch.archive.pickles).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _repacked(archive, len(data))
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
    ) as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"invalid TorchScript archive: {error}") from error


def _repacked(archive: zipfile.ZipFile, size: int) -> bytes:
    entries = archive.infolist()
    folder = entries[0].filename.partition("/")[0] if entries else ""
    if len({entry.filename.lower() for entry in entries}) != len(entries):
        raise ValueError("it has duplicate entries")  # PyTorch ignores case
    if sum(entry.file_size for entry in entries) > 2 * size + _SPARE_BYTES:
        raise ValueError("it is too large when unpacked")
    output = io.BytesIO()
    sizes: dict[str, int] = {}
    read: dict[str, bytes] = {}
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as made:
        for entry in entries:
            name = entry.filename.removeprefix(f"{folder}/")
            if not _NEEDED.fullmatch(name):
                continue
            content = archive.read(entry)
            made.writestr(f"archive/{name}", content)
            sizes[name] = len(content)
            if name.endswith((".py", ".pkl")):
                read[name] = content
    if not ({"data.pkl", "constants.pkl"} <= sizes.keys() and sizes.keys() & _VERSIONS):
        raise ValueError(
            "data.pkl, constants.pkl or version is missing; pickles from torch.save lack them, too"
        )
    _check(read, sizes)
    return output.getvalue()


def _check(read: Mapping[str, bytes], sizes: Mapping[str, int]) -> None:
    classes = read_code({name: code for name, code in read.items() if name.endswith(".py")})
    constants = read_pickle(read["constants.pkl"], "constants", sizes, classes)
    if not isinstance(constants, Tuple):
        raise ValueError("its constants are not a tuple")
    module = read_pickle(read["data.pkl"], "data", sizes, classes)
    declared = classes.get(module.name) if isinstance(module, Object) else None
    if declared is None or declared.base != "Module":
        raise ValueError("its contents are not a module")
