"""Which code is given for what: a module that is refused, and two that differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter import (
    DependencyMissing,
    InvalidModule,
    InvalidResult,
    NNShimError,
    RewriteOptions,
    compare,
    inspect_module,
    rewrite,
    rewrite_file,
)
from rewriter.files import wasm_tools
from rewriter.wasm.sections import SectionId
from tests.support.wasm import (
    HEADER,
    LOAD,
    TYPES,
    assemble,
    custom,
    import_module,
    imported,
    imports,
    name,
    section,
    vector,
    with_code,
)

GUEST = import_module("wasi_nn")
ADAPTS = RewriteOptions(host="wamr-legacy", validate=False)
NOTHING = b"\0\x0b"
CALL = b"\0\x10\x80\x80\x80\x80\0\x0b"
ADAPTABLE = with_code(CALL, NOTHING, exports=[name("run") + b"\0\1"])
ADAPTED = rewrite(ADAPTABLE, RewriteOptions(abi="wamr", validate=False))

OBJECT = assemble('(module (import "env" "__linear_memory" (memory 0)))')
OF_TWO_ABIS = (
    HEADER
    + section(SectionId.TYPE, vector(LOAD, b"\x60\4\x7f\x7f\x7f\x7f\1\x7f"))
    + imports(imported("wasi_ephemeral_nn", "load"), imported("wasi_nn", "load", b"\0\1"))
)


def refused(module: bytes, options: RewriteOptions | None = None) -> Callable[[], object]:
    return lambda: rewrite(module, options or RewriteOptions(validate=False))


@pytest.mark.parametrize(
    ("code", "call"),
    [
        pytest.param("NN101", refused(b""), id="empty"),
        pytest.param("NN101", refused(b"<html>"), id="something else"),
        pytest.param("NN102", refused(HEADER[:6]), id="half a header"),
        pytest.param("NN102", refused(GUEST[:-1]), id="half a section"),
        pytest.param("NN102", refused(HEADER + b"\2\x80"), id="half a size"),
        pytest.param("NN103", refused(HEADER + TYPES + TYPES), id="types twice"),
        pytest.param("NN103", refused(HEADER + b"\x7f\0"), id="an unknown section"),
        pytest.param(
            "NN104", lambda: inspect_module(import_module(*["wasi_nn"] * 1001)), id="imports"
        ),
        pytest.param("NN105", refused(assemble("(component)")), id="a component"),
        pytest.param("NN106", refused(OBJECT + custom("linking", b"\2")), id="an object file"),
        pytest.param("NN107", refused(b"\x7fELF"), id="a precompiled artifact"),
        pytest.param(
            "NN108",
            refused(HEADER + imports(imported("wasi_nn", "f", b"\3\x7f\7")), RewriteOptions()),
            id="not valid",
        ),
        pytest.param("NN110", refused(ADAPTABLE + custom("signature", b"\1")), id="signed"),
        pytest.param(
            "NN111", refused(with_code(CALL[:-1] + b"\xff\x0b"), ADAPTS), id="an instruction"
        ),
        pytest.param(
            "NN112", refused(with_code(CALL.replace(b"\x80", b"\x82", 1)), ADAPTS), id="a function"
        ),
        pytest.param(
            "NN123", lambda: inspect_module(ADAPTED, "wamr"), id="adapters of another guest"
        ),
        pytest.param(
            "NN323",
            refused(GUEST, RewriteOptions(to="wasi_ephemeral_nn", keep_offsets=True)),
            id="longer names",
        ),
        pytest.param("NN324", refused(OF_TWO_ABIS), id="two ABIs"),
        pytest.param("NN331", refused(GUEST, RewriteOptions(require=True)), id="nothing to do"),
    ],
)
def test_a_module_that_is_refused_has_the_code_for_why(
    code: str, call: Callable[[], object]
) -> None:
    with pytest.raises(NNShimError) as caught:
        call()
    assert [found.code for found in caught.value.diagnostics] == [code]


def test_files_that_cannot_be_read_or_assembled_have_codes(tmp_path: Path) -> None:
    text = tmp_path / "in.wat"
    text.write_text("(module")
    for path, code in ((tmp_path / "missing.wasm", "NN001"), (text, "NN109")):
        with pytest.raises(NNShimError) as caught:
            rewrite_file(str(path), None)
        assert caught.value.code == code
    (tmp_path / "in.wasm").write_bytes(GUEST)
    with pytest.raises(NNShimError) as caught:
        rewrite_file(str(tmp_path / "in.wasm"), str(tmp_path / "no" / "out.wasm"))
    assert caught.value.code == "NN002"


def test_what_is_the_fault_of_a_tool_or_of_nnshim_has_codes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = iter([None, InvalidModule("bad", 7)])

    def judge(_: object) -> None:
        if error := next(seen):
            raise error

    monkeypatch.setattr(wasm_tools, "validate", judge)
    with pytest.raises(InvalidResult) as caught:
        rewrite(import_module("wasi_ephemeral_nn"))
    assert caught.value.code == "NN332"
    assert DependencyMissing("").code == "NN003"


TWO_TYPES = section(SectionId.TYPE, vector(b"\x60\0\0", b"\x60\0\0"))
WIDE = section(SectionId.TYPE, vector(b"\x60\0\0"), width=2)

DYLINK = custom("dylink.0", b"\4\x0c" + vector(name("wasi_nn") + name("f") + b"\0"))


@pytest.mark.parametrize(
    ("code", "original", "rewritten"),
    [
        ("NN401", HEADER + custom("x", b"abc"), HEADER + custom("x", b"aXc")),
        ("NN402", HEADER + custom("x", b"abc"), HEADER + custom("x", b"abcd")),
        ("NN403", HEADER + custom("x"), HEADER),
        ("NN404", HEADER, HEADER + custom("x")),
        ("NN405", HEADER + TYPES, HEADER + WIDE),
        ("NN411", GUEST, HEADER + TYPES + imports(imported("wasi_nn", "g"))),
        ("NN412", ADAPTABLE, rewrite(with_code(CALL), RewriteOptions(abi="wamr", validate=False))),
        ("NN413", with_code(CALL, NOTHING), ADAPTED),
        ("NN414", ADAPTABLE, ADAPTED.replace(b"\x10\x83", b"\x10\x80", 1)),
        ("NN415", ADAPTABLE + custom("name", b"\0\2\1a"), ADAPTED),
        ("NN416", GUEST, import_module("other")),
        ("NN417", ADAPTABLE, ADAPTED.replace(b"-to-wamr.0.0", b"-to-wamr.0.1")),
        (
            "NN418",
            HEADER + DYLINK + GUEST[len(HEADER) :],
            HEADER + DYLINK + import_module("wasi_ephemeral_nn")[len(HEADER) :],
        ),
        ("NN421", GUEST, GUEST + custom("nnshim.record", b"?")),
        ("NN422", GUEST, GUEST + custom("nnshim.record", b"[]")),
        ("NN423", GUEST, GUEST + custom("nnshim.record", b"[{}]")),
        ("NN424", GUEST, GUEST + custom("nnshim.guest", b"wamr")),
    ],
)
def test_a_difference_has_the_code_of_its_kind(
    code: str, original: bytes, rewritten: bytes
) -> None:
    assert original != rewritten
    assert code in [found.code for found in compare(original, rewritten).differences]
