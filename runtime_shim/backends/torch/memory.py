"""Initialises memory that PyTorch allocates, so that no model reads what was there before.

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
    """Fill everything that PyTorch allocates on the CPU, in the whole process and for good. If this
    release of PyTorch lacks the switch, use only its deterministic mode."""
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    try:
        ctypes.c_bool.in_dll(library, _SWITCH).value = True
    except ValueError:
        fill_on_gpus()


def fill_on_gpus() -> None:
    """Let PyTorch's deterministic mode fill what torch.empty and its relatives, and resize_,
    allocate, in the whole process and for good: with NaN or the largest integer, and on the CPU
    too. Operators that this mode does not make deterministic compute as usual; PyTorch's warnings
    about that are suppressed.

    https://docs.pytorch.org/docs/stable/deterministic.html
    """
    warnings.filterwarnings("ignore", r"(?s).*use_deterministic_algorithms\(True", UserWarning)
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic: Any = torch.utils.deterministic
    deterministic.fill_uninitialized_memory = True
