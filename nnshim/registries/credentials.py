"""Credentials for a registry, from docker's config file, which `docker login` and others write.

https://docs.docker.com/reference/cli/docker/login/,
https://github.com/docker/docker-credential-helpers
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from typing import Any, NamedTuple

from rewriter.errors import InputError, OutputError

__all__ = ["Credentials", "credentials_for"]

_DOCKER = ("docker.io", "index.docker.io", "registry-1.docker.io")
"""Names of the same registry."""

_HELPER_TIMEOUT = 60
"""Seconds. A helper may ask a service, or the user."""

_NOT_FOUND = b"credentials not found"
"""How the messages of helpers begin that have none for a registry."""


class Credentials(NamedTuple):
    """A user with a password, or a token that stands for both (`is_token`)."""

    user: str
    secret: str
    is_token: bool = False

    def __repr__(self) -> str:
        return "Credentials(...)"

    @property
    def basic(self) -> str:
        """The value of a header `Authorization`."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


def credentials_for(host: str, error: type[InputError | OutputError]) -> Credentials | None:
    """The credentials for a registry, None if there are none.

    Raises `error` (NN023), without anything that is secret, for a config file that cannot be read,
    and for a helper that is missing or fails.
    """
    folder = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    path = os.path.join(folder, "config.json")
    try:
        with open(path, "rb") as file:
            config = json.load(file)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise error(f"cannot read {path}: {problem.strerror}", "NN023") from problem
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise error(f"cannot read {path}: it is not a JSON object", "NN023") from None
    helpers = config.get("credHelpers")
    helper = helpers.get(host) if isinstance(helpers, dict) else None
    helper = helper or config.get("credsStore")
    if helper:
        return _from_helper(helper, host, path, error)
    entries = config.get("auths")
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        if _is_for(key, host) and isinstance(entry, dict) and entry:
            return _from_entry(entry, f"{path}: the entry for {host}", error)
    return None


def _is_for(key: str, host: str) -> bool:
    """Whether a key of `auths` is for a registry; old ones are addresses."""
    name = re.sub(r"^https?://", "", key).partition("/")[0]
    return name == host or (name in _DOCKER and host in _DOCKER)


def _from_entry(
    entry: dict[str, Any], where: str, error: type[InputError | OutputError]
) -> Credentials:
    token, auth = entry.get("identitytoken"), entry.get("auth")
    if token and isinstance(token, str):
        return Credentials("", token, is_token=True)
    user, secret = entry.get("username"), entry.get("password")
    if auth and isinstance(auth, str):
        try:
            user, _, secret = base64.b64decode(auth, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise error(f"{where} has an `auth` that is not base64", "NN023") from None
    if isinstance(user, str) and isinstance(secret, str):
        return Credentials(user, secret.rstrip("\0"))
    raise error(f"{where} has no user and password", "NN023")


def _from_helper(
    helper: object, host: str, path: str, error: type[InputError | OutputError]
) -> Credentials | None:
    """What `docker-credential-HELPER get` prints. Its output and its messages are not shown."""
    if not isinstance(helper, str) or not re.fullmatch(r"[A-Za-z0-9_.-]+", helper):
        raise error(f"{path}: the name of a credential helper is not valid", "NN023")
    command = f"docker-credential-{helper}"
    asked = "https://index.docker.io/v1/" if host in _DOCKER else host
    try:
        done = subprocess.run(
            [command, "get"],
            input=asked.encode(),
            capture_output=True,
            check=False,
            timeout=_HELPER_TIMEOUT,
        )
    except FileNotFoundError:
        raise error(f"{command}, which {path} names, is not installed", "NN023") from None
    except subprocess.TimeoutExpired:
        raise error(f"{command} did not answer within {_HELPER_TIMEOUT} s", "NN023") from None
    except OSError as problem:
        raise error(f"cannot start {command}: {problem.strerror}", "NN023") from problem
    if done.returncode and done.stdout.strip().lower().startswith(_NOT_FOUND):
        return None
    try:
        found = json.loads(done.stdout) if not done.returncode else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise error(f"{command} failed (exit code {done.returncode})", "NN023")
    user, secret = found.get("Username"), found.get("Secret")
    if not (isinstance(user, str) and isinstance(secret, str)):
        raise error(f"{command} printed no user and secret", "NN023")
    return Credentials(user, secret, is_token=user == "<token>")
