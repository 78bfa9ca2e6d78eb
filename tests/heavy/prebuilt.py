"""Prebuilt guests of WasmEdge's examples, as they are and rewritten for each host, run here.

    python -m tests.heavy.prebuilt CHECKOUT

CHECKOUT is https://github.com/second-state/WasmEdge-WASINN-examples, in which guests are committed.
The bird classifier is there, too; the other models are made here, of the shapes that the guests
feed, with results that are known. It takes the extras openvino, litert, torch and ggml. The exit
code is 1 if a guest says something else than it should, or a rewritten one than the guest itself,
unless it is one that a host has to refuse.
"""

from __future__ import annotations

import shutil
import string
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from onnx import helper

from rewriter import inspect_module
from rewriter.analysis.compatibility import Runs, assess
from rewriter.hosts.table import HOSTS
from tests.heavy.torch_models import scripted
from tests.support.command import nnshim
from tests.support.gguf_models import successors
from tests.support.models import F32, model
from tests.support.native import openvino_model

PIZZA = (963, 762, 909, 926, 567)
"""Of ImageNet's 1000 classes, best first: what the guests' own model sees in the picture beside
them, which one of them insists on."""

BANANA = 954

IMAGE = (1, 3, 224, 224)


class Case(NamedTuple):
    """A guest, its arguments, what is in its output, and the hosts whose adapters refuse a call."""

    guest: str
    arguments: Sequence[str]
    expected: str
    refused: Sequence[str] = ()


_CONFIGURES = ("wasmtime", "wamr-legacy")
"""They have no load_by_name_with_config, to which these guests pass options."""

_LEGACY = ("wamr-legacy",)
"""Its tensors are as long as their dimensions say, and for TensorFlow Lite 32-bit floats."""

_PREDICTS = (
    *(
        "basic",
        "chatml",
        "command-r",
        "gemma",
        "llama",
        "llama-stream",
        "test/phi-3",
        "test/unload",
    ),
)
"""Guests that have a language model go on with a prompt, by their folders in wasmedge-ggml."""

_IMAGE = "wasmedge-wasinn-example-mobilenet-image"

CASES = (
    Case(
        f"openvino-mobilenet-image/{_IMAGE}.wasm",
        ("made/model.xml", "made/model.bin", "openvino-mobilenet-image/input.jpg"),
        f"1.) [{PIZZA[0]}](1.0000)pizza",
    ),
    Case(
        "openvino-mobilenet-raw/wasmedge-wasinn-example-mobilenet.wasm",
        ("made/model.xml", "made/model.bin", "made/image.bgr"),
        f"1.) [{PIZZA[0]}](1.0000)pizza",
    ),
    Case(
        f"pytorch-mobilenet-image/{_IMAGE}.wasm",
        ("made/model.pt", "pytorch-mobilenet-image/input.jpg"),
        f"1.) [{BANANA}](1.0000)banana",
    ),
    Case(
        f"pytorch-mobilenet-image/{_IMAGE}-named-model.wasm",
        ("image", "pytorch-mobilenet-image/input.jpg"),
        f"1.) [{BANANA}](1.0000)banana",
    ),
    Case(
        "tflite-birds_v1-image/wasmedge-wasinn-example-tflite-bird-image.wasm",
        (
            "tflite-birds_v1-image/lite-model_aiy_vision_classifier_birds_V1_3.tflite",
            "tflite-birds_v1-image/bird.jpg",
        ),
        "1.) [166](199)Aix galericulata",
        _LEGACY,
    ),
    *(
        Case(
            f"wasmedge-ggml/{name}/wasmedge-ggml-{name.rpartition('/')[2]}.wasm",
            ("text", "abc"),
            "defghijklmnopqrstuvwxyz",
            _CONFIGURES,
        )
        for name in _PREDICTS
    ),
    Case(
        "wasmedge-ggml/nnrpc/wasmedge-ggml-nnrpc.wasm",
        ("text", "abc"),
        "defghijklmnopqrstuvwxyz",
        _LEGACY,
    ),
    Case(
        "wasmedge-ggml/embedding/wasmedge-ggml-llama-embedding.wasm",
        ("text", "abc"),
        '"n_embedding": 288',
        _CONFIGURES,
    ),
    Case("wasmedge-ggml/grammar/wasmedge-ggml-grammar.wasm", ("text", "abc"), "\n{}", _CONFIGURES),
    Case(
        "wasmedge-ggml/test/set-input-twice/wasmedge-ggml-set-input-twice.wasm",
        ("text", "abc"),
        "input tokens: 4\n[INFO] Number of input tokens: 4",
        _CONFIGURES,
    ),
)

_OF_OTHER_NUMBERS = ("wamr", "wamr-2.1")
"""Hosts with numbers that are not this host's: what was rewritten for them is rewritten again."""


def ranking(classes: int, best: Sequence[int]) -> npt.NDArray[np.float32]:
    """A number for each class: 1, a half, a third and so on for the best, and 0 for the others."""
    found = np.zeros((1, classes), np.float32)
    found[0, best] = 1 / np.arange(1, len(best) + 1)
    return found


class Ranking(torch.nn.Module):
    """The same whatever the image is."""

    def __init__(self) -> None:
        super().__init__()
        self.found = torch.nn.Parameter(torch.from_numpy(ranking(1000, [BANANA])))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.found + 0 * image.mean()


def write_models(folder: Path) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "found"], ["y"]),
    ]
    one_based = [1 + each for each in PIZZA]
    constants = {"zero": np.zeros(1, np.float32), "found": ranking(1001, one_based)}
    onnx = model(nodes, [("x", F32, IMAGE)], [("y", F32, (1, 1001))], constants)
    openvino_model(onnx, folder)
    (folder / "model.pt").write_bytes(scripted(Ranking()))
    (folder / "image.bgr").write_bytes(np.ones(IMAGE, np.float32).tobytes())
    successors(folder / "text.gguf", string.ascii_lowercase)


def ways(guest: Path, folder: Path) -> Iterator[tuple[str, Path | None]]:
    """Names of hosts, and the guest as it runs here after having been made for each of them."""
    inspection = inspect_module(guest.read_bytes())
    for host in HOSTS.values():
        if assess(inspection, host).runs is Runs.CANNOT:
            yield host.name, None
            continue
        made = folder / "made.wasm"
        shutil.copy(guest, made)
        back = ("nnshim",) if host.name in _OF_OTHER_NUMBERS else ()
        for target in (host.name, *back):
            done = nnshim("rewrite", "--for", target, made, made)
            if done.returncode not in (0, 4):  # 4: it is written, and runs here
                raise SystemExit(f"{guest} for {target}: {done.stderr.decode()}")
        yield host.name, made


def output(checkout: Path, folder: Path, guest: Path, arguments: Sequence[str]) -> tuple[str, int]:
    """What a guest says, and its exit code."""
    options = [
        *("--dir", f"{checkout}::.", "--dir", f"{folder}::made"),
        *("--nn-preload", f"image:PyTorch:CPU:{folder / 'model.pt'}"),
        *("--nn-preload", f"text:GGML:AUTO:{folder / 'text.gguf'}"),
    ]
    done = nnshim("run", *options, guest, *arguments)
    return done.stdout.decode(), done.returncode


def tried(checkout: Path, folder: Path, case: Case) -> Iterator[tuple[str, bool]]:
    """What was found, and whether it is as it should be."""
    guest = checkout / case.guest
    itself = output(checkout, folder, guest, case.arguments)
    right = case.expected in itself[0] and itself[1] == 0
    yield "as expected" if right else f"NOT as expected: {itself}", right
    for host, made in ways(guest, folder):
        if made is None:
            yield f"{host}: cannot", True
            continue
        found = output(checkout, folder, made, case.arguments)
        if host in case.refused:
            yield f"{host}: refused" if found[1] else f"{host}: NOT refused: {found}", found[1] != 0
        else:
            yield f"{host}: the same" if found == itself else f"{host}: {found}", found == itself


def main() -> None:
    checkout = Path(sys.argv[1])
    all_right = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_models(folder)
        for case in CASES:
            print(case.guest, flush=True)
            for words, right in tried(checkout, folder, case):
                print(f"  {words}", flush=True)
                all_right = all_right and right
    sys.exit(not all_right)


if __name__ == "__main__":
    main()
