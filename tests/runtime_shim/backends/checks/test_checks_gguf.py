"""Lengths in GGUF models from guests."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

from rewriter.abi.dialects import Encoding
from runtime_shim.backends.checks.gguf import check_lengths
from runtime_shim.backends.formats import FORMATS
from runtime_shim.errors import HostError
from tests.support.gguf_models import successors
from tests.support.refusals import refusal

U8, I8, U32, I32, F32, STRING, ARRAY, U64 = 0, 1, 4, 5, 6, 8, 9, 10
"""gguf_type."""


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def number(key: bytes, kind: int, code: str, value: int) -> bytes:
    return text(key) + struct.pack(f"<I{code}", kind, value)


def array(key: bytes, kind: int, count: int, content: bytes) -> bytes:
    return text(key) + struct.pack("<IIQ", ARRAY, kind, count) + content


def tensor(dims: Sequence[int] = (8,), kind: int = 0, offset: int = 0, name: bytes = b"t") -> bytes:
    return text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


def model(
    keys: Sequence[bytes] = (),
    tensors: Sequence[bytes] = (),
    content: bytes = b"",
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:
    head = counts or (len(tensors), len(keys))
    made = b"GGUF" + struct.pack("<IQQ", version, *head) + b"".join((*keys, *tensors))
    return made + bytes(-len(made) % 32) + content


TOKENS = array(b"tokenizer.ggml.tokens", STRING, 3, text(b"a") + text(b"bc") + text(b""))
SCORES, TYPES = b"tokenizer.ggml.scores", b"tokenizer.ggml.token_type"


def test_models_are_accepted(tmp_path: Path) -> None:
    check_lengths(FORMATS[Encoding.GGML].trial.model())
    check_lengths(successors(tmp_path / "letters.gguf", "abc").read_bytes())
    check_lengths(model())
    check_lengths(model([TOKENS], [tensor(), tensor((2, 2), offset=32)], bytes(48)))
    check_lengths(model([number(b"general.alignment", U32, "I", 64)], [tensor()], bytes(64)))


@pytest.mark.parametrize(
    "data",
    [
        model(version=1),
        model(version=4),
        model(counts=(0, 1)),
        model(counts=(0, 2**63)),
        model(counts=(0, 2**64 - 1)),
        model(counts=(1, 0)),
        model(counts=(2**64 - 1, 0)),
        model(counts=(4_000_000_000, 0)),
        model([struct.pack("<Q", 2**64 - 8)]),
        model([struct.pack("<Q", 1 << 40) + bytes(64)]),
        model([text(b"key") + struct.pack("<IQ", STRING, 2**64 - 8)]),
        model([array(b"key", U64, 2**61, b"")]),
        model([array(b"key", U8, 2**64 - 1, b"")]),
        model([array(b"key", STRING, 2**61, b"")]),
        model([array(b"key", STRING, 2, text(b"a") + struct.pack("<Q", 2**64 - 40))]),
        model([array(b"key", STRING, 2, struct.pack("<Q", 2**63) + text(b"a"))]),
        model([array(b"key", ARRAY, 1, struct.pack("<IQ", U8, 1))]),
        model([array(b"key", 13, 1, bytes(8))]),
        model([number(b"general.alignment", U32, "I", 0)]),
        model([number(b"general.alignment", U32, "I", 48)]),
        model([number(b"general.alignment", U64, "Q", 32)]),
    ],
)
def test_keys_and_arrays_are_inside_the_file(data: bytes) -> None:
    refusal(Encoding.GGML, data)


@pytest.mark.parametrize(
    "data",
    [
        model([], [tensor()], bytes(31)),
        model([], [tensor((9,))], bytes(32)),
        model([], [tensor((2**32, 2**32))], bytes(32)),
        model([], [tensor((2**62, 4))], bytes(32)),
        model([], [tensor((2**31, 2**31, 4))], bytes(32)),
        model([], [tensor((2**63,))], bytes(32)),
        model([], [tensor((2**64 - 1, 2**64 - 1))], bytes(32)),
        model([], [tensor(offset=2**64 - 32)], bytes(32)),
        model([], [tensor(offset=32)], bytes(32)),
        model([], [tensor(offset=8)], bytes(64)),
        model([], [tensor((1,) * 5)], bytes(32)),
        model([], [tensor(name=b"t" * 64)], bytes(32)),
        model([], [tensor(kind=4)], bytes(32)),
        model([], [tensor(kind=2**31)], bytes(32)),
        model([], [tensor((8,), 8)], bytes(34)),
        model([], [tensor((32,), 8)], bytes(33)),
    ],
)
def test_tensors_are_inside_the_file(data: bytes) -> None:
    refusal(Encoding.GGML, data)


@pytest.mark.parametrize(
    "keys",
    [
        [TOKENS, array(SCORES, F32, 2, bytes(8))],
        [array(SCORES, F32, 2, bytes(8)), TOKENS],
        [TOKENS, array(TYPES, I32, 2, bytes(8))],
        [TOKENS, array(SCORES, U8, 3, bytes(3))],
        [TOKENS, array(TYPES, I8, 12, bytes(12))],
        [TOKENS, array(SCORES, STRING, 3, bytes(24))],
        [TOKENS, array(b"tokenizer.ggml.merges", U8, 3, bytes(3))],
        [TOKENS, array(b"tokenizer.ggml.precompiled_charsmap", STRING, 1, text(b"a"))],
        [TOKENS, array(b"tokenizer.ggml.suppress_tokens", U8, 1, b"a")],
        [TOKENS, number(SCORES, U32, "I", 3)],
        [array(b"tokenizer.ggml.tokens", U8, 3, b"abc")],
    ],
)
def test_arrays_that_go_with_the_tokens_are_as_long(keys: list[bytes]) -> None:
    check_lengths(model([TOKENS, array(SCORES, F32, 3, bytes(12))]))
    refusal(Encoding.GGML, model(keys))


def test_blocks_have_the_sizes_that_they_are_written_with() -> None:
    for kind in GGMLQuantizationType:
        if kind is GGMLQuantizationType.Q8_1:  # gguf counts 4 bytes more for it than llama.cpp
            continue
        block, size = GGML_QUANT_SIZES[kind]
        check_lengths(model([], [tensor((block,), kind)], bytes(size)))
        with pytest.raises(HostError):
            check_lengths(model([], [tensor((block,), kind)], bytes(size - 1)))


def test_a_vocabulary_as_large_as_the_largest_is_accepted() -> None:
    tokens = array(
        b"tokenizer.ggml.tokens",
        STRING,
        262_144,
        b"".join(text(b"t%d" % i) for i in range(262_144)),
    )
    merges = array(
        b"tokenizer.ggml.merges",
        STRING,
        500_000,
        b"".join(text(b"m %d" % i) for i in range(500_000)),
    )
    check_lengths(model([tokens, merges]))
