"""Whatever happens to the files of a rewrite, there is the old one or the new one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rewriter import InputError, NNShimError, OutputError, RewriteOptions, rewrite, rewrite_file
from rewriter.files import wasm_tools
from rewriter.files.input import open_source
from tests.support.wasm import custom, import_module

OLD = import_module("wasi_ephemeral_nn")
NEW = rewrite(OLD, RewriteOptions(validate=False))
OTHER = b"what stood there before"


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class Case(NamedTuple):
    """What is made of a folder that has in.wasm and out.wasm in it; the paths that are rewritten
    from and to; what then has the new module, and what went wrong."""

    arrange: Callable[[Path], object] = lambda folder: None
    source: str = "in.wasm"
    output: str = "out.wasm"
    new: str = "out.wasm"
    error: str | None = None


def links(folder: Path) -> None:
    (folder / "soft").symlink_to("out.wasm")
    (folder / "far").symlink_to("soft")
    os.link(folder / "out.wasm", folder / "hard")
    os.link(folder / "in.wasm", folder / "in.hard")
    (folder / "in.soft").symlink_to("in.wasm")
    (folder / "dangling").symlink_to("made.wasm")
    (folder / "circle").symlink_to("circle")
    (folder / "here").symlink_to(".")


CASES = {
    "another file": Case(),
    "a new file": Case(output="made.wasm", new="made.wasm"),
    "in place": Case(output="in.wasm", new="in.wasm"),
    "in place by another path": Case(links, output="here/in.wasm", new="in.wasm"),
    "in place through a symbolic link": Case(links, output="in.soft", new="in.wasm"),
    "from a symbolic link in place": Case(links, "in.soft", "in.wasm", "in.wasm"),
    "to a symbolic link": Case(links, output="soft"),
    "to a link to a link": Case(links, output="far"),
    "to a link to what is not there": Case(links, output="dangling", new="made.wasm"),
    "to a link to itself": Case(links, output="circle", error="symbolic links"),
    "to one of two names": Case(links, output="hard", new="hard"),
    "to another name of the input": Case(links, output="in.hard", new="in.hard"),
    "a name as long as names can be": Case(output="m" * 255, new="m" * 255),
    "a longer one": Case(output="m" * 256, error="File name too long"),
    "a folder that is missing": Case(output="missing/out.wasm", error="No such file or directory"),
    "a folder": Case(lambda folder: (folder / "it").mkdir(), output="it", error="Is a directory"),
    "below a file": Case(output="out.wasm/it", error="Not a directory"),
    "an input that is missing": Case(source="missing", error="No such file or directory"),
    "an input that is a folder": Case(source=".", error="it is a folder"),
    "an empty input": Case(lambda f: (f / "in.wasm").write_bytes(b""), error="the file is empty"),
}


@pytest.mark.parametrize("name", CASES)
def test_there_is_the_new_file_or_an_error_and_the_old_one(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    (tmp_path / "in.wasm").write_bytes(OLD)
    (tmp_path / "out.wasm").write_bytes(OTHER)
    case.arrange(tmp_path)
    before = names(tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    source, output = str(tmp_path / case.source), str(tmp_path / case.output)
    if case.error is not None:
        with pytest.raises(NNShimError, match=case.error):
            rewrite_file(source, output, RewriteOptions(validate=False))
        assert {path: path.read_bytes() for path in files} == files
        assert names(tmp_path) == before
        return
    rewrite_file(source, output, RewriteOptions(validate=False))
    assert names(tmp_path) == before | {case.new}
    changed = tmp_path / case.new
    assert changed.read_bytes() == NEW
    assert not changed.is_symlink()
    for path, content in files.items():
        if path.resolve() != changed.resolve():
            assert path.read_bytes() == content


@contextlib.contextmanager
def as_somebody_else(folder: Path) -> Iterator[None]:
    """As a user that may do less than root, and can go as far as the folder."""
    if os.geteuid() != 0:
        yield
        return
    above = [path for path in folder.parents if not path.stat().st_mode & stat.S_IXOTH]
    modes = [path.stat().st_mode for path in above]
    for path in above:
        path.chmod(0o711)
    os.chown(folder, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, mode in zip(above, modes, strict=True):
            path.chmod(mode)


@pytest.mark.parametrize(
    ("mode", "of", "error"),
    [
        (0o555, ".", OutputError),
        (0o000, "in.wasm", InputError),
    ],
)
def test_without_permission_nothing_changes(
    tmp_path: Path, mode: int, of: str, error: type[NNShimError]
) -> None:
    (tmp_path / "in.wasm").write_bytes(OLD)
    (tmp_path / "out.wasm").write_bytes(OTHER)
    (tmp_path / of).chmod(mode)
    with as_somebody_else(tmp_path), pytest.raises(error, match="Permission denied"):
        rewrite_file(
            str(tmp_path / "in.wasm"), str(tmp_path / "out.wasm"), RewriteOptions(validate=False)
        )
    assert (tmp_path / "out.wasm").read_bytes() == OTHER
    assert names(tmp_path) == {"in.wasm", "out.wasm"}


def test_a_folder_that_can_be_written_to_and_not_be_read_is_enough(tmp_path: Path) -> None:
    (tmp_path / "in.wasm").write_bytes(OLD)
    tmp_path.chmod(0o300)
    with as_somebody_else(tmp_path):
        rewrite_file(
            str(tmp_path / "in.wasm"), str(tmp_path / "out.wasm"), RewriteOptions(validate=False)
        )
    tmp_path.chmod(0o700)
    assert (tmp_path / "out.wasm").read_bytes() == NEW


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A folder with room for 64 KiB, or, where none can be mounted, files of no more."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)],
        capture_output=True,
        check=False,
    ).returncode
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, limits[1]))
    try:
        yield disk
    finally:
        if mounted:
            subprocess.run(["umount", str(disk)], check=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    source = tmp_path / "in.wasm"
    source.write_bytes(OLD + custom("large", bytes(100_000)))
    with small_disk(tmp_path) as disk:
        (disk / "out.wasm").write_bytes(OTHER)
        with pytest.raises(OutputError, match=r"No space left on device|File too large"):
            rewrite_file(str(source), str(disk / "out.wasm"), RewriteOptions(validate=False))
        assert (disk / "out.wasm").read_bytes() == OTHER
        assert names(disk) == {"out.wasm"}


KILLS = 300
LARGE = OLD + custom("large", bytes(1 << 20))
LARGE_FORMS = {LARGE, rewrite(LARGE, RewriteOptions(validate=False))}


def forked(work: Callable[[], object]) -> int:
    """A process that does some work, and ends with 0 if it went well."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - of a fork, nothing may come back
        os.write(2, repr(error).encode())
        os._exit(1)


def there_and_back(path: str, times: int) -> None:
    for index in range(times):
        to = ("wasi_nn", "wasi_ephemeral_nn")[index % 2]
        rewrite_file(path, path, RewriteOptions(to=to, validate=False))


def test_killed_at_any_moment_it_leaves_one_of_both_and_the_next_run_cleans_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "in.wasm"
    path.write_bytes(LARGE)
    choose = random.Random(0)
    left = 0
    for _ in range(KILLS):
        ready, begun = os.pipe()

        def work(begun: int = begun) -> None:
            os.write(begun, b"!")
            there_and_back(str(path), 1000)

        pid = forked(work)
        assert os.read(ready, 1) == b"!"
        os.close(ready)
        os.close(begun)
        time.sleep(choose.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert path.read_bytes() in LARGE_FORMS
        left = max(left, len(names(tmp_path)) - 1)
    assert left == 1  # one was killed while it wrote, and another has removed what it left
    there_and_back(str(path), 2)
    assert names(tmp_path) == {"in.wasm"}


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "in.wasm"
    path.write_bytes(LARGE)
    pids = [forked(lambda: there_and_back(str(path), 100)) for _ in range(4)]
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    assert path.read_bytes() in LARGE_FORMS
    assert names(tmp_path) == {"in.wasm"}


def test_what_another_has_locked_is_not_removed(tmp_path: Path) -> None:
    used, unused = tmp_path / ".nnshim-1", tmp_path / ".nnshim-2"
    unused.write_bytes(b"")
    (tmp_path / "in.wasm").write_bytes(OLD)
    with used.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        there_and_back(str(tmp_path / "in.wasm"), 1)
    assert names(tmp_path) == {"in.wasm", ".nnshim-1"}


def test_an_input_that_is_cut_off_meanwhile_is_still_whole(tmp_path: Path) -> None:
    """Whoever wants to change it has to wait, where the file system has leases."""
    path = tmp_path / "in.wasm"
    path.write_bytes(OLD)
    with open_source(str(path)) as source:
        writer = subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'wb')"])
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(1)
        assert bytes(source.data) == OLD
    assert writer.wait() == 0
    assert path.read_bytes() == b""


def test_what_is_validated_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.wasm"
    path.write_bytes(OLD)
    with open_source(str(path)) as source:
        (tmp_path / "other").write_bytes(b"no module")
        os.replace(tmp_path / "other", path)
        wasm_tools.validate(source.for_validation)


def test_an_input_that_is_being_written_is_taken_as_it_was_once(tmp_path: Path) -> None:
    path = tmp_path / "in.wasm"
    path.write_bytes(LARGE)
    with path.open("r+b") as writer, open_source(str(path)) as source:
        writer.truncate(0)
        assert source.data == LARGE  # mapped, it would end the process


def test_an_input_that_is_cut_off_and_written_again_and_again_is_an_error_or_whole(
    tmp_path: Path,
) -> None:
    path, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    path.write_bytes(LARGE)
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            path.write_bytes(LARGE[: 1 << 19])
            path.write_bytes(LARGE)

    pid = forked(change)
    try:
        outcomes: set[bool | None] = set()
        for _ in range(100):
            try:
                rewrite_file(str(path), str(output), RewriteOptions(validate=False))
                outcomes.add(output.read_bytes() in LARGE_FORMS)
            except NNShimError:
                outcomes.add(None)
        assert outcomes <= {True, None}
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert names(tmp_path) <= {"in.wasm", "out.wasm"}


@pytest.mark.parametrize("output", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"])
def test_standard_output_is_written_straight_to(tmp_path: Path, output: str) -> None:
    source, target = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(OLD)
    command = [sys.executable, "-m", "nnshim", "rewrite", "--no-validate", str(source), output]
    through_pipe = subprocess.run(command, capture_output=True, check=True).stdout
    with target.open("wb") as file:
        inode = target.stat().st_ino
        subprocess.run(command, stdout=file, check=True)
    assert through_pipe == target.read_bytes() == NEW
    assert target.stat().st_ino == inode


def test_shared_memory_is_a_folder_as_any() -> None:
    path = Path(f"/dev/shm/nnshim-test-{os.getpid()}.wasm")
    try:
        path.write_bytes(LARGE)
        there_and_back(str(path), 1)
        assert path.read_bytes() in LARGE_FORMS
        assert path.read_bytes() != LARGE
    finally:
        path.unlink()
