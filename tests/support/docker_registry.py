"""Debian's docker-registry, and skopeo, which reads and writes there."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Running", "free_port", "running", "skopeo", "wait_for"]


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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def running(folder: Path, login: tuple[str, str] | None = None) -> Iterator[Running]:
    """A registry that has its files in a folder, and requires this user and password."""
    port = free_port()
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
            wait_for(port)
            yield Running(f"127.0.0.1:{port}", docker)
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("docker-registry has not started")
