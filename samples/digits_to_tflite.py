# /// script
# requires-python = ">=3.11"
# dependencies = ["ai-edge-litert==2.3.0", "flatbuffers==25.12.19", "numpy==2.4.6", "onnx==1.23.2"]
# ///
"""Write the digit classifier as TensorFlow Lite, with the weights of digits/model.onnx.

For hosts that take no ONNX, such as WAMR. Run it from anywhere: python samples/digits_to_tflite.py
"""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import numpy.typing as npt
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

SAMPLES = Path(__file__).resolve().parent
MODEL = SAMPLES / "digits" / "model.onnx"

Array = npt.NDArray[np.float32]


def main() -> None:
    constants = {c.name: numpy_helper.to_array(c) for c in onnx.load(MODEL).graph.initializer}
    layers = [(constants["w0"], constants["b0"]), (constants["w1"], constants["b1"])]
    MODEL.with_suffix(".tflite").write_bytes(to_tflite(layers))


def to_tflite(layers: list[tuple[Array, Array]]) -> bytes:
    """[1, 64] brightnesses to [1, 10] probabilities, of weights (inputs, outputs) and biases."""
    (first, hidden_bias), (second, score_bias) = layers
    graph = schema.SubGraphT()
    graph.inputs, graph.outputs = [0], [7]
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    model.subgraphs = [graph]
    graph.tensors = [
        _tensor(model, "pixels", [1, first.shape[0]]),
        _tensor(model, "w0", [*first.T.shape], first.T),
        _tensor(model, "b0", [hidden_bias.size], hidden_bias),
        _tensor(model, "hidden", [1, hidden_bias.size]),
        _tensor(model, "w1", [*second.T.shape], second.T),
        _tensor(model, "b1", [score_bias.size], score_bias),
        _tensor(model, "scores", [1, score_bias.size]),
        _tensor(model, "probabilities", [1, score_bias.size]),
    ]
    operators, options = schema.BuiltinOperator, schema.BuiltinOptions
    model.operatorCodes = [_code(operators.FULLY_CONNECTED), _code(operators.SOFTMAX)]
    relu, plain = schema.FullyConnectedOptionsT(), schema.FullyConnectedOptionsT()
    relu.fusedActivationFunction = schema.ActivationFunctionType.RELU
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    graph.operators = [
        _operator(0, [0, 1, 2], [3], options.FullyConnectedOptions, relu),
        _operator(0, [3, 4, 5], [6], options.FullyConnectedOptions, plain),
        _operator(1, [6], [7], options.SoftmaxOptions, softmax),
    ]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(
    model: schema.ModelT, name: str, shape: list[int], data: Array | None = None
) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.hasRank = name, shape, True
    tensor.type = schema.TensorType.FLOAT32
    tensor.buffer = 0
    if data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data.tobytes(), np.uint8)
        tensor.buffer = len(model.buffers)
        model.buffers.append(buffer)
    return tensor


def _code(operator: int) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = operator
    code.version = 1
    return code


def _operator(
    code: int, inputs: list[int], outputs: list[int], kind: int, options: object
) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, outputs
    operator.builtinOptionsType, operator.builtinOptions = kind, options
    return operator


if __name__ == "__main__":
    main()
