"""Schemas with other models than the one before, and with vocabularies that llama.cpp ends the
process for."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim import HostError
from runtime_shim.backends.ggml.backend import GgmlBackend
from tests.support.gguf_models import BYTE, CONTROL, NORMAL, UNKNOWN, with_vocabulary

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SCHEMA = {"const": "bc"}


def model(
    path: Path, words: Sequence[str], more: Sequence[str] = (), bytes_: Sequence[str] = tuple(BYTES)
) -> Path:
    """A model that says the words in their order, with more tokens that it does not say."""
    tokens = ["<unk>", "<s>", "</s>", *bytes_, "▁", *words, *more]
    types = [
        UNKNOWN,
        CONTROL,
        CONTROL,
        *(BYTE if token in BYTES else NORMAL for token in tokens[3:]),
    ]
    return with_vocabulary(path, tokens, types, "llama", chain=[*map(tokens.index, words)])


def asked(path: Path, prompt: str = "a", **options: object) -> bytes:
    given: dict[str, object] = {"temp": 0, "ctx-size": 64, "n-predict": 8, "threads": 1}
    given |= {name.replace("_", "-"): value for name, value in options.items()}
    context = GgmlBackend().load([path], Target.CPU, given).init_execution_context()
    data = memoryview(prompt.encode())
    context.set_input(0, TensorType.U8, (len(data),), data)
    context.compute()
    return bytes(context.get_output(0))


@pytest.mark.parametrize("more", [0, 200], ids=["of the same size", "of another size"])
def test_a_model_in_the_place_of_one_that_was_freed_has_its_own_tokens(
    tmp_path: Path, more: int
) -> None:
    first = model(tmp_path / "first.gguf", ["a", '"b', 'c"'])
    second = model(tmp_path / "second.gguf", ["a", '"x', 'y"'], [f"z{n}" for n in range(more)])
    for _ in range(4):
        assert asked(first, json_schema={"const": "bc"}) == b'"bc"</s>'
        gc.collect()
        assert asked(second, json_schema={"const": "xy"}) == b'"xy"</s>'
        gc.collect()


def test_several_models_can_begin_at_the_same_time(tmp_path: Path) -> None:
    texts = [f"{letter}{letter}" for letter in "bcdefghi"]
    paths = [model(tmp_path / f"{text}.gguf", ["a", f'"{text}"'], texts) for text in texts]
    with ThreadPoolExecutor(len(texts)) as pool:
        for _ in range(8):
            found = pool.map(
                lambda path, text: asked(path, json_schema={"const": text}), paths, texts
            )
            assert [*found] == [f'"{text}"</s>'.encode() for text in texts]


UNUSABLE: dict[str, tuple[dict[str, Sequence[str]], str]] = {
    "no bytes": ({"bytes_": ()}, "no token for 254 of the 256 bytes"),
    "a byte is missing": ({"bytes_": BYTES[1:]}, "no token for 1 of the 256 bytes"),
    "a long token": ({"more": ["é" * 512]}, "a token of 1024 bytes, and the maximum is 1023"),
    "many bytes": (
        {"more": [f"{number:0>1023}" for number in range(1100)]},
        "tokens of 1125571 bytes, and the maximum is 1067982",
    ),
}


@pytest.mark.parametrize(("given", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_vocabulary_that_would_end_the_process_is_refused(
    tmp_path: Path, given: dict[str, Sequence[str]], why: str
) -> None:
    path = model(tmp_path / "model.gguf", ["a", "b"], **given)
    with pytest.raises(HostError) as caught:
        asked(path, json_schema=SCHEMA)
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION
    assert caught.value.reason.endswith(f"with this model, because its vocabulary has {why}")
    assert asked(path).startswith(b"b")


def test_the_longest_and_most_tokens_that_are_accepted_do_not_end_the_process(
    tmp_path: Path,
) -> None:
    longest = ["é" * 511 + "x", "▁" * 1000]  # a space has one byte in a text
    most = [f"{number:0>1023}" for number in range(1000)]
    assert asked(model(tmp_path / "a.gguf", ["a", '"bc"'], longest), json_schema=SCHEMA)
    assert asked(model(tmp_path / "b.gguf", ["a", '"bc"'], most), json_schema=SCHEMA)


@pytest.mark.parametrize("schema", [{"const": 7}, {"const": "a7"}, {"enum": []}, {"type": "x"}])
def test_where_no_token_fits_the_reason_names_the_schema(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], schema: object
) -> None:
    tokens = ["<unk>", "<s>", "</s>", "a", '"']
    types = [UNKNOWN, CONTROL, CONTROL, NORMAL, NORMAL]
    path = tmp_path / "a.gguf"
    with_vocabulary(path, tokens, types, "gpt2", pre="gpt-2", merges=["a a"])
    with pytest.raises(HostError, match="no token of the model") as caught:
        asked(path, json_schema=schema)
    begun = schema == {"const": "a7"}
    assert caught.value.errno is (Errno.RUNTIME_ERROR if begun else Errno.INVALID_ARGUMENT)
    assert "the schema in the option json-schema" in caught.value.reason
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("prompt", "missing"), [("aza", "'z'"), ("é", "'é'"), ("aé", "'é'"), ("\n", "'\\n'")]
)
def test_a_prompt_with_a_character_that_has_no_token_is_refused(
    tmp_path: Path, prompt: str, missing: str
) -> None:
    half = [*BYTES[:10], *BYTES[11:0x7A], *BYTES[0x7B:0xC3]]  # without a line end and z
    path = model(tmp_path / "model.gguf", ["a", "b"], ["ü"], half)
    with pytest.raises(HostError) as caught:
        asked(path, prompt)
    assert caught.value.errno is Errno.INVALID_ARGUMENT
    assert f"no token for the character {missing}" in caught.value.reason
    for possible in ("a", "üa", "a a", "<s>a"):
        assert asked(path, possible).startswith(b"b")
