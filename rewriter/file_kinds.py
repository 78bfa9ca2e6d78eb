"""What a file is, by its first bytes: for errors about a file that is not what it should be."""

from __future__ import annotations

import os
import re
import stat
import zlib
from enum import Enum
from typing import NamedTuple

__all__ = [
    "GZIP",
    "HEAD",
    "LFS_POINTER",
    "MAGIC",
    "Family",
    "Kind",
    "begins_as_archive",
    "kind_of",
    "mistaken",
    "special",
]

HEAD = 4096
"""Bytes that are looked at."""

MAGIC = b"\0asm"
"""https://webassembly.github.io/spec/core/binary/modules.html#binary-module"""

GZIP = b"\x1f\x8b\x08"
"""https://www.rfc-editor.org/rfc/rfc1952#page-5"""

_ARCHIVES = (
    # https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, the others of split archives
    *(b"PK\3\4", b"PK\7\x08PK\3\4", b"PK00PK\3\4"),
    b"7z\xbc\xaf\x27\x1c",  # https://py7zr.readthedocs.io/en/latest/archive_format.html
    b"Rar!\x1a\7",  # https://www.rarlab.com/technote.htm
    b"\xfd7zXZ\0",  # https://tukaani.org/xz/xz-file-format.txt
    b"\x28\xb5\x2f\xfd",  # https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
    b"BZh",
    b"\x1f\x9d",  # of compress
    b"\x04\x22\x4d\x18",  # https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
    b"\x02\x21\x4c\x18",  # the same page, "Legacy frame"
    b"LZIP\1",  # https://www.nongnu.org/lzip/manual/lzip_manual.html#File-format
    b"\x89LZO\0\r\n\x1a\n",  # of lzop
    b"!<arch>\n",  # https://man7.org/linux/man-pages/man5/ar.5.html
    b"\xed\xab\xee\xdb",  # https://rpm-software-management.github.io/rpm/manual/format_lead.html
    b"MSCF\0\0\0\0",  # https://learn.microsoft.com/en-us/previous-versions/bb417343(v=msdn.10)
    b"xar!\0",  # https://github.com/apple-oss-distributions/xar/blob/main/xar/include/xar.h.in
    b"hsqs",  # https://docs.kernel.org/filesystems/squashfs.html
)
"""What archives, and files that are compressed in another way than with gzip, begin with."""

_ARCHIVE = re.compile(
    # cpio: https://man.freebsd.org/cgi/man.cgi?query=cpio&sektion=5
    rb"07070[12][0-9A-Fa-f]{104}|070707[0-7]{70}"
    # zstd and LZ4, whose skippable frames are the same: RFC 8878, section 3.1.2
    rb"|[\x50-\x5f]\x2a\x4d\x18"
    # .lzma: https://github.com/tukaani-project/xz/blob/master/doc/lzma-file-format.txt, with the
    # usual lc, lp and pb, a size below 1 TiB, and the first byte of a range coder
    rb"|\x5d\0(?!\0\0\0).{3}(\xff{8}|.{5}\0{3})\0",
    re.DOTALL,
)

_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
"""https://www.rfc-editor.org/rfc/rfc1950#section-2.2, with the usual window."""

_TAR, _TAR_AT = b"ustar", 257
"""https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06"""

_HEADER, _SUM_AT, _SUM_END = 512, 148, 156
"""Bytes of a tar's header, and where its sum is, by the same page."""


class Family(Enum):
    """What files are good for: `MODEL` for what may be a model in a format that wasi-nn has a name
    for, `ARTIFACT` for what an engine has compiled."""

    MODULE = "module"
    MODEL = "model"
    ARTIFACT = "artifact"
    OTHER = "other"


class Kind(NamedTuple):
    """`title` is how messages call such a file ("an ONNX model"). `remedy` says what to do with it.
    `begins` is a pattern for its first HEAD bytes."""

    title: str
    remedy: str
    begins: bytes
    family: Family = Family.OTHER


_BENCH = "`nnshim bench` runs it"
_EXPORT = "export the model to ONNX, or with torch.jit.save"
_AGAIN = "download it again"
_COMPILED = "rewrite the .wasm that it was compiled from and compile that again"
_MODEL, _ARTIFACT = Family.MODEL, Family.ARTIFACT

LFS_POINTER = Kind(
    "a Git LFS pointer",
    "`git lfs pull` fetches the file",
    rb"version https://git-lfs\.github\.com/spec/",
)
"""https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""

_KINDS = (
    # https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
    Kind("a WebAssembly component", "check the path", rb"\0asm..\x01\0"),
    Kind("a WebAssembly module", "`nnshim run` runs it", rb"\0asm", Family.MODULE),
    # EI_OSABI, by crates/environ/src/obj.rs of wasmtime
    Kind("a precompiled artifact (Wasmtime's .cwasm)", _COMPILED, rb"\x7fELF.{3}\xc8", _ARTIFACT),
    Kind(
        "an ELF file: a program, or a precompiled artifact such as WasmEdge's .so",
        _COMPILED,
        rb"\x7fELF",
        _ARTIFACT,
    ),
    # https://github.com/bytecodealliance/wasm-micro-runtime/blob/main/core/config.h
    Kind("a precompiled artifact (WAMR's .aot)", _COMPILED, rb"\0aot", _ARTIFACT),
    Kind("a library or program for macOS (Mach-O)", _COMPILED, rb"[\xce\xcf]\xfa\xed\xfe"),
    Kind("a library or program for Windows", _COMPILED, rb"MZ.{58}.{2}\0\0"),
    # The same as in rewriter.models.formats, but for what is too short to be sure.
    Kind("a GGUF model", _BENCH, rb"GGUF", _MODEL),
    Kind("a TensorFlow Lite model", _BENCH, rb".{4}TFL3", _MODEL),
    Kind("an ONNX Runtime model (ORT format)", _BENCH, rb".{4}ORTM", _MODEL),
    Kind(
        "an OpenVINO model (XML)",
        _BENCH,
        rb"\s*(<\?xml[^>]*>\s*)?(<!--((?!-->).)*-->\s*)*<net\b",
        _MODEL,
    ),
    # SavedModel.saved_model_schema_version is 1, and its meta graph starts with a MetaInfoDef
    # https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/saved_model.proto
    Kind(
        "a TensorFlow SavedModel",
        "`nnshim check MODULE --model` says which hosts take it",
        rb"\x08\x01\x12[\x80-\xff]{0,4}[\x00-\x7f]\n",
        _MODEL,
    ),
    # ModelProto.ir_version, and then any of its other fields
    # https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
    Kind("an ONNX model", _BENCH, rb"\x08[\x01-\x3f][\x12\x1a\x22\x28\x32\x3a\x42]", _MODEL),
    Kind(
        "a frozen TensorFlow graph",
        _BENCH,
        rb"\n[\x80-\xff]{0,4}[\x00-\x7f]\n[\x80-\xff]?[\x00-\x7f][\w./]",
        _MODEL,
    ),
    Kind(
        "a PyTorch file (ZIP)",
        "`nnshim bench` runs it if it is TorchScript, made by torch.jit.save",
        rb"PK\x03\x04.{26}[^/\0]{1,255}/(data\.pkl|\.format_version|version|byteorder|constants\.pkl)",
        _MODEL,
    ),
    Kind("a Keras model (ZIP)", _EXPORT, rb"PK\x03\x04.{26}(metadata|config)\.json"),
    Kind("NumPy arrays (.npz)", "a model is needed", rb"PK\x03\x04.{26}[^\0]{1,255}\.npy"),
    # TorchScript, too, if extra files come first in it
    Kind("a ZIP archive", "unpack it with unzip", rb"PK\x03\x04", _MODEL),
    Kind("an empty ZIP archive", f"make it again, or {_AGAIN}", rb"PK\x05\x06"),
    Kind("an HDF5 file, such as Keras writes", _EXPORT, rb"\x89HDF\r\n\x1a\n"),
    Kind("weights in safetensors' format, without the model", _EXPORT, rb'.{5}\0{3}\{\s*"'),
    Kind(
        "a Python pickle, such as PyTorch's weights",
        _EXPORT,
        rb"\x80[\x02-\x05][\x95\x8a\x28\x5d\x63\x7d]",
    ),
    Kind("a NumPy array (.npy)", "a model is needed", rb"\x93NUMPY"),
    # https://www.rfc-editor.org/rfc/rfc1952, and the magic numbers of the others' own formats
    Kind("compressed with gzip", "decompress it with gunzip", rb"\x1f\x8b\x08"),
    Kind("compressed with zstd", "decompress it with unzstd", rb"\x28\xb5\x2f\xfd"),
    Kind("compressed with xz", "decompress it with unxz", rb"\xfd7zXZ\0"),
    Kind("compressed with bzip2", "decompress it with bunzip2", rb"BZh[1-9]1AY&SY"),
    Kind("compressed with LZ4", "decompress it with unlz4", rb"\x04\x22\x4d\x18"),
    Kind("a 7z archive", "unpack it with 7z x", rb"7z\xbc\xaf\x27\x1c"),
    Kind("a tar archive", "unpack it with tar -xf", rb".{257}ustar"),
    LFS_POINTER,
    Kind(
        "a web page (HTML)",
        f"the download probably failed; {_AGAIN}",
        rb"(?i)(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--((?!-->).)*-->\s*)*"
        rb"<(!doctype\s+html|html|head|body)\b",
    ),
    Kind("a PNG image", "check the path", rb"\x89PNG\r\n"),
    Kind("a JPEG image", "check the path", rb"\xff\xd8\xff"),
    Kind("a PDF document", "check the path", rb"%PDF-"),
    Kind("LLVM bitcode", "compile and link it to a .wasm", rb"BC\xc0\xde"),
    Kind("an ar archive (a static library)", "link it to a .wasm", rb"!<arch>\n"),
    Kind(
        "text with a byte order mark",
        "save it as UTF-8 without a byte order mark",
        rb"\xef\xbb\xbf",
    ),
    Kind("text in UTF-16 or UTF-32", "save it as UTF-8", rb"\xff\xfe|\xfe\xff|\0\0\xfe\xff"),
    Kind("text in UTF-16", "save it as UTF-8", rb"(?a:[\t\n\r -~]\0){16}|(?a:\0[\t\n\r -~]){16}"),
    Kind("a script", "check the path", rb"#!\s*/"),
    Kind(
        "XML, but not an OpenVINO model",
        "check the path",
        rb"\s*(<\?xml[^>]*>\s*)?(<!--((?!-->).)*-->\s*)*<(?!net\b|!--)[A-Za-z!][\w:]*[\s>/]",
    ),
    Kind("JSON", "check the path", rb'\s*(\{\s*("|\})|\[\s*(["{\[\]]|-?\d+(\.\d+)?\s*[,\]]))'),
    Kind("WebAssembly text", "`nnshim run` runs it", rb"\s*(;;[^\n]*\n\s*)*\((module|;|component)"),
    Kind(
        "a file that starts with zeros",
        f"a copy or download probably failed; {_AGAIN}",
        rb"\0{64,}\Z",
    ),
)
"""In the order in which they are tried on a file."""

_TEXT = Kind("a text file", "check the path", b"")
_EMPTY = Kind("empty", f"make it again, or {_AGAIN}", b"")


def kind_of(head: bytes) -> Kind | None:
    """What a file that begins with these bytes is, None where that is not known. They are all of
    it if they are fewer than HEAD."""
    head = head[:HEAD]
    if not head:
        return _EMPTY
    for kind in _KINDS:
        if re.match(kind.begins, head, re.DOTALL):
            return kind
    return _TEXT if _is_text(head) else None


def mistaken(head: bytes, wanted: str, *, text: bool = False) -> tuple[str, str] | None:
    """What is wrong with a file that begins with these bytes and should be `wanted`, as in "this is
    JSON, not a model", and what to do about it. None where it is not known what it is, and with
    `text`, where text is wanted, for text that looks like nothing else."""
    kind = kind_of(head)
    if kind is None or (text and kind is _TEXT):
        return None
    if kind is _EMPTY:
        return "the file is empty", kind.remedy
    return f"this is {kind.title}, not {wanted}", kind.remedy


def begins_as_archive(head: bytes) -> bool:
    """Whether a file with these first HEAD bytes, or all of its bytes, is an archive, or compressed
    in another way than with gzip."""
    if head.startswith(_ARCHIVES) or head.startswith(_TAR, _TAR_AT) or _ARCHIVE.match(head):
        return True
    if _ZLIB.match(head):
        inner = _inflated(head)
        return inner.startswith((MAGIC, GZIP)) or begins_as_archive(inner)
    return _is_old_tar(head)


def _inflated(head: bytes) -> bytes:
    """As much as there is of the data that these bytes are the start of."""
    try:
        return zlib.decompressobj().decompress(head, HEAD)
    except zlib.error:
        return b""


def _is_old_tar(head: bytes) -> bool:
    """Whether a tar from before the magic begins like this, by the sum of its header."""
    header = head[:_HEADER]
    found = re.match(rb" *([0-7]+)[ \0]", header[_SUM_AT:_SUM_END])
    if len(header) < _HEADER or not header[0] or found is None:
        return False
    rest = header[:_SUM_AT] + b" " * (_SUM_END - _SUM_AT) + header[_SUM_END:]
    return sum(rest) == int(found[1], 8)


def special(path: str | os.PathLike[str]) -> str | None:
    """The name of a file's kind in messages; None for a regular or missing file."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None
    for is_one, title in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if is_one(mode):
            return title
    return None


def _is_text(head: bytes) -> bool:
    """Whether these are printable characters of UTF-8, the last of which may be cut off."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if len(head) < HEAD or error.start < HEAD - 3:
            return False
        text = head[: error.start].decode()
    return all(char.isprintable() or char in "\t\n\r\f" for char in text)
