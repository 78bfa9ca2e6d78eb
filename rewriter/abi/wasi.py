"""The functions of WASI 0.1 and of the version before it, as data.

Source: https://github.com/WebAssembly/WASI/tree/9d8dbeb/legacy (preview0, preview1). Both versions
lower these functions to the same types; they differ in structures and constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rewriter.wasm.types import FuncType

__all__ = ["PREVIEW_0", "PREVIEW_1", "WASI", "WASI_UNSTABLE", "WITHOUT_MEMORY", "returning_errno"]

WASI = "wasi_snapshot_preview1"
"""The import module of WASI 0.1, which all known hosts provide."""

WASI_UNSTABLE = "wasi_unstable"
"""The import module of the version before it."""

_PARAMETERS = {
    "args_get": "i32 i32",
    "args_sizes_get": "i32 i32",
    "clock_res_get": "i32 i32",
    "clock_time_get": "i32 i64 i32",
    "environ_get": "i32 i32",
    "environ_sizes_get": "i32 i32",
    "fd_advise": "i32 i64 i64 i32",
    "fd_allocate": "i32 i64 i64",
    "fd_close": "i32",
    "fd_datasync": "i32",
    "fd_fdstat_get": "i32 i32",
    "fd_fdstat_set_flags": "i32 i32",
    "fd_fdstat_set_rights": "i32 i64 i64",
    "fd_filestat_get": "i32 i32",
    "fd_filestat_set_size": "i32 i64",
    "fd_filestat_set_times": "i32 i64 i64 i32",
    "fd_pread": "i32 i32 i32 i64 i32",
    "fd_prestat_dir_name": "i32 i32 i32",
    "fd_prestat_get": "i32 i32",
    "fd_pwrite": "i32 i32 i32 i64 i32",
    "fd_read": "i32 i32 i32 i32",
    "fd_readdir": "i32 i32 i32 i64 i32",
    "fd_renumber": "i32 i32",
    "fd_seek": "i32 i64 i32 i32",
    "fd_sync": "i32",
    "fd_tell": "i32 i32",
    "fd_write": "i32 i32 i32 i32",
    "path_create_directory": "i32 i32 i32",
    "path_filestat_get": "i32 i32 i32 i32 i32",
    "path_filestat_set_times": "i32 i32 i32 i32 i64 i64 i32",
    "path_link": "i32 i32 i32 i32 i32 i32 i32",
    "path_open": "i32 i32 i32 i32 i32 i64 i64 i32 i32",
    "path_readlink": "i32 i32 i32 i32 i32 i32",
    "path_remove_directory": "i32 i32 i32",
    "path_rename": "i32 i32 i32 i32 i32 i32",
    "path_symlink": "i32 i32 i32 i32 i32",
    "path_unlink_file": "i32 i32 i32",
    "poll_oneoff": "i32 i32 i32 i32",
    "proc_raise": "i32",
    "random_get": "i32 i32",
    "sched_yield": "",
    "sock_recv": "i32 i32 i32 i32 i32 i32",
    "sock_send": "i32 i32 i32 i32 i32",
    "sock_shutdown": "i32 i32",
}
"""The parameters of each function that returns an errno."""


def returning_errno(parameters: Mapping[str, str]) -> dict[str, FuncType]:
    """The types of functions that return one i32, from their parameters, for example "i32 i64"."""
    return {name: FuncType(tuple(words.split()), ("i32",)) for name, words in parameters.items()}


PREVIEW_0: Mapping[str, FuncType] = MappingProxyType(
    {**returning_errno(_PARAMETERS), "proc_exit": FuncType(("i32",), ())}
)
PREVIEW_1: Mapping[str, FuncType] = MappingProxyType(
    {**PREVIEW_0, **returning_errno({"sock_accept": "i32 i32 i32"})}
)

WITHOUT_MEMORY = frozenset(
    (
        *("fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_set_flags"),
        *("fd_fdstat_set_rights", "fd_filestat_set_size", "fd_filestat_set_times", "fd_renumber"),
        *("fd_sync", "proc_exit", "proc_raise", "sched_yield", "sock_shutdown"),
    )
)
"""The functions that take no pointer."""
