"""What a machine has for nnshim: GPUs and their drivers, tools on PATH, and folders of caches."""

from __future__ import annotations

import glob
import os
import shutil
import tomllib
from typing import NamedTuple

__all__ = ["TOOLS", "Cache", "Gpu", "gpus", "module_cache", "module_cache_folder", "tools"]

TOOLS = ("wasm-tools", "wasmtime", "wasmedge", "iwasm")
"""What assembles and validates modules, and the commands of hosts."""

_GPUS = {
    "NVIDIA (CUDA)": ("/dev/nvidia[0-9]*", "/proc/driver/nvidia/version", "/dev/dxg"),
    "AMD (ROCm)": ("/dev/kfd",),
    "render nodes": ("/dev/dri/renderD*",),
    "Vulkan drivers": (
        "/etc/vulkan/icd.d/*.json",
        "/usr/local/share/vulkan/icd.d/*.json",
        "/usr/share/vulkan/icd.d/*.json",
    ),
    "OpenCL drivers": ("/etc/OpenCL/vendors/*.icd",),
}
"""Files that a driver of a GPU makes, or installs, on Linux. /dev/dxg is that of WSL.

https://docs.nvidia.com/cuda/cuda-installation-guide-linux (device node verification)
https://www.kernel.org/doc/html/latest/gpu/drm-uapi.html (render nodes)
https://github.com/KhronosGroup/Vulkan-Loader/blob/main/docs/LoaderDriverInterface.md
https://registry.khronos.org/OpenCL/extensions/khr/cl_khr_icd.html
"""


class Gpu(NamedTuple):
    """A kind of GPU or driver: the patterns of files that were `looked_for`, and those `found`."""

    name: str
    looked_for: tuple[str, ...]
    found: tuple[str, ...]


class Cache(NamedTuple):
    """`size` in bytes, None where there is no such folder yet."""

    folder: str
    size: int | None


def gpus(root: str = "") -> list[Gpu]:
    """Each kind, with the files of it below `root`."""
    found = []
    for name, patterns in _GPUS.items():
        if name == "Vulkan drivers" and (named := _named_vulkan_drivers()):
            patterns = (*named, *patterns)
        files = (file for pattern in patterns for file in sorted(glob.glob(root + pattern)))
        found.append(Gpu(name, patterns, tuple(files)))
    return found


def _named_vulkan_drivers() -> tuple[str, ...]:
    named = os.environ.get("VK_DRIVER_FILES") or os.environ.get("VK_ICD_FILENAMES") or ""
    return tuple(map(glob.escape, filter(None, named.split(os.pathsep))))


def tools() -> dict[str, str | None]:
    """The path of each of TOOLS, None for those that are not on PATH."""
    return {name: shutil.which(name) for name in TOOLS}


def module_cache_folder() -> str:
    """Where wasmtime keeps compiled modules: its own configuration says, or else the user's folder
    for caches.

    https://docs.wasmtime.dev/cli-cache.html
    """
    configuration = os.path.join(_xdg("XDG_CONFIG_HOME", ".config"), "wasmtime", "config.toml")
    try:
        with open(configuration, "rb") as file:
            folder = tomllib.load(file).get("cache", {}).get("directory")
    except (OSError, ValueError, AttributeError):
        folder = None
    if isinstance(folder, str):
        return folder
    return os.path.join(_xdg("XDG_CACHE_HOME", ".cache"), "wasmtime")


def _xdg(variable: str, usual: str) -> str:
    """The folder that a variable names; a path that is not absolute is ignored.

    https://specifications.freedesktop.org/basedir-spec
    """
    given = os.environ.get(variable, "")
    return given if os.path.isabs(given) else os.path.join(os.path.expanduser("~"), usual)


def module_cache() -> Cache:
    """The folder, and the size of all files in it."""
    folder = module_cache_folder()
    if not os.path.isdir(folder):
        return Cache(folder, None)
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # it was removed meanwhile
                continue
    return Cache(folder, size)
