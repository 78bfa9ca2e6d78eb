# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.32.0", "scikit-learn==1.9.1"]
# ///
"""Train the digit classifier of the samples, and write it with a few images to classify.

The data are scikit-learn's digits: 1,797 handwritten digits of 8 by 8 pixels. A quarter is held
back; the printed accuracy is on that part, by ONNX Runtime on the written file, and the images
come from it too. Run it from anywhere: python samples/train_digits.py
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SAMPLES = Path(__file__).resolve().parent
MODEL = SAMPLES / "digits" / "model.onnx"
IMAGES = SAMPLES / "images"
MAX_BRIGHTNESS = 16
SEED = 7


def main() -> None:
    digits = load_digits()
    images = (digits.data / MAX_BRIGHTNESS).astype(np.float32)
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits.target, test_size=0.25, random_state=SEED, stratify=digits.target
    )
    classifier = MLPClassifier(hidden_layer_sizes=(32,), max_iter=2000, random_state=SEED)
    classifier.fit(train_x, train_y)
    MODEL.parent.mkdir(exist_ok=True)
    onnx.save(to_onnx(classifier), MODEL)

    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before it is imported
    import onnxruntime as ort

    session = ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(None, {"pixels": test_x})
    right = int((probabilities.argmax(axis=1) == test_y).sum())
    print(f"{right} of {len(test_y)} held-back images are right ({right / len(test_y):.2%})")

    IMAGES.mkdir(exist_ok=True)
    for digit in range(10):
        write_pgm(IMAGES / f"{digit}.pgm", test_x[test_y == digit][0])


def to_onnx(classifier: MLPClassifier) -> onnx.ModelProto:
    """Two fully connected layers: [n, 64] brightnesses to [n, 10] probabilities."""
    weights = [w.astype(np.float32) for w in classifier.coefs_]
    biases = [b.astype(np.float32) for b in classifier.intercepts_]
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["pixels", "w0", "b0"], ["sums"]),
            helper.make_node("Relu", ["sums"], ["hidden"]),
            helper.make_node("Gemm", ["hidden", "w1", "b1"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 10])],
        [
            numpy_helper.from_array(array, name)
            for name, array in zip(("w0", "w1", "b0", "b1"), (*weights, *biases), strict=True)
        ],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="nnshim"
    )


def write_pgm(path: Path, image: np.ndarray) -> None:
    rows = (image.reshape(8, 8) * MAX_BRIGHTNESS).astype(int)
    text = "\n".join(" ".join(f"{value:2}" for value in row) for row in rows)
    path.write_text(f"P2\n8 8\n{MAX_BRIGHTNESS}\n{text}\n", encoding="ascii")


if __name__ == "__main__":
    main()
