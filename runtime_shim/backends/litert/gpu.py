"""LiteRT's GPU accelerator, which uses WebGPU: on Linux, Vulkan.

https://ai.google.dev/edge/litert/next/gpu
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import threading
from pathlib import Path
from typing import Any

import ai_edge_litert
import numpy as np
import numpy.typing as npt
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.environment import Environment, EnvironmentOptions
from ai_edge_litert.hardware_accelerator import HardwareAccelerator
from ai_edge_litert.options import GpuOptions, Options

from rewriter.abi.dialects import Encoding
from runtime_shim.backends.common import guest_output
from runtime_shim.backends.formats import FORMATS
from runtime_shim.backends.interface import Part

__all__ = ["DEVICE", "GpuInterpreter", "has_vulkan"]

DEVICE = "WebGPU"

_SIGNATURE = 0


def has_vulkan() -> bool:
    """Whether there is a Vulkan loader. Without one, LiteRT need not look for GPUs, which prints a
    lot to standard error."""
    try:
        ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return False
    return True


@functools.cache
def _environment() -> Environment:
    folder = os.path.dirname(os.path.abspath(ai_edge_litert.__file__))
    return Environment.create(options=EnvironmentOptions(runtime_path=folder))


_looking = threading.Lock()


@functools.cache
def _look_for_gpus() -> None:
    """Make LiteRT look for devices. It does that when it compiles its first model, and prints on
    standard output whether there is OpenCL."""
    with guest_output.left_alone(), contextlib.suppress(RuntimeError):  # also for the next model
        _compiled(FORMATS[Encoding.TENSORFLOWLITE].trial.model(), fast_math=False)


def _compiled(model: Part, fast_math: bool) -> CompiledModel:
    options = Options(
        hardware_accelerators=HardwareAccelerator.GPU,
        gpu_options=GpuOptions(enforce_f32=not fast_math),
    )
    if isinstance(model, Path):
        return CompiledModel.from_file(str(model), environment=_environment(), options=options)
    return CompiledModel.from_buffer(model, environment=_environment(), options=options)


class GpuInterpreter:
    """A model that is compiled for the GPU only, with the methods of LiteRT's Interpreter that an
    execution context needs; tensors have the same indices.

    Raises RuntimeError if there is no GPU, and for an operator that the GPU does not support.
    """

    def __init__(self, model: Part, fast_math: bool) -> None:
        with _looking:
            _look_for_gpus()
        compiled = _compiled(model, fast_math)
        self._model = compiled
        signature = compiled.get_signature_by_index(_SIGNATURE)
        self._key = signature["key"]
        inputs = compiled.get_input_tensor_details(self._key)
        outputs = compiled.get_output_tensor_details(self._key)
        self._output_names = signature["outputs"]
        self._input_places = {
            inputs[name]["index"]: place for place, name in enumerate(signature["inputs"])
        }
        self._output_places = {
            outputs[name]["index"]: place for place, name in enumerate(signature["outputs"])
        }

    def resize_tensor_input(self, index: int, shape: tuple[int, ...], strict: bool) -> None:
        details = self._model.get_input_tensor_details(self._key)
        here = next(item for item in details.values() if item["index"] == index)
        if tuple(here["shape"]) != shape:
            self._model.resize_input_tensor(self._input_places[index], shape, _SIGNATURE, strict)

    def allocate_tensors(self) -> None:
        self._inputs = self._model.create_input_buffers(_SIGNATURE)
        self._outputs = self._model.create_output_buffers(_SIGNATURE)

    def set_tensor(self, index: int, array: npt.NDArray[np.generic]) -> None:
        self._inputs[self._input_places[index]].write(array)

    def invoke(self) -> None:
        self._model.run_by_index(_SIGNATURE, self._inputs, self._outputs)

    def get_output_details(self) -> list[dict[str, Any]]:
        found = self._model.get_output_tensor_details(self._key)
        return [found[name] for name in self._output_names]

    def get_tensor(self, index: int) -> npt.NDArray[np.generic]:
        place = self._output_places[index]
        details = self.get_output_details()[place]
        size = int(np.prod(details["shape"]))
        array = self._outputs[place].read(size, details["dtype"]).reshape(details["shape"])
        return np.asarray(array)
