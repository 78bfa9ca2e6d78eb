"""ONNX Runtime's execution providers as devices: those that are built in, and those of plugins.

https://onnxruntime.ai/docs/execution-providers/
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime as ort

from rewriter.abi.dialects import Target

__all__ = ["BUILT_IN", "CPU", "Device", "find_devices", "open_session", "placement", "turn_of"]

log = logging.getLogger("runtime_shim")


@dataclass(frozen=True)
class Device:
    """An execution provider as a device, with what it is. One of a plugin comes with the hardware
    that it has found: ONNX Runtime's OrtEpDevice, each of one kind. `full_precision` are options
    of the provider's with which models compute in their own precision.
    `unchecked` are operators that read or write beside their tensors where an index is wrong;
    `for_threads` is whether several threads may use it at once: see turn_of; `numbered`, whether
    there can be several, of which the provider takes the one that it is told to."""

    name: str
    provider: str
    target: Target
    hardware: tuple[Any, ...] = ()
    full_precision: tuple[tuple[str, str], ...] = ()
    unchecked: frozenset[str] = frozenset()
    for_threads: bool = False
    numbered: bool = True


CPU = Device("cpu", "CPUExecutionProvider", Target.CPU, for_threads=True)

_CUDA = (("use_tf32", "0"),)
"""Unless told otherwise, CUDA's provider leaves out 13 of 23 bits of a float.

https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
"""

_UNCHECKED = frozenset({"EmbedLayerNormalization", "ReverseSequence"})
"""Of ONNX Runtime 1.31, by NVIDIA's compute-sanitizer. Others give 0 for such an index, or take the
last one."""

BUILT_IN = (
    Device("cuda", "CUDAExecutionProvider", Target.GPU, (), _CUDA, _UNCHECKED, for_threads=True),
    Device("migraphx", "MIGraphXExecutionProvider", Target.GPU),
    Device("rocm", "ROCMExecutionProvider", Target.GPU),
    Device("webgpu", "WebGpuExecutionProvider", Target.GPU, numbered=False),
)
"""Those that are packages of ONNX Runtime of their own, best first."""

_NEEDS_LIBRARIES = "CUDAExecutionProvider"

_TURNS = threading.RLock()

_PLUGINS = "onnxruntime-ep-"
"""How the names of distributions begin that have plugin providers."""

_KINDS = {"GPU": Target.GPU, "NPU": Target.TPU, "CPU": Target.CPU}
"""By the names of OrtHardwareDeviceType."""

_RECORD_ASSIGNMENT = "session.record_ep_graph_assignment_info"
"""Has a session remember on which provider its nodes are.

https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
"""


def find_devices() -> dict[str, Device]:
    """What ONNX Runtime offers, best first, by name. Of a built-in provider this says only that
    it was compiled in: whether its libraries and hardware are there, a session has to show."""
    compiled_in = ort.get_available_providers()
    if _NEEDS_LIBRARIES in compiled_in:
        _open_libraries()
    built_in = [device for device in BUILT_IN if device.provider in compiled_in]
    return {device.name: device for device in (CPU, *built_in, *_plugin_devices())}


def _open_libraries() -> None:
    """Open CUDA's libraries where they are Python packages (`onnxruntime-gpu[cuda,cudnn]`), and
    ONNX Runtime would not find them. What it prints is that they are not."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        ort.preload_dlls()
    if said.getvalue():
        log.info("onnxruntime: %s", said.getvalue().strip())


def _plugin_devices() -> list[Device]:
    """A device for each kind of hardware that a plugin has found."""
    devices = []
    for provider in _register_plugins():
        name = provider.removesuffix("ExecutionProvider").lower()
        for kind, target in _KINDS.items():
            hardware = tuple(
                item
                for item in ort.get_ep_devices()
                if item.ep_name == provider and item.device.type.name == kind
            )
            if hardware:
                own_name = name if target is Target.GPU else f"{name}-{kind.lower()}"
                devices.append(Device(own_name, provider, target, hardware))
    return devices


@functools.cache
def _register_plugins() -> tuple[str, ...]:
    """The plugin providers that are installed. ONNX Runtime takes each once in a process."""
    from importlib.metadata import distributions

    names = (distribution.metadata["Name"] for distribution in distributions())
    providers: list[str] = []
    for name in sorted({name.lower() for name in names if name}):
        if not name.startswith(_PLUGINS):
            continue
        try:
            module = importlib.import_module(name.replace("-", "_"))
            ort.register_execution_provider_library(name, module.get_library_path())
            providers += module.get_ep_names()
        except Exception as error:  # noqa: BLE001 - of another package: the others go on without it
            log.warning("%s cannot be used: %s", name, error)
    return tuple(providers)


def open_session(
    model: bytes | Path,
    settings: ort.SessionOptions,
    device: Device,
    index: int,
    fast_math: bool = False,
) -> ort.InferenceSession:
    """Load a model on the index-th of a device. Raises whatever ONNX Runtime raises; that it does
    not raise does not say that the model is there: see placement."""
    if index and not device.numbered:
        raise ValueError(f"there is only one {device.name}, no number {index}")
    source = str(model) if isinstance(model, Path) else model
    # Without enable_fallback=0 the Python package prints that a provider raises, and takes the CPU.
    opened = functools.partial(ort.InferenceSession, source, settings, enable_fallback=0)
    if device is CPU:
        return opened(providers=[device.provider])
    settings.add_session_config_entry(_RECORD_ASSIGNMENT, "1")
    if device.hardware:
        settings.add_provider_for_devices([device.hardware[index]], {})
        return opened()
    options = {} if fast_math else dict(device.full_precision)
    if index:
        options["device_id"] = str(index)
    return opened(providers=[(device.provider, options)])


def turn_of(device: Device) -> contextlib.AbstractContextManager[object]:
    """To be held by whoever uses a device, opens a session there, or lets go of something on it.

    All sessions of a provider such as WebGPU's share what it knows of the hardware, and where two
    threads use that, with ONNX Runtime 1.27 and with a plugin on 1.31, an inference fails or the
    process ends.
    """
    return contextlib.nullcontext() if device.for_threads else _TURNS


def placement(session: ort.InferenceSession, device: Device, index: int) -> str | None:
    """Where a model really is that was loaded on the index-th of a device: its name, with the
    operators that are on the CPU nevertheless. None if the device is not in it at all, as with
    CUDA's provider where its libraries are missing."""
    if device.provider not in session.get_providers():
        return None
    name = f"{device.name}:{index}" if index else device.name
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return name
    operators = {
        node.op_type
        for part in session.get_provider_graph_assignment_info()
        if part.ep_name == CPU.provider
        for node in part.get_nodes()
    }
    return f"{name}, and cpu for {', '.join(sorted(operators))}" if operators else name
