"""The schema for editors says of good and bad files what nnshim says of them."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nnshim.config.schema import Wrong, check, read_schema
from rewriter.policy.policy import ENCODINGS, FUNCTIONS, TARGETS, UNKNOWN
from tests.support.command import nnshim as run

SCHEMA = json.loads(run("config", "schema").stdout)

GOOD = [
    "",
    'hosts = ["wamr@2.4.5", "./mine.toml"]\nstrict = true\n',
    'accept-by-path = { "a/*" = ["NN226"], "b" = [] }',
    "[policy]",
    '[policy]\nencodings = []\nunknown = "allow"\nimports = ["wasi:io"]\nnamed-graphs = ["a"]',
]

BAD = [
    "hots = []",
    "hosts = 'wamr'",
    "hosts = [1]",
    "hosts = ['']",
    "hosts = ['wamr', 'wamr']",
    "strict = 'true'",
    "strict = 1",
    "accept = ['226']",
    "accept = ['NN2260']",
    "accept-by-path = []",
    "accept-by-path.a = 'NN226'",
    "accept-by-path.a = ['x']",
    "policy = true",
    "[policy]\ntarget = []",
    "[policy]\ntargets = ['cuda']",
    "[policy]\nencodings = ['ONNX']",
    "[policy]\nfunctions = ['load-by-name']",
    "[policy]\nunknown = true",
    "hosts = [1979-05-27]",
    "exclude = {}",
]


def accepts(values: dict[str, Any]) -> bool:
    try:
        check(values, read_schema())
    except Wrong:
        return False
    return True


def test_it_is_a_schema_and_the_one_that_nnshim_reads_by() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert read_schema() == SCHEMA


@pytest.mark.parametrize("text", GOOD)
def test_good_files_are_valid(text: str) -> None:
    values = tomllib.loads(text)
    assert Draft202012Validator(SCHEMA).is_valid(values)
    assert accepts(values)


@pytest.mark.parametrize("text", BAD)
def test_bad_files_are_not(text: str) -> None:
    values = tomllib.loads(text)
    assert not Draft202012Validator(SCHEMA).is_valid(values)
    assert not accepts(values)


def test_the_names_in_it_are_those_of_a_policy() -> None:
    policy = SCHEMA["properties"]["policy"]["properties"]
    assert policy["encodings"]["items"]["enum"] == [*ENCODINGS]
    assert policy["targets"]["items"]["enum"] == [*TARGETS]
    assert policy["functions"]["items"]["enum"] == [*FUNCTIONS]
    assert policy["unknown"]["enum"] == [*UNKNOWN]


def test_every_key_has_a_description_and_an_example_that_is_valid() -> None:
    for properties in (SCHEMA["properties"], SCHEMA["properties"]["policy"]["properties"]):
        for key, schema in properties.items():
            assert schema["description"].endswith(".")
            for example in schema.get("examples", []):
                assert Draft202012Validator(schema).is_valid(example), key
            assert "examples" in schema or key == "policy"
