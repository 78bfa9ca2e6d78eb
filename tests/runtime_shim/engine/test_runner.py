from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rewriter.errors import InputError, InvalidModule, UsageError
from runtime_shim import (
    GuestExit,
    GuestTimeout,
    GuestTrap,
    Limits,
    LinkError,
    NNHost,
    Outcome,
    RunOptions,
    run,
)
from tests.support.wasm import assemble

EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
COUNT = f"""(module {EXIT} (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
  (func $more (global.set $n (i32.add (i32.mul (global.get $n) (i32.const 10)) (i32.const {{}}))))
  (func (export "_initialize") (global.set $n (i32.const 7)))
  (func (export "_start") (call $exit (i32.add (global.get $n) (i32.const 1)))))"""


def execute(text: str, *args: str, **options: Any) -> Outcome:
    given = RunOptions(["guest.wasm", *args], **options)
    return run(assemble(text), NNHost(), given)


def test_a_guest_that_returns_exits_with_0() -> None:
    assert execute('(module (func (export "_start")))') == Outcome(0)


@pytest.mark.parametrize("code", [0, 1, 125, 126, 134, 255])
def test_the_exit_code_is_the_guests_own(code: int) -> None:
    text = f'(module {EXIT} (func (export "_start") (call $exit (i32.const {code}))))'
    assert execute(text).exit_code == code


@pytest.mark.parametrize(("code", "shown"), [(256, 255), (257, 1), (-256, 255), (-1, 255)])
def test_an_exit_code_of_which_the_system_keeps_0_is_not_a_success(code: int, shown: int) -> None:
    text = f'(module {EXIT} (func (export "_start") (call $exit (i32.const {code}))))'
    assert execute(text).exit_code == shown


def test_an_exit_code_that_the_system_shortens_is_told_whole() -> None:
    text = f'(module {EXIT} (func (export "_start") (call $exit (i32.const 256))))'
    with pytest.raises(GuestExit, match="the guest exited with code 256, reported as 255"):
        execute(text).check()


def test_initialize_runs_first() -> None:
    assert execute(COUNT.format(3)).exit_code == 8
    text = """(module (global $n (mut i32) (i32.const 1))
      (func (export "_initialize") (global.set $n (i32.const 5)))
      (func (export "get") (result i32) (global.get $n)))"""
    assert execute(text, invoke="get") == Outcome(0, results=(5,))
    assert execute(text, invoke="_initialize") == Outcome(0)


def test_invoke_passes_arguments_and_gives_results() -> None:
    text = """(module (func (export "swap") (param i32 i64 f64) (result f64 i64 i32)
      local.get 2 local.get 1 local.get 0))"""
    outcome = execute(text, invoke="swap", invoke_args=["0xffffffff", "-3", "2.5"])
    assert outcome.results == (2.5, -3, -1)


def test_a_v128_is_a_number_in_little_endian_order() -> None:
    text = """(module (func (export "first_of") (param v128) (result i32 v128)
      (i32x4.extract_lane 0 (local.get 0)) (local.get 0)))"""
    value = (7 << 96) + 5
    outcome = execute(text, invoke="first_of", invoke_args=[str(value)])
    assert outcome.results == (5, value)
    assert execute(text, invoke="first_of", invoke_args=["-1"]).results == (-1, 2**128 - 1)
    with pytest.raises(UsageError):
        execute(text, invoke="first_of", invoke_args=[str(1 << 128)])


@pytest.mark.parametrize(
    "signature",
    [
        "(param externref)",
        "(param funcref)",
        "(param (ref null $struct))",
        "(param anyref)",
        "(param i31ref)",
        "(param exnref)",
        "(result externref)",
        "(result funcref)",
        "(result (ref null $struct))",
        "(result anyref)",
        "(result eqref)",
        "(result i32 (ref null array))",
    ],
)
def test_values_that_only_webassembly_can_have_are_refused(signature: str) -> None:
    text = f"""(module (type $struct (struct (field i32)))
      (func (export "_start") {signature} unreachable))"""
    for options in ({}, {"invoke": "_start", "invoke_args": ["1"]}):
        with pytest.raises(UsageError, match=r"only WebAssembly code|takes 1 argument,"):
            execute(text, **options)


@pytest.mark.parametrize("signature", ["(param i32)", "(result i32)", "(param v128)"])
def test_an_initialize_that_is_none_is_refused(signature: str) -> None:
    text = f"""(module (func (export "_initialize") {signature} unreachable)
      (func (export "_start")))"""
    with pytest.raises(LinkError, match="_initialize"):
        execute(text)


def test_a_table_of_the_hosts_own_cannot_be_imported() -> None:
    text = """(module (import "wasi_nn" "table" (table 2 2 funcref))
      (import "wasi_nn" "set_input" (func (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (func (export "_start")))"""
    with pytest.raises(LinkError, match=r"wasi_nn\.table \(table\)$"):
        execute(text)
    with pytest.raises(LinkError, match=r"wasi_nn\.table \(table\)$"):
        execute(text, trap_unknown_imports=True)


@pytest.mark.parametrize(
    "args",
    [
        *([], ["1", "2"], ["x"], ["1.5"], ["4294967296"], ["-2147483649"]),
        *(["1_0"], ["\u0661"], [" 1"], ["0x"], ["--1"]),
    ],
    ids=ascii,
)
def test_arguments_that_do_not_fit_are_refused(args: list[str]) -> None:
    text = '(module (func (export "f") (param i32)))'
    with pytest.raises(UsageError):
        execute(text, invoke="f", invoke_args=args)


@pytest.mark.parametrize("text", ["1_0.5", "\u0661", " 1", "1\n", ""], ids=ascii)
def test_a_real_number_is_as_other_languages_write_it(text: str) -> None:
    module = '(module (func (export "f") (param f64) (result f64) local.get 0))'
    assert execute(module, invoke="f", invoke_args=["-1.5e3"]).results == (-1500,)
    with pytest.raises(UsageError, match="to f64"):
        execute(module, invoke="f", invoke_args=[text])


@pytest.mark.parametrize(
    ("params", "said"), [("i32", "takes 1 argument, but"), ("i32 i32", "takes 2 arguments, but")]
)
def test_a_function_with_too_few_arguments_is_told_how_many_it_takes(
    params: str, said: str
) -> None:
    with pytest.raises(UsageError, match=f"{said} there are 0"):
        execute(f'(module (func (export "f") (param {params})))', invoke="f")


def test_a_trap_carries_the_backtrace() -> None:
    text = '(module (func $deep unreachable) (func (export "_start") (call $deep)))'
    with pytest.raises(GuestTrap, match=r"(?s)backtrace.*deep.*unreachable"):
        execute(text).check()


def test_each_frame_of_a_trap_is_a_line() -> None:
    calls = " ".join(f"(func $f{n} (call $f{n + 1}))" for n in range(15))
    with pytest.raises(GuestTrap) as caught:
        execute(
            f'(module {calls} (func $f15 unreachable) (func (export "_start") (call $f0)))'
        ).check()
    frames = [line for line in caught.value.lines if "!f" in line]
    assert [line.rpartition("!")[2] for line in frames] == [f"f{15 - n}" for n in range(16)]


def test_what_the_engine_notes_of_a_trap_is_a_line() -> None:
    with pytest.raises(GuestTrap) as caught:
        execute(
            '(module (func (export "_start") unreachable) (@custom ".debug_info" "unused"))'
        ).check()
    notes = [line for line in caught.value.lines if "WASMTIME_BACKTRACE_DETAILS" in line]
    assert [note.startswith("note: ") for note in notes] == [True]


def test_a_trap_of_the_start_function_is_one_too() -> None:
    with pytest.raises(GuestTrap):
        execute('(module (func $s unreachable) (start $s) (func (export "_start")))').check()


UNKNOWN = """(module (import "env" "one" (func $one)) (import "env" "two" (func))
  (import "env" "g" (global i32)) (import "wasi_nn" "dream" (func (param i32) (result i32)))
  (func (export "quiet")) (func (export "_start") (call $one)))"""


def test_imports_that_no_one_defines_are_listed_before_anything_runs() -> None:
    with pytest.raises(LinkError) as caught:
        execute(UNKNOWN)
    assert str(caught.value).splitlines()[1:] == [
        "  env.one (func)",
        "  env.two (func)",
        "  env.g (global)",
        "  wasi_nn.dream (func)",
    ]


def test_undefined_functions_trap_when_called_if_wanted() -> None:
    text = UNKNOWN.replace('(import "env" "g" (global i32))', "")
    assert execute(text, invoke="quiet", trap_unknown_imports=True) == Outcome(0)
    with pytest.raises(GuestTrap, match="one"):
        execute(text, trap_unknown_imports=True).check()
    with pytest.raises(LinkError, match=r"env\.g \(global\)$"):
        execute(UNKNOWN, trap_unknown_imports=True)


LEGACY_LOAD = '(import "wasi_nn" "load" (func (param i32 i32 i32 i32) (result i32)))'
START = '(func (export "_start"))'


def test_the_abi_is_chosen_by_the_types_of_the_imports() -> None:
    assert execute(f"(module {LEGACY_LOAD} {START})") == Outcome(0)
    both = LEGACY_LOAD + '(import "wasi_ephemeral_nn" "unload" (func (param i32) (result i32)))'
    assert execute(f"(module {both} {START})") == Outcome(0)


def test_types_of_another_abi_than_the_one_asked_for_are_refused_with_the_difference() -> None:
    with pytest.raises(LinkError, match=r"wasi_nn\.load is \(param.*, expected \(param.* \(witx\)"):
        execute(f"(module {LEGACY_LOAD} {START})", guest_abi="witx")


def test_types_of_no_abi_are_refused() -> None:
    text = f'(module (import "wasi_nn" "load" (func (param i64) (result i32))) {START})'
    with pytest.raises(
        LinkError, match=r"(?s)not match any known wasi-nn ABI.*load is \(param i64\)"
    ):
        execute(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(module)", "does not export '_start'; it exports nothing"),
        ('(module (func (export "go")))', "it exports go"),
        ('(module (memory (export "_start") 1))', "not a function"),
    ],
)
def test_a_name_that_is_not_exported_is_refused_with_what_there_is(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        execute(text, invoke="_start")


def test_components_without_a_command_and_invalid_modules_are_refused() -> None:
    with pytest.raises(LinkError, match="does not export wasi:cli/run"):
        execute("(component)")
    module = assemble('(module (func (export "_start") nop))').replace(b"\x01\x0b", b"\x1a\x0b")
    with pytest.raises(InvalidModule, match="wasmtime refuses the module"):
        run(module, NNHost())


def test_environment_and_folders_are_the_guests(tmp_path: Path) -> None:
    """Counts variables, and opens `f` in the first folder: fails with 44 (ENOENT) elsewhere."""
    text = """(module
      (import "wasi_snapshot_preview1" "environ_sizes_get"
        (func $sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 64) "f")
      (func (export "variables") (result i32)
        (drop (call $sizes (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
      (func (export "open") (result i32)
        (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))))"""
    module, host = assemble(text), NNHost()
    wasi = RunOptions(env={"A": "1", "B": "2"}, dirs={"/data": str(tmp_path)})
    assert run(module, host, replace(wasi, invoke="variables")).results == (2,)
    assert run(module, host, replace(wasi, invoke="open")).results == (44,)
    (tmp_path / "f").touch()
    assert run(module, host, replace(wasi, invoke="open")).results == (0,)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    module = assemble('(module (func (export "_start")))')
    with pytest.raises(InputError, match="there is no such folder"):
        run(module, NNHost(), RunOptions(dirs={"/": str(tmp_path / "missing")}))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="it is not a folder"):
        run(module, NNHost(), RunOptions(dirs={"/": str(tmp_path / "file")}))


def test_a_folder_that_is_read_only_has_to_be_one_of_the_guests(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="read_only_dirs: '/a' is not a path in dirs"):
        RunOptions(dirs={"/": str(tmp_path)}, read_only_dirs=["/a"])


def test_an_error_inside_the_host_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """(module (import "wasi_nn" "compute" (func $c (param i32) (result i32)))
      (func (export "_start") (drop (call $c (i32.const 1)))))"""
    monkeypatch.setattr("runtime_shim.engine.host_functions.log.isEnabledFor", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        execute(text)


def test_a_name_that_is_demangled_cannot_begin_a_line() -> None:
    name = "a\\0annshim: error: forged line 0123456789a"
    mangled = f"_ZN{len(name) - 2}{name}17h0123456789abcdefE"
    text = f"""(module (func $f (@name "{mangled}") unreachable)
      (func (export "_start") (call $f)))"""
    with pytest.raises(GuestTrap) as caught:
        execute(text).check()
    assert "forged line" in str(caught.value)
    for line in caught.value.lines[1:]:
        assert line in ("", "Caused by:") or line.startswith("    ")


def test_a_guest_that_waits_until_its_time_is_over_has_not_ended_well() -> None:
    text = """(module
      (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (i32.store (i32.const 16) (i32.const 1))
        (i64.store (i32.const 24) (i64.const 300000000))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"""
    with pytest.raises(GuestTimeout):
        run(assemble(text), NNHost(limits=Limits(timeout=0.1)), check=True)


def test_a_large_module_that_is_invalid_is_refused_before_it_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def compiled(*_: object) -> None:
        raise AssertionError

    valid = assemble('(module (func (export "_start")) (data "' + "x" * (1 << 20) + '"))')
    body = b"\x0a\x04\x01\x02\x00\x0b"
    assert body in valid
    invalid = valid.replace(body, b"\x0a\x05\x01\x03\x00\x1a\x0b")  # it drops nothing
    with NNHost() as host:
        assert run(valid, host).exit_code == 0
        monkeypatch.setattr("wasmtime.Module.__init__", compiled)
        with pytest.raises(InvalidModule, match=r"wasmtime refuses the module: .*stack"):
            run(invalid, host)
