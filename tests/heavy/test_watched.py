"""What the process opens, connects to or starts while guests and models do their worst, as strace
sees it. Needs strace."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.homes import watched_home
from tests.tools.mutations import MODELS

CALLS = (
    *("?open", "openat", "?openat2", "?creat", "?unlink", "unlinkat", "?rename", "?renameat"),
    *("?renameat2", "?mkdir", "mkdirat", "?symlink", "symlinkat", "?link", "linkat", "truncate"),
    *("socket", "connect", "bind", "execve", "?execveat", "?io_uring_setup"),
)
"""Those of the system that reach for anything outside of a process; `?` where not every machine has
it."""

START, END = "/marks/start", "/marks/end"

READ_BY_LIBRARIES = (
    *(sys.prefix, sys.base_prefix, "/usr/lib/", "/lib/", "/etc/ld.so.cache"),
    *("/proc/", "/sys/", str(Path(__file__).parents[2])),
)
"""Where Python and NN runtimes have their own modules, and what they ask about the machine."""

MARK = """
import contextlib, os

def mark(name):
    with contextlib.suppress(OSError):
        os.unlink(name)
"""

GUESTS = f"""{MARK}
from rewriter.abi.dialects import DIALECTS, Errno
from runtime_shim import NNHost
from tests.support.guest import DATA, HANDLE, Guest
from tests.runtime_shim.engine.test_hostile import test_every_call_gets_an_errno

def make_calls():  # as one ABI of each implementation
    for dialect in {{each.implementation: name for name, each in DIALECTS.items()}}.values():
        for plain in (True, False):
            test_every_call_gets_an_errno(dialect, plain)

make_calls()  # which imports the NN runtimes that are asked for
mark({START!r})
make_calls()
guest = Guest(NNHost())
for name in (b"/etc/passwd", b"../../../../etc/passwd", b"http://127.0.0.1/model", b"."):
    guest.put(DATA, name)
    assert guest.load_by_name(DATA, len(name), HANDLE) == Errno.NOT_FOUND
mark({END!r})
"""

NAMING = f"""{MARK}
from rewriter.abi.dialects import Encoding, Errno, Target
from runtime_shim.backends import import_backend
from runtime_shim.errors import HostError
from tests.support.models import identity, with_external_data

for encoding in (Encoding.ONNX, Encoding.OPENVINO):
    backend = import_backend(encoding)
    backend.load([identity()], Target.CPU, {{}})
    mark({START!r})
    for location in ("/etc/passwd", "../../../../etc/passwd", "setup.cfg", "/dev/zero"):
        try:
            backend.load([with_external_data(location)], Target.CPU, {{}})
        except HostError as error:
            assert error.errno is Errno.INVALID_ARGUMENT, error
            continue
        raise SystemExit(f"{{location}} was loaded")
    mark({END!r})
"""

BROKEN = f"""{MARK}
import random, sys
from rewriter.abi.dialects import Target
from runtime_shim.backends import import_backend
from runtime_shim.backends.interface import guarded
from runtime_shim.errors import HostError
from tests.tools.mutations import MODELS, mutated

encoding, make, (tensor_type, shape, data) = MODELS[sys.argv[1]]
backend, parts, choose = import_backend(encoding), make(), random.Random(1)

def run(parts):
    context = guarded(guarded(backend.load, parts, Target.CPU, {{}}).init_execution_context)
    guarded(context.set_input, 0, tensor_type, shape, memoryview(data))
    guarded(context.compute)
    guarded(context.get_output, 0)

def run_broken():
    place = choose.randrange(len(parts))
    try:
        run([mutated(p, choose) if index == place else p for index, p in enumerate(parts)])
    except HostError:
        return False
    return True

run(parts)
while run_broken():
    pass
mark({START!r})
print(sum(run_broken() for _ in range(200)))
mark({END!r})
"""


OWN_FOLDER = 'openat(AT_FDCWD, ".", '
"""Where Python looks for modules of a program given by -c, once for each that it imports late."""


def traced(tmp_path: Path, code: str, *arguments: str) -> list[str]:
    """The system calls of a Python program."""
    log = tmp_path / "log"
    watch = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "signal=none", "-o", str(log)]
    done = subprocess.run(
        [*watch, "-e", f"trace={','.join(CALLS)}", sys.executable, "-c", code, *arguments],
        env=watched_home(tmp_path),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return log.read_text().splitlines()


def reached(tmp_path: Path, code: str, *arguments: str) -> list[str]:
    """The system calls between the marks."""
    found, inside = [], False
    for line in traced(tmp_path, code, *arguments):
        if START in line or END in line:
            assert inside is (END in line)
            inside = not inside
        elif inside and "resumed>" not in line and OWN_FOLDER not in line:
            found.append(line)
    assert not inside
    return found


def is_reading(line: str) -> bool:
    """Whether a file is opened that belongs to what runs here."""
    found = re.search(
        r'open(?:at2?)?\((?:(?:AT_FDCWD|-1), )?"([^"]*)", (?:\{flags=)?([A-Z_|]+)', line
    )
    return (
        found is not None
        and not re.search("O_WRONLY|O_RDWR|O_CREAT", found[2])
        and found[1].startswith(READ_BY_LIBRARIES)
    )


@pytest.mark.parametrize("code", [GUESTS, NAMING], ids=["hostile guests", "models that name files"])
def test_nothing_is_opened_for_a_guest(tmp_path: Path, code: str) -> None:
    assert [line for line in reached(tmp_path, code) if not is_reading(line)] == []


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_opened_for_a_broken_model(tmp_path: Path, name: str) -> None:
    assert [line for line in reached(tmp_path, BROKEN, name) if not is_reading(line)] == []


DOCTOR = """
from runtime_shim.backends.openvino import start as openvino_start
from runtime_shim.diagnostics.doctor import examine
if {fallback}: openvino_start.RELEASES = ("none that is known",)
assert all(report.works for report in examine())
"""


@pytest.mark.parametrize("fallback", [False, True])
def test_no_nn_runtime_connects_to_anything(tmp_path: Path, fallback: bool) -> None:
    calls = traced(tmp_path, DOCTOR.format(fallback=fallback))
    assert [line for line in calls if "socket(" in line or "connect(" in line] == []


def test_what_is_opened_is_seen(tmp_path: Path) -> None:
    opening = f"""{MARK}
import socket, subprocess
mark({START!r})
open("/etc/passwd").close()
open("/dev/null", "w").close()
socket.socket().close()
subprocess.run(["true"])
mark({END!r})
"""
    lines = [line for line in reached(tmp_path, opening) if not is_reading(line)]
    for word in ("/etc/passwd", '"/dev/null", O_WRONLY', "socket(AF_INET", "execve("):
        assert any(word in line for line in lines)
