"""ONNX Runtime's execution providers as devices, built in or from plugins.

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
    """An execution provider as a device. One of a plugin has the hardware that it has found: ONNX
    Runtime's OrtEpDevice, each of one kind. `full_precision` are options of the provider with which
    models compute in their own precision. `unchecked` are operators that access memory out of
    bounds if an index is wrong. `for_threads` says whether several threads may use it at once: see
    turn_of. `numbered` says whether there can be several, of which the provider uses the one that
    it is told to."""

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
"""By default, CUDA's provider drops 13 of the 23 bits of a float.

https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
"""

_UNCHECKED = frozenset({"EmbedLayerNormalization", "ReverseSequence"})
"""In ONNX Runtime 1.31, found by NVIDIA's compute-sanitizer. Other operators return 0 for such an
index, or use the last one."""

BUILT_IN = (
    Device("cuda", "CUDAExecutionProvider", Target.GPU, (), _CUDA, _UNCHECKED, for_threads=True),
    Device("migraphx", "MIGraphXExecutionProvider", Target.GPU),
    Device("rocm", "ROCMExecutionProvider", Target.GPU),
    Device("webgpu", "WebGpuExecutionProvider", Target.GPU, numbered=False),
)
"""Providers that have their own package of ONNX Runtime, best first."""

_NEEDS_LIBRARIES = "CUDAExecutionProvider"

_TURNS = threading.RLock()

_PLUGINS = "onnxruntime-ep-"
"""Prefix of the names of distributions with plugin providers."""

_KINDS = {"GPU": Target.GPU, "NPU": Target.TPU, "CPU": Target.CPU}
"""By the names of OrtHardwareDeviceType."""

_RECORD_ASSIGNMENT = "session.record_ep_graph_assignment_info"
"""Makes a session record the provider of each node.

https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
"""


def find_devices() -> dict[str, Device]:
    """The devices that ONNX Runtime offers, by name, best first. For a built-in provider this shows
    only that it was compiled in; whether its libraries and hardware exist, only a session can show.
    """
    compiled_in = ort.get_available_providers()
    if _NEEDS_LIBRARIES in compiled_in:
        _open_libraries()
    built_in = [device for device in BUILT_IN if device.provider in compiled_in]
    return {device.name: device for device in (CPU, *built_in, *_plugin_devices())}


def _open_libraries() -> None:
    """Open CUDA's libraries if they are Python packages (`onnxruntime-gpu[cuda,cudnn]`), where ONNX
    Runtime would not find them. It prints only that some are missing."""
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
    """Register the installed plugin providers, and return them. ONNX Runtime accepts each once per
    process."""
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
            log.warning("cannot use %s: %s", name, error)
    return tuple(providers)


def open_session(
    model: bytes | Path,
    settings: ort.SessionOptions,
    device: Device,
    index: int,
    fast_math: bool = False,
) -> ort.InferenceSession:
    """Load a model on the device with this index. Raises what ONNX Runtime raises. If it raises
    nothing, the model may still be elsewhere: see placement."""
    if index and not device.numbered:
        raise ValueError(
            f"there is no {device.name} with the number {index}, only one {device.name}"
        )
    source = str(model) if isinstance(model, Path) else model
    # With fallback enabled, the Python package would print the error of a provider, and use the
    # CPU.
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
    """Must be held while using a device, opening a session on it, or freeing something on it.

    All sessions of a provider such as WebGPU's share its state of the hardware. If two threads use
    that at once, an inference fails or the process crashes, with ONNX Runtime 1.27 and with a
    plugin on 1.31.
    """
    return contextlib.nullcontext() if device.for_threads else _TURNS


def placement(session: ort.InferenceSession, device: Device, index: int) -> str | None:
    """Where a model really is that was loaded on the device with this index: its name, with the
    operators that are on the CPU nevertheless. None if the device is not used at all, for example
    if the libraries of CUDA's provider are missing."""
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
