"""The interfaces of WASI 0.2 that Wasmtime links for a command, with their functions.

Source: crates/wasi/src/p2/wit of https://github.com/bytecodealliance/wasmtime at v25.0.3, v36.0.14
and v47.0.4, with 0.2.1, 0.2.6 and 0.2.12 of WASI, which all have these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["EXIT_WITH_CODE", "FUNCTIONS", "OPTIONS", "WITHOUT_METHODS", "resources_of"]

EXIT_WITH_CODE = "exit-with-code"
"""A function of wasi:cli/exit that is stable since 0.2.12. Before, `-S cli-exit-with-code` has to
switch it on."""

_WORDS = {
    "wasi:cli/environment": "get-arguments get-environment initial-cwd",
    "wasi:cli/exit": "exit",
    "wasi:cli/stderr": "get-stderr",
    "wasi:cli/stdin": "get-stdin",
    "wasi:cli/stdout": "get-stdout",
    "wasi:cli/terminal-input": "",
    "wasi:cli/terminal-output": "",
    "wasi:cli/terminal-stderr": "get-terminal-stderr",
    "wasi:cli/terminal-stdin": "get-terminal-stdin",
    "wasi:cli/terminal-stdout": "get-terminal-stdout",
    "wasi:clocks/monotonic-clock": "now resolution subscribe-duration subscribe-instant",
    "wasi:clocks/wall-clock": "now resolution",
    "wasi:filesystem/preopens": "get-directories",
    "wasi:filesystem/types": (
        "[method]descriptor.advise [method]descriptor.append-via-stream "
        "[method]descriptor.create-directory-at [method]descriptor.get-flags "
        "[method]descriptor.get-type [method]descriptor.is-same-object "
        "[method]descriptor.link-at [method]descriptor.metadata-hash "
        "[method]descriptor.metadata-hash-at [method]descriptor.open-at "
        "[method]descriptor.read [method]descriptor.read-directory "
        "[method]descriptor.read-via-stream [method]descriptor.readlink-at "
        "[method]descriptor.remove-directory-at [method]descriptor.rename-at "
        "[method]descriptor.set-size [method]descriptor.set-times "
        "[method]descriptor.set-times-at [method]descriptor.stat [method]descriptor.stat-at "
        "[method]descriptor.symlink-at [method]descriptor.sync [method]descriptor.sync-data "
        "[method]descriptor.unlink-file-at [method]descriptor.write "
        "[method]descriptor.write-via-stream "
        "[method]directory-entry-stream.read-directory-entry filesystem-error-code"
    ),
    "wasi:io/error": "[method]error.to-debug-string",
    "wasi:io/poll": "[method]pollable.block [method]pollable.ready poll",
    "wasi:io/streams": (
        "[method]input-stream.blocking-read [method]input-stream.blocking-skip "
        "[method]input-stream.read [method]input-stream.skip [method]input-stream.subscribe "
        "[method]output-stream.blocking-flush [method]output-stream.blocking-splice "
        "[method]output-stream.blocking-write-and-flush "
        "[method]output-stream.blocking-write-zeroes-and-flush "
        "[method]output-stream.check-write [method]output-stream.flush "
        "[method]output-stream.splice [method]output-stream.subscribe "
        "[method]output-stream.write [method]output-stream.write-zeroes"
    ),
    "wasi:random/insecure": "get-insecure-random-bytes get-insecure-random-u64",
    "wasi:random/insecure-seed": "insecure-seed",
    "wasi:random/random": "get-random-bytes get-random-u64",
    "wasi:sockets/instance-network": "instance-network",
    "wasi:sockets/ip-name-lookup": (
        "[method]resolve-address-stream.resolve-next-address "
        "[method]resolve-address-stream.subscribe resolve-addresses"
    ),
    "wasi:sockets/network": "",
    "wasi:sockets/tcp": (
        "[method]tcp-socket.accept [method]tcp-socket.address-family "
        "[method]tcp-socket.finish-bind [method]tcp-socket.finish-connect "
        "[method]tcp-socket.finish-listen [method]tcp-socket.hop-limit "
        "[method]tcp-socket.is-listening [method]tcp-socket.keep-alive-count "
        "[method]tcp-socket.keep-alive-enabled [method]tcp-socket.keep-alive-idle-time "
        "[method]tcp-socket.keep-alive-interval [method]tcp-socket.local-address "
        "[method]tcp-socket.receive-buffer-size [method]tcp-socket.remote-address "
        "[method]tcp-socket.send-buffer-size [method]tcp-socket.set-hop-limit "
        "[method]tcp-socket.set-keep-alive-count [method]tcp-socket.set-keep-alive-enabled "
        "[method]tcp-socket.set-keep-alive-idle-time "
        "[method]tcp-socket.set-keep-alive-interval "
        "[method]tcp-socket.set-listen-backlog-size "
        "[method]tcp-socket.set-receive-buffer-size [method]tcp-socket.set-send-buffer-size "
        "[method]tcp-socket.shutdown [method]tcp-socket.start-bind "
        "[method]tcp-socket.start-connect [method]tcp-socket.start-listen "
        "[method]tcp-socket.subscribe"
    ),
    "wasi:sockets/tcp-create-socket": "create-tcp-socket",
    "wasi:sockets/udp": (
        "[method]incoming-datagram-stream.receive [method]incoming-datagram-stream.subscribe "
        "[method]outgoing-datagram-stream.check-send [method]outgoing-datagram-stream.send "
        "[method]outgoing-datagram-stream.subscribe [method]udp-socket.address-family "
        "[method]udp-socket.finish-bind [method]udp-socket.local-address "
        "[method]udp-socket.receive-buffer-size [method]udp-socket.remote-address "
        "[method]udp-socket.send-buffer-size [method]udp-socket.set-receive-buffer-size "
        "[method]udp-socket.set-send-buffer-size [method]udp-socket.set-unicast-hop-limit "
        "[method]udp-socket.start-bind [method]udp-socket.stream [method]udp-socket.subscribe "
        "[method]udp-socket.unicast-hop-limit"
    ),
    "wasi:sockets/udp-create-socket": "create-udp-socket",
}

FUNCTIONS: Mapping[str, frozenset[str]] = {
    interface: frozenset(words.split()) for interface, words in _WORDS.items()
}
"""By the name of an interface, without its version."""

OPTIONS: Mapping[str, str] = {
    "wasi:http": "-S http",
    "wasi:config": "-S config",
    "wasi:keyvalue": "-S keyvalue",
    "wasi:tls": "-S tls",
}
"""What switches on the interfaces of a package that a command does not have by default."""

WITHOUT_METHODS: Mapping[str, frozenset[str]] = {
    "wasi:cli/terminal-input": frozenset(("terminal-input",)),
    "wasi:cli/terminal-output": frozenset(("terminal-output",)),
    "wasi:sockets/network": frozenset(("network",)),
}
"""Resources that the names of an interface's functions do not show."""


def resources_of(functions: Iterable[str]) -> frozenset[str]:
    """The resources that these functions belong to: `tensor` of `[method]tensor.data`."""
    return frozenset(
        name.partition("]")[2].partition(".")[0] for name in functions if name.startswith("[")
    )
