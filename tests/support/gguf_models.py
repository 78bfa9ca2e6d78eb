"""Small GGUF models, made where they are used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

__all__ = [
    "BYTE",
    "CONTROL",
    "END",
    "NORMAL",
    "UNKNOWN",
    "random_weights",
    "successors",
    "with_vocabulary",
]

_SPECIAL = ["<unk>", "<s>", "</s>"]
END = 2
"""The token that ends a text."""

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
"""llama_token_type."""


def successors(path: Path, text: str, *, context: int = 64, end: bool = True) -> Path:
    """A model of llama's architecture that has learned one thing: which character comes after
    which in `text`, where none may be there twice. After the last one comes the end, or, where
    `end` is false, the first one again.

    A token's embedding is a unit vector; attention and feed-forward add nothing, and the output's
    weights lead from each token to the next.
    """
    tokens, types = _bytes_and(["▁", *text])
    vocab = len(tokens)
    first = vocab - len(text)
    return _written(path, tokens, types, [*range(first, vocab), END if end else first], context)


def random_weights(
    path: Path,
    *,
    size: int = 64,
    blocks: int = 2,
    vocabulary: int = 320,
    context: int = 512,
    feed_forward: int | None = None,
    architecture: str = "llama",
) -> Path:
    """A model of llama's architecture, or one with the same tensors, with random weights in eight
    bits (Q8_0), in which every token has an influence on all that follow. Sizes are multiples of
    32; `feed_forward` is four times `size` by default, and the vocabulary has at least 288 tokens.
    It does not end a text by itself."""
    tokens, types = _bytes_and([f"▁{number}" for number in range(vocabulary - 259)])
    wide = feed_forward or 4 * size
    writer = _described(path, tokens, types, size, wide, blocks, context, architecture=architecture)
    chance = np.random.default_rng(0)

    def add(name: str, rows: int, columns: int) -> None:
        weights = chance.standard_normal((rows, columns), np.float32) / np.float32(columns**0.5)
        if name == "output.weight":
            weights[END] = 0  # others are more likely
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(weights, kind), raw_dtype=kind)

    add("token_embd.weight", vocabulary, size)
    writer.add_tensor("output_norm.weight", np.full(size, 4, np.float32))
    add("output.weight", vocabulary, size)
    for block in range(blocks):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{block}.{name}.weight", np.ones(size, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{block}.{name}.weight", size, size)
        for name in ("ffn_gate", "ffn_up"):
            add(f"blk.{block}.{name}.weight", wide, size)
        add(f"blk.{block}.ffn_down.weight", size, wide)
    return _finished(writer, path)


def _bytes_and(others: Sequence[str]) -> tuple[list[str], list[int]]:
    """A vocabulary that can split any text, and the types of its tokens."""
    tokens = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *others]
    return tokens, [UNKNOWN, CONTROL, CONTROL, *([BYTE] * 256), *([NORMAL] * len(others))]


def with_vocabulary(
    path: Path,
    tokens: Sequence[str],
    types: Sequence[int],
    kind: str,
    *,
    pre: str = "",
    merges: Sequence[str] = (),
    name: str = "",
    begins: bool = True,
    chain: Sequence[int] = (),
    context: int = 64,
) -> Path:
    """A model that can be asked for the tokens of a text. The first three tokens are those for what
    is unknown, and for where a text begins and ends; `kind` is tokenizer.ggml.model, `pre` the same
    for how words are told apart. Without `begins` it wants a token where a text begins, and does
    not say which. Each token of `chain` is followed by the next one."""
    return _written(path, tokens, types, chain, context, kind, pre, merges, name, begins)


def _written(
    path: Path,
    tokens: Sequence[str],
    types: Sequence[int],
    chain: Sequence[int],
    context: int,
    kind: str = "llama",
    pre: str = "",
    merges: Sequence[str] = (),
    name: str = "",
    begins: bool = True,
) -> Path:
    """A model whose output's weights lead along a chain of tokens."""
    vocab = len(tokens)
    size = -vocab % 32 + vocab
    output = np.zeros((vocab, size), np.float32)
    output[list(chain[1:]), list(chain[:-1])] = 10.0
    eye = np.eye(vocab, size, dtype=np.float32)
    zeros: npt.NDArray[np.float32] = np.zeros((size, size), np.float32)
    writer = _described(path, tokens, types, size, size, 1, context, kind, begins)
    if name:
        writer.add_name(name)
    if pre:
        writer.add_tokenizer_pre(pre)
    if merges:
        writer.add_token_merges(list(merges))
    if kind == "no_vocab":
        writer.add_vocab_size(vocab)
    if kind == "bert":
        writer.add_sep_token_id(END)
    writer.add_tensor("token_embd.weight", eye)
    writer.add_tensor("output_norm.weight", np.ones(size, np.float32))
    writer.add_tensor("output.weight", output)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(size, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", zeros)
    return _finished(writer, path)


def _described(
    path: Path,
    tokens: Sequence[str],
    types: Sequence[int],
    size: int,
    feed_forward: int,
    blocks: int,
    context: int,
    kind: str = "llama",
    begins: bool = True,
    architecture: str = "llama",
) -> gguf.GGUFWriter:
    """A file of a model with embeddings of `size` numbers, without its weights."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(context)
    writer.add_embedding_length(size)
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(size // 32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_tokenizer_model(kind)
    writer.add_token_list(list(tokens))
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(list(types))
    if begins:
        writer.add_bos_token_id(1)
    else:
        writer.add_add_bos_token(True)
    writer.add_eos_token_id(END)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(False)
    return writer


def _finished(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
