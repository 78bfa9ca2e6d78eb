"""Texts that fit a grammar or a schema, and what is not one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rewriter.abi.dialects import Errno
from runtime_shim import HostError
from tests.runtime_shim.backends.ggml.asked import answer, context, set_text


@pytest.mark.parametrize("temp", [0, 0.8])
@pytest.mark.parametrize(
    ("grammar", "fits", "expected"),
    [
        ('root ::= "efg" | "xyz"', rb"efg|xyz", b"efg"),
        ("root ::= [e-g]+", rb"[e-g]+", b"efg"),
        ('root ::= "e" [x-z]* "h"', rb"e[x-z]*h?", None),
        ('root ::= item ("," item)*\nitem ::= [a-l] [a-l]', rb"([a-l][a-l],?)*[a-l]?", None),
    ],
)
def test_every_token_fits_the_grammar(
    model: Path, grammar: str, fits: bytes, expected: bytes | None, temp: float
) -> None:
    asked = context(model, grammar=grammar, temp=temp, n_predict=12)
    set_text(asked, "abcd")
    asked.compute()
    text = bytes(asked.get_output(0)).removesuffix(b"</s>")
    if expected is not None and temp == 0:
        assert text == expected
    assert re.fullmatch(fits, text)


def test_nothing_is_written_that_does_not_fit(model: Path) -> None:
    asked = context(model, grammar='root ::= "eX"')  # the model has bytes for X
    assert answer(asked, "abcd") == b"eX</s>"


def test_a_grammar_holds_for_each_text_anew_and_in_pieces(model: Path) -> None:
    asked = context(model, grammar='root ::= "ef"')
    assert [answer(asked, "abcd"), answer(asked, "abcd")] == [b"ef</s>"] * 2
    pieces = []
    for _ in range(2):
        asked.compute_single()
        pieces.append(bytes(asked.get_output_single(0)))
    assert pieces == [b"e", b"f"]
    with pytest.raises(HostError) as caught:
        asked.compute_single()
    assert caught.value.errno is Errno.END_OF_SEQUENCE


@pytest.mark.parametrize("temp", [0, 0.8])
@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"enum": ["efg", "xyz"]}, rb'"(efg|xyz)"'),
        ({"const": 7}, rb"7"),
        ({"type": "boolean"}, rb"true|false"),
        ({"items": {"const": 1}, "minItems": 1, "maxItems": 1}, rb"\[\s*(1\s*\]?)?"),
        ({"type": "string", "pattern": "^[gh]{2}x$"}, rb'"[gh]{2}x"'),
    ],
)
def test_a_json_schema_is_kept(
    model: Path, schema: dict[str, object], fits: bytes, temp: float
) -> None:
    for given in (json.dumps(schema), schema):
        asked = context(model, json_schema=given, temp=temp, n_predict=55)
        text = answer(asked, "abcd").removesuffix(b"</s>")
        assert re.fullmatch(fits, text)


@pytest.mark.parametrize(
    "schema", ["{", '{"type": "nonsense"}', [1], False, '{"$ref": "#/none"}'], ids=str
)
def test_what_is_not_a_schema_is_an_invalid_argument(
    model: Path, capfd: pytest.CaptureFixture[str], schema: object
) -> None:
    with pytest.raises(HostError) as caught:
        answer(context(model, json_schema=schema), "abcd")
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    assert "the option json-schema" in caught.value.reason
    assert not capfd.readouterr().err


@pytest.mark.parametrize(
    "grammar",
    [
        "other ::= [a]",
        'root ::= "a',
        "root ::= missing",
        "root ::= root [a]",
        "root ::= " + "(" * 10_000,
        'root ::= "a"{100000}',
        "root ::= [a]\0",
        "nonsense",
    ],
    ids=lambda text: text[:20],
)
def test_what_is_not_a_grammar_is_an_invalid_argument(model: Path, grammar: str) -> None:
    with pytest.raises(HostError) as caught:
        answer(context(model, grammar=grammar), "abcd")
    assert caught.value.errno is Errno.INVALID_ARGUMENT
