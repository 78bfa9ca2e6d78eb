"""The beginnings that prompts share, which a model evaluates only once.

llama.cpp's results depend, in their last bits, on which tokens it evaluates in one step. So what is
shared always ends where a step ends: after a multiple of the option `ubatch-size`. A text is then
the same bytes whether or not another prompt began like its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from runtime_shim.backends.ggml.llama_cpp import ContextParams, Token, lib

if TYPE_CHECKING:
    Tokens = ctypes.Array[Token]

__all__ = ["MOST_BYTES", "Prefix", "Prefixes"]

MOST_BYTES = 256 << 20
"""Of all states that are kept for one model."""

_CHECKED_EVERY = 0.1
"""In seconds: how soon a guest that waits for another one's prompt notices that it is stopped."""

_SEQUENCE = 0
"""The only one in each llama_context."""


class _Kept(NamedTuple):
    """What llama.cpp knows after some tokens, in a context with these parameters."""

    params: bytes
    tokens: bytes
    state: ctypes.Array[ctypes.c_char]


class Prefix:
    """A prompt that is being evaluated, of which `position` tokens are done."""

    def __init__(self, prefixes: Prefixes, params: ContextParams, prompt: Tokens) -> None:
        self._prefixes = prefixes
        self.params = bytes(params)
        self.tokens = bytes(prompt)
        self.step: int = params.n_ubatch
        self.position = 0

    def common(self, params: bytes, tokens: bytes) -> int:
        """How many tokens of another prompt this one can use. At least one token is always left,
        because the first token of the text needs its result."""
        if params != self.params:
            return 0
        size = self.step * ctypes.sizeof(Token)
        same, most = 0, min(len(tokens), len(self.tokens) - ctypes.sizeof(Token)) // size
        while same < most:  # compares each token at most twice, and most of them once
            half = slice(same * size, (same + most + 1) // 2 * size)
            if tokens[half] == self.tokens[half]:
                same = (same + most + 1) // 2
            else:
                most = (same + most + 1) // 2 - 1
        return same * self.step

    def restore(self, context: int) -> int:
        """Put what is known of the prompt into an empty llama_context, and return how many tokens
        that is."""
        kept, length = self._prefixes.best(self)
        if kept is not None:
            self.position = length if _put(context, kept, length) else 0
        return self.position

    def reached(self, context: int, position: int) -> None:
        """Keep what is known after so many tokens, if others can use it."""
        if position % self.step == 0:
            size = lib.state_get_size(context)
            tokens = self.tokens[: position * ctypes.sizeof(Token)]
            if size <= MOST_BYTES and not self._prefixes.has(self.params, tokens):
                self._prefixes.keep(_Kept(self.params, tokens, _taken(context, size)))
        self._prefixes.moved(self, position)


class Prefixes:
    """What is kept for one model. The least recently used states are dropped."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._kept: list[_Kept] = []
        """The last one was used last."""
        self._under_way: list[Prefix] = []

    @contextlib.contextmanager
    def entered(
        self, params: ContextParams, prompt: Tokens, check: Callable[[], None]
    ) -> Iterator[Prefix]:
        """Evaluate a prompt inside this context. If another prompt that begins in the same way is
        being evaluated, it waits until that one's beginning is known. `check` raises if it should
        not wait any longer."""
        prefix = Prefix(self, params, prompt)
        common: dict[Prefix, int] = {}
        with self._changed:
            while self._is_computed_elsewhere(prefix, common):
                self._changed.wait(_CHECKED_EVERY)
                check()
            self._under_way.append(prefix)
        try:
            yield prefix
        finally:
            with self._changed:
                self._under_way.remove(prefix)
                self._changed.notify_all()

    def _is_computed_elsewhere(self, prefix: Prefix, common: dict[Prefix, int]) -> bool:
        """`common` remembers what has been compared with prompts that are being evaluated."""
        for other in self._under_way:
            if other not in common:
                common[other] = prefix.common(other.params, other.tokens)
        wanted = max(
            (common[other] for other in self._under_way if other.position < common[other]),
            default=0,
        )
        if not wanted:
            return False
        return wanted > max(
            (prefix.common(kept.params, kept.tokens) for kept in self._kept), default=0
        )

    def best(self, prefix: Prefix) -> tuple[_Kept | None, int]:
        """The state that serves for most tokens of a prompt, and for how many."""
        with self._changed:
            lengths = [prefix.common(kept.params, kept.tokens) for kept in self._kept]
            if not any(lengths):
                return None, 0
            found = self._kept.pop(lengths.index(max(lengths)))
            self._kept.append(found)
            return found, max(lengths)

    def has(self, params: bytes, tokens: bytes) -> bool:
        """Whether the state after these tokens is known."""
        with self._changed:
            return any(
                kept.params == params and kept.tokens.startswith(tokens) for kept in self._kept
            )

    def keep(self, new: _Kept) -> None:
        """Keep a state, instead of those before it in the same prompt."""
        with self._changed:
            self._kept = [
                kept
                for kept in self._kept
                if kept.params != new.params or not new.tokens.startswith(kept.tokens)
            ]
            self._kept.append(new)
            while sum(len(kept.state) for kept in self._kept) > MOST_BYTES:
                del self._kept[0]

    def moved(self, prefix: Prefix, position: int) -> None:
        """Note how much of a prompt has been evaluated."""
        with self._changed:
            prefix.position = position
            self._changed.notify_all()


def _taken(context: int, size: int) -> ctypes.Array[ctypes.c_char]:
    """The state of a llama_context."""
    state = (ctypes.c_char * size)()
    lib.state_get_data(context, state, size)
    return state


def _put(context: int, kept: _Kept, length: int) -> bool:
    """Put the state after the first `length` tokens into an empty llama_context. Returns False, and
    leaves it empty, if llama.cpp refuses that."""
    memory = lib.get_memory(context)
    whole = length * ctypes.sizeof(Token) == len(kept.tokens)
    done = bool(lib.state_set_data(context, kept.state, len(kept.state)))
    if done and not whole:
        # What is removed is only marked as such. Setting the rest clears the memory as well.
        done = bool(lib.memory_seq_rm(memory, _SEQUENCE, length, -1))
        if done:
            rest = _taken(context, lib.state_get_size(context))
            done = bool(lib.state_set_data(context, rest, len(rest)))
    if not done:
        lib.memory_clear(memory, True)
    return done
