from __future__ import annotations

import itertools
import random
import re
import subprocess
from pathlib import Path

import pytest

from rewriter import MalformedModule, UnsupportedModule
from rewriter.files import wasm_tools
from rewriter.functions.code import Bodies, body_references
from rewriter.functions.references import REFERRING_SECTIONS, section_references
from rewriter.wasm.leb128 import encode_u32
from rewriter.wasm.sections import SectionId, split
from tests.support.smith import smith
from tests.support.wasm import HEADER, assemble, custom, section, sized, vector

EVERY_KIND = f"""(module {"(type (func (param i64)))" * 14}
  (type $s (struct (field (mut i32)))) (type $a (array (mut i32))) (type $f (func))
  (import "m" "f" (func $f (type $f)))
  (memory $m 1) (memory $n i64 1) (memory $shared 1 2 shared)
  (table $t 1 funcref) (tag $e (param i32))
  (elem declare func $f) (data $d "x") (elem $x funcref (ref.func $f))
  (func (param $r anyref) (local i32 i64 (ref null $s))
    {{}}
    call $f))"""
"""$s is type 14. If this number is read as an opcode, it is br_table, which consumes all that
follows."""

INSTRUCTIONS = [
    "i64.const 0x1010101010101010 drop",
    "f32.const 0x1.2p3 drop f64.const 0x1.2p3 drop",
    "i32.const 0 i32.load offset=16 align=1 drop",
    "i32.const 0 i32.const 0 i32.store8 offset=0x10101010",
    "i64.const 0 i64.load $n offset=0x1010101010 drop",
    "i32.const 0 i32.load $shared offset=16 drop",
    "block (result i32) i32.const 16 end drop",
    "block (result (ref null $s)) ref.null $s end drop",
    "block (result (ref func)) ref.func $f end drop",
    "loop $l i32.const 0 br_if $l end",
    "block $b i32.const 0 br_table $b $b $b end",
    "i32.const 0 if nop else unreachable end",
    "ref.null any ref.null any i32.const 0 select (result anyref) drop",
    "i32.const 1 i32.const 2 i32.const 3 select drop",
    "block $c try_table (catch_all $c) call $f end end",
    "block $c (result i32) try_table (catch $e $c) end i32.const 0 end drop",
    "memory.size drop i64.const 0 memory.grow $n drop",
    "i32.const 0 i32.const 0 i32.const 0 memory.init $d data.drop $d",
    "i32.const 0 i32.const 0 i32.const 0 memory.copy",
    "i32.const 0 i32.const 16 i32.const 0 memory.fill $shared",
    "i32.const 0 i32.const 0 i32.const 0 table.init $t $x elem.drop $x",
    "table.size $t drop ref.null func i32.const 0 table.grow $t drop",
    "i32.const 0 table.get $t drop",
    "f32.const 1 i32.trunc_sat_f32_s drop",
    "v128.const i64x2 0x1010101010101010 0x1010101010101010 drop",
    "i32.const 0 v128.load offset=16 drop",
    "i32.const 0 v128.const i64x2 0 0 v128.load8_lane offset=16 14 drop",
    "v128.const i64x2 0 0 i8x16.extract_lane_u 14 drop",
    "v128.const i64x2 0 0 v128.const i64x2 0 0"
    " i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 16 drop",
    "v128.const i64x2 0 0 i64x2.abs drop",
    "i32.const 0 i32.const 1 i32.atomic.rmw.add $shared offset=16 drop atomic.fence",
    "i32.const 0 call_indirect $t (type $f)",
    "i32.const 16 struct.new $s struct.get $s 0 drop",
    "i32.const 16 i32.const 1 array.new $a array.len drop",
    "i32.const 1 i32.const 2 array.new_fixed $a 2 drop",
    "local.get $r ref.test (ref $s) drop",
    "local.get $r ref.cast (ref null $s) drop",
    "block $b (result anyref) local.get $r br_on_cast $b anyref (ref $s) end drop",
    "i32.const 16 ref.i31 i31.get_u drop",
    "block $b ref.null func br_on_null $b drop end",
    "ref.func $f call_ref $f",
    "i64.const 0 i64.const 0 i64.const 0 i64.const 0 i64.add128 drop drop",
]


def code_references(module: bytes, wanted: set[int]) -> list[tuple[int, int]]:
    """The offset and index of every reference to a function in an instruction."""
    (code,) = [s for s in split(module) if s.id is SectionId.CODE]
    bodies = Bodies(code)
    found = body_references(bodies, len(bodies), wanted)
    return [(r.start, r.index) for _, references in found for r in references]


@pytest.mark.parametrize("instructions", INSTRUCTIONS)
def test_the_call_after_any_instruction_is_found(instructions: str) -> None:
    module = assemble(EVERY_KIND.format(instructions))
    named = sum(map(instructions.count, ("call $f", "ref.func $f")))
    found = code_references(module, {0})
    assert len(found) == named + 1
    assert found[-1] == (module.index(b"\x10\x00\x0b", found[-1][0] - 1) + 1, 0)


@pytest.mark.parametrize("width", range(1, 6))
@pytest.mark.parametrize("index", [0, 5, 127, 128, 300, 2**21, 2**28, 2**32 - 1])
def test_indices_are_found_in_every_width(index: int, width: int) -> None:
    encoded = encode_u32(index, width)
    body = b"\0\x10" + encoded + b"\x10\x01\x0b"
    module = HEADER + section(SectionId.CODE, vector(encode_u32(len(body)) + body))
    assert code_references(module, {index}) == [(module.index(b"\x10" + encoded) + 1, index)]


@pytest.mark.parametrize("order", list(itertools.permutations([0x10, 0x12, 0xD2])))
def test_references_of_all_kinds_are_found_in_the_order_of_the_bodies(order: list[int]) -> None:
    bodies = [bytes((0, opcode, 7, 0x0B)) for opcode in order]
    bodies.insert(2, bytes((0, *order[:1], 7, *order[1:2], 7, *order[2:], 7, 0x0B)))
    bodies.insert(1, b"\0\x41\x10\x0b")
    module = HEADER + section(SectionId.CODE, vector(*map(sized, bodies)))
    (code,) = [s for s in split(module) if s.id is SectionId.CODE]
    found = [
        (body.content, [data_at(module, r.start) for r in references])
        for body, references in body_references(Bodies(code), 5, {7})
    ]
    starts = [module.index(body, 11) for body in bodies]
    first, second, third = order
    kinds = [[first], [second], [first, second, third], [third]]
    assert found == list(zip([starts[0], *starts[2:]], kinds, strict=True))


def data_at(module: bytes, index: int) -> int:
    """The opcode before an index."""
    return module[index - 1]


@pytest.mark.parametrize("after", [b"", b"\xff\xff\xff\xff"])
@pytest.mark.parametrize("width", range(1, 6))
@pytest.mark.parametrize("large", [0, 200, 5 << 20])
def test_bodies_are_found_whatever_the_width_of_their_size(
    large: int, width: int, after: bytes
) -> None:
    """The large one is more than is copied into memory."""
    contents = [b"\0\x0b", b"\0" + b"\1" * large + b"\x0b", b"\0\1\x0b"]
    sizes = [encode_u32(len(one), width) if len(one) < 100 else encode_u32(len(one), 5)
             for one in contents]  # fmt: skip
    coded = [size + content for size, content in zip(sizes, contents, strict=True)]
    module = HEADER + section(SectionId.CODE, vector(*coded)) + custom("after", after)
    (code,) = [s for s in split(module) if s.id is SectionId.CODE]
    bodies = Bodies(code)
    first = code.content + 1
    ends = [first + sum(map(len, coded[: number + 1])) for number in range(3)]
    assert [body.end for body in map(bodies.__getitem__, range(3))] == ends
    assert [body.start for body in map(bodies.__getitem__, range(3))] == [first, *ends[:2]]
    places = [(end - len(content), end) for end, content in zip(ends, contents, strict=True)]
    assert list(bodies.contents) == places
    assert [body.content for body in map(bodies.__getitem__, range(3))] == [c for c, _ in places]
    assert list(bodies.sizes) == list(map(len, coded))
    data, within = bodies.in_memory()
    assert [data[start:end] for start, end in within] == coded


@pytest.mark.parametrize("after", [b"", b"\0\0\0\0"])
@pytest.mark.parametrize(
    ("bodies", "message"),
    [
        (b"\5\0\0\x0b", "a function body of 5 bytes runs past its section"),
        (b"\x85\0\0\0\x0b", "a function body of 5 bytes runs past its section"),
        (b"\xff\xff\xff\xff\x0f\0", "a function body of 4294967295 bytes runs past"),
        (b"\x80", "unexpected end inside an integer"),
        (b"\x80\x80", "unexpected end inside an integer"),
    ],
)
def test_a_body_that_is_cut_is_refused_at_its_size(
    bodies: bytes, message: str, after: bytes
) -> None:
    """What follows the section does not count."""
    module = HEADER + section(SectionId.CODE, b"\1" + bodies) + custom("x", after)
    (code,) = [s for s in split(module) if s.id is SectionId.CODE]
    with pytest.raises(MalformedModule, match=message) as caught:
        Bodies(code)
    assert caught.value.offset in range(code.content + 1, code.end + 1)


def test_bytes_that_only_look_like_a_call_are_not_a_call() -> None:
    module = assemble("(module (func i64.const 0x10 drop i32.const 0x810 drop))")
    assert module.count(b"\x10\x1a") == 2  # call 26, were they instructions
    assert code_references(module, {26}) == []


def test_an_unknown_instruction_is_refused_with_its_offset() -> None:
    body = b"\0\xff\x10\x00\x0b"
    module = HEADER + section(SectionId.CODE, vector(encode_u32(len(body)) + body))
    with pytest.raises(UnsupportedModule, match=r"unknown instruction 0xff") as caught:
        code_references(module, {0})
    assert caught.value.offset == module.index(b"\xff")


@pytest.mark.parametrize("batch", range(4))
def test_references_of_smith_modules_are_those_that_wasm_tools_prints(
    batch: int, tmp_path: Path
) -> None:
    seeds = random.Random(batch)
    named = 0
    for _ in range(25):
        module = smith(seeds.randbytes(2000), tmp_path)
        if module is None:
            continue
        text = subprocess.run(
            [wasm_tools.find(), "print", "-"], input=module, capture_output=True, check=True
        ).stdout.decode()
        expected = sorted(map(int, re.findall(r"(?:\bcall|return_call|ref\.func) (\d+)\b", text)))
        wanted = set(expected)
        found = []
        for part in split(module):
            if part.id is SectionId.CODE:
                found += [index for _, index in code_references(module, wanted)]
            elif part.id in REFERRING_SECTIONS - {SectionId.EXPORT, SectionId.START}:
                found += [r.index for r in section_references(part, wanted)]
        in_segments = re.findall(r"^  \(elem [^\n]*\bfunc((?: \d+)+)\)", text, re.MULTILINE)
        expected += [int(index) for segment in in_segments for index in segment.split()]
        assert sorted(found) == sorted(i for i in expected if i in wanted)
        named += len(found)
    assert named > 0
