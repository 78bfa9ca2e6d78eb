"""The code of a TorchScript archive: the classes in it, and which operators it calls.

PyTorch compiles the code while it loads the model, and runs a part of it: `__setstate__` of objects
with state. That part has to be checked by its source text alone. In the rest, only names of
libraries and classes are checked here; runtime_shim.backends.torch.graphs checks the graphs to
which it is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from runtime_shim.backends.torch.archive.lexer import Token, refusal, tokens_of
from runtime_shim.backends.torch.archive.operators import (
    REACHES_OUT,
    is_allowed_class,
    is_allowed_operator,
    may_run_while_loading,
)
from runtime_shim.backends.torch.archive.types import Class, enum_value, type_of

__all__ = ["Class", "read_code"]

_FUNCTIONS = frozenset(
    [
        "abs",
        "all",
        "annotate",
        "any",
        "bool",
        "complex",
        "dict",
        "enumerate",
        "float",
        "getattr",
        "hasattr",
        "int",
        "isinstance",
        "len",
        "list",
        "max",
        "min",
        "print",
        "range",
        "round",
        "sorted",
        "str",
        "tuple",
        "uninitialized",
        "unchecked_cast",
        "zip",
    ]
)
"""The compiler's own functions that code may call during loading. fork is not among them, because
it calls its argument."""

_KEYWORDS = frozenset(
    ["and", "assert", "elif", "if", "in", "is", "not", "or", "raise", "return", "while"]
)

_REACHES = "may access the host"
_UNKNOWN = "does not look like PyTorch's output"


class _Function(NamedTuple):
    """A function or method, including the functions defined inside it."""

    file: str
    name: str
    tokens: Sequence[Token]

    @property
    def is_a_method(self) -> bool:
        """Whether `self` always refers to an object of the model in it."""
        words = [token.text for token in self.tokens]
        return words[2:6] == ["(", "self", ":", "__torch__"] and words.count("def") == 1


def read_code(files: Mapping[str, bytes]) -> dict[str, Class]:
    """The classes in an archive's code by their full names. `files` are the code files by path.

    Raises HostError with `invalid_argument` for code that PyTorch does not write, and for code that
    may access the host.
    """
    classes: dict[str, Class] = {}
    functions: list[_Function] = []
    for file, code in files.items():
        tokens = tokens_of(file, code)
        qualifier = file.removeprefix("code/").removesuffix(".py").replace("/", ".")
        _File(file, code, tokens).read(qualifier, classes, functions)
        for index in range(len(tokens)):
            why = _why_refused(tokens, index)
            if why:
                raise refusal(file, code, tokens[index].line, why)
    own = {function.name for function in functions} - REACHES_OUT
    for function in _run_while_loading(functions):
        methods = own if function.is_a_method else frozenset()
        for index in range(len(function.tokens)):
            if _may_reach_out(function.tokens, index, methods):
                code, line = files[function.file], function.tokens[index].line
                raise refusal(function.file, code, line, _REACHES)
    return classes


class _File:
    """Finds the classes and functions of a file."""

    def __init__(self, file: str, code: bytes, tokens: Sequence[Token]) -> None:
        self._file = file
        self._code = code
        starts = [index for index, token in enumerate(tokens) if token.column >= 0]
        ends = [*starts[1:], len(tokens)][: len(starts)]
        self._statements = [tokens[start:end] for start, end in zip(starts, ends, strict=True)]

    def read(self, qualifier: str, classes: dict[str, Class], functions: list[_Function]) -> None:
        found: Class | None = None
        body = -1
        outer = -1
        tokens: list[Token] = []
        for statement in self._statements:
            column, first = statement[0].column, statement[0].text
            if tokens and column > outer:
                tokens.extend(statement)
                continue
            tokens, outer = [], -1
            if column == 0:
                body = -1
                found = None
            elif body < 0:
                body = column
            if first == "def" and column in (0, body) and len(statement) > 1:
                tokens, outer = list(statement), column
                functions.append(_Function(self._file, statement[1].text, tokens))
                if found is not None and statement[1].text in found.methods:
                    raise self._refusal(statement)
                if found is not None:
                    found.methods[statement[1].text] = _signature(statement)
            elif first == "class" and column == 0 and len(statement) > 1:
                found = Class(_base(statement), {}, {}, {})
                if classes.setdefault(f"{qualifier}.{statement[1].text}", found) is not found:
                    raise self._refusal(statement)
            elif found is not None and found.base == "Enum" and column == body:
                self._add_value(found, statement)
            elif found is not None and column == body:
                self._add_attribute(found, statement)
            elif column != 0 or first not in ("import", "op_version_set"):
                raise self._refusal(statement)

    def _add_attribute(self, found: Class, statement: Sequence[Token]) -> None:
        words = [token.text for token in statement]
        if words[:2] == ["__annotations__", "["] and words[3:5] == ["]", "="]:
            name, spelled = words[2][1:-1], statement[5:]
            if statement[2].kind != "string" or "\\" in name:
                raise self._refusal(statement)
        elif words[1:2] == [":"] and "=" not in words:
            name, spelled = words[0], statement[2:]
        else:
            return
        if name in found.attributes:
            raise self._refusal(statement)
        try:
            found.attributes[name] = type_of(spelled)
        except ValueError:
            found.attributes[name] = None

    def _add_value(self, found: Class, statement: Sequence[Token]) -> None:
        name = statement[0].text
        value = enum_value(statement)
        others = {type(other) for other in found.values.values()}
        if value is None or name in found.values or others - {type(value)}:
            raise self._refusal(statement)
        found.values[name] = value

    def _refusal(self, statement: Sequence[Token]) -> Exception:
        return refusal(self._file, self._code, statement[0].line, _UNKNOWN)


def _base(statement: Sequence[Token]) -> str:
    return statement[3].text if len(statement) > 4 and statement[2].text == "(" else ""


def _signature(statement: Sequence[Token]) -> str:
    """The signature after `self` and its type."""
    words = [token.text for token in statement]
    ends = [index for index, word in enumerate(words) if word in (",", ")")]
    return " ".join(words[ends[0] :]) if ends else ""


def _why_refused(tokens: Sequence[Token], index: int) -> str:
    """Why a name is not allowed at this position, in code of any kind; "" if it is allowed."""
    word = tokens[index].text
    if tokens[index].kind != "name" or _word(tokens, index - 1) in (".", "def"):
        return ""
    if word == "__torch__":
        path = _path(tokens, index)
        named = [".".join(path[:length]) for length in range(1, len(path) + 1)]
        if path[:3] == ["__torch__", "torch", "classes"]:
            return "" if any(map(_is_packed, named)) else _REACHES
        return _REACHES if path in (["__torch__"], ["__torch__", "torch"]) else ""
    following = _word(tokens, index + 1)
    if word == "torch" and following == ".":
        return _why_operator(f"aten::{_word(tokens, index + 2)}")
    if word == "ops":
        path = _path(tokens, index)
        if len(path) == 3:
            return _why_operator(f"{path[1]}::{path[2]}")
        return "" if following in (":", "=") and len(path) == 1 else _REACHES
    return ""


def _is_packed(name: str) -> bool:
    return name.count(".") == 4 and is_allowed_class(name)


def _why_operator(kind: str) -> str:
    if is_allowed_operator(kind):
        return ""
    namespace, _, name = kind.partition("::")
    reaches = name in REACHES_OUT or namespace not in ("aten", "prim")
    return _REACHES if reaches else f"calls {kind}, which is not allowed in a model"


def _path(tokens: Sequence[Token], index: int) -> list[str]:
    """Names with dots between them, from an index on."""
    path = [tokens[index].text]
    while _word(tokens, index + 1) == "." and _kind(tokens, index + 2) == "name":
        index += 2
        path.append(tokens[index].text)
    return path


def _word(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) else ""


def _kind(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].kind if 0 <= index < len(tokens) else ""


def _run_while_loading(functions: Sequence[_Function]) -> list[_Function]:
    """The functions that `__setstate__` may call, directly or indirectly: those whose names occur
    in it."""
    if all(function.name != "__setstate__" for function in functions):
        return []
    by_name: dict[str, list[_Function]] = {}
    for function in functions:
        by_name.setdefault(function.name, []).append(function)
    to_do = [name for name in by_name if name.startswith("__") and name != "__getstate__"]
    found: dict[str, list[_Function]] = {}
    while to_do:
        name = to_do.pop()
        if name in found:
            continue
        found[name] = by_name[name]
        words = {token.text.strip("'\"") for function in found[name] for token in function.tokens}
        to_do.extend(words & by_name.keys())
    return [function for group in found.values() for function in group]


def _may_reach_out(tokens: Sequence[Token], index: int, own: Set[str]) -> bool:
    """Whether this code could call an operator, in any way, that may not run while a model loads,
    or use a value as an object of another class. `own` are the methods of `self`."""
    kind, word, _, column = tokens[index]
    if _word(tokens, index + 1) != "(":
        return word == "out" and column < 0 and _word(tokens, index + 1) == "="
    if kind != "name":
        return word in (")", "]") or kind == "string"
    if _word(tokens, index - 1) == ".":
        of_self = [token.text for token in tokens[max(index - 4, 0) : index]] == [
            "(",
            "self",
            ")",
            ".",
        ]
        return not (of_self and word in own) and not may_run_while_loading(word)
    if word == "unchecked_cast":
        return any(
            token.text == "__torch__" and not _is_packed(".".join(_path(tokens, index + 2 + at)))
            for at, token in enumerate(_arguments(tokens, index + 2))
        )
    return _word(tokens, index - 1) != "def" and word not in _FUNCTIONS | _KEYWORDS


def _arguments(tokens: Sequence[Token], index: int) -> Sequence[Token]:
    """The tokens inside brackets. The opening bracket is just before `index`."""
    depth, end = 1, index
    while end < len(tokens) and depth:
        depth += (tokens[end].text in "([{") - (tokens[end].text in ")]}")
        end += 1
    return tokens[index:end]
