from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rewriter.errors import MalformedModule
from rewriter.wasm.leb128 import decode_s33, decode_unsigned, encode_u32, reencode_u32

u32 = st.integers(0, 2**32 - 1) | st.sampled_from(
    [edge for power in (7, 14, 21, 28) for edge in (2**power - 1, 2**power)]
)


@given(u32, st.integers(1, 5), st.binary(max_size=3), st.binary(max_size=3))
def test_decoding_gives_back_what_was_encoded(
    value: int, width: int, before: bytes, after: bytes
) -> None:
    encoded = encode_u32(value, width)
    data = before + encoded + after
    end = len(before) + len(encoded)
    assert decode_unsigned(data, len(before), len(data)) == (value, end)


@given(u32, st.integers(1, 5))
def test_an_encoding_is_as_wide_as_asked_or_as_needed(value: int, width: int) -> None:
    shortest = max(1, -(-value.bit_length() // 7))
    assert len(encode_u32(value, width)) == max(shortest, width)


@given(st.integers(0, 2**64 - 1))
def test_a_u64_may_take_ten_bytes(value: int) -> None:
    encoded = bytes((value >> shift & 0x7F) | 0x80 for shift in range(0, 63, 7)) + bytes(
        [value >> 63]
    )
    assert decode_unsigned(encoded, 0, 10, bits=64) == (value, 10)


@given(st.integers(-(2**32), 2**32 - 1))
def test_an_s33_keeps_its_sign(value: int) -> None:
    encoded = bytes((value >> shift & 0x7F) | 0x80 for shift in range(0, 28, 7)) + bytes(
        [value >> 28 & 0x7F]
    )
    assert decode_s33(encoded, 0, 5) == (value, 5)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        pytest.param(b"", 0, id="nothing"),
        pytest.param(b"\x80\x80", 2, id="cut off"),
        pytest.param(b"\x80\x80\x80\x80\x80\x00", 0, id="six bytes"),
        pytest.param(b"\xff\xff\xff\xff\x1f", 0, id="33 bits"),
    ],
)
def test_an_invalid_u32_is_refused_with_its_offset(data: bytes, offset: int) -> None:
    with pytest.raises(MalformedModule) as caught:
        decode_unsigned(data, 0, len(data))
    assert caught.value.offset == offset


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80" * 5 + b"\0", b"\xff\xff\xff\xff\x2f"])
def test_an_invalid_s33_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedModule):
        decode_s33(data, 0, len(data))


@pytest.mark.parametrize("value", [-1, 2**32])
def test_only_u32_are_encoded(value: int) -> None:
    with pytest.raises(ValueError, match="not a u32"):
        encode_u32(value)


@given(u32, u32, st.integers(0, 4))
def test_reencoding_there_and_back_restores_the_field(old: int, new: int, padding: int) -> None:
    shortest = len(encode_u32(old))
    assume(shortest + padding <= 5)
    field = encode_u32(old, shortest + padding)
    assume(len(field) == 5 or len(encode_u32(new)) + padding < 5)
    there = reencode_u32(new, old=old, old_width=len(field))
    assert decode_unsigned(there, 0, len(there)) == (new, len(there))
    assert reencode_u32(old, old=new, old_width=len(there)) == field


def test_a_padded_field_keeps_its_width() -> None:
    assert reencode_u32(20, old=30, old_width=5) == b"\x94\x80\x80\x80\x00"
    assert reencode_u32(20, old=30, old_width=3) == b"\x94\x80\x00"
    assert reencode_u32(20, old=30, old_width=1) == b"\x14"
