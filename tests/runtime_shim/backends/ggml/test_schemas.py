"""JSON schemas, which llguidance follows recursively: too deep ones would end the process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rewriter.abi.dialects import Errno, Target
from runtime_shim import HostError
from runtime_shim.backends.ggml.backend import GgmlBackend, GgmlGraph
from runtime_shim.backends.ggml.grammar import Grammar
from runtime_shim.backends.ggml.options import GgmlOptions, parse_options
from tests.support.gguf_models import successors


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> GgmlGraph:
    path = successors(tmp_path_factory.mktemp("schemas") / "a.gguf", "abc", context=64)
    return GgmlBackend().load([path], Target.CPU)


def converted(schema: object) -> str:
    return parse_options({"json-schema": schema}, GgmlOptions())[0].grammar


def chain(length: int, form: Callable[[dict[str, object]], object]) -> dict[str, object]:
    """A schema of `length` definitions, each with the next one in it."""
    names = [f"#/$defs/d{number}" for number in range(length)]
    definitions = {f"d{n}": form({"$ref": name}) for n, name in enumerate(names[1:])}
    return {"$ref": names[0], "$defs": {**definitions, f"d{length - 1}": {}}}


FORMS: dict[str, tuple[int, Callable[[dict[str, object]], object]]] = {
    "references": (1, lambda inner: inner),
    "items": (2, lambda inner: {"items": inner}),
    "alternatives": (3, lambda inner: {"anyOf": [inner]}),
    "properties": (3, lambda inner: {"properties": {"a": inner}, "required": ["a"]}),
    "all": (5, lambda inner: {"allOf": [{"properties": {"a": inner}}]}),
}


@pytest.mark.parametrize(("levels", "form"), FORMS.values(), ids=FORMS)
def test_the_deepest_schemas_need_less_than_a_mebibyte_of_stack(
    graph: GgmlGraph, levels: int, form: Callable[[dict[str, object]], object]
) -> None:
    """For a smaller stack, the process would end. One more definition is too deep."""
    length = 198 // levels
    text = converted(chain(length, form))
    made: list[Grammar] = []

    def make() -> None:
        made.append(Grammar(graph.vocabulary, text, graph.text))

    before = threading.stack_size(1 << 20)
    try:
        thread = threading.Thread(target=make)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert made
    with pytest.raises(HostError, match="more than 200 levels") as caught:
        converted(chain(length + 2, form))
    assert caught.value.errno is Errno.TOO_LARGE


NAMES: dict[str, Callable[[int], dict[str, object]]] = {
    "anchors": lambda n: {"$anchor": f"a{n}", "items": {"$ref": f"#a{n + 1}"}},
    "addresses": lambda n: {"$id": f"http://a.b/{n}", "items": {"$ref": f"{n + 1}"}},
    "pointers": lambda n: {"items": {"$ref": f"http://a.b/c#/$defs/{n + 1}"}},
    "escapes": lambda n: {"items": {"$ref": f"#/%24defs/{n + 1}"}},
}


@pytest.mark.parametrize("form", NAMES.values(), ids=NAMES)
def test_references_by_all_kinds_of_names_are_followed(
    form: Callable[[int], dict[str, object]],
) -> None:
    def schema(length: int) -> dict[str, object]:
        definitions = {str(number): form(number) for number in range(length)}
        definitions[str(length)] = {**form(length), "items": {}}
        return {"$id": "http://a.b/c", "items": form(-1)["items"], "$defs": definitions}

    converted(schema(20))
    with pytest.raises(HostError) as caught:
        converted(schema(110))
    assert caught.value.errno is Errno.TOO_LARGE


def test_a_schema_may_be_recursive_and_wide(graph: GgmlGraph) -> None:
    """Depth counts, and not how much there is."""
    tree = {
        "$id": "https://example.com/tree.json",
        "properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#"}}},
    }
    wide = {
        "$defs": {str(n): {"properties": {"a": {"enum": [n]}}} for n in range(300)},
        "properties": {f"p{n}": {"$ref": f"#/$defs/{n}"} for n in range(300)},
    }
    for schema in (tree, wide):
        Grammar(graph.vocabulary, converted(schema), graph.text)


def test_brackets_in_strings_are_not_counted() -> None:
    nested = "[" * 100 + "]" * 100
    converted(json.dumps({"const": "[" * 500, "examples": json.loads(nested)}))
    inner = '{"items":' * 250 + "{}" + "}" * 250
    trick = f'{{"const": "{"]" * 500}", "items": {inner}}}'
    with pytest.raises(HostError, match="200 levels") as caught:
        converted(trick)
    assert caught.value.errno is Errno.INVALID_ARGUMENT


def test_a_guests_grammar_is_gbnf_only() -> None:
    """A grammar for llguidance can end the process in several ways: a chain of rules, for one."""
    with pytest.raises(HostError, match="GBNF") as caught:
        parse_options({"grammar": '%llguidance {}\nstart: "a"'}, GgmlOptions())
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION


TEXTS: list[dict[str, Any]] = [{"type": "string", "pattern": f"a{number}"} for number in range(17)]

ALL_AT_ONCE: dict[str, object] = {
    "all": {"allOf": TEXTS},
    "all properties": {"allOf": [{"properties": {"x": text}} for text in TEXTS]},
    "references": chain(18, lambda inner: {**TEXTS[0], **inner}),
    "alternatives": {**TEXTS[0], "anyOf": [{**TEXTS[1], "oneOf": TEXTS[2:]}]},
    "names": {"patternProperties": {f"a{number}": {} for number in range(17)}},
    "a name": {"properties": dict(zip("abcdefghijklmnop", TEXTS, strict=False)),
               "patternProperties": {"b": TEXTS[0]}},
}  # fmt: skip


@pytest.mark.parametrize("schema", ALL_AT_ONCE.values(), ids=ALL_AT_ONCE)
def test_one_text_cannot_have_to_match_many_patterns(schema: object) -> None:
    """llguidance would take minutes and gigabytes to see what matches all of them."""
    with pytest.raises(HostError, match="patterns and formats") as caught:
        converted(schema)
    assert caught.value.errno is Errno.TOO_LARGE


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {f"p{number}": text for number, text in enumerate(TEXTS)}},
        {"anyOf": TEXTS},
        {"allOf": TEXTS[:4]},
    ],
    ids=["properties", "alternatives", "few"],
)
def test_many_patterns_that_match_different_texts_are_read(
    graph: GgmlGraph, schema: object
) -> None:
    Grammar(graph.vocabulary, converted(schema), graph.text)
