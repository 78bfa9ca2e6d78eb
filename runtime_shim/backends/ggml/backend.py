"""GGUF language models on llama.cpp: text in, text out, all at once or token by token.

As in WasmEdge's plugin, input 0 is the prompt and input 1 a JSON object of options; output 0 is the
text and output 1 a JSON object with token counts; all of them are bytes. Unlike there, each context
has its own state, and the seed is fixed by default.

https://github.com/WasmEdge/WasmEdge/tree/d516c5d/plugins/wasi_nn/GGML
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import xllamacpp

from rewriter.abi.dialects import Errno, Target, TensorType
from runtime_shim.backends.checks.gguf import check_lengths
from runtime_shim.backends.common import guest_output
from runtime_shim.backends.common.devices import choose_device
from runtime_shim.backends.common.tensor_info import (
    TEXT,
    check_parts,
    most_threads,
    not_computed,
    warn_of_ignored,
    with_threads_up_to,
)
from runtime_shim.backends.ggml.llama_cpp import forget_messages, lib
from runtime_shim.backends.ggml.model import GgmlModel
from runtime_shim.backends.ggml.options import OPTION_NAMES, GgmlOptions, parse_options
from runtime_shim.backends.ggml.prompt import Prompt, has_image
from runtime_shim.backends.ggml.text import Text
from runtime_shim.backends.interface import (
    DEFAULTS,
    NO_OPTIONS,
    Names,
    Options,
    Output,
    Part,
    Place,
    Runtime,
    Settings,
)
from runtime_shim.backends.parsing.model_parts import as_file, head
from runtime_shim.errors import HostError
from runtime_shim.guest_text import json_object

__all__ = ["GgmlBackend", "create"]

_KNOWN = {"cpu": Target.CPU, "gpu": Target.GPU}

_NOT_SET = Errno.INVALID_ARGUMENT, "there is no prompt: input 0 is not set"

_DISCARDED = (Errno.RUNTIME_ERROR, Errno.TOO_LARGE)
"""Errors after which a llama_context and its text are not kept."""

_LONGEST_METADATA = 1 << 16
"""In bytes: the same as the default limit for other configurations."""


class GgmlBackend:
    """Implements backends.interface.Backend. `fast_math` has no effect."""

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._most_threads = most_threads(settings)

    def describe(self) -> Runtime:
        return Runtime(f"xllamacpp {xllamacpp.__version__}", _devices())

    def load(self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS) -> GgmlGraph:
        check_parts("a GGUF model", parts, 1, 2)
        if len(parts) == 2:  # the same as on WasmEdge
            told = with_threads_up_to(self._most_threads, _metadata(parts[1]))
            options = {**options, **told}
        parsed, ignored = parse_options(options, GgmlOptions(threads=self._most_threads))
        warn_of_ignored("ggml", ignored, known=OPTION_NAMES)
        if isinstance(parts[0], Path) and not parts[0].is_file():
            raise HostError(Errno.MODEL_NOT_FOUND, f"{parts[0]} does not exist")
        if head(parts[0], 4) != b"GGUF":
            raise HostError(Errno.INVALID_ARGUMENT, "the model is not a GGUF file")
        if not isinstance(parts[0], Path):
            check_lengths(parts[0])
        device = choose_device("ggml", place, _KNOWN, _devices())
        with as_file(parts[0]) as path:
            return GgmlGraph(os.fsencode(path), device, parsed, self._most_threads)


def _metadata(part: Part) -> Options:
    """The options in a model's second builder."""
    size = part.stat().st_size if isinstance(part, Path) else len(part)
    if size > _LONGEST_METADATA:
        raise HostError(
            Errno.TOO_LARGE,
            f"the options have {size} bytes, but the maximum is {_LONGEST_METADATA}",
        )
    text = part.read_bytes() if isinstance(part, Path) else part
    return json_object(text, "options", Errno.INVALID_ENCODING)


def _devices() -> dict[str, Target]:
    found = {item["type"].name.rsplit("_", 1)[-1] for item in xllamacpp.get_device_info()}
    there = lib.supports_gpu_offload() and not found.isdisjoint({"GPU", "IGPU"})
    return _KNOWN if there else {"cpu": Target.CPU}


class GgmlGraph(GgmlModel):
    """Implements backends.interface.SharedGraph."""

    _first: GgmlGraph | None = None
    """The graph that owns the model; None if it is this one."""

    def with_options(self, options: Options) -> GgmlGraph:
        other = copy.copy(self)
        other._first = self._first or self
        other.options, _ = parse_options(options, GgmlOptions(threads=self.most_threads))
        return other

    def init_execution_context(self) -> GgmlContext:
        return GgmlContext(self)


class GgmlContext:
    """Implements backends.interface.StreamingContext and DescribedContext,
    backends.common.halting.HaltableContext and backends.common.working.WorkingContext."""

    configured_by = 1
    input_elements = (TEXT, TEXT)
    names = Names(("prompt", "options"), ("text", "metadata"))

    def __init__(self, graph: GgmlGraph) -> None:
        self._graph = graph
        self._options = graph.options
        self._prompt: Prompt | None = None
        self._missing = _NOT_SET
        """The error of compute without a prompt."""
        self._text: Text | None = None
        self._output: bytearray | None = None
        self._piece: bytes | None = b""
        """What the last call added to the text, None if it failed."""
        self._streaming = False
        self._most_bytes: int | None = None
        self._context_bytes = 0
        """What counts for the llama_context, if there is a limit."""
        self._halted = threading.Event()

    def allow(self, most: int) -> None:
        """See backends.common.working."""
        self._most_bytes = most

    def working_bytes(self) -> int:
        """See backends.common.working."""
        kept = self._output if self._text is None else self._text.output
        return (0 if self._text is None else self._context_bytes) + len(kept or b"")

    def halt(self) -> None:
        """See backends.common.halting."""
        self._halted.set()

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        if index > 1 or tensor_type not in TEXT.bytes_of:
            raise HostError(
                Errno.INVALID_ARGUMENT,
                "a language model accepts only bytes for input 0 (the prompt) and input 1 "
                f"(options), but the type of input {index} is {tensor_type.name.lower()}",
            )
        if index == self.configured_by:
            self._set_options(data)  # refused options change nothing
        self._streaming = False
        self._piece = b""
        if index != self.configured_by:
            self._set_prompt(data)

    def _set_prompt(self, data: memoryview) -> None:
        self._prompt, self._missing = None, _NOT_SET
        if has_image(data):
            raise HostError(
                Errno.UNSUPPORTED_OPERATION, "the prompt contains an image, which is not supported"
            )
        try:
            self._prompt = Prompt(self._graph.vocabulary, data)
        except HostError as error:
            if error.errno is Errno.PROMPT_TOO_LONG:
                self._missing = error.errno, error.reason
            raise
        with contextlib.suppress(HostError):  # other options may give it a larger context
            self._prompt.tokens(self._graph.context_size(self._options))

    def _set_options(self, text: memoryview) -> None:
        options = json_object(bytes(text), "options", Errno.INVALID_ENCODING)
        given = with_threads_up_to(self._graph.most_threads, options)
        self._options, ignored = parse_options(given, self._options)
        warn_of_ignored("ggml", ignored, known=OPTION_NAMES)
        self._text = None

    def compute(self) -> None:
        with self._without_what_failed():
            self._compute()

    def _compute(self) -> None:
        text = self._start()
        options = self._options
        if options.embedding:
            text.output += text.embedding()
            return
        stops = [text.encode() for text in options.reverse_prompt]
        left = options.n_predict
        while left != 0:
            ended = text.advance()
            self._check_memory(text.output)
            if options.stream_stdout:
                guest_output.write(text.piece)
            if ended or any(stop in text.output for stop in stops):
                break
            left -= 1

    def get_output(self, index: int) -> memoryview:
        return self._either(index, self._output)

    def output(self, index: int) -> Output:
        data = self.get_output(index)
        return Output(TEXT, (len(data),), data)

    def compute_single(self) -> None:
        text = self._text if self._streaming else None
        with self._without_what_failed():
            if text is None:
                text = self._start()
            self._streaming = False
            ended = text.advance()
            self._check_memory(text.output)
        if ended:
            raise HostError(Errno.END_OF_SEQUENCE, "the model has finished its text")
        self._streaming = True

    def get_output_single(self, index: int) -> memoryview:
        return self._either(index, self._piece)

    def fini_single(self) -> None:
        self._streaming = False
        self._output, self._piece = None, b""

    def _either(self, index: int, text: bytes | bytearray | None) -> memoryview:
        """The text, or the metadata, which always exists."""
        if index == 1:
            return memoryview(self._metadata())
        if index > 1:
            raise HostError(Errno.INVALID_ARGUMENT, f"no output {index}: the model has 2 outputs")
        if text is None:
            raise not_computed()
        return memoryview(bytes(text))

    def _metadata(self) -> bytes:
        most = self._graph.context_size(self._options)
        counts = {
            "input_tokens": self._prompt.count(most) if self._prompt is not None else 0,
            "output_tokens": self._text.output_tokens if self._text is not None else 0,
            "llama_build_number": xllamacpp.BUILD_INFO["build_number"],
            "llama_commit": xllamacpp.BUILD_INFO["commit"],
        }
        return json.dumps(counts).encode()

    @contextlib.contextmanager
    def _without_what_failed(self) -> Iterator[None]:
        """Discard a llama_context in which a call has failed, and its text."""
        forget_messages()
        self._piece = None
        try:
            yield
        except Exception as error:
            if isinstance(error, HostError) and error.errno is Errno.CONTEXT_FULL:
                self._piece = b""
            elif not isinstance(error, HostError) or error.errno in _DISCARDED:
                self._text = self._output = None
                self._streaming = False
            raise
        if self._text is not None:
            self._piece = self._text.piece

    def _start(self) -> Text:
        """Evaluate the prompt, with nothing before it."""
        self._streaming = False
        self._output = None
        if self._prompt is None:
            raise HostError(*self._missing)
        tokens = self._prompt.tokens(self._graph.context_size(self._options))
        if self._text is None:
            if self._most_bytes is not None:
                self._context_bytes = self._graph.context_bytes(self._options)
            self._check_memory()
            self._text = Text(self._graph, self._options, self._halted)
        self._text.begin(tokens)
        self._output = self._text.output
        return self._text

    def _check_memory(self, text: bytes | bytearray = b"") -> None:
        """Raise HostError if the context and its text take too much."""
        if self._most_bytes is None or self._context_bytes + len(text) <= self._most_bytes:
            return
        tokens = self._graph.context_size(self._options)
        raise HostError(
            Errno.TOO_LARGE,
            f"a context of {tokens} tokens takes {self._context_bytes + len(text)} bytes, and the"
            f" limit of the total leaves {self._most_bytes}",
            "limit total",
        )


def create(settings: Settings) -> GgmlBackend:
    return GgmlBackend(settings)
