"""nnshim map: results in files, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.nnshim.test_schema import problems
from tests.support.command import nnshim as command
from tests.support.fleets import last, lines, results, run
from tests.support.wasm import assemble


def test_results_lie_as_the_inputs_do(guest: Path, tmp_path: Path) -> None:
    given = {"a.txt": b"one", "b/a.txt": b"two", "b/c/d": b"three", "name\n\udcff": b"four"}
    for name, data in given.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(data)
    done = run(guest, tmp_path / "in")
    assert (done.returncode, last(done)) == (0, b"nnshim: 4 inputs: 4 written")
    assert results(guest) == given


def test_lines_are_inputs_with_their_ends(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"one\n\ntwo\r\nthree")
    assert run(guest, tmp_path / "in.txt").returncode == 0
    expected = {
        "00000001": b"one\n",
        "00000002": b"\n",
        "00000003": b"two\r\n",
        "00000004": b"three",
    }
    assert results(guest) == expected


def test_objects_have_arguments_and_standard_input(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"\xff\0")
    inputs = [
        {"stdin": "$", "args": ["first"]},
        {"stdin_file": "data"},
        {"args": ["only"]},
        {"stdin": "é"},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, inputs)))
    assert run(guest, tmp_path / "in.jsonl").returncode == 0
    expected = {
        "00000001": b"first",
        "00000002": b"\xff\0",
        "00000003": b"",
        "00000004": b"\xc3\xa9",
    }
    assert results(guest) == expected


def test_a_line_that_is_not_an_input_fails_alone(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"stdin": "one"}\n{\n{"stdin": "three"}\n')
    done = run(guest, tmp_path / "in.jsonl")
    assert (done.returncode, last(done)) == (1, b"nnshim: 3 inputs: 2 written, 1 failed")
    assert b"error[NN001]: 00000002: line 2: it is not JSON" in done.stderr
    assert results(guest) == {"00000001": b"one", "00000003": b"three"}


def test_a_line_that_is_not_json_is_told_with_one_number_and_its_column(
    guest: Path, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text('{"stdin": "one"}\n\n{"stdin": three}\n{"args": []\n')
    said = run(guest, tmp_path / "in.jsonl").stderr.decode()
    assert "00000002: line 2: the line is blank\n" in said
    assert "00000003: line 3: it is not JSON: Expecting value at column 11\n" in said
    assert "00000004: line 4: it is not JSON: Expecting ',' delimiter at column 12\n" in said


def test_a_number_with_too_many_digits_is_told_in_the_words_of_json(
    guest: Path, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text('{"stdin": ' + "1" * 5000 + "}\n")
    said = run(guest, tmp_path / "in.jsonl").stderr.decode()
    assert "00000001: line 1: a number has too many digits\n" in said


@pytest.mark.parametrize("end", ["\n", " \t\r\n", " "])
def test_a_blank_line_at_the_end_of_objects_is_not_an_input(
    guest: Path, tmp_path: Path, end: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"stdin": "one"}\n{"stdin": "two"}\n' + end)
    assert last(run(guest, tmp_path / "in.jsonl")) == b"nnshim: 2 inputs: 2 written"


def test_a_line_about_a_call_that_was_refused_says_who_says_it(guest: Path, tmp_path: Path) -> None:
    guest.write_bytes(assemble(REFUSED))
    done = run(guest, lines(tmp_path, 2))
    said = b"nnshim: 00000001: the last call that the host refused was load_by_name: not_found"
    assert any(line.startswith(said) for line in done.stderr.splitlines())


REFUSED = """(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $load (i32.const 0) (i32.const 4) (i32.const 8))) unreachable))"""


def test_what_an_argument_stands_for(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("$five\n")
    assert run(guest, tmp_path / "in.txt", "--", "-{}-").returncode == 0
    assert results(guest) == {"00000001": b"-$fiv"}


def test_a_module_of_which_nothing_would_run_is_refused(guest: Path, tmp_path: Path) -> None:
    guest.write_bytes(assemble('(module (func (export "_initialize")) (func (export "go")))'))
    done = run(guest, lines(tmp_path, 3))
    assert done.returncode == 2
    assert b"the module exports no _start, so nothing would run for an input" in done.stderr
    assert results(guest) == {}
    assert run(guest, tmp_path / "lines.txt", "--invoke", "go").returncode == 0


def test_what_an_invoked_function_returns_is_in_its_result(guest: Path, tmp_path: Path) -> None:
    add = """(module (func (export "both") (param i32 i32) (result i32 f64)
      (i32.add (local.get 0) (local.get 1)) (f64.const 1.5)))"""
    guest.write_bytes(assemble(add))
    (tmp_path / "in.jsonl").write_text('{"args": ["1", "2"]}\n{"args": ["3", "4"]}\n')
    assert run(guest, tmp_path / "in.jsonl", "--invoke", "both").returncode == 0
    assert results(guest) == {"00000001": b"3\n1.5\n", "00000002": b"7\n1.5\n"}


def test_what_a_function_returns_is_on_a_line_of_its_own(guest: Path, tmp_path: Path) -> None:
    writes = """(module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\\08\\00\\00\\00\\01\\00\\00\\001")
      (func (export "two") (result i32)
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
        (i32.const 23)))"""
    guest.write_bytes(assemble(writes))
    assert run(guest, lines(tmp_path, 1), "--invoke", "two").returncode == 0
    assert results(guest) == {"00000001": b"1\n23\n"}


def test_the_file_of_stats_replaces_no_result(guest: Path, tmp_path: Path) -> None:
    assert run(guest, lines(tmp_path, 1)).returncode == 0
    before = results(guest)
    done = run(guest, lines(tmp_path, 1), "--stats-json", tmp_path / "out" / "00000001")
    assert done.returncode == 2
    assert b"has results only" in done.stderr
    assert results(guest) == before


def test_failures_are_told_with_their_reasons(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("one\n!\n#\n@\n")
    done = run(guest, tmp_path / "in.txt", "--timeout", "1s", "--json")
    assert done.returncode == 1
    assert b"nnshim: error: 00000002: error while executing" in done.stderr
    assert b"nnshim: error: 00000003: the guest exited with code 3\n" in done.stderr
    assert b"nnshim: error: 00000004: it ran for longer than 1 s\n" in done.stderr
    said = json.loads(done.stdout)
    assert problems("map", said) == []
    codes = {each["input"]: each["exit_code"] for each in said["failures"]}
    assert codes == {"00000002": 134, "00000003": 3, "00000004": 124}
    assert [each["refused"] for each in said["failures"]] == [None] * 3
    assert (said["written"], said["kept"], said["failed"]) == (1, 0, 3)
    assert set(results(guest)) == {"00000001"}


@pytest.mark.parametrize("time", ["0", "0s", "0.0001"])
def test_no_time_at_all_is_refused_before_the_job_begins(
    guest: Path, tmp_path: Path, time: str
) -> None:
    done = run(guest, lines(tmp_path, 3), "--timeout", time)
    assert done.returncode == 2
    assert b"nnshim: error: the limit timeout cannot be 0" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_first_failure_may_end_it(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("!\n" + "@\n" * 50)
    done = run(guest, tmp_path / "in.txt", "--fail-fast")
    assert done.returncode == 1
    assert last(done).endswith(b"--fail-fast skipped the rest")


def test_a_second_start_does_only_what_is_left(guest: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    for name in ("kept", "changed", "redone", "removed", "failing"):
        (inputs / name).write_text("!" if name == "failing" else name)
    assert last(run(guest, inputs)) == b"nnshim: 5 inputs: 4 written, 1 failed"
    (inputs / "changed").write_text("is new")
    (tmp_path / "out" / "redone").write_text("is broken")
    (inputs / "removed").unlink()
    (inputs / "failing").write_text("mended")
    before = (tmp_path / "out" / "kept").stat().st_ino
    done = run(guest, inputs)
    assert last(done) == b"nnshim: 4 inputs: 3 written, 1 kept"
    assert b"results of inputs that no longer exist: 1" in done.stderr
    assert (tmp_path / "out" / "kept").stat().st_ino == before
    expected = {"kept": b"kept", "changed": b"is new", "redone": b"redone"}
    assert results(guest) == {**expected, "removed": b"removed", "failing": b"mended"}


def test_no_result_of_an_older_input_is_left_where_the_new_one_fails(
    guest: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one").write_text("one")
    assert run(guest, tmp_path / "in").returncode == 0
    (tmp_path / "in" / "one").write_text("!")
    assert run(guest, tmp_path / "in").returncode == 1
    assert results(guest) == {}


def test_results_of_other_options_are_not_taken_for_these(guest: Path, tmp_path: Path) -> None:
    inputs = lines(tmp_path, 3)
    assert run(guest, inputs, "--timeout", "10s").returncode == 0
    options = ("--env", "A=b", "--max-memory", "64M", "--dir", ".", "argument")
    done = run(guest, inputs, *options)
    assert done.returncode == 1
    said = "(what differs: --dir, --env, --max-memory, arguments)"
    assert said in done.stderr.decode()
    assert len(results(guest)) == 3
    done = run(guest, inputs, "--timeout", "20s", "--fuel", "9000", "--limit", "output=5M")
    assert last(done) == b"nnshim: 3 inputs: 3 kept"


def test_results_of_other_inputs_are_not_mixed_with_these(guest: Path, tmp_path: Path) -> None:
    assert run(guest, lines(tmp_path, 3)).returncode == 0
    (tmp_path / "others.txt").write_text("other\nothers\n")
    done = run(guest, tmp_path / "others.txt")
    assert done.returncode == 1
    assert b"nnshim: error[NN013]: " in done.stderr
    assert b"(what differs: --inputs): to start anew, name another folder" in done.stderr
    assert results(guest)["00000001"] == b"line 0\n"


def test_a_guest_that_may_lack_a_folder_is_said_to_once(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("#\n!\n")
    said = b"was given no folder; --dir DIR before MODULE gives it one"
    assert run(guest, tmp_path / "in.txt").stderr.count(said) == 1
    assert said not in run(guest, tmp_path / "in.txt", "--dir", ".").stderr
    assert said not in run(guest, lines(tmp_path, 2)).stderr


def test_an_argument_that_is_not_utf8_fails_as_in_a_run(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "name\udcff").touch()
    done = run(guest, tmp_path / "in", "--json", "{}")
    (failure,) = json.loads(done.stdout)["failures"]
    assert (failure["input"], failure["exit_code"]) == ("name\\xff", 2)
    assert "is not UTF-8, which guests need" in failure["message"]


def test_an_input_that_cannot_have_a_result_fails_alone(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("one", ".nnshim-two"):
        (tmp_path / "in" / name).write_text(name)
    done = run(guest, tmp_path / "in")
    assert (done.returncode, last(done)) == (1, b"nnshim: 2 inputs: 1 written, 1 failed")
    assert b".nnshim-two: its result would have the name of a file of nnshim's own" in done.stderr
    assert results(guest) == {"one": b"one"}


def test_a_folder_without_results_is_for_any_job(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("!\n")
    assert run(guest, tmp_path / "in.txt").returncode == 1
    (tmp_path / "in.txt").write_text("one\n")
    assert run(guest, tmp_path / "in.txt", "--env", "A=b").returncode == 0


def test_a_folder_with_other_files_is_left_alone(guest: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "00000001").write_text("mine")
    done = run(guest, lines(tmp_path, 3))
    assert done.returncode == 1
    assert b"has files that are not results of nnshim map" in done.stderr
    assert (tmp_path / "out" / "00000001").read_text() == "mine"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("empty", "there are no inputs"),
        ("nowhere", "No such file"),
        (".", "is inside the other"),
        ("out", "the inputs and the results cannot both be in"),
    ],
)
def test_inputs_that_are_not_are_refused(
    guest: Path, tmp_path: Path, inputs: str, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one").touch()
    done = run(guest, tmp_path / inputs)
    assert done.returncode in (1, 2)
    assert said in done.stderr.decode()


def test_a_folder_of_results_has_a_name(guest: Path, tmp_path: Path) -> None:
    done = command("map", guest, "--inputs", lines(tmp_path, 1), "-o", "")
    assert done.returncode == 2
    assert b"OUT is empty: name the folder of the results" in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], None, "not_found: there is no graph named 'same'; known: none"),
        (["--device", "remote=http://127.0.0.1:1"], "NN603", "runtime_error[NN603]: "),
    ],
)
def test_json_has_the_last_call_that_the_host_refused(
    tmp_path: Path, options: list[str], code: str | None, message: str
) -> None:
    (tmp_path / "named.wasm").write_bytes(assemble(EXITS_WITHOUT_A_MODEL))
    done = run(tmp_path / "named.wasm", lines(tmp_path, 1), "--json", *options)
    said = json.loads(done.stdout)
    assert problems("map", said) == []
    (failure,) = said["failures"]
    assert (failure["exit_code"], failure["code"]) == (5, None)
    refused = failure["refused"]
    assert (refused["function"], refused["code"]) == ("load_by_name", code)
    assert refused["message"].startswith(message)


EXITS_WITHOUT_A_MODEL = """(module
  (import "wasi_ephemeral_nn" "load_by_name" (func $load (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "same")
  (func (export "_start")
    (if (call $load (i32.const 0) (i32.const 4) (i32.const 64))
      (then (call $exit (i32.const 5))))))"""


def test_a_pattern_that_the_shell_has_replaced_is_told(guest: Path, tmp_path: Path) -> None:
    for name in ("a.pgm", "b.pgm", "c.txt"):
        (tmp_path / name).write_text("one\n")
    first, second, other = (str(tmp_path / name) for name in ("a.pgm", "b.pgm", "c.txt"))
    said = (
        f"nnshim: the lines of {first} are the inputs, and {second} is an argument of the guest;"
        f" to run it for each file, use --inputs {tmp_path}\n"
    )
    assert run(guest, tmp_path / "a.pgm", second).stderr.decode().startswith(said)
    assert b"argument of the guest" not in run(guest, tmp_path / "a.pgm", other).stderr
