"""Models that ONNX Runtime has optimized for the CPU, kept in files for the next process.

https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html (offline mode)
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import mmap
import platform
from collections.abc import Callable
from pathlib import Path

import onnxruntime as ort

from runtime_shim.backends.interface import Part
from runtime_shim.backends.onnx.devices import CPU, open_session
from runtime_shim.backends.onnx.files import may_name_files
from runtime_shim.backends.parsing.model_parts import mapped
from runtime_shim.model_cache import workplace

__all__ = ["open_kept"]

_OPTIMIZED = "model.onnx"

log = logging.getLogger("runtime_shim")


def open_kept(
    folder: str, most: int | None, model: Part, make_options: Callable[[], ort.SessionOptions]
) -> ort.InferenceSession:
    """Load a model from the cache in `folder`; if it is not there, optimize it and add it. The
    cache has at most `most` bytes. A model that may have data in other files is not cached, because
    those may change.

    Raises what ONNX Runtime raises for the model itself.
    """
    with mapped(model) as content:
        if not len(content) or may_name_files(content):
            return open_session(model, make_options(), CPU, 0)
        key = _key(content)
    with workplace(folder, most, "onnx", key) as work:
        if work is None:
            return open_session(model, make_options(), CPU, 0)
        return _open_in(work / _OPTIMIZED, model, make_options)


def _open_in(
    kept: Path, model: Part, make_options: Callable[[], ort.SessionOptions]
) -> ort.InferenceSession:
    options = make_options()
    if kept.exists():
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            return open_session(kept, options, CPU, 0)
        except Exception as error:  # noqa: BLE001 - of a file that is damaged
            log.warning("a cached model is optimized again: %s", error)
            kept.unlink()
            options = make_options()
    options.optimized_model_filepath = str(kept)
    try:
        return open_session(model, options, CPU, 0)
    except Exception as error:  # noqa: BLE001 - of the model, or of the folder
        log.info("the model is not cached: %s", error)
        kept.unlink(missing_ok=True)
        return open_session(model, make_options(), CPU, 0)


def _key(content: bytes | mmap.mmap) -> str:
    """The key of an optimized model. It is valid for one release, and for the same kind of CPU."""
    digest = hashlib.sha256(content)
    digest.update(f"{ort.__version__} {platform.machine()} {_cpu_flags()}".encode())
    return digest.hexdigest()


def _cpu_flags() -> str:
    """The instruction sets of the CPU, as far as the system reports them."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()
