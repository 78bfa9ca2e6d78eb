"""Debian's docker-registry, and skopeo, which reads and writes there."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.ports import closed_port
from tests.support.processes import wait_for

__all__ = ["Running", "answers", "running", "skopeo"]


class Running(NamedTuple):
    host: str
    config: Path
    """The folder for DOCKER_CONFIG, where nobody is logged in."""

    def reference(self, tag: str, name: str = "some/guest") -> str:
        return f"oci://{self.host}/{name}:{tag}"


def skopeo(*arguments: str) -> bytes:
    done = subprocess.run(["skopeo", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def running(folder: Path, login: tuple[str, str] | None = None) -> Iterator[Running]:
    """A registry that has its files in a folder, and requires this user and password."""
    with closed_port() as port:
        yield from _running(port, folder, login)


def _running(port: int, folder: Path, login: tuple[str, str] | None) -> Iterator[Running]:
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if login is not None:
        htpasswd = ["htpasswd", "-Bbn", *login]
        users = subprocess.run(htpasswd, check=True, capture_output=True).stdout
        (folder / "users").write_bytes(users)
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "users")}}
    (folder / "config.yml").write_text(json.dumps(config))
    docker = folder / "docker"
    docker.mkdir()
    command = ["docker-registry", "serve", str(folder / "config.yml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: answers(port))
            yield Running(f"127.0.0.1:{port}", docker)
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
