"""Quantised models whose inputs and outputs are 32-bit floats for the guest, as on WAMR's older
hosts.

https://github.com/bytecodealliance/wasm-micro-runtime/blob/646b5a9/core/iwasm/libraries/wasi-nn/src/wasi_nn_tensorflowlite.cpp
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewriter.abi.dialects import Errno, TensorType
from runtime_shim.backends.interface import ExecutionContext, Quantization, QuantizedGraph
from runtime_shim.errors import HostError

__all__ = ["FloatContext"]


class FloatContext:
    """Implements backends.interface.ExecutionContext around a context of TensorFlow Lite. Inputs
    are f32 only. A quantised input stores float / scale + zero point, truncated to a whole number
    and limited to 0..255; a quantised output is read as (output - zero point) * scale. Other
    tensors are passed on unchanged. Without `reads_floats`, the guest cannot read quantised
    outputs."""

    def __init__(
        self, context: ExecutionContext, graph: QuantizedGraph, *, reads_floats: bool
    ) -> None:
        self._context = context
        self._inputs = graph.input_quantization
        self._outputs = graph.output_quantization
        self._reads_floats = reads_floats

    def set_input(
        self, index: int, tensor_type: TensorType, shape: tuple[int, ...], data: memoryview
    ) -> None:
        if tensor_type is not TensorType.F32:
            raise HostError(
                Errno.RUNTIME_ERROR,
                f"input {index} has the type {tensor_type.name.lower()}, but in WAMR's "
                "older ABI a TensorFlow Lite model accepts only f32; a guest that was "
                "adapted to that ABI can be adapted with `nnshim rewrite --for nnshim`",
            )
        quantization = _of(self._inputs, index)
        if quantization is None:
            self._context.set_input(index, tensor_type, shape, data)
            return
        scale, zero_point = _one("input", index, quantization)
        whole = np.trunc(np.frombuffer(data, np.float32) / np.float32(scale) + zero_point)
        cut = np.clip(np.nan_to_num(whole), 0, 255).astype(np.uint8)
        self._context.set_input(index, TensorType.U8, shape, cut.data)

    def compute(self) -> None:
        self._context.compute()

    def get_output(self, index: int) -> memoryview:
        output = self._context.get_output(index)
        quantization = _of(self._outputs, index)
        if quantization is None:
            return output
        if not self._reads_floats:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                f"output {index} is quantised: in the ABI that the guest was adapted to, "
                "it is read as floats, but the guest expects the stored values; adapt it "
                "with `nnshim rewrite --for nnshim`",
            )
        scale, zero_point = _one("output", index, quantization)
        floats = (np.frombuffer(output, np.uint8).astype(np.float32) - zero_point) * scale
        return floats.astype(np.float32).view(np.uint8).data


def _of(quantizations: Sequence[Quantization | None], index: int) -> Quantization | None:
    return quantizations[index] if index < len(quantizations) else None


def _one(what: str, index: int, quantization: Quantization) -> tuple[float, int]:
    """Scale and zero point. Raises HostError with `runtime_error` for others than WAMR supports."""
    if quantization.type is not TensorType.U8 or len(quantization.scales) != 1:
        raise HostError(
            Errno.RUNTIME_ERROR,
            f"{what} {index} cannot be converted to floats, because it is quantised per "
            "channel, or to another type than u8",
        )
    return quantization.scales[0], quantization.zero_points[0]
