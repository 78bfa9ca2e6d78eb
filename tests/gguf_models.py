"""Small GGUF models, made where they are used."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

__all__ = ["END", "successors"]

_SPECIAL = ["<unk>", "<s>", "</s>"]
END = 2
"""The token that ends a text."""

_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6
"""llama_token_type."""


def successors(path: Path, text: str, *, context: int = 64, end: bool = True) -> Path:
    """A model of llama's architecture that has learned one thing: which character comes after
    which in `text`, where none may be there twice. After the last one comes the end, or, where
    `end` is false, the first one again.

    A token's embedding is a unit vector; attention and feed-forward add nothing, and the output's
    weights lead from each token to the next.
    """
    tokens = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *text]
    types = [_UNKNOWN, _CONTROL, _CONTROL, *([_BYTE] * 256), *([_NORMAL] * (len(text) + 1))]
    vocab = len(tokens)
    size = -vocab % 32 + vocab
    first = vocab - len(text)
    chain = [*range(first, vocab), END if end else first]
    output = np.zeros((vocab, size), np.float32)
    output[chain[1:], chain[:-1]] = 10.0
    eye = np.eye(vocab, size, dtype=np.float32)
    zeros: npt.NDArray[np.float32] = np.zeros((size, size), np.float32)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(size)
    writer.add_block_count(1)
    writer.add_feed_forward_length(size)
    writer.add_head_count(size // 32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * vocab)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(END)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(False)
    writer.add_tensor("token_embd.weight", eye)
    writer.add_tensor("output_norm.weight", np.ones(size, np.float32))
    writer.add_tensor("output.weight", output)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(size, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", zeros)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
