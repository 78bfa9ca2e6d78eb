"""TorchScript archives, read before PyTorch does: what is in them, and what their code may call.

An archive is a ZIP file with tensors, and with code that PyTorch compiles and, in part, runs while
it loads: a program. Some of its functions read and write files of the host, and connect to others.
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
"""What PyTorch loads a model from, below the archive's folder.

https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/docs/serialization.md
"""

_VERSIONS = frozenset({"version", ".data/version"})
"""Where the version is: in the second since operators have versions of their own.

https://github.com/pytorch/pytorch/blob/main/caffe2/serialize/inline_container.cc
"""

_SPARE_BYTES = 64 << 20
"""By how much the entries together can be larger than twice the archive: tensors lie in it as they
are, and only code is compressed."""


def repack(data: bytes) -> bytes:
    """The same model with nothing in the archive that it does not need, each entry once, so that
    what was read here is what PyTorch reads.

    Raises HostError with `invalid_argument` where it is not a TorchScript archive, where its code
    may reach for the host (runtime_shim.backends.torch.archive.code), and where its tensors and
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
        raise HostError(
            Errno.INVALID_ARGUMENT, f"the model is not a TorchScript archive: {error}"
        ) from error


def _repacked(archive: zipfile.ZipFile, size: int) -> bytes:
    entries = archive.infolist()
    folder = entries[0].filename.partition("/")[0] if entries else ""
    if len({entry.filename.lower() for entry in entries}) != len(entries):
        raise ValueError("it has duplicate entries")  # PyTorch does not tell a from A
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
        raise ValueError("without data.pkl, constants.pkl and version, as pickles are, too")
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
        raise ValueError("what is in it is not a module")
