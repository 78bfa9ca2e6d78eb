from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nnshim.__main__ import main
from rewriter.analysis.compatibility import Answer, Verdict
from rewriter.analysis.inspect import inspect_module
from rewriter.analysis.seen.numbering import as_shown, constants_of
from rewriter.checking.check import check
from rewriter.constants.constant import Subject
from tests.support.tflite_models import identity
from tests.support.wasm import assemble

NN = "wasi_ephemeral_nn"


def guest(body: str, *more: str, module: str = NN, load: int = 5) -> bytes:
    """Imports load and set_input; its frame of 64 bytes starts at 4032."""
    imported = {"load": load, "set_input": 3, **dict.fromkeys(more, 5)}
    imports = " ".join(
        f'(import "{module}" "{name}" (func ${name} (param {"i32 " * count}) (result i32)))'
        for name, count in imported.items()
    )
    return assemble(
        f'(module {imports} (memory (export "memory") 1) (global $sp (mut i32) (i32.const 4096))'
        ' (func (export "_start") (local $frame i32)'
        " (global.set $sp (local.tee $frame (i32.sub (global.get $sp) (i32.const 64))))"
        f" {body} (global.set $sp (i32.add (local.get $frame) (i32.const 64)))))"
    )


def stored(**at: int) -> str:
    return " ".join(
        f"(i32.store offset={name[1:]} (local.get $frame) (i32.const {value}))"
        for name, value in at.items()
    )


def passes(kind: int, *, data: int | None = None) -> str:
    """Passes a tensor of four by four elements, of `data` bytes or of a number that is hidden."""
    length = f"(i32.const {data})" if data is not None else "(i32.load (i32.const 64))"
    return (
        f"{stored(_4=2, _8=kind, _32=4, _36=4)} (i32.store offset=16 (local.get $frame) {length})"
        " (i32.store (local.get $frame) (i32.add (local.get $frame) (i32.const 32)))"
        " (drop (call $set_input (i32.const 0) (i32.const 0) (local.get $frame)))"
    )


HIDDEN_PARTS = "(i32.load (i32.const 76))"


def loads(encoding: str, target: int = 0, parts: str = HIDDEN_PARTS) -> str:
    """Loads a model, by default in a number of builders that is hidden."""
    return (
        f"(drop (call $load (i32.const 64) {parts} {encoding} (i32.const {target}) (i32.const 72)))"
    )


OPENVINO = loads("(i32.const 0)")
HIDDEN = passes(1).replace("frame) (i32.const 1)", "frame) (i32.load (i32.const 68))")


def on(host: str, module: bytes, guest_abi: str | None = None) -> Verdict:
    return check(module, [host], guest_abi=guest_abi)[0]


def of_constants(found: Verdict) -> list[str]:
    codes = ("NN137", "NN138", "NN145", "NN146", "NN253", "NN261", "NN262", "NN263")
    return [one.code for one in (*found.reasons, *found.caveats) if one.code in codes]


@pytest.mark.parametrize("host", ["wasmtime", "wamr", "wasmedge"])
def test_types_that_mean_the_same_in_every_numbering_are_not_spoken_of(host: str) -> None:
    found = on(host, guest(OPENVINO + passes(1)))
    assert (found.answer, of_constants(found)) == (Answer.RUNS, [])


def test_hidden_types_are_still_a_guess() -> None:
    found = on("wasmtime", guest(OPENVINO + HIDDEN))
    assert of_constants(found) == ["NN137"]


def test_types_that_some_calls_hide_are_a_guess_that_says_so() -> None:
    (guess,) = on("wasmtime", guest(OPENVINO + passes(1) + HIDDEN)).unseen
    assert guess.message.startswith("for 1 of 2 calls, the tensor type is unknown")


def test_a_type_that_means_two_things_is_a_condition() -> None:
    found = on("wasmtime", guest(OPENVINO + passes(2)))
    assert (found.answer, of_constants(found)) == (Answer.ONLY_IF, ["NN146"])
    (condition,) = found.conditions
    assert "type 2, which is f64 and was u8 before August 2023" in condition.text
    assert condition.text.endswith("say which with --guest-abi: witx, or witx-2022")
    assert condition.offset is not None


def test_a_type_that_means_two_things_is_none_once_somebody_says_which() -> None:
    module = guest(OPENVINO + passes(2))
    assert of_constants(on("wasmtime", module, "witx")) == []
    assert on("wasmtime", module, "witx-2022").answer is Answer.REWRITE


@pytest.mark.parametrize(("kind", "data"), [(2, 16), (3, 64)])
def test_a_type_whose_elements_have_the_older_size_is_of_the_older_numbers(
    kind: int, data: int
) -> None:
    module = guest(loads("(i32.const 4)") + passes(kind, data=data))
    found = on("wasmtime", module)
    assert found.answer is Answer.REWRITE
    assert [one.code for one in found.reasons] == ["NN207", "NN204"]
    assert of_constants(found) == ["NN262", "NN145"]
    assert on("wasmedge@0.14.0", module).answer is Answer.RUNS


@pytest.mark.parametrize(("kind", "data"), [(2, 128), (3, 16), (4, 64), (4, None), (5, None)])
def test_a_type_of_todays_numbers_only_is_of_those(kind: int, data: int | None) -> None:
    module = guest(OPENVINO + passes(kind, data=data))
    found = on("wasmtime", module)
    assert (found.answer, of_constants(found)) == (Answer.RUNS, [])
    (abi,) = as_shown(inspect_module(module)).abis.values()
    assert (abi.name, abi.evidence[-1].code) == ("witx", "NN145")


def test_what_else_passes_an_older_type_makes_one_of_the_same_guest_older() -> None:
    module = guest(OPENVINO + passes(2) + passes(3, data=64))
    (abi,) = as_shown(inspect_module(module)).abis.values()
    assert abi.name == "witx-2022"


def test_the_command_that_helps_says_what_the_constants_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "older.wasm"
    file.write_bytes(guest(OPENVINO + passes(2, data=16)))
    monkeypatch.setattr("sys.argv", ["nnshim", "check", str(file), "--for", "wasmtime"])
    with pytest.raises(SystemExit):
        main()
    out = capsys.readouterr().out
    assert f"nnshim rewrite --for wasmtime --guest-abi witx-2022 {file} older.wasmtime.wasm" in out


@pytest.mark.parametrize(
    ("host", "kind", "refused"),
    [
        ("wasmedge", 5, True),
        ("wasmedge", 4, False),
        ("wamr", 5, False),
        ("wamr-legacy@2.4.5", 4, True),
        ("wamr-legacy@2.4.5", 1, False),
        ("wasmtime", 5, False),
    ],
)
def test_a_type_that_no_backend_takes_is_a_condition(host: str, kind: int, refused: bool) -> None:
    found = on(host, guest(passes(kind)))
    assert ("NN261" in [one.code for one in found.conditions]) is refused


@pytest.mark.parametrize("kind", [6, 7, 9, 255])
@pytest.mark.parametrize("host", ["wasmtime", "wamr", "wamr-legacy@2.4.5", "wasmedge", "nnshim"])
def test_a_type_that_means_nothing_is_a_condition(host: str, kind: int) -> None:
    (condition,) = (one for one in on(host, guest(passes(kind))).conditions if one.code == "NN261")
    assert condition.message.endswith(f"the constant tensor type {kind}, which is undefined")


@pytest.mark.parametrize(
    ("host", "encodings", "kind", "refused"),
    [
        ("wamr-ephemeral@2.4.5", ["(i32.const 4)"], 4, "i32"),  # which only OpenVINO takes there
        ("wamr-ephemeral@2.4.5", ["(i32.const 0)"], 4, None),
        ("wamr-ephemeral@2.4.5", ["(i32.const 4)", "(i32.const 0)"], 4, None),
        ("wamr-ephemeral@2.4.5", ["(i32.const 6)"], 4, None),  # autodetect there
        ("wamr-ephemeral@2.4.5", ["(i32.const 4)", "(i32.load (i32.const 68))"], 4, None),
        ("wamr-ephemeral@2.4.5", ["(i32.const 4)"], 1, None),
        ("wasmedge", ["(i32.const 0)"], 4, "i32"),
        ("wasmedge", ["(i32.const 4)"], 4, None),
        ("nnshim", ["(i32.const 4)"], 4, None),
    ],
)
def test_a_type_counts_for_the_backends_that_the_guest_loads_models_with(
    host: str, encodings: list[str], kind: int, refused: str | None
) -> None:
    found = on(host, guest("".join(map(loads, encodings)) + passes(kind)))
    said = [one.message for one in found.conditions if one.code == "NN261"]
    assert [f"({refused}), which the host does not take for" in one for one in said] == (
        [True] if refused else []
    )


@pytest.mark.parametrize(
    ("host", "encoding", "target", "codes"),
    [
        ("wasmtime", 0, 0, []),
        ("wasmtime", 0, 1, ["NN253"]),
        ("wasmtime", 0, 2, ["NN263"]),
        ("wamr", 0, 1, ["NN263"]),
        ("wamr", 4, 1, []),  # it goes on with the CPU
        ("wamr-legacy@1.1.2", 4, 1, ["NN263"]),
        ("wamr-legacy@1.2.2", 4, 2, ["NN263"]),
        ("wamr-legacy@1.2.3", 4, 2, []),
        ("wasmedge", 0, 1, ["NN253"]),
        ("wasmedge@0.14.1", 0, 1, []),  # which takes the CPU in any case
        ("wasmedge@0.12.1", 0, 1, ["NN263"]),
        ("wasmedge", 4, 1, ["NN263"]),
        ("wasmedge", 6, 2, []),
        ("nnshim", 0, 1, ["NN253"]),
    ],
)
def test_a_target_that_the_backend_does_not_take_is_a_condition(
    host: str, encoding: int, target: int, codes: list[str]
) -> None:
    legacy = host.startswith("wamr-legacy")
    load = loads(f"(i32.const {encoding})", target)
    if legacy:
        load = load.replace(f"{HIDDEN_PARTS} ", "", 1)
        module = guest(load, module="wasi_nn", load=4)
    else:
        module = guest(load)
    found = [one for one in of_constants(on(host, module)) if one in ("NN253", "NN263")]
    assert found == codes


@pytest.mark.parametrize("host", ["wasmtime", "wamr", "wasmedge", "nnshim"])
def test_a_target_that_means_nothing_is_a_condition(host: str) -> None:
    for encoding in ("(i32.const 0)", "(i32.load (i32.const 68))"):
        found = on(host, guest(loads(encoding, 3)))
        (condition,) = (one for one in found.conditions if one.code == "NN263")
        assert condition.message.endswith("the constant target 3, which is undefined")


def test_a_target_of_one_call_counts_for_the_encoding_of_that_call() -> None:
    lite, openvino = "(i32.const 4)", "(i32.const 0)"
    apart = guest(loads(lite, 1) + loads(openvino, 0) + passes(1))
    assert of_constants(on("wamr", apart)) == []
    together = guest(loads(lite, 0) + loads(openvino, 1) + passes(1))
    assert of_constants(on("wamr", together)) == ["NN263"]


@pytest.mark.parametrize(
    ("host", "encoding", "missing"),
    [
        ("wasmtime", 0, False),
        ("wasmtime", 1, False),
        ("wasmtime", 4, True),
        ("wasmtime", 5, True),
        ("wamr", 6, False),
        ("wamr", 1, True),
        ("wamr@main", 1, False),
        ("wasmedge", 6, False),
        ("wasmedge", 1, True),
        ("nnshim", 1, False),
    ],
)
def test_an_encoding_that_no_backend_has_is_a_condition(
    host: str, encoding: int, missing: bool
) -> None:
    found = on(host, guest(loads(f"(i32.const {encoding})")))
    assert ("NN262" in [one.code for one in found.conditions]) is missing


def test_encodings_are_a_guess_only_where_they_are_hidden_or_mean_two_things() -> None:
    assert of_constants(on("wamr", guest(loads("(i32.const 4)") + passes(1)))) == []
    hidden = guest(loads("(i32.load (i32.const 68))") + passes(1))
    assert of_constants(on("wamr", hidden)) == ["NN138"]
    found = on("wamr", guest(loads("(i32.const 6)") + passes(1)))
    assert of_constants(found) == ["NN146"]
    (condition,) = found.conditions
    assert "encoding 6, which is ggml elsewhere and autodetect on this host" in condition.message


@pytest.mark.parametrize(("length", "said"), [(0, False), (2, True)])
@pytest.mark.parametrize(("host", "code"), [("wasmtime", "NN301"), ("wasmedge", "NN264")])
def test_a_configuration_that_is_empty_is_not_a_condition(
    host: str, code: str, length: int, said: bool
) -> None:
    body = (
        "(drop (call $load_by_name_with_config (i32.const 64) (i32.const 7) (i32.const 80)"
        f" (i32.const {length}) (i32.const 72)))"
    )
    found = on(host, guest(body, "load_by_name_with_config"))
    assert (code in [one.code for one in found.caveats]) is said


@pytest.mark.parametrize(("length", "codes"), [(0, []), (2, ["NN747"])])
def test_with_a_model_that_takes_no_configuration_that_is_said(
    length: int, codes: list[str], tmp_path: Path
) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(identity(np.dtype(np.float32), [1, 4]))
    body = (
        "(drop (call $load_by_name_with_config (i32.const 64) (i32.const 7) (i32.const 80)"
        f" (i32.const {length}) (i32.const 72)))"
    )
    (found,) = check(guest(body, "load_by_name_with_config"), ["wasmedge"], models=[model])
    assert [one.code for one in found.conditions] == codes


def test_the_library_has_what_was_seen() -> None:
    found = constants_of(inspect_module(guest(OPENVINO + passes(3))))
    assert [one.numbers for one in found.of(Subject.TYPE)] == [(3,)]
    assert [one.numbers for one in found.of(Subject.ENCODING)] == [(0,)]


@pytest.mark.parametrize(
    ("encoding", "counts"),
    [(4, False), (0, True)],
)
def test_with_a_model_the_numbers_count_that_are_for_it(
    encoding: int, counts: bool, tmp_path: Path
) -> None:
    """Of a guest that has numbers for this model and for others, which the host does not take; one
    that has none for its model passes a wrong one."""
    model = tmp_path / "model.tflite"
    model.write_bytes(identity(np.dtype(np.float32), [1, 4]))
    module = guest(loads(f"(i32.const {encoding})") + loads("(i32.const 1)"))
    for models, codes in (([], {"NN262"}), ([model], {"NN262"} if counts else set())):
        (found,) = check(module, ["wasmedge"], models=models)
        assert {one.code for one in found.conditions if one.code == "NN262"} == codes


def test_with_a_model_the_types_count_that_are_for_it(tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(identity(np.dtype(np.float32), [1, 4]))
    for kinds, counts in (((1, 5), False), ((5,), True)):
        module = guest(loads("(i32.const 4)") + "".join(map(passes, kinds)))
        for models, codes in (([], ["NN261"]), ([model], ["NN261", "NN749"] * counts)):
            (found,) = check(module, ["wasmedge"], models=models)
            assert [one.code for one in found.conditions] == codes
