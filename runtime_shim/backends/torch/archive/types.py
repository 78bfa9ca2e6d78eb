"""TorchScript's types, in the spelling of its code and its pickles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runtime_shim.backends.torch.archive.lexer import Token, tokens_of
from runtime_shim.guest_text import quoted

__all__ = ["Class", "Type", "enum_value", "parse_type", "type_of"]


class Type(NamedTuple):
    """A type's full name, with the types in its brackets."""

    name: str
    inner: tuple[Type, ...] = ()

    def __str__(self) -> str:
        return self.name + (f"[{', '.join(map(str, self.inner))}]" if self.inner else "")

    def names_a_class(self) -> bool:
        """Whether it contains a class of the model."""
        return self.name.startswith("__torch__") or any(part.names_a_class() for part in self.inner)


class Class(NamedTuple):
    """A class that the code defines: its base ("" if it has none), the types of its attributes, and
    the signatures of its methods, by name. An attribute whose type is not understood has None.
    `values` are those of an enum, by name."""

    base: str
    attributes: dict[str, Type | None]
    methods: dict[str, str]
    values: dict[str, int | float | str]

    @property
    def restores_itself(self) -> bool:
        """Whether PyTorch makes an object with its `__setstate__`."""
        return {"__getstate__", "__setstate__"} <= self.methods.keys()


def parse_type(text: str) -> Type:
    """Parse a type from a pickle. Raises ValueError, or HostError if it has no valid tokens."""
    return type_of(tokens_of("a type", text.encode()))


def type_of(tokens: Sequence[Token]) -> Type:
    """Parse a type from tokens. Raises ValueError."""
    words = [token.text for token in tokens]
    rest = iter([*words, ""])
    parsed, following = _parse(next(rest), rest)
    if following:
        raise ValueError(f"{' '.join(words)} is not a type")
    return parsed


def _parse(word: str, rest: Iterator[str]) -> tuple[Type, str]:
    """Parse a type whose first word is given. Returns it with the word after it."""
    name = word
    if not name.isidentifier():
        raise ValueError(f"a type cannot start with {quoted(word)}")
    word = next(rest, "")
    while word == ".":
        part = next(rest, "")
        if not part.isidentifier():
            raise ValueError(f"a type's name cannot contain {quoted(part)}")
        name, word = f"{name}.{part}", next(rest, "")
    if word != "[":
        return Type(name), word
    inner = []
    word = next(rest, "")
    if (name, word) == ("Tuple", "("):
        if [next(rest, ""), next(rest, "")] != [")", "]"]:
            raise ValueError("a tuple's type must have the brackets []")
        return Type(name), next(rest, "")
    while word != "]":
        parsed, word = _parse(word, rest)
        inner.append(parsed)
        if word == ",":
            word = next(rest, "")
    return Type(name, tuple(inner)), next(rest, "")


def enum_value(statement: Sequence[Token]) -> int | float | str | None:
    """The value that a statement of an enum's class declares: a number, or a string without
    escapes. None for other statements.

    https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/serialization/import_source.cpp
    """
    words = [token.text for token in statement]
    if len(words) not in (3, 4) or statement[0].kind != "name" or words[1] != "=":
        return None
    kind, text = statement[-1].kind, words[-1]
    if kind == "string" and len(words) == 3 and "\\" not in text:
        return text[1:-1]
    if kind != "number" or text.endswith("j") or (len(words) == 4 and words[2] != "-"):
        return None
    sign = -1 if len(words) == 4 else 1
    if not text.isdigit():
        return sign * float(text)
    is_decimal = len(text) < 19 and (text == "0" or text[0] != "0")
    return sign * int(text) if is_decimal else None
