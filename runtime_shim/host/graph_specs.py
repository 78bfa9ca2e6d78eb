"""Named graphs, for load_by_name: what they are, and how command lines and files say it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rewriter.abi.dialects import Encoding, Target
from rewriter.errors import InputError, UsageError
from rewriter.suggestions import did_you_mean
from runtime_shim.backends.common.devices import AUTO
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import Options, Place

__all__ = [
    "NamedGraph",
    "graph_in",
    "names_in",
    "parse_nn_graph",
    "parse_nn_preload",
    "read_graphs",
]

_LARGEST_FILE = 1 << 24
"""Bytes of a file that names graphs: tens of thousands of them fit."""


_MOST_SEEN = 300
"""Files of a folder, where a few names are looked for."""


@dataclass(frozen=True)
class NamedGraph:
    """A model in files, by the name that guests ask for. The files are read at the first use, as
    far as the NN runtime does not map them, and need not be there before.

    `target` is what it is meant for: a target, "auto", or a device that the backend has. `options`
    are the backend's; those of a guest go before them.
    """

    name: str
    encoding: Encoding
    target: Place
    paths: tuple[str, ...]
    options: Options = field(default_factory=dict)

    def missing(self) -> str | None:
        """The first of the files that is not there."""
        return next((path for path in self.paths if not os.path.isfile(path)), None)


def parse_nn_graph(text: str) -> NamedGraph:
    """Wasmtime's `ENCODING::DIR`: the name is DIR's last part, the files in it `model.onnx`,
    `model.xml` and `model.bin`, `model.pt`, `model.tflite`, `model.pb` or `model.gguf`.

    Raises UsageError.
    """
    encoding_text, separator, folder = text.partition("::")
    if not separator or not folder:
        raise UsageError(f"nn-graph={text}: expected ENCODING::DIR")
    encoding = _encoding(encoding_text)
    name = os.path.basename(os.path.abspath(folder))
    if encoding not in FORMATS:
        raise UsageError(
            f"nn-graph={text}: with {encoding_text}, the names of the folder's files are unknown"
        )
    paths = tuple(os.path.join(folder, file) for file in FORMATS[encoding].files)
    return NamedGraph(name, encoding, Target.CPU, paths)


def parse_nn_preload(text: str) -> NamedGraph:
    """WasmEdge's `NAME:ENCODING:TARGET:PATH[:PATH]`; encoding and target in any case. The paths are
    the parts of the model, in the order in which a guest passes them; for GGML there is one, which
    can have colons.

    Raises UsageError.
    """
    parts = text.split(":", 3)
    if len(parts) < 4 or not all(parts):
        raise UsageError(f"--nn-preload {text}: expected NAME:ENCODING:TARGET:PATH[:PATH]")
    name, encoding_text, target_text, path = parts
    encoding = _encoding(encoding_text)
    paths = [path] if encoding is Encoding.GGML else path.split(":")
    place = _place(target_text)
    if place == target_text != AUTO:
        targets = [target.name.lower() for target in Target]
        raise UsageError(
            f"{target_text!r} is not a target; known are {', '.join(targets)} and {AUTO}"
            f"{did_you_mean(target_text, (*targets, AUTO))}"
        )
    return NamedGraph(name, encoding, place, tuple(paths))


def graph_in(folder: str, name: str) -> NamedGraph | None:
    """The model in a folder whose path in it is `name`, as WAMR's guests ask for one: `./a.tflite`.
    Its first bytes tell what it is; an IR has its weights beside it. Its own name and its paths are
    without links. None for what is not a file there, or is outside of the folder, by way of a link
    too; that holds for each of its files, as they are now.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or name.startswith("/") or ".." in parts or "\0" in name:
        return None
    root = os.path.realpath(folder)
    path = _file_in(root, os.path.join(root, *parts))
    if path is None:
        return None
    paths = [path]
    stem, extension = os.path.splitext(path)
    if extension == ".xml":
        weights = _file_in(root, f"{stem}.bin")
        if weights is None:
            return None
        paths.append(weights)
    name = os.path.relpath(path, root)
    return NamedGraph(name, Encoding.AUTODETECT, Target.CPU, tuple(paths))


def _file_in(root: str, path: str) -> str | None:
    """A file's path without links; None where it is outside of the folder, which has none either,
    or is not a file. The system is asked first, which refuses paths that are too long at once;
    realpath would look up each of their parts."""
    if not os.path.isfile(path):
        return None
    path = os.path.realpath(path)
    is_inside = os.path.commonpath([root, path]) == root
    return path if is_inside and os.path.isfile(path) else None


def names_in(folder: str, most: int) -> list[str]:
    """Up to so many names of models in a folder, by their endings; looks at a few hundred files."""
    endings = tuple(os.path.splitext(row.files[0])[1] for row in FORMATS.values())
    found: list[str] = []
    seen = 0
    for where, folders, files in os.walk(folder):
        folders.sort()
        seen += len(folders) + len(files)
        inside = os.path.relpath(where, folder)
        for file in sorted(files):
            if file.endswith(endings) and len(found) < most:
                found.append(os.path.normpath(os.path.join(inside, file)))
        if seen > _MOST_SEEN or len(found) >= most:
            break
    return found


def read_graphs(path: str) -> list[NamedGraph]:
    """Named graphs from a TOML file: a table `graphs.NAME` for each, with `paths`, which count from
    where the file is, and where wanted `encoding` (by default, the first bytes tell), `target`
    (cpu, gpu, tpu, auto, or a device; cpu by default) and a table `options`.

    Raises InputError where the file is not there or makes no sense.
    """
    import tomllib

    try:
        with open(path, "rb") as file:
            text = file.read(_LARGEST_FILE + 1)
        if len(text) > _LARGEST_FILE:
            raise InputError(f"{path} has more than {_LARGEST_FILE} bytes")
        content = tomllib.loads(text.decode())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    _check_keys(path, content, {"graphs": dict})
    folder = os.path.dirname(path)
    return [
        _graph(f"{path}: graphs.{name}", folder, name, table)
        for name, table in content.get("graphs", {}).items()
    ]


def _graph(where: str, folder: str, name: str, table: object) -> NamedGraph:
    if not isinstance(table, dict):
        raise InputError(f"{where} is not a table")
    kinds = {"paths": list, "encoding": str, "target": str, "options": dict}
    _check_keys(where, table, kinds)
    paths = table.get("paths")
    if not paths or not all(isinstance(path, str) for path in paths):
        raise InputError(f"{where} needs paths: a list of files")
    try:
        encoding = _encoding(table.get("encoding", "autodetect"))
    except UsageError as error:
        raise InputError(f"{where}: {error}") from error
    return NamedGraph(
        name,
        encoding,
        _place(table.get("target", "cpu")),
        tuple(os.path.join(folder, path) for path in paths),
        table.get("options", {}),
    )


def _check_keys(where: str, table: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    for key, value in table.items():
        if key not in kinds:
            raise InputError(f"{where}: unknown key {key!r}; known are {', '.join(kinds)}")
        if not isinstance(value, kinds[key]):
            raise InputError(f"{where}: {key} cannot be {value!r}")


def _place(text: str) -> Place:
    """A target or "auto" in any case, else a device's name as it is."""
    known: dict[str, Place] = {target.name.lower(): target for target in Target}
    return {**known, AUTO: AUTO}.get(text.lower(), text)


def _encoding(text: str) -> Encoding:
    for encoding in (*FORMATS, Encoding.AUTODETECT):
        if encoding.name == text.upper():
            return encoding
    known = [encoding.name.lower() for encoding in FORMATS]
    raise UsageError(
        f"{text!r}: named graphs can be of the encodings {', '.join(known)} and autodetect"
        f"{did_you_mean(text, (*known, 'autodetect'))}"
    )
