"""Starts OpenVINO through its C library, in a separate thread.

That is half of the first load, and none of it runs in Python. The backend is imported while the
library is opened, and the model is read while the plugin for the CPU is opened.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import time
from ctypes import byref, c_char_p, c_void_p
from importlib.util import find_spec

__all__ = ["RELEASES", "Start", "start"]

RELEASES = ("2026.4.",)
"""Prefixes of the versions whose headers were checked: the numbers of the element types change."""


_HEAD_START = 0.001
"""Seconds before the plugin is opened. Reading the first model opens another library, and the
dynamic loader opens one after the other; the plugin's takes longer."""


class _Version(ctypes.Structure):
    """ov_version_t."""

    _fields_ = (("buildNumber", c_char_p), ("description", c_char_p))


class Start:
    """A start that is in progress, or done."""

    def __init__(self, path: str) -> None:
        self._error: Exception | None = None
        self._library: tuple[ctypes.CDLL, str]
        self._core: int
        self._opened, self._made = threading.Event(), threading.Event()
        threading.Thread(target=self._run, args=(path,)).start()

    def library(self) -> tuple[ctypes.CDLL, str]:
        """The library and its version.

        Raises OSError if it cannot be opened, or its headers were not checked.
        """
        self._wait_for(self._opened)
        return self._library

    def core(self) -> int:
        """The address of an ov_core_t. Raises RuntimeError if it cannot be created."""
        self._wait_for(self._made)
        return self._core

    def _wait_for(self, event: threading.Event) -> None:
        event.wait()
        if self._error is not None:
            raise self._error

    def _run(self, path: str) -> None:
        try:
            self._library = _open(path)
            self._opened.set()
            self._core = _make_core(self._library[0])
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            self._error = error
            return
        finally:
            self._opened.set()
            self._made.set()
        time.sleep(_HEAD_START)
        _open_plugin(self._library[0], self._core)


@functools.cache
def start() -> Start:
    """Start OpenVINO once. There is only one core in the process: see openvino_library.Library.

    Raises ImportError if OpenVINO is not installed, and OSError if it has no C library.
    """
    spec = find_spec("openvino")
    if spec is None or spec.origin is None:
        raise ImportError("No module named 'openvino'", name="openvino")
    folder = os.path.join(os.path.dirname(spec.origin), "libs")
    for name in os.listdir(folder):
        if name.startswith("libopenvino_c.so"):
            return Start(os.path.join(folder, name))
    raise OSError(f"there is no libopenvino_c.so in {folder}")


def _open(path: str) -> tuple[ctypes.CDLL, str]:
    # CDLL keeps the interpreter lock while it opens a library; a call of dlopen does not.
    ctypes.CDLL(None).dlopen(os.fsencode(path), os.RTLD_NOW)
    dll = ctypes.CDLL(path)
    version = _Version()
    if dll.ov_get_openvino_version(byref(version)):
        raise OSError(f"{path} does not report its version")
    release = os.fsdecode(version.buildNumber)
    dll.ov_version_free(byref(version))
    if not release.startswith(RELEASES):
        raise OSError(f"nnshim does not support the C library of OpenVINO {release}")
    return dll, release


def _make_core(dll: ctypes.CDLL) -> int:
    core = c_void_p()
    if dll.ov_core_create(byref(core)) or not core.value:
        raise RuntimeError("OpenVINO cannot create a core")
    return core.value


def _open_plugin(dll: ctypes.CDLL, core: int) -> None:
    """Open the plugin for the CPU. If that fails, loading a model reports it."""
    name = c_char_p()
    if not dll.ov_core_get_property(c_void_p(core), b"CPU", b"FULL_DEVICE_NAME", byref(name)):
        dll.ov_free(name)
