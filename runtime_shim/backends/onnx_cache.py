"""Models as ONNX Runtime has optimized them for the CPU, kept in files for the next process.

https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html (offline mode)
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import mmap
import os
import platform
import threading
from collections.abc import Callable
from pathlib import Path

import onnxruntime as ort

from runtime_shim.backends.base import Part
from runtime_shim.backends.onnx_devices import CPU, open_session
from runtime_shim.backends.onnx_files import may_name_files
from runtime_shim.backends.parts import mapped

__all__ = ["open_kept"]

log = logging.getLogger("runtime_shim")


def open_kept(
    folder: str, model: Part, make_options: Callable[[], ort.SessionOptions]
) -> ort.InferenceSession:
    """Load a model, from `folder` if it is there, which it is put into otherwise. A model that may
    have data in other files is not kept, as those may change.

    Raises whatever ONNX Runtime raises for the model itself.
    """
    with mapped(model) as content:
        if not len(content) or may_name_files(content):
            return open_session(model, make_options(), CPU, 0)
        kept = Path(folder, f"onnx-{_key(content)}.onnx")
    if kept.exists():
        options = make_options()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            return open_session(kept, options, CPU, 0)
        except Exception as error:  # noqa: BLE001 - of a file that is damaged
            log.warning("%s is made anew: %s", kept, error)
    return _open_and_keep(kept, model, make_options)


def _open_and_keep(
    kept: Path, model: Part, make_options: Callable[[], ort.SessionOptions]
) -> ort.InferenceSession:
    options = make_options()
    unfinished = f"{kept}.{os.getpid()}.{threading.get_ident()}"
    options.optimized_model_filepath = unfinished
    try:
        os.makedirs(kept.parent, exist_ok=True)
        session = open_session(model, options, CPU, 0)
        os.replace(unfinished, kept)
        return session
    except Exception as error:  # noqa: BLE001 - of the model, or of the folder
        log.info("a model is not kept: %s", error)
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        return open_session(model, make_options(), CPU, 0)


def _key(content: bytes | mmap.mmap) -> str:
    """A name for an optimized model: it is good for one release, and for the same kind of CPU."""
    digest = hashlib.sha256(content)
    digest.update(f"{ort.__version__} {platform.machine()} {_cpu_flags()}".encode())
    return digest.hexdigest()


def _cpu_flags() -> str:
    """What instructions the CPU has, as far as the system says."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()
