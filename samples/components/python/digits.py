"""Reads a handwritten digit from each greyscale image (PGM, P2 or P5), and prints which it is.

    digits.wasm MODEL.onnx|MODEL.tflite|MODEL.xml IMAGE.pgm [IMAGE.pgm ...]

OpenVINO's MODEL.xml has its weights in MODEL.bin. The model takes 8 by 8 brightnesses from 0
(background) to 1 (ink), and gives ten probabilities. Larger images are averaged down to that.
"""

import struct
import sys
from pathlib import Path

from componentize_py_types import Err
from pgm import SIDE, Damaged, read_pgm
from wit_world import exports
from wit_world.imports.graph import ExecutionTarget, Graph, GraphEncoding, load
from wit_world.imports.inference import GraphExecutionContext
from wit_world.imports.tensor import Tensor, TensorType

DIGITS = 10
INPUT = "pixels"


class Run(exports.Run):
    """wasi:cli/run, which a host calls to start the program."""

    def run(self) -> None:
        if len(sys.argv) < 3:
            sys.stderr.write("usage: digits MODEL.onnx|MODEL.tflite|MODEL.xml IMAGE.pgm...\n")
            raise Err(None)
        _, model, *images = sys.argv
        try:
            context = load_model(Path(model)).init_execution_context()
            for image in images:
                probabilities = classify(context, read_pgm(Path(image)))
                best = max(range(DIGITS), key=probabilities.__getitem__)
                print(f"{image}: {best} ({100 * probabilities[best]:.1f}%)")
        except (OSError, Damaged) as error:
            sys.stderr.write(f"digits: {error}\n")
            raise Err(None) from error
        except Err as error:  # what wasi:nn's functions raise
            sys.stderr.write(f"digits: {error.value.code().name}: {error.value.data()}\n")
            raise Err(None) from error


def load_model(path: Path) -> Graph:
    """Load a model in the format that the end of its name says."""
    parts = [path.read_bytes()]
    match path.suffix:
        case ".xml":
            encoding = GraphEncoding.OPENVINO
            parts.append(path.with_suffix(".bin").read_bytes())
        case ".tflite":
            encoding = GraphEncoding.TENSORFLOWLITE
        case _:
            encoding = GraphEncoding.ONNX
    return load(parts, encoding, ExecutionTarget.CPU)


def classify(context: GraphExecutionContext, pixels: list[float]) -> tuple[float, ...]:
    """The probabilities of the ten digits."""
    data = struct.pack(f"<{SIDE * SIDE}f", *pixels)
    tensor = Tensor([1, SIDE * SIDE], TensorType.FP32, data)
    [(_, output)] = context.compute([(INPUT, tensor)])
    data = output.data()
    if len(data) != 4 * DIGITS:
        raise Damaged("the model does not give ten probabilities")
    return struct.unpack(f"<{DIGITS}f", data)
