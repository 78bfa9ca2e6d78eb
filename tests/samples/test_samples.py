from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rewriter import rewrite_file
from samples.build import SAMPLES, build
from samples.digits_to_tflite import to_tflite
from tests.support.digits import TFLITE_MODEL, layers

EXPECTED = (SAMPLES / "expected" / "digits.txt").read_text()
BY_NAME = str(SAMPLES / "digits_by_name.wat")


def run(*arguments: str, cwd: Path = SAMPLES) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nnshim", "run", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def images() -> list[str]:
    return [f"images/{digit}.pgm" for digit in range(10)]


def test_the_digits_are_read_from_the_images() -> None:
    done = run("--dir", ".", "digits.wasm", "digits/model.onnx", *images())
    assert (done.stdout, done.stderr, done.returncode) == (EXPECTED, "", 0)


def test_they_are_read_with_the_model_in_tensorflow_lite_too() -> None:
    done = run("--dir", ".", "digits.wasm", "digits/model.tflite", *images())
    assert (done.stdout, done.returncode) == (EXPECTED, 0)


def test_the_committed_model_in_tensorflow_lite_has_the_weights_of_the_other() -> None:
    (first, second), (hidden, scores) = layers()
    assert to_tflite([(first, hidden), (second, scores)]) == TFLITE_MODEL.read_bytes()


def test_every_image_is_classified_as_what_it_shows() -> None:
    digits = [line.split()[1] for line in EXPECTED.splitlines()]
    assert digits == [str(digit) for digit in range(10)]


def test_renamed_it_gives_the_same(tmp_path: Path) -> None:
    renamed = tmp_path / "renamed.wasm"
    plan = rewrite_file(str(SAMPLES / "digits.wasm"), str(renamed)).plan
    assert [(r.old, r.new, r.imports) for r in plan.renames] == [
        ("wasi_ephemeral_nn", "wasi_nn", 5)
    ]
    done = run("--dir", ".", str(renamed), "digits/model.onnx", *images())
    assert (done.stdout, done.returncode) == (EXPECTED, 0)


@pytest.mark.parametrize(
    "option",
    [["-S", "nn-graph=onnx::digits"], ["--nn-preload", "digits:ONNX:AUTO:digits/model.onnx"]],
    ids=["as wasmtime", "as wasmedge"],
)
def test_the_digit_is_read_with_a_model_loaded_by_name(option: list[str]) -> None:
    done = run(*option, BY_NAME)
    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)


def test_without_the_named_model_the_errno_is_the_exit_code() -> None:
    assert run(BY_NAME).returncode == 8


def test_the_committed_guest_is_what_its_source_builds(tmp_path: Path) -> None:
    build(SAMPLES / "digits.c", tmp_path / "digits.wasm")
    assert (tmp_path / "digits.wasm").read_bytes() == (SAMPLES / "digits.wasm").read_bytes()


def test_an_image_can_be_larger_and_binary(tmp_path: Path) -> None:
    """Every pixel three times as wide and high, 16 bits each, with a comment in the header."""
    rows = [
        [int(word) for word in line.split()]
        for line in (SAMPLES / "images" / "7.pgm").read_text().splitlines()[3:]
    ]
    pixels = b"".join(
        (value * 1000).to_bytes(2, "big") * 3 for row in rows for _ in range(3) for value in row
    )
    (tmp_path / "7.pgm").write_bytes(b"P5 # a seven\n24 24\n16000\n" + pixels)
    done = run("--dir", ".", "--dir", f"{tmp_path}::big", "digits.wasm", "digits/model.onnx",
               "big/7.pgm")  # fmt: skip
    assert done.stdout.split()[1:] == EXPECTED.splitlines()[7].split()[1:]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        pytest.param(b"P6\n8 8\n255\n" + bytes(192), "not a PGM", id="colour"),
        pytest.param(b"P5\n4 4\n255\n" + bytes(16), "under 8", id="too small"),
        pytest.param(b"P5\n8 8\n255\n" + bytes(63), "damaged", id="cut off"),
        pytest.param(b"P2\n8 8\n3\n" + b"4 " * 64, "damaged", id="brighter than its maximum"),
        pytest.param(b"", "not a PGM", id="empty"),
    ],
)
def test_an_image_that_is_none_is_refused(tmp_path: Path, image: bytes, words: str) -> None:
    (tmp_path / "x.pgm").write_bytes(image)
    done = run("--dir", ".", "--dir", f"{tmp_path}::t", "digits.wasm", "digits/model.onnx",
               "t/x.pgm")  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr


def test_the_guest_sees_no_folder_that_it_was_not_given() -> None:
    done = run("digits.wasm", os.fspath(SAMPLES / "digits" / "model.onnx"), "images/1.pgm")
    assert done.returncode == 1
    assert "cannot be opened" in done.stderr
