"""The binary format of components."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from rewriter.analysis.components.described import describe_component
from rewriter.components.component import Component
from rewriter.errors import MalformedModule, ModuleError, UnsupportedModule
from rewriter.wasm.leb128 import encode_u32
from tests.support.components import COMMAND, ERRORS, OCTOBER, component
from tests.support.wasm import assemble

HEADER = b"\0asm\x0d\0\x01\0"

EVERYTHING = """(component
    (import "a:b/types@1.2.3" (instance $types
        (type $point (record (field "x" u32) (field "y" float64)))
        (export "point" (type (eq $point)))
        (export "handle" (type $handle (sub resource)))
        (type $choice (variant (case "none") (case "some" string)))
        (export "choice" (type (eq $choice)))
        (export "[constructor]handle" (func (param "of" (list u8)) (result (own $handle))))
        (export "first" (func (param "in" (tuple u8 char)) (result (option string))))
        (export "second"
            (func (param "in" (borrow $handle)) (result (result u64 (error string)))))))
    (import "plain" (func $plain (param "flag" bool)))
    (import "made" (core module $imported (import "m" "f" (func)) (export "g" (global i32))))
    (alias export $types "handle" (type $handle))
    (type $flags (flags "read" "write"))
    (type $colour (enum "red" "green"))
    (core type $function (func (param i32) (result i64)))
    (core module $memory (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 0))
    (core instance $memory (instantiate $memory))
    (core func $lowered (canon lower (func $plain)))
    (core func $drop (canon resource.drop $handle))
    (core instance $environment (export "plain" (func $lowered)) (export "drop" (func $drop)))
    (component $inner
        (core module $deep (func (export "g")))
        (import "needed" (func))
        (type $local (resource (rep i32)))
        (core func (canon resource.new $local)))
    (export $out "a:b/out" (instance $types))
)"""


def test_imports_exports_and_parts_are_found() -> None:
    found = Component(assemble(EVERYTHING))
    assert [(item.name.text, item.sort) for item in found.imports] == [
        ("a:b/types@1.2.3", "instance"),
        ("plain", "func"),
        ("made", "core module"),
    ]
    assert [(item.name.text, item.sort) for item in found.exports] == [("a:b/out", "instance")]
    assert [(part.is_component, part.depth) for part in found.parts()] == [
        (False, 1),
        (True, 1),
        (False, 2),
    ]


def test_the_functions_of_an_imported_instance_are_found() -> None:
    found = Component(assemble(EVERYTHING))
    first = next(iter(found.imports))
    [(index, exports)] = found.instance_types({first.type_index})
    functions = [item.name.text for item in exports if item.sort == "func"]
    assert index == first.type_index
    assert functions == ["[constructor]handle", "first", "second"]


def test_every_truncation_is_an_error_with_an_offset_in_the_file() -> None:
    data = assemble(EVERYTHING)
    whole = {section.end for section in Component(data).sections}
    for end in range(len(data)):
        if end in whole or end == len(HEADER):
            continue  # which ends between two sections
        with pytest.raises(ModuleError) as raised:
            Component(data[:end])
        assert raised.value.offset is not None
        assert raised.value.offset <= end


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x0d\x00", "unknown component section id 13 (at byte offset 0x8)"),
        (b"\x07\x02\x01\x62", "unknown form of a type 0x62 (at byte offset 0xb)"),
        (b"\x08\x02\x01\x43", "unknown canonical function 0x43 (at byte offset 0xb)"),
        (b"\x06\x03\x01\x06\x00", "unknown sort 0x06 (at byte offset 0xb)"),
        (b"\x0a\x04\x01\x00\x01a", "unexpected end (at byte offset 0xe)"),
        (b"\x0a\x01\x7f", "127 items are declared, but only 0 bytes follow (at byte offset 0xa)"),
        (b"\x01\x08" + HEADER, "a component stands where a core module has to"),
        (b"\x04\x03\0as", "the header of a component is truncated (at byte offset 0xd)"),
    ],
)
def test_wrong_bytes_are_named_with_their_offset(content: bytes, message: str) -> None:
    with pytest.raises(MalformedModule) as raised:
        Component(HEADER + content)
    assert str(raised.value).startswith(message)


def test_another_version_of_the_format_is_not_read() -> None:
    with pytest.raises(UnsupportedModule, match="version 0a 00 of the binary format"):
        Component(b"\0asm\x0a\0\x01\0")


def _nested(depth: int) -> bytes:
    data = HEADER
    for _ in range(depth):
        data = HEADER + b"\x04" + encode_u32(len(data)) + data
    return data


def test_components_nested_too_deep_are_an_error_with_an_offset() -> None:
    assert len(list(Component(_nested(99)).parts())) == 99
    with pytest.raises(UnsupportedModule, match="more than 100 deep") as raised:
        Component(_nested(5000))
    assert raised.value.offset is not None


def test_types_nested_too_deep_are_an_error_with_an_offset() -> None:
    def types(depth: int) -> bytes:
        content = b"\x01" + b"\x42\x01\x01" * depth + b"\x7f"
        return HEADER + b"\x07" + encode_u32(len(content)) + content

    Component(types(90))
    with pytest.raises(UnsupportedModule, match="nested more than 100 deep") as raised:
        Component(types(5000))
    assert raised.value.offset is not None


def test_reading_takes_less_memory_than_the_file() -> None:
    names = "".join(
        f'(import "a:b/c{number}" (instance (export "f" (func))))' for number in range(500)
    )
    data = assemble(f"(component {names} {COMMAND})")
    tracemalloc.start()
    for _ in Component(data).imports:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(data)


NAMES = " ".join(f'"a{number}"' for number in range(32))


@pytest.mark.parametrize(
    ("item", "newer"),
    [
        ('(import "f" (func async (param "x" u32)))', "asynchronous functions"),
        ("(type (stream u8))", "asynchronous functions"),
        ("(core func (canon waitable-set.new))", "asynchronous functions"),
        ("(type (list u8 4))", "lists of a fixed length"),
        ("(type (resource (rep i64)))", "64-bit memories"),
        ("(type (resource (rep i32)))", None),
        ('(import "f" (func (param "x" error-context)))', "error contexts"),
        (f"(type (flags {NAMES}))", None),
        (f'(type (flags {NAMES} "a32"))', "more than 32 flags"),
        ("(core type (struct))", "types of garbage collection"),
        ("(core rec (type (func)))", "types of garbage collection"),
        ("(core type (module (type (struct))))", "types of garbage collection"),
        ('(core type (module (type (func)) (export "t" (tag (type 0)))))', "tags"),
        ('(core type (module (type (func)) (export "f" (func (type 0)))))', None),
        (ERRORS.format(OCTOBER), None),
    ],
)
def test_what_is_newer_than_wasi_0_2_is_seen(item: str, newer: str | None) -> None:
    found = Component(component(item)).newer
    assert (found and found[0]) == newer


def test_random_damage_is_an_error_with_an_offset_or_is_read() -> None:
    data = assemble(EVERYTHING)
    chance = random.Random(0)
    offsets: list[int | None] = []
    for _ in range(2000):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(HEADER), len(data))
            damaged[place] = chance.choice((0, 1, 2, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        try:
            describe_component(bytes(damaged))
        except ModuleError as error:
            offsets.append(error.offset)
    assert len(offsets) > 1000
    assert all(offset is not None and offset <= len(data) for offset in offsets)
