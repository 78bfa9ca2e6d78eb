"""Starts OpenVINO by its C library, in a thread of its own.

That is half of the first load, and none of it is Python's. The backend is imported while the
library is opened, and the model is read while the plugin for the CPU is.
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
"""How the versions begin whose headers were read: the numbers of the element types change."""


_HEAD_START = 0.001
"""Seconds before the plugin is opened: what reads the first model opens a library of its own, and
the dynamic loader opens one after the other, of which the plugin's takes longer."""


class _Version(ctypes.Structure):
    """ov_version_t."""

    _fields_ = (("buildNumber", c_char_p), ("description", c_char_p))


class Start:
    """A start that is under way, or done."""

    def __init__(self, path: str) -> None:
        self._error: Exception | None = None
        self._library: tuple[ctypes.CDLL, str]
        self._core: int
        self._opened, self._made = threading.Event(), threading.Event()
        threading.Thread(target=self._run, args=(path,)).start()

    def library(self) -> tuple[ctypes.CDLL, str]:
        """The library and its version.

        Raises OSError where it cannot be opened, or its headers were not read.
        """
        self._wait_for(self._opened)
        return self._library

    def core(self) -> int:
        """The address of an ov_core_t. Raises RuntimeError where none can be made."""
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
    """There is one core in the process: see openvino_library.Library.

    Raises ImportError where OpenVINO is not installed, and OSError where it has no C library.
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
    # CDLL keeps the interpreter lock while it opens a library, a call does not.
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
    """Have the plugin for the CPU opened. Where that fails, a model's load will say so."""
    name = c_char_p()
    if not dll.ov_core_get_property(c_void_p(core), b"CPU", b"FULL_DEVICE_NAME", byref(name)):
        dll.ov_free(name)
