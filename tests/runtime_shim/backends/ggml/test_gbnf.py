"""How large grammars become in llama.cpp, known before it reads them."""

from __future__ import annotations

import ctypes
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import xllamacpp

from rewriter.abi.dialects import Errno, Target
from runtime_shim import HostError
from runtime_shim.backends.ggml.backend import GgmlBackend
from runtime_shim.backends.ggml.gbnf.items import Chars, TokenItem
from runtime_shim.backends.ggml.gbnf.rules import parse_gbnf
from runtime_shim.backends.ggml.gbnf.stacks import Stacks
from runtime_shim.backends.ggml.llama_cpp import Token
from runtime_shim.backends.ggml.options import GgmlOptions
from runtime_shim.backends.ggml.text import Text
from tests.support.gguf_models import CONTROL, NORMAL, UNKNOWN, successors, with_vocabulary

_Vector = ctypes.c_size_t * 3
"""Where a std::vector begins and ends, and where its memory ends."""

_library = ctypes.CDLL(xllamacpp.xllamacpp.__file__)
_init = _library._Z23llama_grammar_init_implPK11llama_vocabPKcS3_bPS3_mPKim
_init.restype = ctypes.c_void_p
_init.argtypes = (
    *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_bool),
    *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t),
)
_accept = _library._Z20llama_grammar_acceptP13llama_grammarj
_accept.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
_rules = _library._Z23llama_grammar_get_rulesPK13llama_grammar
_stacks = _library._Z24llama_grammar_get_stacksP13llama_grammar
for _get in (_rules, _stacks):
    _get.restype = ctypes.POINTER(_Vector)
    _get.argtypes = (ctypes.c_void_p,)


def lengths(vectors: ctypes._Pointer[ctypes.Array[ctypes.c_size_t]]) -> list[int]:
    """Of the vectors in a vector, in elements of eight bytes."""
    begin, end, _ = vectors.contents
    if begin == end:
        return []
    numbers = (ctypes.c_size_t * ((end - begin) // 8)).from_address(begin)
    return [(b - a) // 8 for a, b in zip(numbers[::3], numbers[1::3], strict=True)]


JSON = r"""
root ::= object
value ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
array ::= "[" ws (value ("," ws value)*)? "]" ws
string ::= "\"" ([^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}))* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [1-9]{1,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
"""

AGREED = {
    "json": JSON,
    "repetitions": 'root ::= ("ab"{2,5} [x-z]?){0,7} "c"+ ("d" | "e" "f"*){3} "é" .',
    "none": 'root ::= "a"{0} "b"{0,0} "c"{1} "d"{2,} [] ""',
    "escapes": 'root ::= "\\x41\\u00e9\\U0001F600\\n\\"" [^\\]\\-a-c-]* # comment\n\n # other\n',
    "line breaks": 'root ::=\n "a" | (\n "b" |\n "c" )\r\nother ::= root',
    "no maximum": 'root ::= [a-z]{0,5000} "x"',
    "ambiguous": 'root ::= "a" root "b" | "a" root "c" | "a"',
    "empty in the end": 'root ::= "a" root end | "b"\nend ::= maybe maybe\nmaybe ::= "c"?',
    "words": "root ::= (word | ws)*\nword ::= [a-z]+\nws ::= [ \\t\\n]*",
    "lines": 'root ::= (line "\\n"?)+\nline ::= [^\\n]*',
    "maybe": 'root ::= ("a"? "b"?)*',
    "statements": 'root ::= stmt*\nstmt ::= [a-z]+ ";" | ws\nws ::= " "*',
    "itself in the end": "root ::= a | [x]\na ::= b root\nb ::= c\nc ::= [z]?",
    "itself, but unused": 'root ::= "a"+\nother ::= maybe other "x" | "y"\nmaybe ::= "b"*',
    "many alternatives": "root ::= " + " | ".join(f'"value{number}"' for number in range(300)),
}


@pytest.mark.parametrize("text", AGREED.values(), ids=AGREED)
@pytest.mark.parametrize("seed", range(3))
def test_llama_cpp_has_as_many_rules_and_stacks(text: str, seed: int) -> None:
    """While it reads a random text that fits."""
    chance = random.Random(seed)
    grammar = _init(None, text.encode(), b"root", False, None, 0, None, 0)
    assert grammar
    rules = parse_gbnf(text)
    assert len(lengths(_rules(grammar))) == len(rules.starts)
    assert 8 * sum(lengths(_rules(grammar))) < rules.size
    stacks = Stacks(rules)
    for _ in range(8):
        found = [0 if each is None else each.depth for each in stacks._stacks]
        assert sorted(lengths(_stacks(grammar))) == sorted(found)
        codes = sorted(fitting(rules.items[each.place] for each in stacks._stacks if each))
        if not codes:
            break
        code = chance.choice(codes)
        stacks.accept(0, chr(code).encode())
        _accept(grammar, code)


def fitting(items: Iterator[Chars | TokenItem | int | None]) -> Iterator[int]:
    """A character for each item."""
    for item in items:
        assert isinstance(item, Chars)
        yield from (code for code in (ord("q"), *(low for low, _ in item.ranges)) if item.has(code))


def chain(length: int) -> str:
    """A grammar that can begin in 2 ** length ways."""
    rules = [f'r{each} ::= r{each + 1} "x" | r{each + 1} "y"' for each in range(length)]
    return "\n".join(["root ::= r0", *rules, f'r{length} ::= "a"'])


@pytest.mark.parametrize(
    ("text", "errno", "match"),
    [
        ('root ::= "a"{5,2}', Errno.INVALID_ARGUMENT, "minimum 5"),
        ('root ::= "a"{1,9999999999}', Errno.INVALID_ARGUMENT, "too many repetitions"),
        ('root ::= ("a"{0,50} "b"){0,50}', Errno.INVALID_ARGUMENT, "too many repetitions"),
        (
            'root ::= a | [x]\na ::= b root "y"\nb ::= c\nc ::= [z]?',
            Errno.INVALID_ARGUMENT,
            "itself",
        ),
        ("root ::= first\nfirst ::= [a]* | first", Errno.INVALID_ARGUMENT, "rule first can begin"),
        ('root ::= "))))" ' + "(" * 201 + "[a]" + ")" * 201, Errno.INVALID_ARGUMENT, "200 levels"),
        (f"root ::= <[{'9' * 5000}]>", Errno.INVALID_ARGUMENT, "number of a token"),
        ("root ::= other", Errno.INVALID_ARGUMENT, "not defined"),
        (f'root ::= "{"a" * 9000}"{{0,2000}}', Errno.TOO_LARGE, "100000 elements"),
        ("root ::= " + "[a]{0,2000} | " * 20 + '"b"', Errno.TOO_LARGE, "100000 elements"),
        (chain(13), Errno.TOO_LARGE, "10000 ways"),
        (chain(30), Errno.TOO_LARGE, "ways to begin its rules"),
    ],
    ids=[
        "order",
        "number",
        "nested",
        "left recursion unnoticed",
        "left recursion",
        "brackets",
        "digits",
        "missing",
        "literal",
        "rules",
        "ways",
        "visits",
    ],
)
def test_a_grammar_that_would_be_too_large_is_refused(text: str, errno: Errno, match: str) -> None:
    """For the first and the fourth one, llama.cpp takes all memory that there is."""
    with pytest.raises(HostError, match=match) as caught:
        parse_gbnf(text)
    assert caught.value.errno is errno


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return successors(tmp_path_factory.mktemp("gbnf") / "a.gguf", "ba", context=512, end=False)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('root ::= [ab] root "x" | [ab] root "y" | "z"', "too many ways"),
        ('root ::= [ab] root "x" | "c"', "nested more than 500 deep"),
    ],
    ids=["doubles", "deep"],
)
def test_a_text_that_can_be_read_in_too_many_ways_is_ended(
    model: Path, text: str, match: str
) -> None:
    graph = GgmlBackend().load([model], Target.CPU)
    tested = Text(graph, GgmlOptions(ctx_size=512, grammar=text, temp=0), threading.Event())
    tested.begin((Token * 1)(5))
    with pytest.raises(HostError, match=match) as caught:
        list(map(Text.advance, [tested] * 505))
    assert caught.value.errno is Errno.RUNTIME_ERROR


VALUES = " | ".join(f'"city number {number}"' for number in range(2000))
PROPERTIES = "\n".join(f'r{n} ::= ("," p{n})? r{n + 1}\np{n} ::= "{n}:" [a-z]+' for n in range(600))


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (f'root ::= ("[" root "]") | {VALUES}', "[[[[[[[[city number 1234]]]]]]]]"),
        (f'root ::= "{{" r0 "}}"\n{PROPERTIES}\nr600 ::= ""', "{,0:abc,7:abc,599:abc}"),
    ],
    ids=["values", "properties"],
)
@pytest.mark.parametrize("length", [1, 40])
def test_a_text_may_be_one_of_many(text: str, fits: str, length: int) -> None:
    """By tokens of one character, and by longer ones."""
    stacks = Stacks(parse_gbnf(text))
    for start in range(0, len(fits), length):
        stacks.accept(0, fits[start : start + length].encode())
    assert stacks._stacks == {None}


def test_bytes_of_a_character_are_followed_over_several_tokens() -> None:
    stacks = Stacks(parse_gbnf('root ::= "é€" | "x" <tok> "y"'))
    for piece in (b"\xc3", b"\xa9\xe2", b"\x82", b"\xac"):
        assert None not in stacks._stacks
        stacks.accept(0, piece)
    assert stacks._stacks == {None}
    other = Stacks(parse_gbnf('root ::= "x" (<tok> | <[7]>) "y"'))
    for token, piece in ((0, b"x"), (7, b"seven"), (0, b"y")):
        other.accept(token, piece)
    assert other._stacks == {None}


def test_a_grammar_is_refused_for_tokens_that_are_too_long(tmp_path: Path) -> None:
    """llama.cpp would follow their characters recursively."""
    tokens = ["<unk>", "<s>", "</s>", "a", "a" * 1001]
    path = with_vocabulary(
        tmp_path / "m.gguf", tokens, [UNKNOWN, CONTROL, CONTROL, NORMAL, NORMAL], "llama"
    )
    graph = GgmlBackend().load([path], Target.CPU)
    tested = Text(graph, GgmlOptions(ctx_size=64, grammar="root ::= [a]*"), threading.Event())
    with pytest.raises(HostError, match="1001 characters") as caught:
        tested.begin((Token * 1)(3))
    assert caught.value.errno is Errno.UNSUPPORTED_OPERATION
