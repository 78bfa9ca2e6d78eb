"""Memory that PyTorch has not written yet: zeros, so that no model reads what was there before.

PyTorch's allocator has a switch for it, a C++ variable that only libraries can set:
https://github.com/pytorch/pytorch/blob/main/c10/core/CPUAllocator.cpp
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import torch

__all__ = ["fill_with_zeros"]

_SWITCH = "FLAGS_caffe2_cpu_allocator_do_zero_fill"


def fill_with_zeros() -> None:
    """Have all that PyTorch allocates filled, in the whole process and for good.

    What the allocator of a GPU gives is filled where PyTorch's deterministic mode does that: by
    torch.empty and its relatives, and by resize_, with NaN or the largest integer. Where this
    PyTorch has no switch for its CPU allocator, that mode is all there is.
    """
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    try:
        ctypes.c_bool.in_dll(library, _SWITCH).value = True
        missing = False
    except ValueError:
        missing = True
    if missing or torch.cuda.is_available():
        torch.use_deterministic_algorithms(True, warn_only=True)
        deterministic: Any = torch.utils.deterministic
        deterministic.fill_uninitialized_memory = True
