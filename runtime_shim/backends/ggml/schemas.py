"""JSON schemas, which llguidance turns into grammars.

It follows them recursively, also from a `$ref` to what it refers to, and a stack that is too small
ends the process. So how deep that can go is known before.

https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md
"""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

from rewriter.abi.dialects import Errno
from runtime_shim.backends.ggml.gbnf.components import components
from runtime_shim.errors import HostError

__all__ = ["GUIDED", "grammar_of"]

GUIDED = "%llguidance"
"""What a grammar for llguidance begins with."""

_DEEPEST = 200
"""Maximum nesting of objects and arrays, also by way of `$ref`. For 200, llguidance took less than
1 MiB of stack in all of the measured forms. A thread of glibc has 8 MiB, or 2 without a limit."""

_MOST_NAMES = 100
"""Parts of a schema that have names of their own (_NAMED): each `$ref` may mean any of them."""

_NAMED = ("$id", "id", "$anchor", "$dynamicAnchor")

_MOST_PATTERNS = 16
"""Patterns and formats in a schema that has conjunctions. llguidance, which looks for a text that
matches all of them, took 1 second and 70 MB for 16 in one conjunction, and minutes and more than
1 GB for 24."""

_APPLICATORS = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "not", "dependentSchemas")
"""What applies further schemas to the same value, as does each entry of `patternProperties`.

https://json-schema.org/draft/2020-12/json-schema-core#section-10.2
"""

_ASSERTING = (*_APPLICATORS, "pattern", "format", "properties", "patternProperties", "items")

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)


def grammar_of(schema: object) -> str:
    """The grammar for a JSON schema, which may be given as text. Raises HostError:
    `invalid_argument` for what is not a schema, `too_large` for one that is nested too deep."""
    import xllamacpp  # needed only for a schema

    try:
        text = schema if isinstance(schema, str) else json.dumps(schema)
        _check_brackets(text)
        typed = _typed(json.loads(text))
        _check_depth(typed)
        _check_patterns(typed)
        return str(xllamacpp.json_schema_to_grammar(json.dumps(typed)))
    except HostError:
        raise
    except Exception as error:  # whatever json or llama.cpp's C++ makes of the guest's text
        raise HostError(
            Errno.INVALID_ARGUMENT,
            f"cannot convert the option json-schema to a grammar: {error}",
        ) from error


def _typed(schema: object) -> object:
    """A schema with the types that llama.cpp assumes if there is none: anything with items is an
    array. By the standard, which the grammar follows, it could be anything else as well.

    https://github.com/ggml-org/llama.cpp/blob/master/common/json-schema-to-grammar.cpp
    """
    if isinstance(schema, list):
        return [_typed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    typed = {
        key: value if key in ("const", "enum", "default", "examples") else _typed(value)
        for key, value in schema.items()
    }
    if "type" not in schema:
        for keys, kind in _IMPLIED:
            if any(isinstance(schema.get(key), (dict, list, str)) for key in keys):
                return {**typed, "type": kind}
    return typed


_IMPLIED = (
    (("properties", "patternProperties"), "object"),
    (("items", "prefixItems"), "array"),
    (("pattern",), "string"),
)


def _check_brackets(text: str) -> None:
    depth = 0
    for char in _STRING.sub("", text):
        depth += (char in "[{") - (char in "]}")
        if depth > _DEEPEST:
            _too_deep(Errno.INVALID_ARGUMENT, "")


def _check_depth(schema: object) -> None:
    """Raise HostError if a way down through a schema and what it refers to can be too long. A way
    may go through all of what refers to each other."""
    parts, edges = [schema], list[list[int]]()
    numbers = {id(schema): 0}
    for part in parts:
        edges.append([])
        for each in _inner(part):
            edges[-1].append(len(parts))
            numbers[id(each)] = len(parts)
            parts.append(each)
    named = [part for part in parts[1:] if isinstance(part, dict) and _has_name(part)]
    if len(named) > _MOST_NAMES:
        raise HostError(
            Errno.TOO_LARGE,
            f"more than {_MOST_NAMES} parts of the option json-schema have an $id or an $anchor",
        )
    targets: dict[str, set[int]] = {}
    for number, part in enumerate(parts):
        if isinstance(part, dict) and isinstance(part.get("$ref"), str):
            pointer = unquote(part["$ref"].partition("#")[2])
            if pointer not in targets:
                found = [_resolved(base, pointer) for base in (schema, *named)]
                targets[pointer] = {numbers[id(each)] for each in found if id(each) in numbers}
            edges[number] += targets[pointer]
    depths = [0] * len(parts)
    for component in components(edges):
        below = max((depths[each] for member in component for each in edges[member]), default=0)
        for member in component:
            depths[member] = below + len(component)
    if depths[0] > _DEEPEST:
        _too_deep(Errno.TOO_LARGE, ", with what each $ref refers to,")


def _check_patterns(schema: object) -> None:
    """Raise HostError for too many patterns and formats of which a value may have to match many."""
    patterns, is_conjunction = 0, False
    left = [schema]
    while left:
        part = left.pop()
        left += _inner(part)
        if isinstance(part, dict):
            by_name = part.get("patternProperties")
            names = len(by_name) if isinstance(by_name, dict) else 0
            patterns += names + sum(isinstance(part.get(key), str) for key in ("pattern", "format"))
            applied = any(key in part for key in _APPLICATORS) or names > 0
            is_conjunction |= "allOf" in part or names > 1
            is_conjunction |= applied and sum(key in part for key in _ASSERTING) > 1
    if is_conjunction and patterns > _MOST_PATTERNS:
        raise HostError(
            Errno.TOO_LARGE,
            f"one text may have to match several of the {patterns} patterns and formats in the"
            f" option json-schema, and it may have {_MOST_PATTERNS} of these",
        )


def _inner(part: object) -> list[object]:
    """The objects and arrays in one."""
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [each for each in inner if isinstance(each, (dict, list))]


def _has_name(part: dict[str, object]) -> bool:
    return any(isinstance(part.get(key), str) for key in _NAMED)


def _resolved(base: object, pointer: str) -> object:
    """What a JSON pointer means, or `base` for another kind of name."""
    if not pointer.startswith("/"):
        return base
    for token in pointer[1:].split("/"):
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(base, dict):
            base = base.get(key)
        elif isinstance(base, list) and key.lstrip("+").isdecimal() and len(key) < 10:
            base = base[int(key)] if int(key) < len(base) else None
        else:
            return None
    return base


def _too_deep(errno: Errno, how: str) -> None:
    raise HostError(
        errno, f"objects and arrays in the option json-schema{how} are nested more than {_DEEPEST}"
        " levels deep",
    )  # fmt: skip
