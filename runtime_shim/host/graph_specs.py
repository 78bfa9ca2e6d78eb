"""Named graphs for load_by_name, and how command lines describe them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

from rewriter.abi.dialects import Encoding, Target
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean
from runtime_shim.backends.common.devices import AUTO
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import Options, Place
from runtime_shim.backends.parsing.model_parts import with_weights
from runtime_shim.backends.remote.endpoints import Endpoint, parse_endpoint, without_user
from runtime_shim.backends.remote.model import RemoteModel

__all__ = [
    "REMOTE",
    "NamedGraph",
    "encoding_of",
    "graph_in",
    "names_in",
    "parse_nn_graph",
    "parse_nn_preload",
    "place_of",
    "remote_graph",
]

REMOTE = "remote"
"""What -S nn-graph and --device call inference servers."""

_MOST_SEEN = 300
"""How many files of a folder are looked at for a list of some names."""


@dataclass(frozen=True)
class NamedGraph:
    """A model in files, with the name that guests ask for. The files are read at the first use,
    unless the NN runtime maps them, and need not exist before.

    `encoding` is an Encoding or its name. `target` is where the model should run: a target or its
    name, "auto", or a device of the backend. `options` are the backend's; a guest's options
    override them.

    With `remote`, the model is on inference servers. `paths` are then those of its local model if
    `remote.falls_back`, and empty otherwise.

    Raises UsageError for values that make no sense, alone or together.
    """

    name: str
    encoding: Encoding
    target: Place
    paths: tuple[str, ...]
    options: Options = field(default_factory=dict)
    remote: RemoteModel | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            encoding: Encoding | str,
            target: Place,
            paths: Sequence[str | PathLike[str]],
            options: Options = ...,
            remote: RemoteModel | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise UsageError(f"the name of a graph cannot be {self.name!r}: expected a str")
        for field_name, value in (
            ("encoding", _checked_encoding(self.encoding)),
            ("target", _checked_target(self.target)),
            ("paths", _checked_paths(self.paths)),
        ):
            object.__setattr__(self, field_name, value)
        if not isinstance(self.options, Mapping):
            raise self._error(f"options cannot be {self.options!r}: expected a mapping")
        if self.remote is None and not self.paths:
            raise self._error("paths cannot be empty without remote")
        if self.remote is not None:
            self._check_remote(self.remote)

    def _check_remote(self, remote: object) -> None:
        if not isinstance(remote, RemoteModel):
            kind = type(remote).__name__
            raise self._error(f"remote cannot be of type {kind}: expected a RemoteModel")
        if self.paths and not remote.falls_back:
            raise self._error(
                "paths has no effect beside remote without RemoteModel(falls_back=True)"
            )
        if remote.falls_back and not self.paths:
            raise self._error("remote falls back, and paths has no files of a local model")
        if not all(endpoint.model for endpoint in remote.endpoints):
            raise self._error("an endpoint names no model; expected grpc://HOST:PORT/MODEL")

    def _error(self, what: str) -> UsageError:
        return UsageError(f"graph {self.name!r}: {what}")

    def missing(self) -> str | None:
        """The first of the files that does not exist, if any."""
        return next((path for path in self.paths if not os.path.isfile(path)), None)


def parse_nn_graph(text: str) -> NamedGraph:
    """Parse Wasmtime's `ENCODING::DIR`. The name is the last part of DIR. The files in it are
    `model.onnx`, `model.xml` and `model.bin`, `model.pt`, `model.tflite`, `model.pb` or
    `model.gguf`. Or parse `remote::URL`, a model on an inference server, whose name is the model's.

    Raises UsageError.
    """
    encoding_text, separator, folder = text.partition("::")
    if not separator or not folder:
        raise UsageError(f"nn-graph={without_user(text)}: {_expected(text)}")
    if encoding_text == REMOTE:
        return remote_graph(parse_endpoint(folder))
    encoding = encoding_of(encoding_text)
    name = os.path.basename(os.path.abspath(folder))
    if os.path.isfile(folder):
        raise UsageError(
            f"nn-graph={text}: {folder} is a file, and this takes a folder;"
            f" --nn-preload NAME:{encoding_text}:cpu:{folder} takes a file"
        )
    if encoding not in FORMATS:
        raise UsageError(
            f"nn-graph={text}: file names of {encoding_text} models are not known; use --nn-preload"
        )
    paths = tuple(os.path.join(folder, file) for file in FORMATS[encoding].files)
    return NamedGraph(name, encoding, Target.CPU, paths)


def _expected(text: str) -> str:
    before, colons, _ = text.partition("::")
    hint = "" if colons else ", with two colons"
    before = before.partition(":")[0]
    if before == REMOTE:
        return f"expected remote::URL{hint}, such as remote::grpc://HOST:PORT/MODEL"
    if hint and ":" in text and before.upper() in {encoding.name for encoding in FORMATS}:
        return f"expected {before}::DIR{hint}"
    return "expected ENCODING::DIR"


def remote_graph(endpoint: Endpoint) -> NamedGraph:
    """The graph of a model on a server that the command line names."""
    remote = RemoteModel((endpoint,), takes_token=True)
    return NamedGraph(endpoint.model, Encoding.AUTODETECT, AUTO, (), remote=remote)


def parse_nn_preload(text: str) -> NamedGraph:
    """Parse WasmEdge's `NAME:ENCODING:TARGET:PATH[:PATH]`. Encoding and target may have any case.
    The paths are the parts of the model, in the order in which a guest passes them. The .bin beside
    an XML file that is given alone is taken too. GGML takes one path, which may contain colons.

    Raises UsageError.
    """
    parts = text.split(":", 3)
    if len(parts) < 4 or not all(parts):
        raise UsageError(
            f"--nn-preload {without_user(text)}: expected NAME:ENCODING:TARGET:PATH[:PATH]"
        )
    name, encoding_text, target_text, path = parts
    encoding = encoding_of(encoding_text)
    paths = [path] if encoding is Encoding.GGML else path.split(":")
    place = place_of(target_text)
    if place == target_text != AUTO:
        targets = [target.name.lower() for target in Target]
        raise UsageError(
            f"unknown target {target_text!r}; expected {', '.join(targets)} or {AUTO}"
            f"{did_you_mean(target_text, (*targets, AUTO))}"
        )
    return NamedGraph(name, encoding, place, with_weights(paths))


def graph_in(folder: str, name: str) -> NamedGraph | None:
    """The model at the path `name` in a folder, as WAMR's guests ask for it: `./a.tflite`. Its
    first bytes tell its format; the weights of an IR lie beside it, and may be missing. Its name
    and paths have all links resolved. None if it is not a file, or if one of its files is outside
    of the folder, by a link too, at the time of the call."""
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
        beside = f"{stem}.bin"
        weights = _file_in(root, beside) if os.path.lexists(beside) else beside
        if weights is None:
            return None
        paths.append(weights)
    name = os.path.relpath(path, root)
    return NamedGraph(name, Encoding.AUTODETECT, Target.CPU, tuple(paths))


def _checked_target(target: object) -> Place:
    """Raises UsageError."""
    if isinstance(target, Target):
        return target
    if isinstance(target, str) and target:
        return place_of(target)
    raise UsageError(f"target cannot be {target!r}: expected a Target, or a name such as 'auto'")


def _checked_paths(paths: object) -> tuple[str, ...]:
    """Raises UsageError."""
    expected = "expected a sequence of files, such as ['model.onnx']"
    if isinstance(paths, str | bytes | PathLike | Mapping) or not isinstance(paths, Iterable):
        raise UsageError(f"paths cannot be {paths!r}: {expected}")
    found = []
    for path in paths:
        if not isinstance(path, str | PathLike):
            raise UsageError(f"paths cannot have {path!r}: {expected}")
        found.append(os.fspath(path))
    return tuple(found)


def _file_in(root: str, path: str) -> str | None:
    """A file's path with all links resolved, or None if it is not a file or is outside of the
    folder, whose own path has its links resolved. Asks the system first, because it refuses paths
    that are too long at once; realpath would look up each of their parts."""
    if not os.path.isfile(path):
        return None
    path = os.path.realpath(path)
    is_inside = os.path.commonpath([root, path]) == root
    return path if is_inside and os.path.isfile(path) else None


def names_in(folder: str, most: int) -> list[str]:
    """Up to `most` names of models in a folder that graph_in finds, recognised by their suffix.
    Looks at a few hundred files."""
    endings = tuple(os.path.splitext(row.files[0])[1] for row in FORMATS.values())
    found: list[str] = []
    seen = 0
    for where, folders, files in os.walk(folder):
        folders.sort()
        seen += len(folders) + len(files)
        inside = os.path.relpath(where, folder)
        for file in sorted(files):
            name = os.path.normpath(os.path.join(inside, file))
            if file.endswith(endings) and len(found) < most and graph_in(folder, name):
                found.append(name)
        if seen > _MOST_SEEN or len(found) >= most:
            break
    return found


def place_of(text: str) -> Place:
    """A target or "auto" in any case, otherwise the name of a device, unchanged."""
    known: dict[str, Place] = {target.name.lower(): target for target in Target}
    return {**known, AUTO: AUTO}.get(text.lower(), text)


def _checked_encoding(encoding: object) -> Encoding:
    """Raises UsageError."""
    if isinstance(encoding, Encoding):
        return encoding
    if isinstance(encoding, str):
        return encoding_of(encoding)
    raise UsageError(
        f"encoding cannot be {encoding!r}: expected an Encoding, or a name such as 'onnx'"
    )


def encoding_of(text: str) -> Encoding:
    for encoding in (*FORMATS, Encoding.AUTODETECT):
        if encoding.name == text.upper():
            return encoding
    known = [encoding.name.lower() for encoding in FORMATS]
    raise UsageError(
        f"unknown encoding {text!r}; expected {', '.join(known)} or autodetect"
        f"{did_you_mean(text, (*known, 'autodetect'))}"
    )
