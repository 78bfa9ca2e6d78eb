"""Frozen TensorFlow graphs (GraphDef), run by OpenVINO's frontend for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rewriter.abi.dialects import Encoding, Errno
from runtime_shim.backends.checks.graphdef import check_lengths
from runtime_shim.backends.checks.graphdef_order import check_order
from runtime_shim.backends.checks.openvino_formats import AHEAD_OF_GRAPHS
from runtime_shim.backends.common.tensor_info import check_parts
from runtime_shim.backends.interface import Part, Place, Settings
from runtime_shim.backends.openvino.backend import OpenVinoBackend
from runtime_shim.backends.openvino.graph import OpenVinoGraph
from runtime_shim.backends.openvino.interface import Config, LoadedModel
from runtime_shim.backends.parsing.detect import detect
from runtime_shim.backends.parsing.model_parts import as_file
from runtime_shim.errors import HostError

__all__ = ["TensorFlowBackend", "create"]


class TensorFlowBackend(OpenVinoBackend):
    """Implements backends.interface.Backend. A model with operators that OpenVINO does not have is
    refused when it is loaded."""

    name = "tensorflow"

    def _load(self, parts: Sequence[Part], place: Place, settings: Settings) -> OpenVinoGraph:
        check_parts("a TensorFlow model", parts, 1)
        if detect(parts) is not Encoding.TENSORFLOW:
            raise HostError(Errno.INVALID_ARGUMENT, "the model is not a frozen TensorFlow graph")
        model = parts[0]
        if not isinstance(model, Path):
            check_lengths(model)
            check_order(model)
            model = AHEAD_OF_GRAPHS + model
        return self.compile([model], place, settings)

    def read(self, parts: Sequence[Part], device: str, config: Config) -> LoadedModel:
        with as_file(parts[0]) as path:  # this frontend cannot read from memory
            return super().read([path], device, config)


def create(settings: Settings) -> TensorFlowBackend:
    return TensorFlowBackend(settings)
