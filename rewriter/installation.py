"""How nnshim was installed, and the line that installs more: it has to work when pasted, for the
Python that runs nnshim, whether or not an index has nnshim."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rewriter.receipts import is_uv_tool, read_receipt
from rewriter.terminal import command_line

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["Environment", "install_line", "misfits", "not_installed", "this_environment"]

_PIPX = "pipx_metadata.json"
"""pipx leaves it in the environments that it makes. https://github.com/pypa/pipx"""


class Environment(NamedTuple):
    """Where packages go. `folders` are the package folders of `python`, with that of its user last.
    `is_managed` is true if only the system's package manager may install there (PEP 668)."""

    python: str
    prefix: str
    folders: Sequence[str]
    has_pip: bool
    is_managed: bool


def install_line(
    extra: str | None = None,
    package: str | None = None,
    environment: Environment | None = None,
    installed: Distribution | None = None,
) -> str:
    """The line that installs what an extra of nnshim needs, or a package that nnshim needs. By
    default it is for this process, and for nnshim as it is installed there.

    For an extra, it names nnshim as it was installed: from an index, a wheel or a checkout. If that
    source is gone, or if nnshim would be installed twice, it names the packages that the extra
    needs instead. What is there stays: for `uv tool install`, which replaces a tool, the line also
    names the extras and packages that the tool has.
    """
    here = environment or this_environment()
    installed = installed or _installed()
    needed = _needed(installed, extra, package)
    if installed is None or package is not None or extra is None:
        return command_line(_words(here, installed, needed or _unpacked(extra), needed))
    if is_uv_tool(here.prefix):
        tool = _uv_tool(here, installed, extra)
        source = None
    else:
        tool = None
        source = _source(installed, f"[{extra}]")
    return command_line(tool or _words(here, installed, source, needed))


def not_installed(extra: str, installed: Distribution | None = None) -> Sequence[str]:
    """The names of the packages that an extra of nnshim needs and that are not installed. Empty if
    nnshim itself is not installed, because then nothing states what it needs."""
    from importlib.metadata import PackageNotFoundError, version

    def is_missing(package: str) -> bool:
        try:
            return not version(package)
        except PackageNotFoundError:
            return True

    needed = _needed(installed or _installed(), extra, None)
    return [name for name in map(_name, needed) if is_missing(name)]


def misfits(installed: Distribution | None = None, extra: str = "") -> Mapping[str, str]:
    """The packages that are installed in a version that nnshim does not take, by name: what is
    installed, and what is needed. Only the bounds `>=` and `<` are compared, of the packages that
    nnshim always needs, or of those that `extra` needs. Empty if nnshim itself is not installed."""
    import re
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    installed = installed or _installed()
    for requirement, of in _required(installed.requires or ()) if installed else ():
        name = _name(requirement)
        try:
            there = version(name)
        except PackageNotFoundError:
            continue
        bounds = re.findall(r"(>=|<)\s*(\d+(?:\.\d+)*)", requirement)
        if of == extra and any(
            (_parts(there) < _parts(at)) != (sign == "<") for sign, at in bounds
        ):
            found[name] = f"{name} {there} is installed, and nnshim needs {requirement}"
    return found


def _parts(version: str) -> list[int]:
    """The numbers of a release, without what comes after them, and without zeros at the end."""
    import re

    numbers = re.match(r"\d+(?:\.\d+)*", version)
    parts = [int(part) for part in numbers[0].split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return parts


def this_environment() -> Environment:
    """The environment of this process."""
    import importlib.util
    import site
    import sysconfig

    paths = sysconfig.get_paths()
    is_venv = sys.prefix != sys.base_prefix
    folders = (paths["purelib"], paths["platlib"], *site.getsitepackages())
    return Environment(
        sys.executable or "python3",
        sys.prefix,
        (*folders, site.getusersitepackages()),
        importlib.util.find_spec("pip") is not None,
        not is_venv and os.path.exists(os.path.join(paths["stdlib"], "EXTERNALLY-MANAGED")),
    )


def _installed() -> Distribution | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution("nnshim")
    except PackageNotFoundError:  # it runs from a folder that is on PYTHONPATH
        return None


def _words(
    here: Environment,
    installed: Distribution | None,
    source: Sequence[str] | None,
    needed: Sequence[str],
) -> Sequence[str]:
    """The command, by the tool that made the environment. `source` is None if the file or folder
    that nnshim was installed from is gone."""
    if os.path.exists(os.path.join(here.prefix, _PIPX)):
        return ["pipx", "inject", os.path.basename(here.prefix), *needed]
    if not here.has_pip:  # as in environments of uv
        return ["uv", "pip", "install", "--python", here.python, *(source or needed)]
    pip = [here.python, "-m", "pip", "install"]
    folder = None if installed is None else str(installed.locate_file(""))
    if folder is not None and os.path.isdir(folder):
        is_in = [os.path.realpath(each) == os.path.realpath(folder) for each in here.folders]
        if not any(is_in):
            return [*pip, "--target", folder, *needed]
        if not any(is_in[:-1]):
            pip.append("--user")
    if here.is_managed:
        pip.append("--break-system-packages")
    return [*pip, *(source or needed)]


def _uv_tool(here: Environment, installed: Distribution, extra: str) -> Sequence[str] | None:
    """The command of uv that keeps what its tool has. None if no such command is known."""
    receipt = read_receipt(here.prefix, "nnshim")
    if receipt is None:
        return None
    extras = f"[{','.join(sorted(receipt.extras | {extra}))}]"
    source = _source(installed, extras, receipt.versions)
    return None if source is None else ["uv", "tool", "install", *receipt.options, *source]


def _source(installed: Distribution, extras: str, versions: str = "") -> Sequence[str] | None:
    """nnshim with extras, from its source. None if that was a file or folder that is gone.

    https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
    """
    told = installed.read_text("direct_url.json")
    if told is None:  # from an index, or from a folder that was used as one
        return [f"nnshim{extras}{versions}"]
    from json import loads
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    about = loads(told)
    url = about["url"]
    if "vcs_info" in about:
        vcs = about["vcs_info"]
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    if not url.startswith("file:"):
        return [f"nnshim{extras} @ {url}"]
    path = url2pathname(urlsplit(url).path)
    if not os.path.exists(path):
        return None
    is_editable = about.get("dir_info", {}).get("editable", False)
    return ["-e", f"{path}{extras}"] if is_editable else [f"{path}{extras}"]


def _needed(
    installed: Distribution | None, extra: str | None, package: str | None
) -> Sequence[str]:
    """The packages that an extra needs, or one package as nnshim needs it, by nnshim's metadata."""
    required = [] if installed is None else _required(installed.requires or ())
    if package is not None:
        return [each for each, of in required if of == "" and _name(each) == package] or [package]
    return [each for each, of in required if of == extra]


def _required(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Requirements, each with its extra, or the empty string."""
    import re

    found = []
    for line in lines:
        requirement, _, marker = line.partition(";")
        extra = re.search(r"""extra\s*==\s*['"]([^'"]+)['"]""", marker)
        found.append((requirement.strip(), extra[1] if extra else ""))
    return found


def _name(requirement: str) -> str:
    import re

    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _unpacked(extra: str | None) -> Sequence[str]:
    """nnshim from the folder that it runs from, when it is not installed."""
    named = "" if extra is None else f"[{extra}]"
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.exists(os.path.join(root, "pyproject.toml")):
        return ["-e", f"{root}{named}"]
    return [f"nnshim{named}"]
