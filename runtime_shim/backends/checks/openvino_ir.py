"""OpenVINO's IR: constants are inside the weights, and as long as their shapes and types say.

OpenVINO parses the XML with pugixml, which accepts malformed XML, and uses the first of several
children or attributes with one name. So each must occur exactly once, in one spelling.

https://github.com/openvinotoolkit/openvino/blob/master/src/core/xml_util/src/xml_deserialize_util.cpp
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from types import MappingProxyType
from xml.parsers import expat

from rewriter.abi.dialects import Errno
from runtime_shim.backends.parsing.shapes import elements
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted

__all__ = ["check_lengths"]

_BLOCKS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "u1": (8, 1),
        "u2": (4, 1),
        "u3": (8, 3),
        "u6": (4, 3),
        **dict.fromkeys(("u4", "i4", "nf4", "f4e2m1"), (2, 1)),
        **dict.fromkeys(("u8", "i8", "boolean", "f8e4m3", "f8e5m2", "f8e8m0"), (1, 1)),
        **dict.fromkeys(("u16", "i16", "f16", "bf16"), (1, 2)),
        **dict.fromkeys(("u32", "i32", "f32"), (1, 4)),
        **dict.fromkeys(("u64", "i64", "f64"), (1, 8)),
    }
)
"""By element type: how many elements share how many bytes.

https://github.com/openvinotoolkit/openvino/blob/master/src/core/src/memory_util.cpp
"""

_STRING = "string"

_CONSTANTS = {"const", "constant"}
"""The type of a layer that has data. OpenVINO looks it up without regard to case, but reads from
the weights only if it is "Const"."""

_ATTRIBUTES = {"element_type", "shape", "offset", "size"}
"""The attributes of a constant. A `value` is not allowed: it could have any length, and OpenVINO
would use it as the elements."""

_NUMBER = re.compile("0|[1-9][0-9]{0,18}")
_SHAPE = re.compile(f"|({_NUMBER.pattern})(, ?({_NUMBER.pattern}))*")

_LARGEST = (1 << 63) - 1
"""OpenVINO reads numbers as int64."""

_DEEPEST = 500
"""Maximum nesting of elements. A layer of a body inside a body adds four levels."""


def check_lengths(model: bytes, weights: bytes) -> None:
    """Raise HostError with `invalid_argument` for a model that would be read beyond its weights, or
    that two parsers could read differently."""
    if b"\0" in model:  # UTF-16, which both parsers detect on their own
        raise HostError(Errno.INVALID_ARGUMENT, "the OpenVINO model is not in UTF-8")
    parser = expat.ParserCreate("UTF-8")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.XmlDeclHandler = _check_declaration
    checks = _Checks(parser, weights)
    parser.StartElementHandler = checks.start
    parser.EndElementHandler = checks.end
    try:
        parser.Parse(model, True)
    except expat.ExpatError as error:
        raise HostError(
            Errno.INVALID_ARGUMENT, f"the OpenVINO model is not well-formed XML: {error}"
        ) from error


def _refuse_doctype(*_: object) -> None:
    raise HostError(
        Errno.INVALID_ARGUMENT, "the OpenVINO model has a DOCTYPE declaration, which is not allowed"
    )


def _check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() != "utf-8":
        raise HostError(Errno.INVALID_ARGUMENT, f"the OpenVINO model is in {encoding}, not UTF-8")


class _Checks:
    """Handlers of a parser. `_open` has an entry for each open element: for a constant, how many
    children with data it has had; None for everything else."""

    def __init__(self, parser: expat.XMLParserType, weights: bytes) -> None:
        self._parser = parser
        self._weights = weights
        self._open: list[int | None] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open and name != "net":
            raise self._refused(f"the root element is {name[:99]!r} instead of 'net'")
        if len(self._open) == _DEEPEST:
            raise self._refused("elements are nested too deeply")
        if name == "data" and self._open and self._open[-1] is not None:
            self._open[-1] += 1
            self._check_constant(attributes)
        kind = attributes.get("type", "")
        constant = name == "layer" and kind.lower() in _CONSTANTS
        if constant and kind != "Const":
            raise self._refused(f"a layer has the type {quoted(kind)} instead of 'Const'")
        self._open.append(0 if constant else None)

    def end(self, _name: str) -> None:
        if self._open.pop() not in (None, 1):
            raise self._refused("a constant must have its data exactly once")

    def _check_constant(self, attributes: Mapping[str, str]) -> None:
        if set(attributes) != _ATTRIBUTES:
            raise self._refused(
                f"a constant has unexpected attributes: {quoted(sorted(attributes))}"
            )
        offset, size = self._number(attributes["offset"]), self._number(attributes["size"])
        if offset + size > len(self._weights):
            raise self._refused(f"{size} bytes at byte {offset} are not in the weights")
        shape = attributes["shape"]
        if not _SHAPE.fullmatch(shape):
            raise self._refused(f"a constant has an invalid shape: {shape[:99]!r}")
        count = elements([self._number(dim.strip()) for dim in shape.split(",") if dim])
        kind = attributes["element_type"]
        if kind == _STRING:
            self._check_strings(offset, size, count)
            return
        if kind not in _BLOCKS:
            raise self._refused(f"a constant has an unknown type: {quoted(kind)}")
        block, length = _BLOCKS[kind]
        if -(-count // block) * length > size:
            raise self._refused(f"{size} bytes are not enough for {count} elements of {kind}")

    def _check_strings(self, offset: int, size: int, count: int) -> None:
        """Check strings. All numbers are int32: the count, the start of each string (counted from
        the end of these numbers), and the end of the last one.

        https://github.com/openvinotoolkit/openvino/blob/master/src/core/src/runtime/string_aligned_buffer.cpp
        """
        if size < 8 + 4 * count:
            raise self._refused(f"{size} bytes are not enough for {count} strings")
        found, *places = struct.unpack_from(f"<{count + 2}i", self._weights, offset)
        if found != count:
            raise self._refused(
                f"a constant's shape says {count} strings, but its data says {found}"
            )
        if places != sorted(places) or places[0] < 0 or 8 + 4 * count + places[-1] > size:
            raise self._refused("strings are not stored consecutively")

    def _number(self, text: str) -> int:
        if not _NUMBER.fullmatch(text) or int(text) > _LARGEST:
            raise self._refused(f"{text[:99]!r} is not a valid length")
        return int(text)

    def _refused(self, reason: str) -> HostError:
        return HostError(
            Errno.INVALID_ARGUMENT,
            f"invalid OpenVINO model, byte {self._parser.CurrentByteIndex}: {reason}",
        )
