"""Profiles as files: what is written is read again, and what is wrong is said."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from rewriter.errors import UsageError
from rewriter.hosts.host import TooSmall, Unit
from rewriter.hosts.profiles.file import read, read_file, write
from rewriter.hosts.profiles.profile import (
    ABSENT,
    FORMAT,
    REFUSED,
    BackendProfile,
    ComponentsProfile,
    Entry,
    Linking,
    ModuleProfile,
    Note,
    Profile,
    ProfiledHost,
)
from rewriter.wasm.types import FuncType

EVERYTHING = Profile(
    ProfiledHost(
        name="our device",
        title="A device",
        command=("host", "--dir=.", "{}"),
        version='says "1.0"\n\x7f',
        commit="646b5a9",
        options=("WASI_NN=1",),
        built="2026-11-01",
        measured="2026-11-26",
        tool="nnshim 0.1.0",
        graphs="a path",
        needs=("a library",),
    ),
    modules={
        "wasi_nn": ModuleProfile(("wamr",), frozenset(("load",)), frozenset(("unload",))),
        "wasi_ephemeral_nn": ModuleProfile(),
    },
    linking=Linking("at call", False, True, "_v2", True, {"memory": frozenset(("env",))}),
    imports={
        "wasi_snapshot_preview1": {
            "fd_seek": FuncType(("i32", "i64", "i32", "i32"), ("i32",)),
            "proc_exit": FuncType(("i32",), ()),
            "sock_open": ABSENT,
        },
        'with "quotes".': {"é": FuncType((), ())},
        "env": {},
    },
    optional={"plugin_*": "a plugin"},
    types={"f64": REFUSED, "bf16": 3},
    encodings={"onnx": 1, "ggml": REFUSED},
    errnos={0: "success", 7: "too_large"},
    faults={"load_encoding": 2, "load_pointer": "traps"},
    type_bits=32,
    names="nul needed",
    tells_numbers=True,
    one_model=False,
    most_pages=65535,
    stack_bytes=65536,
    nn_in_shared=False,
    in_first_memory=True,
    places_output=False,
    all_backends=True,
    features={"gc": False, "simd": True},
    entry=Entry(
        initializes=False,
        calls=("", "_start"),
        start=True,
        without_memory=frozenset(),
        needs_memory=False,
        initializes_alone=False,
        gives_arguments=True,
        strict_start=False,
        strict_main=True,
        calls_imported=True,
        one_beginning=False,
        names_function="--invoke NAME",
    ),
    backends=(
        BackendProfile(
            "onnx",
            {"f32": 1, "f64": REFUSED},
            ignores_types=False,
            unit=Unit.FLOATS,
            exact=False,
            too_small=TooSmall.CUT,
            faults={"output_small": 7, "load_garbage": "aborts"},
            library="libonnxruntime.so",
            habits={"last_input": True, "converts": False},
            gives=frozenset(("f32", "u8")),
        ),
        BackendProfile("openvino"),
    ),
    components=ComponentsProfile(True, ("", "0.2.0-rc-2024-10-28"), ("0.2", "0.3.0"), False),
    notes=(Note("NN240", "it writes beyond", "get_output"),),
)


@pytest.mark.parametrize("profile", [EVERYTHING, Profile(ProfiledHost("least"))])
def test_what_is_written_is_read_again(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(write(profile))
    assert read_file(str(path)) == profile
    assert tomllib.loads(path.read_text())["format"] == FORMAT


def test_every_field_is_written() -> None:
    without = {
        name: default
        for name, default in Profile._field_defaults.items()
        if getattr(EVERYTHING, name) == default
    }
    assert without == {}
    for part in (EVERYTHING.host, EVERYTHING.linking, EVERYTHING.entry, EVERYTHING.backends[0]):
        for name, default in part._field_defaults.items():
            assert getattr(part, name) != default, name


@pytest.mark.parametrize("key", ["type_bits", "linking.traps", "types.f32", "entry.calls"])
def test_what_was_not_measured_can_be_said(key: str) -> None:
    text = f'format = 1\nhost.name = "x"\n{key} = "not measured"\n'
    assert read(text) == Profile(ProfiledHost("x"))


def test_false_is_another_answer_than_none() -> None:
    refuses = Profile(ProfiledHost("x"), linking=Linking(traps=False), features={"gc": False})
    assert read(write(refuses)) == refuses
    assert "traps = false" in write(refuses)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "format: expected a number, such as 1, found None"),
        ("format = true", "format: expected a number, such as 1, found True"),
        ("format = 2", "format: 2 is newer than 1, the newest that this nnshim reads; update it"),
        ("format = 1", "host: is missing"),
        ("nothing", "is not TOML: Expected '=' after a key in a key/value pair"),
        ("x = " + "[" * 5000, "is not TOML"),
        ("format = 1\nhost = 1", "host: expected a table, found 1"),
        ("format = 1\n[host]", "host.name: is missing"),
        ("@nam = 1", "the key 'nam' is unknown; did you mean 'name'?"),
        ('@command = "a"', "host.command: expected a list, found 'a'"),
        ("@command = [1]", "host.command[0]: expected a string, found 1"),
        ("@[feature]", "the key 'feature' is unknown; did you mean 'features'?"),
        ("@[features]\ngcs = true", "features: the feature 'gcs' is unknown; did you mean 'gc'"),
        ("@[features]\ngc = 1", "features.gc: expected true or false, found 1"),
        ("@[types]\nf23 = 1", "types: the type 'f23' is unknown; did you mean 'f32'?"),
        ("@[types]\nf32 = -1", "types.f32: expected a number from 0 to 2147483647, found -1"),
        (
            "@[types]\nf32 = true",
            "types.f32: expected a number from 0 to 2147483647, found True",
        ),
        ('@[types]\nf32 = "refuse"', "types.f32: the value 'refuse' is unknown; did you mean"),
        ("@[types]\nf32 = 1\nu8 = 1", "types: f32 and u8 are both 1"),
        ("@[encodings]\nonnx = 1\nggml = 1", "encodings: onnx and ggml are both 1"),
        ("@[faults]\noutput_smal = 7", "the fault 'output_smal' is unknown; did you mean"),
        ('@[errnos]\ntoo_large = "too_large"', "expected a number as the key, found 'too_"),
        ('@[errnos]\n7 = "too_big"', "errnos.7: the value 'too_big' is unknown; did you mean"),
        ('@[entry]\ncalls = "_start"', "entry.calls: expected a list, found '_start'"),
        ("@[imports.env]\nf = 'i32'", "imports.env.f: expected a function's type, such as 'i32"),
        ("@[imports.env]\nf = 'i23 ->'", "imports.env.f: expected a function's type, such as"),
        (
            "@[modules.wasi_nn]\nlayouts = ['w']",
            "modules.wasi_nn.layouts[0]: the value 'w' is unknown",
        ),
        ("@[[backends]]", "backends[0].encoding: is missing"),
        ("@[[backends]]\nencoding = 'onx'", "the value 'onx' is unknown; did you mean 'onnx'?"),
        ("@[[backends]]\nencoding = 'onnx'\nunit = 'words'", "backends[0].unit: the value 'words'"),
        (
            "@[[backends]]\nencoding = 'onnx'\n[[backends]]\nencoding = 'onnx'",
            "backends: two backends have the encoding onnx",
        ),
        (
            "@[types]\nf32 = 1\n[[backends]]\nencoding = 'onnx'\ntypes.f32 = 2",
            "backends.onnx.types.f32: 2, but types has 1",
        ),
        ("@[[notes]]\ncode = 'NN999'\nmessage = ''", "notes[0].code: the value 'NN999' is unkno"),
    ],
)
def test_says_what_is_wrong(text: str, message: str) -> None:
    text = text.replace("@", 'format = 1\n[host]\nname = "x"\n')
    with pytest.raises(UsageError) as raised:
        read(text, "our.toml")
    assert str(raised.value).startswith("the profile our.toml is not ")
    assert message in str(raised.value)


def test_the_example_of_the_docs_is_a_profile_and_has_every_key() -> None:
    docs = (Path(__file__).resolve().parents[4] / "docs/profiles.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)
    read(example)
    table = tomllib.loads(example)
    assert table.keys() - {"format"} == set(Profile._fields)
    for kind, part in (
        (ProfiledHost, table["host"]),
        (ModuleProfile, table["modules"]["wasi_ephemeral_nn"]),
        (Linking, table["linking"]),
        (Entry, table["entry"]),
        (BackendProfile, table["backends"][0]),
        (Note, table["notes"][0]),
    ):
        assert part.keys() == set(kind._fields)


def test_says_which_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the profile no\.toml: No such file"):
        read_file("no.toml")
    with pytest.raises(UsageError, match="not a regular file"):
        read_file(str(tmp_path))
    with pytest.raises(UsageError, match="embedded null byte"):
        read_file("a\0.toml")
    path = tmp_path / "other.toml"
    path.write_bytes(b"format = 1\n# \xff")
    with pytest.raises(UsageError, match=r"other\.toml is not UTF-8 \(at byte 13\)"):
        read_file(str(path))
    path.write_bytes(b"#" * ((1 << 18) + 1))
    with pytest.raises(UsageError, match=r"other\.toml is larger than 262144 bytes"):
        read_file(str(path))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(UsageError, match="this is a pipe, not a regular file"):
        read_file(str(tmp_path / "pipe.toml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"most_pages = {'9' * 5000}", "a number has too many digits"),
        (f"[{'.'.join('a' * 100_000)}]", "line 2 is longer than 8192 characters"),
        (f"types = {'[' * 8000}", "is not TOML"),
        (
            '[host]\nname = "x"\n[modules.wasi_nn]\nfunctions = ["load"]\nmissing = ["load"]',
            "modules.wasi_nn: load is both in functions and in missing",
        ),
    ],
    ids=["digits", "line", "nesting", "both"],
)
def test_what_would_take_long_or_contradicts_itself_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(f"format = 1\n{text}")
