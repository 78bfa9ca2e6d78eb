"""Prompts: their tokens, and which prompts are too long to be split into tokens.

To split a text into tokens, llama.cpp takes up to a hundred times as many bytes as the text has. So
a text is not split if it cannot fit into a context, or could fit only if most of it were not part
of any token.
"""

from __future__ import annotations

import codecs
import ctypes
import functools
from typing import TYPE_CHECKING, NamedTuple

from rewriter.abi.dialects import Errno
from rewriter.plurals import counted
from runtime_shim.backends.ggml.llama_cpp import Token, lib
from runtime_shim.backends.ggml.options import LARGEST_CONTEXT
from runtime_shim.errors import HostError
from runtime_shim.guest_text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    Tokens = ctypes.Array[Token]

__all__ = ["Prompt", "Vocabulary", "has_image"]

_ALWAYS_SPLIT = 1 << 16
"""In bytes. A text up to this size is split without looking at the lengths of tokens, which takes a
moment for a large vocabulary."""

_LONGEST_TEXT = 8 * LARGEST_CONTEXT
"""In bytes. A longer text is never split. These are eight for each token of the largest context;
English has about four for each."""

_BYTES_A_BYTE = 4
"""Bytes of a text for each byte of the longest token, if a token can stand for any number of bytes.
A character has at most four bytes and becomes one or more, unless it is dropped. So a longer text
that would fit is mostly white space, control characters, or words that the vocabulary does not
know."""

_IMAGE = b'<img src="data:image/'

_PIECE = 1 << 16
"""Bytes of a text that are processed at once."""

_NONE, _SPM, _BPE, _WPM, _RWKV = 0, 1, 2, 3, 5
"""Values of llama_vocab_type. In SPM, BPE and RWKV every byte of a text is part of a token. In
WordPiece (WPM) a whole word can be one unknown token, in Unigram a run of unknown characters, and
both drop characters.

https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp
"""

_BPE_MODELS = (b"gpt2", b"gemma4")
"""Values of tokenizer.ggml.model whose tokens are made only by merging bytes or characters."""

_BYTES = {
    **{b"<0x%02X>" % byte: byte for byte in range(256)},
    **{bytes([byte]): byte for byte in range(1, 128)},
}
"""The tokens that vocabularies of SentencePiece have for bytes, and characters of one byte, which
can stand in for them."""

_LONGEST_CHARACTER = 4
"""In bytes."""

_SPACE = "▁"
"""What SentencePiece writes for a space, also for the one that it may put before a text."""

_STRIPS = 1 << 7 | 1 << 8
"""LLAMA_TOKEN_ATTR_LSTRIP and LLAMA_TOKEN_ATTR_RSTRIP: white space next to the token is dropped."""

_WHITE = b" \t\n\v\f\r\x85\xa0"
"""Characters that C's isspace can accept, in any locale."""


class _Reach(NamedTuple):
    """`longest` is the maximum number of bytes of a text that a token stands for. There may be any
    number of bytes that are not part of a token: of the white space in `white`, and with `others`
    of any characters."""

    longest: int
    white: bytes
    others: bool


class Texts(NamedTuple):
    """The texts of all tokens: the number of their bytes, of characters in the longest one, and of
    bytes in the longest one."""

    total: int
    longest: int
    most_bytes: int


class Vocabulary:
    """The vocabulary of a model, valid as long as the model exists."""

    def __init__(self, model: int) -> None:
        """Raises HostError with `invalid_argument` for a vocabulary that cannot split a text."""
        self.pointer: int = lib.model_get_vocab(model)
        _check_splits(self.pointer)
        self._model = model
        self.size: int = lib.vocab_n_tokens(self.pointer)
        trained: int = lib.model_n_ctx_train(model)
        self.most_tokens = min(trained, LARGEST_CONTEXT) if trained > 0 else LARGEST_CONTEXT
        """Maximum number of tokens of a context."""

    def split(self, text: bytes, most: int) -> Tokens | int:
        """The tokens of a text, with those that the model wants around it; special tokens in the
        text are recognised. If there are more than `most`, only their number. Raises HostError with
        `invalid_argument` for a character without a token."""
        self._check_characters(text)
        room = min(len(text) + 16, most)
        while True:
            found = (Token * room)()
            count: int = lib.tokenize(self.pointer, text, len(text), found, room, True, True)
            if count >= 0:
                return found if count == room else _first(found, count)
            if -count > most:
                return -count
            room = -count

    def may_fit(self, text: memoryview | bytes, most: int) -> bool:
        """Whether a text is worth splitting into at most `most` tokens. Needs only the lengths of
        the tokens; the text is read only if white space in it need not be part of a token."""
        if len(text) <= _ALWAYS_SPLIT:
            return True
        reach = self._reach
        enough = most * reach.longest
        times = _BYTES_A_BYTE if reach.white or reach.others else 1
        if len(text) > min(enough * times, _LONGEST_TEXT):
            return False
        if len(text) <= enough or reach.others:
            return True
        left = enough
        for piece in _pieces(text):
            left -= len(bytes(piece).translate(None, reach.white))
            if left < 0:
                return False
        return True

    @functools.cached_property
    def texts(self) -> Texts:
        """As they are in the vocabulary, so no shorter than what the tokens stand for."""
        total, longest, most_bytes = 0, 0, 0
        for token in range(self.size):
            text: bytes = lib.vocab_get_text(self.pointer, token)
            total += len(text)
            longest = max(longest, len(text.decode("utf-8", "replace")))
            most_bytes = max(most_bytes, len(text))
        return Texts(total, longest, most_bytes)

    def pieces(self) -> list[int]:
        """How many bytes of a text each token stands for."""
        none = ctypes.create_string_buffer(1)
        tokens = range(self.size)
        return [-lib.token_to_piece(self.pointer, token, none, 0, 0, True) for token in tokens]

    @functools.cached_property
    def missing_bytes(self) -> frozenset[int]:
        """Bytes without a token, in a vocabulary of SentencePiece. llama.cpp ends the process for a
        text that needs one. Other kinds of vocabularies drop such a byte, or have a token for what
        is unknown."""
        missing = set(range(256) if lib.vocab_type(self.pointer) == _SPM else ())
        for token in range(self.size):
            if not missing:
                break
            missing.discard(_BYTES.get(lib.vocab_get_text(self.pointer, token), -1))
        return frozenset(missing)

    @functools.cached_property
    def _characters(self) -> frozenset[str]:
        """Tokens of one character."""
        texts = (lib.vocab_get_text(self.pointer, token) for token in range(self.size))
        found = (
            text.decode("utf-8", "replace") for text in texts if len(text) <= _LONGEST_CHARACTER
        )
        return frozenset(text for text in found if len(text) == 1)

    def _check_characters(self, text: bytes) -> None:
        if not self.missing_bytes:
            return
        used = {_SPACE if char == " " else char for char in {*text.decode(), _SPACE}}
        for char in sorted(used - self._characters):
            if not self.missing_bytes.isdisjoint(char.encode()):
                raise HostError(
                    Errno.INVALID_ARGUMENT,
                    f"the model has no token for the character {quoted(char)}, nor for all of its"
                    " bytes",
                )

    @functools.cached_property
    def _reach(self) -> _Reach:
        """A token's text is never shorter than the bytes that it stands for: white space in it is
        longer than in a prompt, and so are the characters that stand for bytes."""
        kind = lib.vocab_type(self.pointer)
        longest, attributes, short = 1, 0, set()
        for token in range(self.size):
            text: bytes = lib.vocab_get_text(self.pointer, token)
            attributes |= lib.vocab_get_attr(self.pointer, token)
            longest = max(longest, len(text))
            if len(text) <= 2 or text.startswith(b"<0x"):
                short.add(text)
        has_all = self._has_every_byte(short) if kind == _BPE else kind in (_SPM, _RWKV)
        return _Reach(longest, _WHITE if attributes & _STRIPS else b"", not has_all)

    def _has_every_byte(self, short: set[bytes]) -> bool:
        """Whether a vocabulary of merged bytes has a token for each byte, given its short tokens.
        If a byte has none, llama.cpp drops it. (The results of merges are in the vocabulary:
        Hugging Face's tokenizers, where these come from, make sure of that.)"""
        name = ctypes.create_string_buffer(16)
        lib.model_meta_val_str(self._model, b"tokenizer.ggml.model", name, len(name))
        if name.value not in _BPE_MODELS:
            return False
        space = (Token * 1)()
        encoded = lib.tokenize(self.pointer, b" ", 1, space, 1, False, False) == 1
        if encoded and lib.vocab_get_text(self.pointer, space[0]) == _SIGNS[ord(" ")]:
            return short.issuperset(_SIGNS)
        return short.issuperset(b"<0x%02X>" % byte for byte in range(256))


class Prompt:
    """A text, and its tokens once there is a context that may be large enough."""

    def __init__(self, vocabulary: Vocabulary, data: memoryview) -> None:
        """Raises HostError: `prompt_too_long` for a text that fits into no context of the model,
        `invalid_argument` for one that is not UTF-8."""
        self._vocabulary = vocabulary
        self._count: int | None = None
        self._tokens: Tokens | None = None
        if not vocabulary.may_fit(data, vocabulary.most_tokens):
            raise self._too_long(vocabulary.most_tokens, len(data))
        _check_utf8(data)
        self._text = bytes(data)

    def tokens(self, most: int) -> Tokens:
        """The tokens. Raises HostError with `prompt_too_long` if there are more than `most`."""
        if self._tokens is None:
            too_many = self._count is not None and self._count > most
            if too_many or not self._vocabulary.may_fit(self._text, most):
                raise self._too_long(most, len(self._text))
            found = self._vocabulary.split(self._text, most)
            if isinstance(found, int):
                self._count = found
                raise self._too_long(most, len(self._text))
            self._tokens, self._text = found, b""
        return self._tokens

    def count(self, most: int) -> int:
        """The number of tokens. Raises HostError with `prompt_too_long` if it is unknown because
        they do not fit into a context of `most` tokens."""
        return self._count if self._count is not None else len(self.tokens(most))

    def _too_long(self, most: int, size: int) -> HostError:
        what = counted(size, "byte") if self._count is None else counted(self._count, "token")
        context = f"a context of {counted(most, 'token')}"
        return HostError(Errno.PROMPT_TOO_LONG, f"the prompt has {what}, too many for {context}")


def _check_splits(vocabulary: int) -> None:
    """Raise HostError unless the vocabulary has the tokens that llama.cpp puts around a text;
    without them, it ends the process."""
    kind = lib.vocab_type(vocabulary)
    if kind == _NONE:
        raise HostError(Errno.INVALID_ARGUMENT, "the model has no vocabulary")
    if kind == _RWKV:
        return
    needed = {
        "a text begins with": lib.vocab_get_add_bos(vocabulary) and lib.vocab_bos,
        "a text ends with": lib.vocab_get_add_eos(vocabulary) and lib.vocab_eos,
    }
    if kind == _WPM:
        needed = {"a text begins with": lib.vocab_bos, "a text ends with": lib.vocab_sep}
    for what, token in needed.items():
        if token and token(vocabulary) < 0:
            raise HostError(Errno.INVALID_ARGUMENT, f"the model does not say what {what}")


def has_image(data: memoryview) -> bool:
    """Whether a prompt contains an image in the form that guests of WasmEdge use."""
    last = b""
    for piece in _pieces(data):
        part = last + bytes(piece)
        if _IMAGE in part:
            return True
        last = part[1 - len(_IMAGE) :]
    return False


def _first(tokens: Tokens, count: int) -> Tokens:
    return (Token * count).from_buffer_copy(tokens)


def _check_utf8(data: memoryview) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in _pieces(data):
            decoder.decode(bytes(piece))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise HostError(Errno.INVALID_ARGUMENT, f"the prompt is not UTF-8: {error}") from error


def _pieces(data: memoryview | bytes) -> Iterator[memoryview | bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]


def _signs() -> list[bytes]:
    """How GPT-2's vocabulary writes each byte.

    https://github.com/openai/gpt-2/blob/master/src/encoder.py (bytes_to_unicode)
    """
    plain = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in plain]
    signs = [chr(byte if byte in plain else 0x100 + others.index(byte)) for byte in range(256)]
    return [sign.encode() for sign in signs]


_SIGNS = _signs()
