"""The command in a process of its own that has its imports behind it, in a tenth of the time.

    python tests/support/forked.py ADDRESS            serves at the address of a socket
    python -IS tests/support/forked.py ADDRESS ARGS   runs `nnshim ARGS` there: its streams, its
                                                      folder, its exit code or signal are this one's

A process is forked for each command, before which only modules were imported and no thread was
started. Knows nothing of tests, so that it runs with an nnshim from a wheel.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import contextmanager, suppress
from importlib import import_module
from io import BufferedWriter, FileIO, TextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["forked"]


@contextmanager
def forked(folder: Path, env: Mapping[str, str]) -> Iterator[list[str]]:
    """A command that does what `nnshim` does in that environment."""
    import subprocess

    address = str(folder / "socket")
    with subprocess.Popen(
        [sys.executable, __file__, address],
        env={**env, "OPENBLAS_NUM_THREADS": "1"},  # NumPy would start threads
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield [sys.executable, "-IS", __file__, address]
        finally:
            os.killpg(server.pid, 9)


def _serve(address: str) -> None:
    for name in ("numpy", "runtime_shim.components.run", "runtime_shim.engine.embedding"):
        import_module(name)
    import_module("nnshim.cli").build(["run"])
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    assert os.listdir("/proc/self/task") == [str(os.getpid())]
    print("ready", flush=True)
    while True:
        asking, _ = listening.accept()
        if os.fork() == 0:
            _answer(asking)
        asking.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _answer(asking: socket.socket) -> None:
    """Fork once more, and say how that one has ended."""
    data, streams, _, _ = socket.recv_fds(asking, 1 << 16, 3)
    pid = os.fork()
    if pid == 0:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdout = sys.__stdout__ = _text(1)  # type: ignore[misc]  # which Python keeps open
        sys.stderr = sys.__stderr__ = _text(2)  # type: ignore[misc]  # as well
        folder, *sys.argv = data.decode().split("\0")
        os.chdir(folder)
        from nnshim.__main__ import main

        main()
    asking.sendall(b"%d" % os.waitpid(pid, 0)[1])
    os._exit(0)


def _text(fd: int) -> TextIOWrapper:
    return TextIOWrapper(BufferedWriter(FileIO(fd, "w", closefd=False)), line_buffering=fd == 2)


def _ask(address: str, arguments: list[str]) -> None:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(address)
        data = "\0".join([os.getcwd(), "nnshim", *arguments]).encode()
        socket.send_fds(asking, [data], [0, 1, 2])
        code = os.waitstatus_to_exitcode(int(asking.recv(100)))
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    if sys.argv[2:]:
        _ask(sys.argv[1], sys.argv[2:])
    _serve(sys.argv[1])
