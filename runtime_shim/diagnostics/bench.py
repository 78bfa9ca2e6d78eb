"""How long it takes to load a model and to run it, on each backend and device that can run it."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from time import perf_counter

from rewriter.abi.dialects import ELEMENT_SIZE, Encoding, TensorType
from rewriter.diagnostics import Diagnostic
from rewriter.errors import InputError, UsageError
from runtime_shim.backends import import_backend
from runtime_shim.backends.common.tensor_info import Dim, Port
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import (
    DEFAULTS,
    NO_OPTIONS,
    Backend,
    ExecutionContext,
    Graph,
    Options,
    Settings,
    guarded,
)
from runtime_shim.backends.parsing.detect import detect
from runtime_shim.backends.parsing.model_parts import no_file, unfit, with_weights
from runtime_shim.diagnostics.report import Measurement, Rates, Report, conditions_of
from runtime_shim.errors import HostError
from runtime_shim.numbers import MOST_THREADS, check_number

__all__ = ["Input", "bench", "parse_input"]

_ROUNDS = 10
"""Backends take turns, so that a disturbance of the machine affects all of them."""

_LONGEST = 86_400
"""In seconds: a day."""

_MOST_ELEMENTS = 1 << 32
"""Elements of a tensor that fits into a guest's memory, whose addresses have 32 bits."""

_PROMPT = b"Once upon a time"

_FEW_TOKENS = {"n-predict": 16, "temp": 0}
"""Default options for a language model."""


@dataclass(frozen=True)
class Input:
    """A tensor to feed. Its elements are random, and the same for every backend. `width` is the
    size of an element in bytes, if the type does not tell."""

    type: TensorType
    shape: tuple[int, ...]
    width: int | None = None

    def data(self) -> bytes:
        """Floats between 0 and 1; integers are 0 or 1, which are rarely too large as indices."""
        size = prod(self.shape)
        numbers = random.Random(0)  # noqa: S311 - nothing is kept secret
        if self.type in (TensorType.U8, TensorType.I32, TensorType.I64):
            width = self.width or ELEMENT_SIZE[self.type]
            return b"".join(numbers.randrange(2).to_bytes(width, "little") for _ in range(size))
        import numpy as np

        from runtime_shim.backends.common.arrays import DTYPES

        return np.random.default_rng(0).random(size).astype(DTYPES[self.type]).tobytes()


def parse_input(text: str) -> tuple[int, Input]:
    """`INDEX=TYPE:DIMxDIM...`, such as 0=f32:1x3x224x224. Raises UsageError."""
    index, _, rest = text.partition("=")
    kind, _, dims = rest.partition(":")
    try:
        shape = tuple(int(dim) for dim in dims.split("x")) if dims else ()
        found = int(index), Input(TensorType[kind.upper()], shape)
        if min(found[0], *shape, 0) < 0 or prod(shape) > _MOST_ELEMENTS:
            raise ValueError(text)
        return found
    except (KeyError, ValueError):
        raise UsageError(f"--input {text}: expected INDEX=TYPE:DIMxDIM, as in 0=f32:1x64") from None


def bench(
    paths: Sequence[str],
    *,
    encoding: Encoding = Encoding.AUTODETECT,
    backends: Sequence[Encoding] = (),
    devices: Sequence[str] = (),
    inputs: Sequence[tuple[int, Input]] = (),
    options: Options = NO_OPTIONS,
    settings: Settings = DEFAULTS,
    seconds: float = 2.0,
    parallel: int | None = None,
) -> Report:
    """Measure a model, given by the files of its parts, for about `seconds` on each device of each
    backend, once alone and once with `parallel` contexts (default: one per core). The .bin beside
    an XML file that is given alone is taken too. `inputs` are the inputs whose shape the model
    leaves open; by default, a free dimension is 1.

    Raises InputError for files that are missing or in an unknown format, and UsageError for invalid
    numbers and for files that are several models.
    """
    check_number("seconds", seconds, 0.01, _LONGEST, whole=False)
    check_number("parallel", parallel, 1, MOST_THREADS)
    check_number("threads", settings.threads, 1, MOST_THREADS)
    parts = _files(paths)
    found = detect(parts) if encoding is Encoding.AUTODETECT else encoding
    if found is None:
        raise _unrecognised(parts)
    contexts = parallel or len(os.sched_getaffinity(0))
    runs: list[_Run] = []
    problems: list[Measurement] = []
    assumed: dict[str, None] = {}
    for name in backends or _encodings_that_read(found):
        try:
            backend = import_backend(name, settings, warns=False)  # the report says it
        except HostError as error:
            problems.append(_problem(name, "", error.reason, "NN501"))
            continue
        for device in devices or list(backend.describe().devices):
            try:
                given = {**(_FEW_TOKENS if name is Encoding.GGML else {}), **options}
                chosen = dict(inputs)
                runs.append(_Run(name, backend, parts, device, chosen, given, contexts, assumed))
            except HostError as error:
                reason = error.reason + (f"; {_assumed_in(assumed)}" if assumed else "")
                problems.append(_problem(name, device, reason))
            except MemoryError as error:
                problems.append(_problem(name, device, f"not enough memory: {error}"))
    conditions = conditions_of(parts, found)
    for _ in range(_ROUNDS):
        for run in runs:
            run.measure(seconds / _ROUNDS / 2)
    return Report(conditions, [*(run.result() for run in runs), *problems], tuple(assumed))


def _assumed_in(assumed: Iterable[str]) -> str:
    given = " ".join(f"--input {each}" for each in assumed)
    return f"open dimensions count as 1, as with {given}, which can give others"


def _files(paths: Sequence[str]) -> list[Path]:
    """The parts of a model. Raises InputError where a file is missing or known not to be one."""
    named = with_weights(paths)
    try:
        for path in named:
            if not os.path.isfile(path):
                raise InputError(no_file(path, named))
        wrong = unfit(named[0])
    except OSError as error:
        raise InputError(f"{named[0]}: {error.strerror}") from error
    if wrong is not None:
        raise InputError(wrong)
    return [Path(path) for path in named]


def _unrecognised(parts: Sequence[Path]) -> InputError | UsageError:
    """Why files are not the parts of a model in a known format."""
    formats = [detect([part]) for part in parts]
    if len(parts) > 1 and None not in formats:
        each = [
            f"{part} is {FORMATS[one].title}"
            for part, one in zip(parts, formats, strict=True)
            if one
        ]
        return UsageError(f"bench measures one model at a time, and {' and '.join(each)}")
    return InputError(f"{', '.join(map(str, parts))}: unknown format; name it with --encoding")


def _problem(name: Encoding, device: str, reason: str, code: str = "NN511") -> Measurement:
    return Measurement(name.name.lower(), device, problem=Diagnostic(code, reason))


class _Run:
    """A model on one device of one backend."""

    def __init__(
        self,
        encoding: Encoding,
        backend: Backend,
        parts: Sequence[Path],
        device: str,
        inputs: dict[int, Input],
        options: Options,
        parallel: int,
        assumed: dict[str, None],
    ) -> None:
        """The inputs with open dimensions are added to `assumed`."""
        started = perf_counter()
        graph: Graph = guarded(backend.load, parts, device, options)
        self._load = perf_counter() - started
        self._name = encoding.name.lower()
        self._version = backend.describe().version
        self._device = graph.device
        ports = list(getattr(graph, "inputs", ()))
        for index in inputs:
            if ports and index >= len(ports):
                raise UsageError(
                    f"--input {index}: the model has {len(ports)} inputs, counted from 0"
                )
        if encoding is Encoding.GGML:
            feed = [(0, Input(TensorType.U8, (len(_PROMPT),)), _PROMPT)]
        else:
            chosen = [_input(index, port, inputs) for index, port in enumerate(ports)]
            for index, (port, item) in enumerate(zip(ports, chosen, strict=True)):
                if index not in inputs and _is_open(port):
                    dims = "x".join(map(str, item.shape))
                    assumed[f"{index}={item.type.name.lower()}:{dims}"] = None
            feed = [(index, item, item.data()) for index, item in enumerate(chosen)]
        outputs = len(getattr(graph, "outputs", " "))
        self._inferences = [
            guarded(_Inference, graph.init_execution_context(), feed, outputs)
            for _ in range(parallel)
        ]
        self._alone = _Latencies()
        self._together = _Latencies()

    def measure(self, seconds: float) -> None:
        """One round: first alone, then all contexts at once."""
        self._alone.add(self._inferences[:1], seconds)
        self._together.add(self._inferences, seconds)

    def result(self) -> Measurement:
        return Measurement(
            self._name,
            self._device,
            self._version,
            self._load,
            self._inferences[0].first,
            self._alone.rates(1),
            self._together.rates(len(self._inferences)),
        )


class _Latencies:
    """Those of all inferences of some contexts, and how long they took, in seconds."""

    def __init__(self) -> None:
        self._latencies: list[float] = []
        self._took = 0.0

    def add(self, inferences: Sequence[_Inference], seconds: float) -> None:
        """Runs each in a thread of its own, for as long as that."""
        with ThreadPoolExecutor(len(inferences)) as pool:
            started = perf_counter()
            done = pool.map(lambda inference: _repeat(inference, seconds), inferences)
            self._latencies += itertools.chain.from_iterable(done)
            self._took += perf_counter() - started

    def rates(self, contexts: int) -> Rates:
        cuts = statistics.quantiles(self._latencies * 2, n=100)  # of one, there are none
        return Rates(
            contexts,
            len(self._latencies),
            cuts[49],
            cuts[89],
            cuts[98],
            len(self._latencies) / self._took,
        )


class _Inference:
    """One context with its inputs. It has run once, because the first run allocates and may
    compile, and shows which of its outputs can be read; `first` is how long that took, in
    seconds."""

    def __init__(
        self, context: ExecutionContext, feed: Sequence[tuple[int, Input, bytes]], outputs: int
    ) -> None:
        self._context = context
        self._feed = feed
        self._outputs: list[int] = []
        started = perf_counter()
        self()
        for index in range(outputs):
            with contextlib.suppress(HostError):
                context.get_output(index)
                self._outputs.append(index)
        self.first = perf_counter() - started

    def __call__(self) -> None:
        for index, tensor, data in self._feed:
            self._context.set_input(index, tensor.type, tensor.shape, memoryview(data))
        self._context.compute()
        for index in self._outputs:
            self._context.get_output(index)


def _repeat(inference: _Inference, seconds: float) -> list[float]:
    """The times of as many inferences as fit into `seconds`, at least one."""
    latencies: list[float] = []
    end = perf_counter() + seconds
    before = perf_counter()
    while not latencies or before < end:
        inference()
        now = perf_counter()
        latencies.append(now - before)
        before = now
    return latencies


def _input(index: int, port: object, given: dict[int, Input]) -> Input:
    if index in given:
        return given[index]
    if not isinstance(port, Port) or port.element is None or port.dims is None:
        raise UsageError(f"specify the shape of input {index} ({port}): --input {index}=f32:1x64")
    return Input(port.element.type, tuple(map(_length, port.dims)), port.element.size)


def _is_open(port: Port) -> bool:
    return any(not isinstance(dim, int) for dim in port.dims or ())


def _length(dim: Dim) -> int:
    return dim.start if isinstance(dim, range) else 1 if dim is None else dim


def _encodings_that_read(format_: Encoding) -> tuple[Encoding, ...]:
    """The encoding of a format, and others whose backends also run it."""
    return (format_, *(encoding for encoding, row in FORMATS.items() if format_ in row.reads))
