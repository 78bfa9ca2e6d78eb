"""Models on OpenVINO: its IR in two parts (XML and weights), and ONNX models in one part, or with
an empty second one."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from rewriter.abi.dialects import Errno, Target
from runtime_shim.backends.checks import onnx, openvino_formats
from runtime_shim.backends.checks.onnx_calls import check_functions
from runtime_shim.backends.common.devices import AUTO, choose_device, not_there
from runtime_shim.backends.common.signal_stack import kept_signal_stack
from runtime_shim.backends.common.tensor_info import (
    check_parts,
    settings_for,
)
from runtime_shim.backends.interface import (
    DEFAULTS,
    NO_OPTIONS,
    Options,
    Part,
    Place,
    Runtime,
    Settings,
)
from runtime_shim.backends.onnx.files import check_files, may_name_files
from runtime_shim.backends.openvino.factory import library
from runtime_shim.backends.openvino.graph import OpenVinoGraph
from runtime_shim.backends.openvino.interface import BadModel, Config, LoadedModel
from runtime_shim.backends.openvino.operators import check_state, has_loop, has_state
from runtime_shim.backends.openvino.tiles import check_tiles
from runtime_shim.backends.parsing.detect import is_xml
from runtime_shim.backends.parsing.model_parts import check_weights, head
from runtime_shim.errors import HostError

__all__ = ["OpenVinoBackend"]

log = logging.getLogger("runtime_shim")

_DEVICES = {"CPU": Target.CPU, "GPU": Target.GPU, "NPU": Target.TPU}

_FULL_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}
"""On CPUs with AMX or AVX512-BF16, OpenVINO would compute in bf16 by default, with errors of
1e-3."""


class OpenVinoBackend:
    """Implements backends.interface.Backend."""

    name = "openvino"

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._library = library()
        self._settings = settings

    def describe(self) -> Runtime:
        with kept_signal_stack():
            found = self._found()
        return Runtime(f"openvino {self._library.version}", found)

    def load(
        self, parts: Sequence[Part], place: Place, options: Options = NO_OPTIONS
    ) -> OpenVinoGraph:
        settings = settings_for(self.name, self._settings, options)
        with kept_signal_stack():
            return self._load(parts, place, settings)

    def _load(self, parts: Sequence[Part], place: Place, settings: Settings) -> OpenVinoGraph:
        check_parts("an OpenVINO model", parts, 1, 2)
        if len(parts) == 2 and not is_xml(parts[0]) and not head(parts[1], 1):
            parts = parts[:1]  # for hosts that want two parts for any model, including ONNX
        if len(parts) == 2:
            if not is_xml(parts[0]):  # anything else would be offered to frontends of all formats
                raise HostError(
                    Errno.INVALID_ARGUMENT, "the first part of an OpenVINO model must be XML"
                )
            check_weights(parts[1])
            if not isinstance(parts[0], Path) and not isinstance(parts[1], Path):
                from runtime_shim.backends.checks import (
                    openvino_ir,
                )  # imported here because it needs a parser

                openvino_ir.check_lengths(parts[0], parts[1])
        elif head(parts[0], 1) != b"\x08":
            raise HostError(
                Errno.INVALID_ARGUMENT,
                "an OpenVINO model in one part must be ONNX, but this is not",
            )
        elif isinstance(parts[0], Path):
            check_files(parts[0])
        elif may_name_files(parts[0]):
            raise HostError(
                Errno.INVALID_ARGUMENT,
                "the model may refer to data in other files, which OpenVINO would open; "
                "the onnx backend runs such a model if it refers to none",
            )
        else:
            onnx.check_lengths(parts[0])
            check_functions(parts[0])
            openvino_formats.check_onnx(parts[0])
        return self.compile(parts, place, settings)

    def _found(self) -> dict[str, Target]:
        """The devices that exist; each of several GPUs is listed."""
        found = self._library.devices()
        return {
            name: target
            for device, target in _DEVICES.items()
            for name in found
            if name.partition(".")[0] == device
        }

    def compile(self, parts: Sequence[Part], place: Place, settings: Settings) -> OpenVinoGraph:
        """Load a model that was checked. Raises the same as Backend.load."""
        config: dict[str, str | int | bool] = {} if settings.fast_math else {**_FULL_PRECISION}
        if settings.threads is not None:
            # As many parallel inferences as the cores allow; OpenVINO's number of threads is for
            # all of them.
            streams = max(1, len(os.sched_getaffinity(0)) // settings.threads)
            config["NUM_STREAMS"] = streams
            config["INFERENCE_NUM_THREADS"] = streams * settings.threads
        if place == AUTO:
            device = "AUTO"
            config["ENABLE_STARTUP_FALLBACK"] = (
                False  # otherwise the model starts on the CPU, and moves later
            )
        elif place is Target.CPU:
            device = "CPU"  # the device turned out to be missing
        elif isinstance(place, Target):
            found = self._found()
            device = choose_device(self.name, place, {**found, **_DEVICES}, found)
        else:
            device = place.upper()
        check_tiles(parts)
        load = functools.partial(self.read, parts, device, config)
        if settings.model_cache is not None:
            load = functools.partial(self._read_kept, parts, device, config, settings)
        try:
            model = load()
        except BadModel as error:
            raise HostError(
                Errno.INVALID_ARGUMENT, f"OpenVINO cannot read the model: {error}"
            ) from error
        except RuntimeError as error:
            if device == "AUTO" or device.partition(".")[0] in self._library.devices():
                raise
            raise not_there(self.name, place, _DEVICES, self._found()) from error
        used = model.execution_devices
        if isinstance(place, Target) and not all(name.startswith(device) for name in used):
            raise HostError(
                Errno.UNSUPPORTED_OPERATION, f"the model should run on {device}, but is on {used}"
            )
        loop, state = has_loop(parts), has_state(parts)
        if state:
            check_state(parts)
        if loop and state:
            raise HostError(
                Errno.UNSUPPORTED_OPERATION,
                "the model has a loop and state: OpenVINO mixes up a loop's results "
                "between inferences unless the model is compiled again, which would lose "
                "the state",
            )
        if loop:
            log.info("the model has a loop, so it is compiled again for each inference")
        return OpenVinoGraph(model, load, has_loop=loop, has_state=state)

    def _read_kept(
        self, parts: Sequence[Part], device: str, config: Config, settings: Settings
    ) -> LoadedModel:
        """Like `read`, but with the cache. OpenVINO writes a file in place, so another process
        could read half of it, and names it after the model and everything that it depends on."""
        from runtime_shim.model_cache import key_of, workplace

        folder, most = settings.model_cache or "", settings.model_cache_size
        key = key_of(self.name, device, sorted(config.items()), *parts)
        with workplace(folder, most, "openvino", key) as work:
            return self.read(
                parts, device, config if work is None else {**config, "CACHE_DIR": str(work)}
            )

    def read(self, parts: Sequence[Part], device: str, config: Config) -> LoadedModel:
        """Let OpenVINO read and compile a model. Raises the same as Library.load."""
        return self._library.load(parts, device, config)
