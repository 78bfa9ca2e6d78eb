"""Non-standard functions that some hosts define under the name of WASI 0.1, and those of WAMR's
small C library, as data.

Most are sockets, which no two hosts define in the same form.

Sources:
- WAMR: https://github.com/bytecodealliance/wasm-micro-runtime/tree/646b5a9/core/iwasm/libraries
  (libc-wasi/libc_wasi_wrapper.c, libc-builtin/libc_builtin_wrapper.c); both tables are the same in
  every release since 1.1.0
- WasmEdge: https://github.com/WasmEdge/WasmEdge at its tags (lib/host/wasi/wasimodule.cpp for the
  names, include/host/wasi/wasifunc.h for the types)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rewriter.abi.wasi import PREVIEW_1, returning_errno
from rewriter.wasm.types import FuncType

__all__ = [
    "WAMR_LIBC",
    "WAMR_WASI",
    "WASMEDGE_WASI",
    "WASMEDGE_WASI_0_10",
    "WASMEDGE_WASI_0_11_2",
]

_WAMR_GET = (
    *("broadcast", "ip_multicast_ttl", "ip_ttl", "ipv6_only", "keep_alive", "recv_buf_size"),
    *("recv_timeout", "reuse_addr", "reuse_port", "send_buf_size", "send_timeout"),
    *("tcp_fastopen_connect", "tcp_keep_idle", "tcp_keep_intvl", "tcp_no_delay", "tcp_quick_ack"),
)
"""Socket options with one value, which have a function to get and one to set."""

_WAMR_SOCKETS = {
    **{f"sock_get_{option}": "i32 i32" for option in _WAMR_GET},
    **{f"sock_set_{option}": "i32 i32" for option in _WAMR_GET},
    "sock_set_recv_timeout": "i32 i64",
    "sock_set_send_timeout": "i32 i64",
    "sock_get_ip_multicast_loop": "i32 i32 i32",
    "sock_set_ip_multicast_loop": "i32 i32 i32",
    "sock_get_linger": "i32 i32 i32",
    "sock_set_linger": "i32 i32 i32",
    "sock_set_ip_add_membership": "i32 i32 i32",
    "sock_set_ip_drop_membership": "i32 i32 i32",
    "sock_addr_local": "i32 i32",
    "sock_addr_remote": "i32 i32",
    "sock_addr_resolve": "i32 i32 i32 i32 i32 i32",
    "sock_bind": "i32 i32",
    "sock_close": "i32",
    "sock_connect": "i32 i32",
    "sock_listen": "i32 i32",
    "sock_open": "i32 i32 i32 i32",
    "sock_recv_from": "i32 i32 i32 i32 i32 i32",
    "sock_send_to": "i32 i32 i32 i32 i32 i32",
}

WAMR_WASI: Mapping[str, FuncType] = MappingProxyType(
    {**PREVIEW_1, **returning_errno(_WAMR_SOCKETS)}
)
"""WAMR's functions, under both of WASI's names."""

_LIBC = {
    **dict.fromkeys(
        (
            *("puts", "putchar", "strlen", "malloc", "strdup", "_strdup", "atoi"),
            *("isupper", "isalpha", "isspace", "isgraph", "isprint", "isdigit", "isxdigit"),
            *("tolower", "toupper", "isalnum", "__cxa_allocate_exception"),
        ),
        "i32",
    ),
    **dict.fromkeys(
        (
            *("printf", "vprintf", "strchr", "strcmp", "strcpy", "realloc", "calloc"),
            *("strspn", "strcspn", "strstr", "clock_gettime"),
        ),
        "i32 i32",
    ),
    **dict.fromkeys(
        (
            *("sprintf", "vsprintf", "memcmp", "memcpy", "memmove", "memset", "strncmp"),
            *("strncpy", "strtol", "strtoul", "memchr", "strncasecmp", "emscripten_memcpy_big"),
        ),
        "i32 i32 i32",
    ),
    **dict.fromkeys(("snprintf", "vsnprintf"), "i32 i32 i32 i32"),
}
_WITHOUT_RESULT = ("free", "exit", "abort", "abortStackOverflow", "nullFunc_X", "__cxa_begin_catch")

WAMR_LIBC: Mapping[str, FuncType] = MappingProxyType(
    {
        **returning_errno(_LIBC),
        **dict.fromkeys(_WITHOUT_RESULT, FuncType(("i32",), ())),
        "__cxa_throw": FuncType(("i32", "i32", "i32"), ()),
        "clock": FuncType((), ("i64",)),
    }
)
"""The functions of a C library that iwasm defines as `env`, unless it is built without them."""

_WASMEDGE_SOCKETS = {
    "sock_accept": "i32 i32",  # three parameters in WASI 0.1
    "sock_bind": "i32 i32 i32",
    "sock_connect": "i32 i32 i32",
    "sock_getaddrinfo": "i32 i32 i32 i32 i32 i32 i32 i32",
    "sock_getlocaladdr": "i32 i32 i32 i32",
    "sock_getpeeraddr": "i32 i32 i32 i32",
    "sock_getsockopt": "i32 i32 i32 i32 i32",
    "sock_listen": "i32 i32",
    "sock_open": "i32 i32 i32",
    "sock_recv_from": "i32 i32 i32 i32 i32 i32 i32",
    "sock_send_to": "i32 i32 i32 i32 i32 i32 i32",
    "sock_setsockopt": "i32 i32 i32 i32 i32",
}
_WASMEDGE_SOCKETS_V2 = {
    "sock_accept_v2": "i32 i32 i32",
    "sock_bind_v2": "i32 i32 i32",
    "sock_connect_v2": "i32 i32 i32",
    "sock_getlocaladdr_v2": "i32 i32 i32",
    "sock_getpeeraddr_v2": "i32 i32 i32",
    "sock_listen_v2": "i32 i32",
    "sock_open_v2": "i32 i32 i32",
    "sock_recv_from_v2": "i32 i32 i32 i32 i32 i32 i32 i32",
    "sock_recv_v2": "i32 i32 i32 i32 i32 i32",
    "sock_send_to_v2": "i32 i32 i32 i32 i32 i32 i32",
    "sock_send_v2": "i32 i32 i32 i32 i32",
}

WASMEDGE_WASI_0_10: Mapping[str, FuncType] = MappingProxyType(
    {**PREVIEW_1, **returning_errno(_WASMEDGE_SOCKETS)}
)
"""WasmEdge 0.10.1 to 0.11.1."""

WASMEDGE_WASI_0_11_2: Mapping[str, FuncType] = MappingProxyType(
    {**WASMEDGE_WASI_0_10, **returning_errno({"epoll_oneoff": "i32 i32 i32 i32"})}
)
"""WasmEdge 0.11.2."""

WASMEDGE_WASI: Mapping[str, FuncType] = MappingProxyType(
    {**WASMEDGE_WASI_0_11_2, **returning_errno(_WASMEDGE_SOCKETS_V2)}
)
"""WasmEdge since 0.12.0."""
