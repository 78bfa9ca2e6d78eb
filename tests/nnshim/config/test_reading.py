"""What a configuration says, and how mistakes in it are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnshim.config.by_path import ByPath
from nnshim.config.reading import configured
from nnshim.config.toml import line_of
from rewriter.errors import UsageError
from rewriter.policy.policy import Policy


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_key_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "nnshim.toml").write_text(
        """
        hosts = ["wamr@2.4.5"]
        files = ["dist", "-"]
        exclude = ["vendor/*", "*.bak"]
        models = ["models/digits.onnx"]
        strict = true
        accept = ["NN226"]
        [accept-by-path]
        "legacy/*" = ["NN222"]
        [policy]
        encodings = ["onnx"]
        targets = []
        functions = ["load"]
        named-graphs = ["digits"]
        imports = ["env"]
        unknown = "allow"
        """
    )
    monkeypatch.chdir(folder / "inner")
    found = configured(None, False)
    assert (found.path, found.hosts, found.strict) == ("../nnshim.toml", ["wamr@2.4.5"], True)
    assert (found.files, found.models) == (["../dist", "../-"], ["../models/digits.onnx"])
    assert (found.exclude, found.accept) == (["vendor/*", "*.bak"], ["NN226"])
    assert found.accept_by_path == (("legacy/*", frozenset({"NN222"})),)
    assert found.policy == Policy(
        encodings=["onnx"],
        targets=[],
        functions=["load"],
        named_graphs=["digits"],
        imports=["env"],
        unknown="allow",
    )


def test_an_artifact_is_named_from_everywhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "nnshim.toml").write_text('files = ["oci://h:1/a:1", "oci-layout:images:1"]\n')
    monkeypatch.chdir(folder / "inner")
    assert configured(None, False).files == ["oci://h:1/a:1", "oci-layout:../images:1"]
    (folder / "nnshim.toml").write_text('files = ["oci-layout:../images:1"]\n')
    with pytest.raises(UsageError, match="leads out of the repository"):
        configured(None, False)


def test_a_file_called_minus_is_not_standard_input(folder: Path) -> None:
    (folder / "nnshim.toml").write_text('files = ["-"]\n')
    assert configured(None, False).files == ["./-"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nhots = []", "nnshim.toml:2: hots: the key is not known; did you mean hosts?"),
        ("[policy]\nnamed_graphs = []", ":2: policy.named_graphs: .*did you mean named-graphs"),
        ("[policy]\n# on CPU\ntarget = []", ":3: policy.target: .*did you mean targets"),
        ("[polcy]\ntargets = []", ":1: polcy: .*did you mean policy"),
        ('hosts = "wamr"', ":1: hosts: expected a list, found 'wamr'"),
        ("strict = 1", ":1: strict: expected true or false, found 1"),
        ("strict = 'yes'", ":1: strict: expected true or false, found 'yes'"),
        ("accept = [226]", r":1: accept\[0\]: expected a string, found 226"),
        ("accept = ['226']", r":1: accept\[0\]: '226' is not a code"),
        ("accept = ['NN999']", r":1: accept\[0\]: there is no code NN999"),
        ("accept = ['NN801']", r":1: accept\[0\]: NN801 .* cannot be accepted"),
        ("accept-by-path.'x' = ['NN803']", r":1: accept-by-path.x\[0\]: NN803 .* cannot be"),
        ("accept = ['NN226', 'NN226']", r":1: accept\[1\]: 'NN226' is there twice"),
        ("policy = []", ":1: policy: expected a table, found a list"),
        ("hosts = [\n  'wamr',\n  'wasmtme',\n]", r":1: hosts\[1\]: .*did you mean wasmtime"),
        ("hosts = ['wamr@0.1']", r":1: hosts\[0\]: .*older than every known release"),
        ("hosts = ['./mine.toml']", r":1: hosts\[0\]: cannot read the profile mine.toml"),
        ("files = ['']", r":1: files\[0\]: it is empty"),
        ("hosts = []\r\nstrict = 1\r\n", ":2: strict: expected true or false, found 1"),
        ("\n\n[policy]\nencodings = ['onx']", r":4: policy.encodings\[0\]: .*did you mean onnx"),
        ("[policy]\nunknown = 'deny'", ":2: policy.unknown: 'deny' is not known"),
        ("[policy]\ntargets = ['cuda']", "known are cpu, gpu, tpu"),
        ("hosts = [", "nnshim.toml is not TOML: .*at end of document"),
        ("a = 1\na = 2", "is not TOML"),
        ("x = " + "1" * 5000, "too many digits"),
        ("#" * 9000, ":1: the line is longer than 8192 characters"),
    ],
)
def test_a_mistake_has_the_file_the_line_and_the_key(folder: Path, text: str, message: str) -> None:
    (folder / "nnshim.toml").write_text(text, newline="")
    with pytest.raises(UsageError, match=message):
        configured(None, False)


def test_mistakes_in_pyproject_toml_have_the_key_in_its_table(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n\n[tool.nnshim]\nhots = 1\n")
    with pytest.raises(UsageError, match=r"\./pyproject.toml:5: hots: the key is not known"):
        configured(None, False)
    (folder / "pyproject.toml").write_text("[tool]\nnnshim = 1\n")
    with pytest.raises(UsageError, match=r"\./pyproject.toml:2: tool.nnshim: expected a table"):
        configured(None, False)


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "inner/../../outside", "link/x"])
@pytest.mark.parametrize("key", ["files", "models", "hosts"])
def test_a_file_that_is_found_names_nothing_outside_of_its_repository(
    folder: Path, key: str, name: str
) -> None:
    (folder / "link").symlink_to(folder.parent)
    name = f"{name}.toml"
    (folder / "nnshim.toml").write_text(f"{key} = ['{name}']\n")
    with pytest.raises(UsageError, match=rf"nnshim.toml:1: {key}\[0\]: .* leads out of the repo"):
        configured(None, False)
    if key != "hosts":
        assert getattr(configured("nnshim.toml", False), key)


def test_it_may_name_files_elsewhere_in_its_repository(folder: Path) -> None:
    (folder / "inner" / "nnshim.toml").write_text("models = ['../models/a.onnx']\n")
    (folder / "models").mkdir()
    assert configured("inner/nnshim.toml", False).models == ["models/a.onnx"]


def test_the_line_of_a_key_is_that_of_its_statement() -> None:
    text = 'a = """\nb = 1\n"""\n\n# b\nb = [\n  1,\n\n  2,\n]\n[c]\n\nd.e = 1\n[f.g]\n'
    lines = {("a",): 1, ("b",): 6, ("c",): 11, ("c", "d", "e"): 13, ("f", "g"): 14}
    for path, line in lines.items():
        assert line_of(text.encode(), path) == line


def test_a_line_that_takes_too_long_to_find_is_left_out() -> None:
    text = "a = [\n" + "1,\n" * 2000 + "]\nb = 1\n"
    assert line_of(text.encode(), ("a",)) is None


def test_codes_are_accepted_by_the_path_from_the_file(tmp_path: Path) -> None:
    accepted = ByPath(
        str(tmp_path),
        (("old/*", frozenset({"NN222"})), ("*.bak", frozenset({"NN226", "NN251"}))),
    )
    assert accepted.of(str(tmp_path / "old" / "deep" / "a.wasm")) == {"NN222"}
    assert accepted.of(str(tmp_path / "old" / "a.bak")) == {"NN222", "NN226", "NN251"}
    assert accepted.of(str(tmp_path / "x" / "old" / "a.wasm")) == frozenset()
    assert accepted.of(str(tmp_path / "old" / ".." / "a.wasm")) == frozenset()
    assert accepted.of(str(tmp_path.parent / "a.bak")) == frozenset()
