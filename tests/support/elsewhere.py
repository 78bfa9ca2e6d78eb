"""nnshim as it is started on macOS or Windows, as far as names go that Linux alone has.

    python -m tests.support.elsewhere macos|windows [COMMAND...]

The names that Python lacks there are removed before anything of nnshim is imported, and what
Windows refuses is refused: files that are open are not replaced or removed, a file that is opened
as text gets other line ends, and so does text. What else differs there is not seen by this.

https://docs.python.org/3/library/os.html (availability), https://github.com/python/typeshed
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import runpy
import sys
import sysconfig
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_LINUX = {
    "fcntl": "F_SETSIG F_GETSIG F_SETLEASE F_GETLEASE F_NOTIFY F_SETPIPE_SZ F_GETPIPE_SZ"
    " F_ADD_SEALS F_GET_SEALS F_OFD_SETLK F_OFD_SETLKW F_OFD_GETLK",
    "os": "O_DIRECT O_LARGEFILE O_NOATIME O_PATH O_TMPFILE O_RSYNC copy_file_range eventfd"
    " getrandom getresgid getresuid getxattr listxattr memfd_create pidfd_open pipe2 posix_fadvise"
    " posix_fallocate preadv pwritev removexattr sched_getaffinity sched_getparam"
    " sched_getscheduler sched_setaffinity setresgid setresuid setxattr splice unshare",
    "select": "epoll",
    "signal": "SIGCLD SIGPOLL SIGPWR SIGRTMAX SIGRTMIN SIGSTKFLT pthread_sigmask sigtimedwait"
    " sigwaitinfo",
}
"""Names that macOS lacks."""

_POSIX = {
    "os": "O_ACCMODE O_ASYNC O_CLOEXEC O_DIRECTORY O_DSYNC O_NDELAY O_NOCTTY O_NOFOLLOW O_NONBLOCK"
    " O_SYNC chown chroot ctermid fchdir fchmod fchown fdatasync fork forkpty fstatvfs getegid"
    " geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getsid getuid killpg lchown"
    " lockf major makedev minor mkfifo mknod nice openpty pathconf posix_spawn posix_spawnp pread"
    " pwrite readv sendfile setegid seteuid setgid setgroups setpgid setpriority setregid setreuid"
    " setsid setuid statvfs sync sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid"
    " writev",
    "select": "poll",
    "signal": "ITIMER_REAL SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGPROF"
    " SIGQUIT SIGSTOP SIGSYS SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM"
    " SIGWINCH SIGXCPU SIGXFSZ alarm getitimer pause pthread_kill setitimer siginterrupt"
    " sigpending sigwait",
    "socket": "AF_UNIX CMSG_LEN SCM_RIGHTS socketpair",
}
"""Names that Windows lacks besides."""

_POSIX_MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")

_BEFORE = ("_pyio", "shutil", "socket", "subprocess", "tempfile", "typer", "urllib.request")
"""What takes the names above from the standard library on Linux, or others elsewhere."""

_BINARY = 1 << 40
"""O_BINARY: a bit that Linux has no use for."""


def become(system: str) -> None:
    """Take away what `macos` or `windows` lacks."""
    if system not in ("macos", "windows"):
        raise ValueError(system)
    for name in _BEFORE:
        importlib.import_module(name)
    sysconfig.get_config_vars()  # from a file that has the name of the system
    for name in [*sys.modules]:  # tests/__init__.py has imported some of it
        if name.partition(".")[0] in ("nnshim", "rewriter", "runtime_shim"):
            del sys.modules[name]
    _remove(_LINUX)
    sys.platform = "darwin" if system == "macos" else "win32"
    if system == "windows":
        for name in _POSIX_MODULES:
            sys.modules[name] = None  # type: ignore[assignment]  # an import of it fails
        _remove(_POSIX)
        _refuse()
        _end_lines_otherwise()


_KEPT: list[Any] = []
"""Streams that would be closed with the last name for them."""


def _end_lines_otherwise() -> None:
    """Have text end its lines as on Windows, unless it is told not to; Python's own implementation
    of it looks at os.linesep, that in C does not."""
    os.linesep = "\r\n"
    wrapper = importlib.import_module("_pyio").TextIOWrapper
    io.TextIOWrapper = wrapper  # type: ignore[misc]  # a class
    for name in ("stdout", "stderr"):
        stream = wrapper(getattr(sys, name).detach())
        _KEPT.append(stream)
        setattr(sys, name, stream)


def _remove(names: dict[str, str]) -> None:
    for module, text in names.items():
        for name in text.split():
            with suppress(AttributeError):  # as some Python on Linux lacks it, too
                delattr(importlib.import_module(module), name)


def _refuse() -> None:
    """Have files behave as Windows's do."""
    for name in ("replace", "rename", "remove", "unlink"):
        setattr(os, name, _not_open(getattr(os, name)))
    os_open = os.open

    def open_(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        if path != os.devnull and not flags & _BINARY:
            raise AssertionError(f"{path} is opened as text: O_BINARY is missing")
        return os_open(path, flags & ~_BINARY, *rest, **named)

    os.open = open_
    os.O_BINARY = _BINARY  # type: ignore[attr-defined]  # as on Windows


def _not_open(change: Callable[..., None]) -> Callable[..., None]:
    def changed(*paths: str, **named: Any) -> None:
        for path in filter(os.path.exists, paths):
            for fd in os.listdir("/proc/self/fd"):
                with suppress(FileNotFoundError):
                    if os.path.samefile(f"/proc/self/fd/{fd}", path):
                        raise PermissionError(errno.EACCES, "it is used by a process", path)
        change(*paths, **named)

    return changed


if __name__ == "__main__":
    _, chosen, *arguments = sys.argv
    become(chosen)
    sys.argv = ["nnshim", *arguments]
    runpy.run_module("nnshim", run_name="__main__")
