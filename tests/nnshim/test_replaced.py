"""No option writes over what the same command reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.artifacts import TAG, WASM, Blobs, manifest_of, write_layout
from tests.support.command import nnshim
from tests.support.wasm import assemble

GUEST = assemble('(module (memory (export "memory") 1) (func (export "_start")))')
PROFILE = Path(__file__).parents[2] / "docs/profiles/wasmtime-49.toml"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {
        "guest.wasm": GUEST,
        "lines.txt": b"one\n",
        "in/a": b"one",
        "in/b/c": b"two",
        "outside": b"three",
        "data": b"four",
        "in.jsonl": b'{"stdin_file": "data"}\n{\n{"args": []}\n',
        "graphs.toml": b'[graphs.one]\npaths = ["models/one.onnx"]\n',
        "models/one.onnx": b"a model",
        "models/m/model.xml": b"<xml/>",
        "models/m/model.bin": b"weights",
        "list": b"guest.wasm\n",
        "guest.wat": b'(module (import "wasi_nn" "compute" (func)))',
        "x.whl": b"PK\3\4",
        "model.png": b"a model",
        "profile.toml": PROFILE.read_bytes(),
    }
    for name, data in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)
    Path("link").symlink_to("guest.wasm")
    Path("models/outside.onnx").symlink_to("../outside")


def contents() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def refused(*words: str) -> str:
    before = contents()
    done = nnshim(*words)
    assert (done.returncode, done.stdout) == (2, b""), done.stderr
    assert contents() == before
    return done.stderr.decode()


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("guest.wasm", ()),
        ("./in/../guest.wasm", ()),
        ("link", ()),
        ("models/one.onnx", ("--nn-preload", "one:onnx:cpu:models/one.onnx")),
        ("models/m/model.bin", ("--nn-preload", "m:openvino:cpu:models/m/model.xml")),
        ("models/m/model.bin", ("-S", "nn-graph=openvino::models/m")),
        ("graphs.toml", ("--graphs", "graphs.toml")),
        ("models/one.onnx", ("--graphs", "graphs.toml")),
        ("models/m/model.xml", ("--graph-files", "models")),
        ("models/new.json", ("--graph-files", "models")),
        ("outside", ("--graph-files", "models")),
        ("profile.toml", ("--as", "profile.toml")),
    ],
)
@pytest.mark.parametrize("command", ["run", "map"])
def test_statistics_replace_nothing_that_the_guest_is_run_with(
    command: str, file: str, options: tuple[str, ...]
) -> None:
    more = ("--inputs", "lines.txt", "-o", "out") if command == "map" else ()
    said = refused(command, *more, *options, "--stats-json", file, "guest.wasm")
    assert f"--stats-json {file} " in said
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("file", "inputs"),
    [
        ("lines.txt", "lines.txt"),
        ("in.jsonl", "in.jsonl"),
        ("data", "in.jsonl"),
        ("in/a", "in"),
        ("in/b/c", "in"),
        ("in/b/new", "in"),
        ("outside", "models"),
    ],
)
def test_statistics_replace_no_input_of_map(file: str, inputs: str) -> None:
    words = ("map", "guest.wasm", "--inputs", inputs, "-o", "out")
    assert f"--stats-json {file} " in refused(*words, "--stats-json", file)
    assert not Path("out").exists()


def test_statistics_go_beside_what_is_read() -> None:
    options = ("--graphs", "graphs.toml", "--stats-json", "stats.json")
    for _ in range(2):
        done = nnshim("run", *options, "guest.wasm")
        assert done.returncode == 0, done.stderr
        assert json.loads(Path("stats.json").read_bytes()) == []
    done = nnshim("map", *options, "--inputs", "in.jsonl", "-o", "out", "guest.wasm")
    assert done.returncode == 1, done.stderr  # of one line that is not JSON


def test_statistics_are_not_put_into_the_layout_of_the_guest() -> None:
    blobs: Blobs = {}
    entry = {**manifest_of(blobs, (WASM, GUEST)), "annotations": {TAG: "1"}}
    write_layout(Path("layout"), blobs, [entry])
    said = refused("run", "--stats-json", "layout/index.json", "oci-layout:layout:1")
    assert "--stats-json layout/index.json is in oci-layout:layout:1" in said
    for inputs in ("layout", "oci-layout:layout:1"):
        refused("check", "--for", "wamr", "--report", "json=layout/index.json", inputs)


@pytest.mark.parametrize("report", ["guest.wat", "x.whl", "link"])
def test_a_report_of_check_replaces_no_file_that_it_looks_at(report: str) -> None:
    assert f"{report} is a module or an archive" in refused(
        "check", "--for", "wamr", "--report", f"json={report}", "."
    )


def test_a_report_of_check_replaces_no_weights() -> None:
    words = ("--model", "models/m/model.xml", "--report", "json=models/m/model.bin")
    said = refused("check", "--for", "wamr", *words, "guest.wasm")
    assert "--report models/m/model.bin would replace models/m/model.bin" in said


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("models/one.onnx", ("--to", "wasi:nn", "--model", "models/one.onnx")),
        ("link", ("--to", "wasi:nn", "--wasi-adapter", "guest.wasm")),
        ("profile.toml", ("--for", "profile.toml")),
    ],
)
def test_a_rewrite_replaces_nothing_that_options_name(output: str, words: tuple[str, ...]) -> None:
    Path("other.wasm").write_bytes(GUEST)
    assert f"OUT {output} would replace " in refused("rewrite", *words, "other.wasm", output)


def test_a_rewrite_replaces_no_list_of_files() -> None:
    said = refused("rewrite", "--files-from", "list", "-o", "list", "--to", "wasi_nn")
    assert "OUT list would replace list" in said


def test_a_plot_replaces_no_model() -> None:
    os.link("model.png", "again.png")
    said = refused("bench", "model.png", "--plot", "again.png")
    assert "--plot again.png would replace model.png" in said


def test_a_profile_does_not_replace_the_host_that_is_probed() -> None:
    said = refused("probe", "-o", "link", "--", "./guest.wasm")
    assert "--output link would replace ./guest.wasm" in said
