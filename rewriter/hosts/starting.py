"""What a host needs besides a module, and the commands that run the module there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from rewriter.abi.numbers import Encoding
from rewriter.hosts.host import Backend, Host
from rewriter.models.model import Model
from rewriter.terminal import command_line, file_argument

__all__ = ["Explanation", "Trial", "explain", "run_words"]

_PLACEHOLDERS = ("NAME", "ENCODING", "FOLDER", "FILES")


class Trial(NamedTuple):
    """A module to try on a host.

    `models` are the models that it runs, if known. `formats` are the only formats that it loads;
    empty if it may load others. `options` are options of the host that the module needs."""

    path: str
    opens_files: bool
    loads_by_name: bool
    models: Sequence[Model] = ()
    formats: frozenset[Encoding] = frozenset()
    options: Sequence[str] = ()

    @property
    def encodings(self) -> frozenset[Encoding]:
        """The encodings of the backends that the module needs; empty if these are not known."""
        own = frozenset(model.encoding for model in self.models if model.encoding is not None)
        return (own & self.formats or self.formats) if self.formats else own


class Explanation(NamedTuple):
    """How to run a module on a host.

    `needs` says what has to be installed or enabled. `commands` are to be run in this order, in the
    folder of the module and the models; none of them starts the host if that command is not
    known."""

    host: str
    needs: tuple[str, ...]
    commands: tuple[str, ...]


def explain(row: Host, trial: Trial, rewrite: str | None = None) -> Explanation:
    """`rewrite` is the command that makes the module fit the host and writes `trial.path`."""
    needs = tuple(dict.fromkeys(_needs(row, trial)))
    commands = (rewrite, command_line(run_words(row, trial)))
    return Explanation(row.label, needs, tuple(filter(None, commands)))


def run_words(row: Host, trial: Trial) -> list[str]:
    """The command that starts the host with the module; empty if it is not known."""
    start = row.start
    if not start.program:
        return []
    folder = start.folder if trial.opens_files else ()
    graph = start.graph if trial.loads_by_name else ()
    graphs = [_filled(word, model) for model in trial.models or (None,) for word in graph]
    return [*start.program, *trial.options, *graphs, *folder, file_argument(trial.path)]


def _filled(word: str, model: Model | None) -> str:
    """The word with its placeholders replaced by a model's values."""
    if model is None or model.encoding is None:
        return word
    parent = PurePath(model.path).parent
    folder = str(parent) if parent.name else "FOLDER"  # its name is the graph's
    values = ("default", model.encoding.name.lower(), folder, ":".join(model.parts))
    for name, value in zip(_PLACEHOLDERS, values, strict=True):
        word = word.replace(name, value)
    return word


def _needs(row: Host, trial: Trial) -> Iterator[str]:
    yield from row.needs
    build = _build(row, trial)
    if build:
        yield f"to build it, in its source folder: {build}"
    for backend in row.backends:
        if not trial.encodings or backend.encoding in trial.encodings:
            yield from _backend_needs(backend)
    if trial.loads_by_name and row.graphs:
        yield f"graphs by name: {row.graphs}"
    for model in trial.models:
        files = (*model.parts, *model.elsewhere)
        yield f"the model's files, where the guest looks for them: {', '.join(files)}"


def _backend_needs(backend: Backend) -> Iterator[str]:
    word = backend.encoding.name.lower()
    if backend.built:
        yield f"for {word}: {backend.built}"
    if backend.library:
        where = "" if " " in backend.library else " on the library path (LD_LIBRARY_PATH)"
        yield f"for {word}: {backend.library}{where}, and the libraries that it depends on"


def _build(row: Host, trial: Trial) -> str | None:
    """The command that builds the host with the backends that the models need, or with the first
    backend if it is not known which they need."""
    if not row.start.build:
        return None
    backends = [b for b in row.backends if b.encoding in trial.encodings]
    backends = backends or list(row.backends[:1])
    options = [need for need in row.needs if "=" in need]
    options += [backend.built for backend in backends if backend.built]
    return row.start.build.replace("OPTIONS", " ".join(f"-D{option}" for option in options))
