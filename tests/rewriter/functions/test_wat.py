"""Names in .wat files that stand for values in Python."""

from __future__ import annotations

import pytest

from rewriter.functions.wat import fill, named_in

LOAD = "(func $f (param $at i32) (i32.load offset=$TENSOR_TYPE (local.get $at)))  ;; $at $3 $"


def test_names_in_capitals_are_replaced_and_nothing_else() -> None:
    assert fill(LOAD, {"TENSOR_TYPE": 8, "TENSOR": 1, "AT": 2}) == LOAD.replace("$TENSOR_TYPE", "8")
    assert named_in(LOAD) == {"TENSOR_TYPE"}


def test_a_name_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="TENSOR_TYPE"):
        fill(LOAD, {"TENSOR": 1})
