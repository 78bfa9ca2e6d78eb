"""Memory that PyTorch has not written yet: filled, so that no model reads what was there before.

PyTorch's allocator for the CPU has a switch for it, a C++ variable that only libraries can set:
https://github.com/pytorch/pytorch/blob/main/c10/core/CPUAllocator.cpp
"""

from __future__ import annotations

import ctypes
import warnings
from pathlib import Path
from typing import Any

import torch

__all__ = ["fill_on_gpus", "fill_with_zeros"]

_SWITCH = "FLAGS_caffe2_cpu_allocator_do_zero_fill"


def fill_with_zeros() -> None:
    """Have all that PyTorch allocates on the CPU filled, in the whole process and for good. Where
    this PyTorch has no switch for it, its deterministic mode is all there is."""
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    try:
        ctypes.c_bool.in_dll(library, _SWITCH).value = True
    except ValueError:
        fill_on_gpus()


def fill_on_gpus() -> None:
    """Have PyTorch's deterministic mode fill what it allocates, in the whole process and for good:
    by torch.empty and its relatives, and by resize_, with NaN or the largest integer, on the CPU
    too. Operators that this mode does not make deterministic compute as they do without it;
    PyTorch's warnings that they are not are left out.

    https://docs.pytorch.org/docs/stable/deterministic.html
    """
    warnings.filterwarnings("ignore", r"(?s).*use_deterministic_algorithms\(True", UserWarning)
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic: Any = torch.utils.deterministic
    deterministic.fill_uninitialized_memory = True
