"""What files are checked for: the options of `nnshim check`, as one value."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from nnshim.config.by_path import ByPath
from rewriter.errors import UsageError
from rewriter.hosts.table import find_hosts, is_profile

if TYPE_CHECKING:
    from rewriter.hosts.table import Chosen
    from rewriter.models.model import Model
    from rewriter.policy.policy import Policy

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The rules by which files are judged. Another process takes it, too, and finds the hosts by
    their names: the rows of hosts are compared by identity.

    `hosts` is not empty. `accept` has codes that do not count, and `accept_by_path` those of some
    files. With `only_wasi_nn`, files that do not use wasi-nn have nothing to do even if they are
    named themselves. `policy` is what the files may ask for. With `digests`, each report has the
    file's SHA-256. With `fix`, which is for one host, files are rewritten in place; with `diff`,
    too, what that would change is only shown.
    """

    hosts: tuple[Chosen, ...]
    models: Sequence[Model] = ()
    guest_abi: str | None = None
    explain: bool = False
    strict: bool = False
    accept: frozenset[str] = frozenset()
    accept_by_path: ByPath = field(default_factory=ByPath)
    policy: Policy | None = None
    validate: bool = True
    digests: bool = False
    only_wasi_nn: bool = False
    fix: bool = False
    diff: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        rest = {field.name: getattr(self, field.name) for field in fields(self)}
        return _again, ([host.name for host in rest.pop("hosts")], rest)

    @property
    def travels(self) -> bool:
        """Whether another process can make these from the names: not where a profile is a pipe."""
        profiles = [host.name for host in self.hosts if is_profile(host.name)]
        return all(map(os.path.isfile, profiles))

    def for_cluster(self) -> Settings:
        """The same for other machines. Raises UsageError for what these do not have."""
        profile = next((host.name for host in self.hosts if is_profile(host.name)), None)
        if profile is not None:
            raise UsageError(f"{profile}: a profile is a file, which --workers does not send along")
        if self.fix:
            raise UsageError("--fix and --diff are about files here, so --workers cannot do them")
        return replace(self, accept_by_path=self.accept_by_path.elsewhere())


def _again(hosts: Sequence[str], rest: dict[str, Any]) -> Settings:
    return Settings(tuple(map(find_hosts, hosts)), **rest)
